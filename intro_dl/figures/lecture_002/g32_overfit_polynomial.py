"""G32: A polynomial that fits every point, and predicts none.

Lecture 002; slides "Overfitting". Claims F13.
"""

# %% The slide: "Learned hypothesis may fit the training data very well, even outliers (noise) but fail to
# generalize to new examples". Here polynomials are fitted by least squares to 12 noisy points of a sine.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, ink, shows

POINTS, NOISE, GOOD, FLEXIBLE = 12, 0.25, 3, 11
generator = torch.Generator().manual_seed(0)


def examples(count):
    """Return places in [-1, 1] and noisy values of the sine, (count,) each."""
    x = torch.linspace(-1, 1, count).double()
    return x, torch.sin(3 * x) + NOISE * torch.randn(count, generator=generator).double()


(x, y), (new_x, new_y) = examples(POINTS), examples(200)
degrees, errors, fits = range(FLEXIBLE + 1), {"training": [], "new examples": []}, {}
for degree in degrees:
    powers = torch.linalg.lstsq(torch.vander(x, N=degree + 1), y).solution
    fits[degree] = powers
    for name, places, values in (("training", x, y), ("new examples", new_x, new_y)):
        residuals = torch.vander(places, N=degree + 1) @ powers - values
        errors[name].append(residuals.square().mean().sqrt().item())

# %% Draw both fits, and the errors of all degrees
figure, (left, right) = canvas(1, 2, width_ratios=(1.25, 1))
fine = torch.linspace(-1, 1, 400).double()
left.plot(new_x, new_y, ".", color="C5", markersize=5, alpha=0.6)
for degree, color, place in ((GOOD, "C2", (-0.4, 0.7)), (FLEXIBLE, "C1", (-0.82, 1.9))):
    left.plot(fine, torch.vander(fine, N=degree + 1) @ fits[degree], color)
    left.text(*place, f"degree {degree}", color=color)
left.plot(x, y, "o", color=ink(), zorder=3)
left.text(0.98, -1.9, "12 training points,", ha="right")
left.text(0.98, -2.3, "200 new ones", color="C5", ha="right")
left.set(title="Fits", xlabel="x", ylabel="y", ylim=(-2.5, 2.5))
right.semilogy(degrees, errors["training"], "o-", color=ink())
right.semilogy(degrees, errors["new examples"], "o-", color="C5")
right.text(6, errors["training"][6] / 3, "training", ha="right")
right.text(8.5, errors["new examples"][6] * 2.4, "new examples", color="C5", ha="right")
right.text(9.8, 4e-3, "0 at degree 11", ha="right")
right.set(title="Root mean squared error", xlabel="degree", ylim=(3e-3, 3), xticks=range(0, 12, 2))
figure.suptitle("Training points fit ever better; from degree 9 on, new ones worse")

# %% The property: the training error only falls, the error on new examples rises again
training, new = errors["training"], errors["new examples"]
falls = all(later <= earlier + 1e-9 for earlier, later in zip(training, training[1:], strict=False))
shows(
    "the training error falls with each degree, to 0 for as many numbers as points",
    f"{training[1]:.2f} at degree 1, {training[GOOD]:.2f} at {GOOD}, {training[FLEXIBLE]:.0e} at {FLEXIBLE}",
    falls and training[FLEXIBLE] < 1e-6,
)
shows(
    "the error on new examples is least in between",
    f"{new[1]:.2f} at degree 1, {new[GOOD]:.2f} at {GOOD}, {new[FLEXIBLE]:.2f} at {FLEXIBLE}",
    new[GOOD] < 0.8 * new[1] and new[GOOD] < 0.5 * new[FLEXIBLE],
)
least = min(new[9:])
shows(
    "from degree 9 on, new examples are predicted worse", f"at least {least:.2f}", least > 1.2 * max(new[3:9])
)
plt.show()
