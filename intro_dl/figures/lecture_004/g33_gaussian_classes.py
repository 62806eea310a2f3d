"""G33: Two Gaussian classes give a linear boundary and a sigmoid.

Lecture 004; slides "Goal: Separate data from two classes / populations", "For our Gaussian data" and "Sigmoid
converts distance to class probability". Claims F21.
"""

# %% The slides draw two clouds, assume a Gaussian for each class, and get by Bayes' rule a sigmoid of the
# distance from a line. model=gda learns the Gaussians; model=perceptron is logistic regression, which assumes
# none.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, points, shows
from intro_dl.training.product import train

OPTIONS = "data=two_gaussians", "data.distance=2.5", "data.batch_size=100", "optim=adam", "optim.lr=0.1"
EPOCHS = "trainer.max_epochs=30", "callbacks=no_early_stopping"
gda, data = train("model=gda", *OPTIONS, *EPOCHS)
neuron, _ = train("model=perceptron", *OPTIONS, *EPOCHS)
inputs, labels = data.splits["train"]


@torch.no_grad()
def log_densities(x):
    return gda(data.transform(x)) - gda.prior.log_softmax(0) - data.std.log().sum()  # of x itself


@torch.no_grad()
def probability(model, x):
    return model.probabilities(model(data.transform(x)))[:, 1]


# %% Draw the clouds, the densities along the line between the centers, and the probability of class 1
figure, (left, middle, right) = canvas(1, 3, height=4.6)
points(left, inputs[:300], labels[:300], s=18)
side = torch.linspace(-4.6, 4.6, 120)
grid = torch.cartesian_prod(side, side)
for number, density in enumerate(log_densities(grid).exp().T):
    left.contour(side, side, density.view(120, 120).T, 4, colors=[f"C{number}"], linewidths=1.3)
for model, style, color in ((gda, "-", "C2"), (neuron, "--", ink())):
    half = probability(model, grid).view(120, 120).T
    left.contour(side, side, half, [0.5], colors=[color], linewidths=2.2, linestyles=style)
left.set(xlabel="$x_1$", ylabel="$x_2$", title="a line separates them", aspect="equal")

t = torch.linspace(-4.6, 4.6, 200)
along = t[:, None] / 2**0.5 * torch.ones(2)  # through both centers
for number, density in enumerate(log_densities(along).exp().T):
    middle.plot(t, density, color=f"C{number}")
    middle.text(4.0 * number - 2.0, density.max() * 1.04, f"p(x | {number})", color=f"C{number}", ha="center")
middle.set(xlabel="along the centers", ylabel="density", title="a density for each class", ylim=(0, 0.2))

right.plot(t, probability(gda, along), color="C2")
right.plot(t, probability(neuron, along), "--", color=ink())
right.text(0.5, 0.27, "Bayes' rule", color="C2")
right.text(0.5, 0.15, "logistic\nregression", va="top")
right.set(xlabel="distance from the line", ylabel="p(y = 1 | x)", title="p is a sigmoid")
figure.suptitle("With Gaussian classes, the probability is a sigmoid of a linear function")

# %% The properties: Bayes' rule gives a linear function of x, and almost that of logistic regression
plane = torch.cat([torch.ones(len(grid), 1), grid], 1)
odds = log_densities(grid) @ torch.tensor([-1.0, 1.0])
bent = (plane @ torch.linalg.lstsq(plane, odds[:, None]).solution - odds[:, None]).abs().max().item()
shows("the log-likelihood ratio is linear in x", f"off a plane by at most {bent:.0e}", bent < 1e-3)
gap = (probability(gda, inputs) - probability(neuron, inputs)).abs().max().item()
shows("GDA and logistic regression agree", f"probabilities of 600 points within {gap:.3f}", gap < 0.08)
plt.show()
