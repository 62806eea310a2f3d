"""Lecture 001: what images, sounds and sequences are used for, and what stands in for it here."""

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.data.dna import MATRIX
from intro_dl.lectures.engine.claims import Check, Outcome, cite, claim, within
from intro_dl.lectures.engine.numerics import listed
from intro_dl.results.evidence import accuracy, read_runs
from intro_dl.training import product

ONCE = "trainer.check_val_every_n_epoch=1000"  # the short trainings here choose nothing: no validation


@claim(
    "A7",
    lectures=["001", "002"],
    slide="Some things to do with data: Images; What can deep learning do?; Cat, Dog",
    says="Label image: mosque, tower, building; ski, skiing; kitchen, stove, oven; bowl, cup, soup",
    kind="measured",
)
def labeled_images() -> Outcome:
    found = accuracy("cifar10_resnet20")
    return Outcome(
        [
            within("percent of new photographs with the right one of ten labels", found.value, low=75),
            within("... and its standard error", found.error, high=1),
        ],
        [
            f"experiment=cifar10_resnet20, 5 epochs: {found}; guessing is right for 10 percent.",
            "A stand-in for large photographs with several tags each: CIFAR-10, 32x32 pixels, one of ten "
            "labels; cat and dog are two of them.",
        ],
    )


cite(
    "A8",
    lectures=["001", "002", "003"],
    slide="Some things to do with data: Audio; Sequence Modeling Applications: Audio Signals; Why is DL "
    "useful?",
    says="Speech recognition; audio signals",
    reason="Not shown: it needs many hours of recorded speech with its text (Hinton et al. 2012; "
    "LibriSpeech, Panayotov et al. 2015, has about 1,000), and no package of this project ships any. The "
    "other signal of a time axis here is an EEG (A18).",
)

cite(
    "A9",
    lectures=["001"],
    slide="Some things to do with data: Text",
    says="Web search",
    reason="Not shown: a network that ranks pages learns from queries whose results people have judged "
    "(Burges et al. 2005, RankNet). Such data belong to search engines; nothing here stands in for them.",
)

cite(
    "A10",
    lectures=["001"],
    slide="What can deep learning do?; Other deep learning frameworks",
    says="'a car is parked in the middle of nowhere', 'a ferry boat on a marina with a group of people', "
    "'the two birds are trying to be seen in the water': captions of photographs",
    reason="Not shown: systems of this kind (e.g. Kiros et al. 2014) learn from tens of thousands of "
    "captioned photographs, as in Flickr8k and COCO, which no package ships, and from networks trained on "
    "ImageNet. A14 captions drawn pictures.",
)


@claim(
    "A11",
    lectures=["001"],
    slide="Given an image of a ball, can you predict where it will go next?",
    says="One image does not tell where the ball will go; the images before it do.",
    kind="holds",
)
def ball() -> Outcome:
    short = ("model=forecaster", "model.hidden_size=32", "optim.lr=2e-2", "trainer.max_steps=60", ONCE)
    errors = {}
    for name, history in (("one", 1), ("all", 8)):
        model, data = product.train(*short, f"model.history={history}")
        films, steps = data.whole("test")
        errors[name] = _absolute_error(model, films, steps)
    still = steps.abs().mean().item()
    return Outcome(
        [
            within("error from one picture over that of standing still", errors["one"] / still, low=0.93),
            within("error from 8 pictures over that of standing still", errors["all"] / still, high=0.7),
        ],
        [
            f"Mean absolute error of the next step, in pixels: from one picture {errors['one']:.3f}, from 8 "
            f"{errors['all']:.3f}, standing still {still:.3f}.",
            "A stand-in for the slide's ball: made films of 16x16 pixels, a ball that bounces in a box; 60 "
            "steps of training. A full run (intro-dl train model=forecaster) comes much nearer.",
        ],
    )


@torch.no_grad()
def _absolute_error(model, films: Tensor, steps: Tensor) -> float:
    return (model.eval()(films) - steps).abs().mean().item()


@claim(
    "A12",
    lectures=["001"],
    slide="Sequence Modeling Applications",
    says="AACGCTTAAAGTTATTCGGTGTACCCAC: DNA is a sequence, too.",
    kind="holds",
)
def dna() -> Outcome:
    model, data = product.train("model=motif", "optim.lr=2e-2", "trainer.max_steps=150", ONCE)
    with torch.no_grad():
        found = model.eval().metrics(data.whole("test"))["accuracy"].item()
    rivals = data.rivals("test")
    best = rivals["Bayes-optimal"]
    return Outcome(
        [
            within("best possible accuracy (Bayes' rule) minus the network's", best - found, high=0.06),
            within(
                "the network's minus that of counting letters", found - rivals["bag of letters"], low=0.15
            ),
            within("cosine of the best filter and the motif", _match(model.match.weight.detach()), low=0.7),
        ],
        [
            f"Accuracy on 2,000 new sequences: network {found:.3f}, Bayes {best:.3f}, counting letters "
            f"{rivals['bag of letters']:.3f}.",
            "A stand-in for real DNA: 60 random bases, and in half of the sequences a motif like TATAAAAG "
            "at any place, drawn from a matrix. So the best possible answer is known.",
        ],
    )


def _match(filters: Tensor) -> float:
    """Return the largest cosine of a filter (filters, 4, 8) and the motif's matrix, shifted by at most 1.

    Adding a number to all letters of a position changes nothing, so their mean is subtracted.
    """
    matrix = MATRIX.log().T
    filters, matrix = filters - filters.mean(dim=1, keepdim=True), matrix - matrix.mean(dim=0)
    cosines = []
    for shift in (-1, 0, 1):
        begin, end = max(0, shift), filters.shape[2] + min(0, shift)
        ours, theirs = filters[:, :, begin:end], matrix[:, begin - shift : end - shift]
        cosines.append(F.cosine_similarity(ours.flatten(1), theirs.flatten()[None]).max().item())
    return max(cosines)


@claim(
    "A13",
    lectures=["001", "002"],
    slide="Many to One: Sentiment Classification; State of the art in NLP: Sentiment Analysis",
    says="A tweet is positive or negative: 'The D2L Introduction to #DeepLearning is definitely one of the "
    "best courses of its kind currently available online'",
    kind="holds",
)
def sentiment() -> Outcome:
    model, data = product.train("model=sentiment", "trainer.max_epochs=1", "optim.lr=5e-3", ONCE)
    tokens, labels = data.whole("test")
    with torch.no_grad():
        found = model.eval().metrics((tokens, labels))["accuracy"].item()
        # The same words from the last to the first.
        turned = tokens.clone()
        for row, count in enumerate((tokens != 0).sum(dim=1).tolist()):
            turned[row, :count] = tokens[row, :count].flip(0)
        backwards = model.metrics((turned, labels))["accuracy"].item()
    counting = data.rivals("test")["bag of words"]
    return Outcome(
        [
            within("accuracy of the LSTM on new sentences", found, low=0.95),
            Check("... of counting words (logistic regression)", counting, 0.5, 0.01),
            within("the LSTM's gain over the same sentences backwards", found - backwards, low=0.2),
        ],
        [
            f"read backwards: {backwards:.3f}",
            "A stand-in for tweets: generated sentences such as 'the film was good, not bad', whose words "
            "alone tell nothing. It shows that an LSTM reads order, not that it understands English. Real "
            "tweets: A20.",
        ],
    )


@claim(
    "A14",
    lectures=["001"],
    slide="One to Many: Image Captioning",
    says="'A baseball player throws a ball.'",
    kind="measured",
)
def captions() -> Outcome:
    exact = read_runs("systems/captioner", "exact/test")
    nearest = read_runs("systems/captioner", "rivals/nearest input")
    blind = read_runs("systems/captioner_blind", "exact/test")
    pairs = read_runs("systems/captioner_pairs", "exact/test")
    return Outcome(
        [
            within(
                "captions of new pictures without a mistake, the least of the seeds", min(exact), low=0.95
            ),
            within("... of the nearest training picture", max(nearest), high=0.2),
            within("... without looking at the picture, the most", max(blind), high=0.01),
            within("... of pairs of color and shape that training never has, the most", max(pairs), high=0.1),
        ],
        [
            f"without a mistake: {listed(exact)}; without looking {listed(blind)}; new pairs "
            f"{listed(pairs)}.",
            "A stand-in for photographs: drawn pictures of two shapes, 'a red circle above a blue "
            "square'. The network recombines nothing: a green square is new if training had green things "
            "and squares only.",
        ],
    )
