"""What RESULTS.md shows: the recipes in the order of the lectures, and the tricks to take away one by one."""

from dataclasses import dataclass

SEEDS = 5  # of a recipe: one run is an anecdote
SEEDS_OF_AN_ABLATION = 3


@dataclass(frozen=True)
class Recipe:
    """A rung of the ladder: the option of `experiment=`, what it is, and what the slide says in percent."""

    name: str
    what: str
    slide: str = "–"
    seeds: int = SEEDS  # that it must have


@dataclass(frozen=True)
class Ablation:
    """A recipe less one trick, by changes to the recipe's command line; kept as results/<name>.json."""

    name: str
    without: str
    changes: tuple[str, ...] = ()


MNIST = (
    Recipe("mnist_softmax", "softmax regression", "92"),
    Recipe("mnist_mlp_sigmoid", "200-100-60-30, sigmoid"),
    Recipe("mnist_mlp", "200-100-60-30, ReLU", "98.2"),
    Recipe("mnist_cnn", "convolutions, 4, 8 and 12 maps", "98.9"),
    Recipe("mnist_tricks", "the bag of tricks: 6, 12 and 24 maps, dropout, a falling rate", "99.3"),
    Recipe("mnist_tricks_batch_norm", "the bag of tricks with batch normalization"),
    Recipe("mnist_lenet", "LeNet-5"),
    Recipe("mnist_unsw_mse", "Keras's 500-500, sigmoid, squared error"),
    Recipe("mnist_unsw_ce", "the same with cross-entropy"),
    Recipe("mnist_best", "the best single network for a small budget"),
)
CIFAR10 = (
    Recipe("cifar10_plain20", "20 layers without skips"),
    Recipe("cifar10_resnet20", "20 layers with skips"),
    Recipe("cifar10_plain56", "56 layers without skips", seeds=1),  # of half an hour
    Recipe("cifar10_resnet56", "56 layers with skips", seeds=1),
)

WHOLE_BAG = "mnist_tricks_batch_norm"
ABLATIONS = (
    Ablation("mnist_tricks", "batch normalization"),  # a recipe of its own
    Ablation("ablation/no_dropout", "dropout", ("regularization.dropout=0",)),
    Ablation("ablation/constant_rate", "a falling rate", ("scheduler=none",)),
    Ablation(
        "ablation/fewer_maps",
        "more maps: 4, 8, 12 instead of 6, 12, 24",
        ("model.kernels=[5,5,4]", "model.widths=[4,8,12]"),
    ),
)


def seeds_of(name: str) -> int:
    """How many seeds the file of this name is to have."""
    return {each.name: each.seeds for each in (*MNIST, *CIFAR10)}.get(name, SEEDS_OF_AN_ABLATION)
