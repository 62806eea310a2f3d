"""Lecture 001: "Other deep learning frameworks", and the rainy image at its end."""

from statistics import fmean

import torch

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import listed
from intro_dl.results.evidence import read_runs
from intro_dl.training import product

SLIDE = "Other deep learning frameworks"


@claim(
    "A15",
    lectures=["001", "004"],
    slide=f"{SLIDE}; Lecture 2: AutoEncoders",
    says="Autoencoders (AE): unsupervised learning, representation learning",
    kind="holds",
)
def autoencoder() -> Outcome:
    model, data = product.train(
        "model=autoencoder",
        "model.hidden=[128,32]",
        "data.batch_size=64",
        "optim.lr=1e-2",
        "trainer.max_epochs=5",
        "trainer.check_val_every_n_epoch=1000",
    )
    train, test = data.whole("train"), data.whole("test")
    with torch.no_grad():
        error = model.eval().metrics(test)["loss"].item()
        rivals = model.rivals(train, test)
        shuffled = test[0], test[1][torch.randperm(len(test[1]))]
        unlabeled = model.metrics(shuffled)["loss"].item()
    codes = rivals["5-NN accuracy, own codes"]
    return Outcome(
        [
            within(
                "error of the restored images over that of PCA, 2 numbers each",
                error / rivals["PCA"],
                high=0.95,
            ),
            within(
                "digits told from the 2 numbers by the nearest neighbors, minus chance", codes - 0.1, low=0.3
            ),
            Check("unsupervised: the loss with other labels", unlabeled, error, 1e-6),
        ],
        [
            f"Squared error per pixel in variances: autoencoder {error:.3f}, PCA {rivals['PCA']:.3f}; "
            f"digits told from 2 numbers: {codes:.3f}, by PCA {rivals['5-NN accuracy, PCA codes']:.3f}.",
            "Small scanned digits and five epochs. The gain belongs to short codes: with 32 numbers PCA "
            "is better (docs/SYSTEMS.md).",
        ],
    )


@claim(
    "A16",
    lectures=["001", "004"],
    slide=f"{SLIDE}; Lecture 2: Generative Models",
    says="Generative adversarial network (GAN): try to 'fool' a computer into thinking an algorithm is human",
    kind="measured",
)
def adversarial() -> Outcome:
    distance = read_runs("systems/gan", "distance/test")
    gaussian = read_runs("systems/gan", "rivals/one Gaussian")
    fooled = read_runs("systems/gan", "fooled/test")
    return Outcome(
        [
            within(
                "energy distance of the draws to new points, the largest of the seeds",
                max(distance),
                high=0.02,
            ),
            within("... over that of one fitted Gaussian", max(distance) / min(gaussian), high=0.4),
            within(
                "share of the draws that the discriminator takes for real, the least", min(fooled), low=0.25
            ),
        ],
        [
            f"energy distance, seed by seed: {listed(distance)}; one Gaussian {fmean(gaussian):.3f}; 0 is "
            "perfect.",
            "The computer that is fooled is the discriminator, and the 'human' is data=ring: points in "
            "eight clouds. On digits the images of model=dcgan are not better than a fitted Gaussian by "
            "this measure (docs/SYSTEMS.md).",
        ],
    )


@claim(
    "A17",
    lectures=["001"],
    slide=SLIDE,
    says="Recurrent neural networks (RNN): sequential data, especially language modeling",
    kind="holds",
)
def language_model() -> Outcome:
    model, data = product.train(
        "model=char_lstm",
        "model.hidden_size=64",
        "data.batch_size=64",
        "optim.lr=1e-2",
        "trainer.max_steps=15",
        "trainer.check_val_every_n_epoch=1000",
    )
    known, _ = data.splits["train"]
    new, following = (part[:6400] for part in data.splits["test"])
    counts = torch.bincount(known, minlength=int(max(known.max(), following.max())) + 1).double() + 1
    frequencies = -(counts / counts.sum()).log2()[following].mean().item()
    with torch.no_grad():
        bits = model.eval().metrics((new.view(64, 100), following.view(64, 100)))["bits_per_char"].item()
    return Outcome(
        [
            within(
                "bits per new character, over those of the frequencies of characters",
                bits / frequencies,
                high=0.85,
            ),
        ],
        [
            f"network {bits:.2f} bits after 15 steps, frequencies of the characters {frequencies:.2f}.",
            "The text is Python's own help. One sentence of words: N29; what memory adds: R9.",
        ],
    )


@claim(
    "A18",
    lectures=["001"],
    slide=SLIDE,
    says="Recurrent neural networks (RNN): time series",
    kind="measured",
)
def time_series() -> Outcome:
    checks, working = [], []
    for name, what in (
        ("sunspots", "sunspots, next year from 20"),
        ("eeg", "EEG, next step of four channels"),
    ):
        network, same, linear = (
            read_runs(f"systems/forecaster_{name}", metric)
            for metric in ("loss/test", "rivals/nothing changes", "rivals/linear (AR)")
        )
        checks += [
            within(
                f"{what}: error over that of no change, the largest of the seeds",
                max(network) / same[0],
                high=0.9,
            ),
            within("... mean, over that of a linear model", fmean(network) / linear[0], low=0.9),
        ]
        working.append(f"{what}: network {listed(network)}; no change {same[0]:.3f}; linear {linear[0]:.3f}.")
    return Outcome(
        checks,
        [
            *working,
            "The past helps, and a linear model of the same steps is as good on series this short. "
            "Finance: A3.",
        ],
    )


@claim(
    "A19",
    lectures=["001"],
    slide="In general, a neural network performs better than more specially designed approaches.",
    says="Left: rainy image, right: deep learning, middle 2: other algorithms",
    kind="measured",
)
def rain() -> Outcome:
    checks, working = [], []
    for experiment, photograph in (("restorer", "flower"), ("restorer_china", "palace")):
        network = read_runs(f"systems/{experiment}", "psnr/test")
        rivals = {
            name: fmean(read_runs(f"systems/{experiment}", f"rivals/{name}"))
            for name in ("unchanged", "Gaussian filter", "median filter", "7x7 linear filter")
        }
        best = max(rivals.values())
        checks += [
            within(
                f"{photograph}: best filter minus the rainy picture, dB", best - rivals["unchanged"], low=1
            ),
            within("... network minus the best filter, the least of the seeds", min(network) - best, low=0.2),
        ]
        filters = ", ".join(f"{name} {value:.1f}" for name, value in rivals.items())
        working.append(f"{photograph}, PSNR in dB: network {listed(network, 1)}; {filters}.")
    return Outcome(
        checks,
        [
            *working,
            "Stand-ins: drawn rain on photographs that training never has, and a Gaussian, a median and a "
            "linear filter, each at its best for this picture, for the slide's two algorithms against "
            "rain.",
        ],
    )
