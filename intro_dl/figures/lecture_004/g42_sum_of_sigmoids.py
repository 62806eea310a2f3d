"""G42: A sum of sigmoids approximates a function.

Lecture 004; slide "Feed-forward neural network with a single hidden layer". Claims F30, E20.
"""

# %% The slides add sigmoid after sigmoid until their sum follows a function. (They write f(x) = sigma(w1 x +
# b1) + ..., without output weights: then the sum cannot go below 0. Here each sigmoid has one.) The units of
# model=regressor climb at even places; the output weights have the least squared error.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import animate, canvas, ink, shows
from intro_dl.training.product import model

WIDTHS = [2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32]
x = torch.linspace(0, 1, 501, dtype=torch.float64)
target = torch.sin(6 * x) + torch.cos(17 * x) / 3


@torch.no_grad()
def fitted(width):
    """Return the terms c_j sigma(w_j x + b_j), (501, width), and their sum with the bias."""
    network = model("model=regressor", f"model.hidden=[{width}]", "model.activation=sigmoid", in_shape=(1,))
    network = network.double()
    hidden, steepness = network.features[0], 2.0 * (width - 1)
    hidden.weight.fill_(steepness)
    hidden.bias.copy_(-steepness * torch.linspace(0, 1, width))
    units = network.features(x[:, None])
    rows = torch.cat([torch.ones_like(units[:, :1]), units], 1)
    best = torch.linalg.lstsq(rows, target[:, None], driver="gelsd").solution[:, 0]
    network.output.bias.copy_(best[0]), network.output.weight.copy_(best[None, 1:])
    return units * best[1:], network(x[:, None])


fits = {width: fitted(width) for width in WIDTHS}
errors = {width: (total - target).abs().max().item() for width, (_, total) in fits.items()}

# %% Draw the terms below and their sum above; the film adds units
figure, (top, bottom) = canvas(2, 1, height=6.2, sharex=True, height_ratios=(1.5, 1))


def frame(k):
    width = WIDTHS[k]
    terms, total = fits[width]
    top.clear(), bottom.clear()
    top.plot(x, target, color=ink(), linewidth=5, alpha=0.3)
    top.plot(x, total, color="C1")
    top.text(0.52, 1.05, "the function", color=ink(), alpha=0.6)
    top.text(0.02, -1.25, f"sum of {width} sigmoids", color="C1")
    top.set(ylabel="f(x)", ylim=(-1.6, 1.5), title=f"{width} units: error at most {errors[width]:.3f}")
    for number, term in enumerate(terms.T):
        bottom.plot(x, term, color=f"C{number % 6}", linewidth=1.6)
    bottom.set(xlabel="x", ylabel=r"$c_j\,\sigma(w_j x + b_j)$", xlim=(0, 1))


figure.suptitle("More sigmoids follow the function more closely")
film = animate(figure, frame, len(WIDTHS), seconds=9)

# %% The property: the largest error falls with the number of units
doubled = [errors[width] for width in (4, 8, 16, 32)]
text = ", ".join(f"{error:.2g}" for error in doubled)
shows("largest error of 4, 8, 16 and 32 units", text, doubled == sorted(doubled, reverse=True))
shows("32 units are close everywhere", f"{doubled[-1]:.1g}", doubled[-1] < 0.02)
plt.show()
