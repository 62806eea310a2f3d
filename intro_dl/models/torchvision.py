"""Any classifier of torchvision by name, with random weights, adapted to the data's channels and classes."""

import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.config.names import nearest
from intro_dl.models.layers import image_sides
from intro_dl.tasks import Classifier


class Torchvision(Classifier):
    """torchvision.models.<name>, e.g. the lectures' alexnet, googlenet and resnet152.

    They are designed for 224x224 color photographs of 1,000 classes. For other data, the last layer gets
    num_classes outputs, and the first convolution gets new weights for the data's channels. (Repeating a gray
    image three times would only add up the three sets of weights.) Images below the minimum size that
    torchvision states are scaled up to it. Vision transformers and MaxViT read only 224x224.

    googlenet and inception_v3 come without their auxiliary classifiers: every net has one output, one loss.

    Args:
        in_shape: (channels, height, width) of one image.
        num_classes: number of logits K.
        name: a name of `torchvision.models.list_models(module=torchvision.models)`.
    """

    def __init__(
        self, in_shape: tuple[int, int, int], num_classes: int, name: str = "shufflenet_v2_x0_5"
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        models = torchvision.models
        if name not in (names := models.list_models(module=models)):
            raise ValueError(f"Unknown model.name={name}.{nearest(name, names)}")
        channels, height, width = image_sides(in_shape, 1, name)
        only = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
        self.net = models.get_model(name, weights=None, num_classes=num_classes, **only)
        if channels != 3:
            self._read_channels(channels)
        least = min(max(weights.meta["min_size"]) for weights in models.get_model_weights(name))
        one_size = name.startswith(("vit_", "maxvit_"))
        self.size = (least, least) if one_size else (max(height, least), max(width, least))

    def _read_channels(self, channels: int) -> None:
        """Let the first convolution read `channels` channels, with new random weights."""
        first = next(part for part in self.net.modules() if isinstance(part, nn.Conv2d))
        first.in_channels = channels
        first.weight = nn.Parameter(first.weight.new_empty(first.out_channels, channels, *first.kernel_size))
        first.reset_parameters()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) of images (B, C, H, W)."""
        if images.shape[-2:] != self.size:
            images = F.interpolate(images, self.size, mode="bilinear", antialias=True)  # (B, C, *size)
        return self.net(images)  # (B, K)
