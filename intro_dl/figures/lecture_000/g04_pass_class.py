"""G4: Students who pass and fail, and one more to judge.

Lectures 000, 003; slides "Example Problem: Will I pass this class?". Claims N3.
"""

# %% The slides show students who passed or failed, and ask about one with 4 lectures and 5 hours: an
# untrained network predicts 0.1, but this student passed. Here the students are drawn at random
# (data=pass_class), and the slide's network, 2 inputs and 3 hidden units, answers before and after training.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, points, regions, shows
from intro_dl.figures.engine.style import paper
from intro_dl.training.product import model, train

NETWORK = "model=mlp", "model.hidden=[3]", "model.activation=sigmoid"
untrained = model(*NETWORK, in_shape=(2,), num_classes=2)
trained, data = train(*NETWORK, "data=pass_class", "optim.lr=0.1", "trainer.max_epochs=3")


def passes(network, students):
    """Return the probability of passing of students (n, 2)."""
    return network(data.transform(students)).softmax(dim=1)[:, 1]


# %% Draw the students, the student of the slide, and where each network expects them to pass
students, labels = (values[:80] for values in data.splits["test"])
query = torch.tensor([data.query])
figure, axes = canvas(1, 2, height=5.4, sharex=True, sharey=True)
predicted = []
for axis, network, name in zip(axes, (untrained, trained), ("Untrained", "Trained"), strict=True):
    regions(axis, lambda x, network=network: passes(network, x), (-0.5, 8.5), (-0.5, 10.5))
    points(axis, students, labels)
    with torch.no_grad():
        predicted.append(passes(network, query).item())
    axis.plot(*query[0], "*", color=ink(), markersize=22, markeredgecolor=paper(), zorder=4)
    axis.set_title(f"{name}: predicted {predicted[-1]:.2f}, actual 1")
    axis.set_xlabel(r"$x_1$: number of lectures attended")
for name, place, color in (("passed", (5.9, 9.6), "C1"), ("failed", (0.4, 1.6), "C0")):
    axes[1].text(*place, name, color=color, fontsize=18, bbox={"color": paper(), "alpha": 0.85}, zorder=5)
axes[0].text(0, 9.6, "predicts: all fail", fontsize=16, bbox={"color": paper(), "alpha": 0.85}, zorder=5)
axes[0].set_ylabel(r"$x_2$: hours on the project")
figure.suptitle("Will the student at the star pass, after 4 lectures and 5 hours?")

# %% The property: training turns the wrong prediction into the right one
shows(
    "probability of passing at (4, 5), untrained and trained",
    f"{predicted[0]:.2f} and {predicted[1]:.2f}; 0.1 on the slide before training",
    predicted[0] < 0.5 and predicted[1] > 0.9,
)
plt.show()
