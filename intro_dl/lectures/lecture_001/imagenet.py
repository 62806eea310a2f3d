"""Lecture 001: ImageNet and AlexNet."""

import torch
from torch import nn

from intro_dl.lectures.engine.claims import Check, Outcome, cite, claim
from intro_dl.lectures.lecture_001.softmax_regression import count
from intro_dl.training import product

cite(
    "E19",
    lectures=["001"],
    slide="ImageNet",
    says="Testing: label 150K new images.",
    reason="A mix of years, not an error of the slide alone: ILSVRC-2010 has 50,000 validation and 150,000 "
    "test images (Krizhevsky et al. 2012, section 2; the slide names this paper), ILSVRC-2012 has 100,000 "
    "test images (Russakovsky et al. 2015, table 2). Both counts come from papers.",
)

cite(
    "H5",
    lectures=["001", "004"],
    slide="ImageNet",
    says="Training data: 1.2M images, 1K categories. AlexNet shocked with 15.3% error rate versus 26%.",
    reason="Not reproduced: ImageNet may not be redistributed, and AlexNet took six days on two GPUs "
    "(Krizhevsky et al. 2012; 15.3% is the top-5 error of an average of seven networks). Its size: P1.",
)


@claim(
    "P1",
    lectures=["001", "004"],
    slide="ImageNet; AlexNet",
    says="AlexNet (8 layers with weights, about 60 million parameters in Krizhevsky et al. 2012)",
    kind="holds",
)
def alexnet() -> Outcome:
    with torch.device("meta"):  # shapes without numbers
        net = product.model(
            "model=torchvision", "model.name=alexnet", in_shape=(3, 224, 224), num_classes=1000
        )
        gray = product.model(
            "model=torchvision", "model.name=alexnet", in_shape=(1, 224, 224), num_classes=10
        )
    weighted = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    sizes = [(3, 64, 11), (64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3)]
    convolutions = sum(maps * n_in * side**2 + maps for n_in, maps, side in sizes)
    linear = sum(m * n + n for m, n in ((256 * 6 * 6, 4096), (4096, 4096), (4096, 1000)))
    fewer = 64 * 2 * 11**2 + 990 * (4096 + 1)  # two channels and 990 classes
    return Outcome(
        [
            Check("parameters against the sum over its layers", count(net), convolutions + linear),
            Check("layers with weights: 5 convolutions, 3 linear", len(weighted), 8),
            Check("fewer for gray images of 10 classes", count(net) - count(gray), fewer),
        ],
        [
            f"convolutions {convolutions:,} + linear {linear:,} = {convolutions + linear:,}",
            "Counted in torchvision's version for one GPU (Krizhevsky 2014), untrained; "
            "the original of 2012 has 60,965,224.",
        ],
    )
