"""A small network that reaches 94 % on CIFAR-10 in ten epochs."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.config.types import Fraction, Positive, SomeWidths
from intro_dl.models.layers import Views, average_views, image_sides
from intro_dl.scratch.whitening import whitening_filters
from intro_dl.tasks import Classifier


class Group(nn.Module):  # convolve, pool, norm, GELU; convolve, norm, GELU
    def __init__(self, n_in: int, n_out: int, identity: bool, bias_speed: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm1, self.norm2 = (nn.BatchNorm2d(n_out, 1e-12, 0.4, affine=False) for _ in range(2))
        for conv in (self.conv1, self.conv2) if identity else ():  # the first maps are those of the input
            nn.init.dirac_(conv.weight[: conv.in_channels].detach())
        self.biases, self.speed = nn.Parameter(torch.zeros(2, n_out, 1, 1)), bias_speed

    def forward(self, x: Tensor) -> Tensor:
        biases = self.speed * self.biases  # SGD changes the product speed^2 times as much
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)) + biases[0])  # (B, n_out, rows, columns)
        return F.gelu(self.norm2(self.conv2(x)) + biases[1])  # (B, n_out, rows, columns)


class Airbench(Classifier):
    """airbench94 (Jordan 2024, arXiv:2404.00498); `experiment=cifar10_fast` has the rest of the recipe.

    Args:
        in_shape: (channels, height, width) of one image, each side at least 9 pixels.
        num_classes: number of logits K.
        widths: maps of each group.
        whiten: fix the first filters to those that whiten patches of training images; else learn them.
        identity: start the other convolutions as the identity.
        bias_speed: biases learn bias_speed^2 times as fast as weights.
        smoothing: fraction of the target that all classes share, in training.
        views: of a test image, whose scores are averaged; see `average_views`. The fit takes one.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        num_classes: int,
        widths: SomeWidths = (64, 256, 256),
        whiten: bool = True,
        identity: bool = True,
        bias_speed: Positive = 8.0,
        smoothing: Fraction = 0.2,
        views: Views = "shift",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        channels, _, _ = image_sides(in_shape, 9, "Airbench")
        n_in = 8 * channels  # a patch has 4 * channels numbers, and each filter is used with both signs
        self.patches = nn.Conv2d(channels, n_in, 2)
        self.patches.weight.requires_grad_(not whiten)
        self.patches.bias.data.zero_()  # pyrefly: ignore[missing-attribute]
        pairs = zip([n_in, *widths], widths, strict=False)
        self.groups = nn.Sequential(*(Group(*pair, identity, bias_speed) for pair in pairs))
        self.logits = nn.Linear(widths[-1], num_classes, bias=False)

    def on_fit_start(self):
        if self.hparams["whiten"] and not self.trainer.ckpt_path:  # a resumed run has its filters
            images, _ = self.trainer.datamodule.whole("train", 1000)  # pyrefly: ignore[missing-attribute]
            self.patches.weight.data.copy_(whitening_filters(images, side=2))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) of images (B, C, H, W)."""
        fitting = self.training or (self._trainer and self._trainer.state.stage in ("train", "validate"))
        return average_views(self.score, images, "one" if fitting else self.hparams["views"])  # (B, K)

    def score(self, images: Tensor) -> Tensor:
        x = F.gelu(self.patches(images))  # (B, n_in, rows, columns)
        return self.logits(self.groups(x).amax(dim=(2, 3))) / 9  # (B, K)

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(scores, labels, label_smoothing=self.hparams["smoothing"] * self.training)
