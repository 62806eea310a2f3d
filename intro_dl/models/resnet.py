"""The residual network for small images: each block adds a correction to its input."""

from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.config.types import Depth
from intro_dl.models.layers import Shortcut, image_sides, initialize
from intro_dl.tasks import Classifier


class Block(nn.Module):
    """Compute relu(x + residual(x)) with two 3x3 convolutions as residual; without skip relu(residual(x))."""

    def __init__(self, n_in: int, n_out: int, skip: bool, projection: bool) -> None:
        super().__init__()
        self.skip, self.added = skip, n_out - n_in
        self.stride = n_out // n_in  # twice the maps, half the size
        self.conv1 = nn.Conv2d(n_in, n_out, 3, self.stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        projection = projection and skip and n_out != n_in
        conv = nn.Conv2d(n_in, n_out, 1, self.stride, bias=False) if projection else None
        self.projection = nn.Sequential(conv, nn.BatchNorm2d(n_out)) if conv else None

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (B, n_out, H/stride, W/stride) of x (B, n_in, H, W)."""
        y = F.relu(self.norm1(self.conv1(x)))  # (B, n_out, H/stride, W/stride)
        y = self.norm2(self.conv2(y))
        if self.projection is not None:
            y = y + self.projection(x)
        elif self.skip:  # x itself; where maps are added, every second pixel of x, and zeros
            y = y + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return F.relu(y)  # (B, n_out, H/stride, W/stride)


class ResNet(Classifier):
    """He et al. (2015), section 4.2: 6n + 1 convolutions of 16, 32 and 64 maps, and a linear layer.

    Args:
        in_shape: (channels, height, width) of one image, each side at least 8 pixels.
        num_classes: number of logits K.
        depth: layers with weights, 6n + 2: 20, 32, 44, 56, 110 in the paper.
        skip: false builds the paper's plain net.
        shortcut: where maps are added, "padding" by zeros (the paper's option A) or "projection" (B).
        zero_init: start each block as the identity, its last norm at zero (Goyal et al. 2017, not the paper).
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        num_classes: int,
        depth: Depth = 20,
        skip: bool = True,
        shortcut: Shortcut = "padding",
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        n = max((depth - 2) // 6, 1)
        if depth != 6 * n + 2:
            raise ValueError(f"Invalid model.depth={depth}: choose 6n + 2, e.g. {6 * n + 2} or {6 * n + 8}.")
        if zero_init and not skip:
            raise ValueError("model.zero_init=true without the skip outputs only zeros. Set model.skip=true.")
        channels, _, _ = image_sides(in_shape, 8, "ResNet")
        self.stem = nn.Sequential(nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16))
        maps = [16] * (n + 1) + [32] * n + [64] * n  # of the stem and of each block
        blocks = [Block(*pair, skip, shortcut == "projection") for pair in zip(maps, maps[1:], strict=False)]
        self.blocks = nn.Sequential(*blocks)
        initialize(self, "he")
        self.logits = nn.Linear(64, num_classes)
        nn.init.normal_(self.logits.weight, std=0.01)  # so that an untrained net's loss is near log K
        for block in blocks if zero_init else []:
            nn.init.zeros_(block.norm2.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) of images (B, C, H, W)."""
        x = F.relu(self.stem(images))  # (B, 16, H, W)
        x = self.blocks(x)  # (B, 64, H/4, W/4)
        return self.logits(x.mean(dim=(2, 3)))  # (B, 64) -> (B, K)
