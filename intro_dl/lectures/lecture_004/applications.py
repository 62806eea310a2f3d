"""Lecture 004: AlphaStar, and the graph networks of its agenda."""

import torch

from intro_dl.lectures.engine.claims import Check, Outcome, cite, claim, within
from intro_dl.tasks.node_classifier import UNKNOWN
from intro_dl.training import product

cite(
    "A29",
    lectures=["004"],
    slide="Long History of Neural Networks",
    says="From the perceptron to AlphaStar",
    reason="AlphaStar is not shown: each of its agents trained for 44 days on 32 TPUs against the others "
    "(Vinyals et al. 2019), and the game is not free to ship. The perceptron: N1, A6.",
)


@claim(
    "A30",
    lectures=["004"],
    slide="Lecture 2: And a bit about Graph Neural Networks",
    says="Graph neural networks",
    kind="holds",
)
def graph_network() -> Outcome:
    short = ("model=gcn", "optim.lr=0.1", "trainer.check_val_every_n_epoch=1000")
    right, spread = {}, 0
    for neighbors, epochs in (("true", 40), ("false", 15)):
        model, data = product.train(*short, f"model.neighbors={neighbors}", f"trainer.max_epochs={epochs}")
        graph, known = data.splits["train"]
        labels = known.clone()
        for split in ("val", "test"):
            answers = data.splits[split][1]
            labels = labels.where(answers == UNKNOWN, answers)
        with torch.no_grad():
            correct = model.eval()(graph).argmax(dim=-1) == labels
        right[neighbors] = int(correct[known == UNKNOWN].sum())
        whole = graph, labels.where(known == UNKNOWN, UNKNOWN)
        spread = round(model.rivals((graph, known), whole)["label propagation"] * 32)
    return Outcome(
        [
            within("members of the club, of 32, put on the right side", right["true"], low=29),
            within("... by the same network without edges", right["false"], high=24),
            Check("... by label propagation, which learns nothing", spread, 31, 1),
        ],
        [
            f"With edges {right['true']}, without {right['false']}, label propagation {spread} of 32.",
            "Zachary's karate club (34 members, 78 friendships): only the sides of the two leaders are "
            "known. The edges do the work; the network is not better than spreading labels along them.",
        ],
    )
