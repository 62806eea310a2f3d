"""LeNet-5: convolve, pool, convolve, pool, then classify."""

from torch import Tensor, nn

from intro_dl.config.types import Fraction
from intro_dl.models.layers import Activation, Pooling, image_sides, make_activation, make_pooling
from intro_dl.tasks import Classifier


class LeNet(Classifier):
    """The convolutional network of LeCun et al. (1998), Fig. 2.

    Simplified as in most lectures: average pooling has no trainable weights, and the second convolution reads
    every feature map of the first. The output is a softmax instead of radial basis functions.
    28x28 images are padded by 2 pixels, to the 32x32 of the paper.

    Args:
        in_shape: (channels, height, width) of one image, each side at least 12 pixels.
        num_classes: number of logits K.
        activation: tanh as in the paper (there scaled), sigmoid, relu, or identity.
        pooling: average as in the paper, or max.
        dropout: probability of zeroing a hidden unit of the head, in [0, 1).
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        num_classes: int,
        activation: Activation = "tanh",
        pooling: Pooling = "average",
        dropout: Fraction = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        channels, height, width = image_sides(in_shape, 12, "LeNet")
        rows, columns = (height // 2 - 4) // 2, (width // 2 - 4) // 2  # 28 -> 5, 32 -> 6

        def g() -> nn.Module:
            return make_activation(activation)

        self.stage1 = nn.Sequential(nn.Conv2d(channels, 6, 5, padding=2), g(), make_pooling(pooling, 2))
        self.stage2 = nn.Sequential(nn.Conv2d(6, 16, 5), g(), make_pooling(pooling, 2))
        self.hidden1 = nn.Sequential(nn.Linear(16 * rows * columns, 120), g(), nn.Dropout(dropout))
        self.hidden2 = nn.Sequential(nn.Linear(120, 84), g(), nn.Dropout(dropout))
        self.logits = nn.Linear(84, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) of images (B, C, H, W)."""
        x = self.stage1(images)  # (B, 6, H/2, W/2)
        x = self.stage2(x)  # (B, 16, rows, columns)
        x = self.hidden1(x.flatten(1))  # (B, 120)
        x = self.hidden2(x)  # (B, 84)
        return self.logits(x)  # (B, K)
