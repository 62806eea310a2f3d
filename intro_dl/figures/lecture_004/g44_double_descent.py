"""G44: The U-curve, and the double descent.

Lecture 004; slide "Over-parametrizing a deep model often improves test performance (Belkin et al. 2018,
Figure 1)". Claims F32.
"""

# %% The slide shows two sketches: the classical U of the test risk, and its second descent beyond the
# interpolation threshold. Here they are measured on a stand-in that is not deep: W random ReLU units of
# model=mlp on n = 100 digits of 8x8 pixels, 10 % of them with a random label. Only the W weights of each
# output are fitted, by least squares, and of all solutions the shortest is taken.
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from intro_dl.figures.engine import canvas, ink, shows
from intro_dl.scratch.train_by_hand import digits
from intro_dl.training.product import model

N, DRAWS, NOISE = 100, 10, 0.1
WIDTHS = [3, 5, 8, 12, 18, 26, 36, 48, 60, 72, 82, 90, 96, N, 106, 115, 130, 150, 200, 300, 500, 1000, 2000]
images, labels, test_images, test_labels = digits()
one_hot = torch.eye(10, dtype=torch.float64)

# %% Fit and measure the squared errors, median of 10 draws of the images, labels and units
train, test = torch.zeros(2, DRAWS, len(WIDTHS))
for draw in range(DRAWS):
    rows = torch.randperm(len(images))[:N]
    targets = one_hot[torch.where(torch.rand(N) < NOISE, torch.randint(10, (N,)), labels[rows])]
    units = model(
        "model=mlp", f"model.hidden=[{WIDTHS[-1]}]", "model.init=he", in_shape=(64,), num_classes=10
    )
    with torch.no_grad():
        seen, unseen = (units.double().features(x - 0.5) for x in (images[rows], test_images))
    for i, width in enumerate(WIDTHS):
        weights = torch.linalg.lstsq(seen[:, :width], targets, driver="gelsd").solution
        train[draw, i] = F.mse_loss(seen[:, :width] @ weights, targets)
        test[draw, i] = F.mse_loss(unseen[:, :width] @ weights, one_hot[test_labels])
train, test = train.quantile(0.5, 0), test.quantile(0.5, 0)

# %% Draw the classical regime alone, and then the whole
figure, (left, right) = canvas(1, 2, height=5.0, width_ratios=(1, 1.4))
few = sum(width <= 60 for width in WIDTHS)
peak = WIDTHS[int(test.argmax())]
left.plot(WIDTHS[:few], test[:few], "o-", color="C1", markersize=5)
left.plot(WIDTHS[:few], train[:few], "--", color="C0")
left.text(40, 0.095, "test", color="C1", ha="right")
left.text(22, 0.03, "training", color="C0", ha="right")
left.set(xlabel="weights of each output", ylabel="squared error", ylim=(0, 0.13), title="few weights: a U")
right.loglog(WIDTHS, test, "o-", color="C1", markersize=5)
right.loglog(WIDTHS, train.clamp(min=1e-4), "--", color="C0")
right.axvline(N, color=ink(), linestyle=":", linewidth=1.5)
right.text(N * 1.2, 1.6 * test.max(), f"n = {N} images", va="center")
right.set(
    xlabel="weights of each output", ylim=(8e-3, 3 * test.max()), title="more weights: it descends again"
)
figure.suptitle("The test error peaks where the weights just suffice to fit every label")

# %% The properties
shows("the peak of the test error", f"{peak} weights, n = {N}", 0.8 * N <= peak <= 1.25 * N)
beyond = train[[i for i, width in enumerate(WIDTHS) if width > N]].max().item()
shows("training error with more than n weights", f"at most {beyond:.0e}", beyond < 1e-12)
lowest = test[:few].argmin().item()
shows("below the peak, a U", f"least at {WIDTHS[lowest]} weights", 0 < lowest < few - 1)
gain = (test[lowest] / test[-1]).item()
shows("2,000 weights against the best of the U", f"error {gain:.2f} times smaller", gain > 1)
plt.show()
