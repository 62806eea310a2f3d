"""The captioner: a convolutional network looks at a picture, a recurrent one writes what it shows."""

import torch
from torch import Tensor, nn

from intro_dl.config.types import Width
from intro_dl.models.layers import image_sides
from intro_dl.tasks import Writer

State = tuple[tuple[Tensor, Tensor] | None, Tensor]  # of the LSTM, at first zero; the features of the picture


class Captioner(Writer):
    """Show and Tell: one picture in, many words out.

    Two deviations: the network that looks is small and learns together with the one that writes, and the
    writer sees the picture before each word. With the picture only as its first state, it did not learn to
    look at it.

    Source: Vinyals et al. (2015), Show and Tell; lecture 001, image captioning.

    Args:
        in_shape: (channels, height, width) of one picture, each side at least 8 pixels.
        vocab_size: V, number of words.
        embedding_size: E, length of the vector of each word.
        hidden_size: H, number of LSTM cells, and of the features of a picture.
        look: False writes without looking: what the captions alone teach.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        vocab_size: int,
        embedding_size: Width = 32,
        hidden_size: Width = 128,
        look: bool = True,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        channels, height, width = image_sides(in_shape, 8, "Captioner")
        if look:
            self.stages = nn.Sequential(
                *stage(channels, 16),  # (B, 16, H/2, W/2)
                *stage(16, 32),  # (B, 32, H/4, W/4)
                *stage(32, 64),  # (B, 64, H/8, W/8)
            )
            self.features = nn.Sequential(
                nn.Flatten(), nn.Linear(64 * (height // 8) * (width // 8), hidden_size), nn.ReLU()
            )
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.lstm = nn.LSTM(embedding_size + hidden_size, hidden_size, batch_first=True)
        self.logits = nn.Linear(hidden_size, vocab_size)

    def read(self, inputs: Tensor) -> State:
        """Return no recurrent state yet, and the features (B, H) of images (B, C, H, W)."""
        if not self.hparams["look"]:
            return None, inputs.new_zeros(len(inputs), self.hparams["hidden_size"])  # (B, H)
        return None, self.features(self.stages(inputs))  # (B, H)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the word after each of the tokens (B, T), and the state after them."""
        last, features = state
        words = self.embedding(tokens)  # (B, T, E)
        picture = features[:, None].expand(-1, tokens.shape[1], -1)  # (B, T, H): the same at each word
        h, last = self.lstm(torch.cat([words, picture], dim=2), last)  # (B, T, H)
        return self.logits(h), (last, features)  # (B, T, V)


def stage(inputs: int, outputs: int) -> list[nn.Module]:
    """Return a 3x3 convolution, batch normalization, the activation, and a pooling that halves the sides."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
