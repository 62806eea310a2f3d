"""The nets of torchvision keep their size, and read whatever images the data have."""

import pytest
import torch
import torchvision
from torch import nn

from intro_dl.models.torchvision import Torchvision

FAMILIES = {  # one of each; the lectures' are alexnet, googlenet and resnet152
    "alexnet": 61_100_840, "convnext_tiny": 28_589_128, "densenet121": 7_978_856,
    "efficientnet_b0": 5_288_548, "googlenet": 6_624_904, "inception_v3": 23_834_568,
    "maxvit_t": 30_919_624, "mnasnet0_5": 2_218_512, "mobilenet_v3_small": 2_542_856,
    "resnet152": 60_192_808, "shufflenet_v2_x0_5": 1_366_792, "squeezenet1_1": 1_235_496,
    "swin_t": 28_288_354, "vgg11": 132_863_336, "vit_b_32": 88_224_232, "wide_resnet50_2": 68_883_240,
}  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_torchvision_net_has_torchvisions_parameters_and_reads_small_grey_images(name):
    with torch.device("meta"):  # shapes without numbers
        original = Torchvision((3, 224, 224), 1000, name)
        adapted = Torchvision((1, 28, 28), 10, name)
        logits = adapted(torch.empty(2, 1, 28, 28))
    parameters = sum(parameter.numel() for parameter in original.parameters())
    assert parameters == FAMILIES[name]
    if name != "inception_v3":  # torchvision's number includes the auxiliary classifier
        weights = torchvision.models.get_model_weights(name).DEFAULT
        assert parameters == weights.meta["num_params"]
    assert logits.shape == (2, 10)


def test_torchvision_resnet152_has_152_layers():
    with torch.device("meta"):
        model = Torchvision((3, 224, 224), 1000, "resnet152")
    names = [name for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert sum("downsample" not in name for name in names) == 152


def test_torchvision_net_takes_images_of_any_channels_and_gives_every_parameter_a_gradient():
    model = Torchvision((4, 20, 30), 3)
    model.metrics((torch.randn(4, 4, 20, 30), torch.tensor([0, 1, 2, 0])))["loss"].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_torchvision_scales_images_that_are_too_small_up_and_leaves_the_others():
    with torch.device("meta"):
        assert Torchvision((3, 28, 28), 10, "alexnet").size == (63, 63)
        assert Torchvision((3, 28, 80), 10, "alexnet").size == (63, 80)
        assert Torchvision((3, 96, 80), 10, "alexnet").size == (96, 80)
        assert Torchvision((3, 300, 300), 10, "vit_b_32").size == (224, 224)  # reads nothing else


def test_unknown_torchvision_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Unknown model.name=resnet19.* resnet18"):
        Torchvision((1, 28, 28), 10, name="resnet19")
