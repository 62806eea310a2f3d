"""Restore a picture: five convolutions predict the damage, which is subtracted."""

from torch import Tensor, nn

from intro_dl.config.types import Depth, Width
from intro_dl.tasks import Restorer


class ResidualRestorer(Restorer):
    """A picture without rain or noise is the damaged one minus what the network finds in it.

    There is no pooling and no dense layer, so it restores pictures of any size.

    Source: Zhang et al. (2017), DnCNN, with 5 instead of 17 layers and without batch norm; for rain, Fu et
    al. (2017), DerainNet. The rainy photograph is the last slide of lecture 001.

    Args:
        channels: of a picture, 3 for colors.
        maps: feature maps of each hidden layer.
        layers: number of convolutions of 3x3 pixels, at least 2; 5 of them see 11x11 pixels.
    """

    def __init__(self, channels: int, maps: Width = 24, layers: Depth = 5) -> None:
        super().__init__()
        self.save_hyperparameters()
        if layers < 2:
            raise ValueError(f"Invalid model.layers={layers}: choose an integer of at least 2.")
        hidden: list[nn.Module] = []
        for _ in range(layers - 2):
            hidden += [nn.Conv2d(maps, maps, 3, padding=1), nn.ReLU()]
        self.first = nn.Sequential(nn.Conv2d(channels, maps, 3, padding=1), nn.ReLU())
        self.hidden = nn.Sequential(*hidden)
        self.last = nn.Conv2d(maps, channels, 3, padding=1)

    def forward(self, damaged: Tensor) -> Tensor:
        """Return restored pictures (B, C, H, W) of damaged ones (B, C, H, W), both in [0, 1]."""
        x = self.first(damaged)  # (B, maps, H, W)
        x = self.hidden(x)  # (B, maps, H, W)
        return damaged - self.last(x)  # (B, C, H, W)
