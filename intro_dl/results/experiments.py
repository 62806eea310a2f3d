"""What RESULTS.md shows: the experiments in the order of the lectures, and the ablations of one of them."""

from dataclasses import dataclass

SEEDS = 5  # the result of a single run may be chance
ABLATION_SEEDS = 3
NO_SLIDE = "–"  # no slide has a number for it


@dataclass(frozen=True)
class Experiment:
    """An option of `experiment=`: what it trains, the percentage on the slide, the seeds it needs."""

    name: str
    what: str
    slide: str = NO_SLIDE
    seeds: int = SEEDS


@dataclass(frozen=True)
class Ablation:
    """An experiment without one trick, by changes to its command line; kept as results/<name>.json."""

    name: str
    without: str
    changes: tuple[str, ...] = ()


MNIST = (
    Experiment("mnist_softmax", "softmax regression", "92"),
    Experiment("mnist_mlp_sigmoid", "200-100-60-30, sigmoid"),
    Experiment("mnist_mlp", "200-100-60-30, ReLU", "98.2"),
    Experiment("mnist_cnn", "convolutions: 4, 8 and 12 maps", "98.9"),
    Experiment("mnist_tricks", "all tricks: 6, 12 and 24 maps, dropout, learning rate decay", "99.3"),
    Experiment(
        "mnist_tricks_source",
        "the same as in the slide's source: all 60,000 images, so those for validation are seen in training; "
        "pixels in [0, 1]; tested every 100 steps",
        "99.3",
    ),
    Experiment("mnist_tricks_batch_norm", "all tricks, and batch normalization"),
    Experiment("mnist_lenet", "LeNet-5"),
    Experiment("mnist_unsw_mse", "Keras example: 500-500, sigmoid, squared error"),
    Experiment("mnist_unsw_ce", "the same with cross-entropy"),
    Experiment("mnist_best", "the best single network for a small budget"),
)
CIFAR10 = (
    Experiment("cifar10_plain20", "20 layers without skips"),
    Experiment("cifar10_resnet20", "20 layers with skips"),
    Experiment("cifar10_plain56", "56 layers without skips", seeds=1),  # a run takes half an hour
    Experiment("cifar10_resnet56", "56 layers with skips", seeds=1),
)
EXPERIMENTS = {each.name: each for each in (*MNIST, *CIFAR10)}

ALL_TRICKS = "mnist_tricks_batch_norm"
ABLATIONS = (
    Ablation("mnist_tricks", "batch normalization"),  # an experiment of its own
    Ablation("ablation/no_dropout", "dropout", ("regularization.dropout=0",)),
    Ablation("ablation/constant_rate", "learning rate decay", ("scheduler=none",)),
    Ablation(
        "ablation/fewer_maps",
        "more maps: 4, 8, 12 instead of 6, 12, 24",
        ("model.kernels=[5,5,4]", "model.widths=[4,8,12]"),
    ),
)


def needed_seeds(name: str) -> int:
    """Return how many seeds results/<name>.json needs."""
    return EXPERIMENTS[name].seeds if name in EXPERIMENTS else ABLATION_SEEDS
