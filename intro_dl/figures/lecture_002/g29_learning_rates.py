"""G29: Four learning rates.

Lecture 002; slides "Learning Rates". Claims F10.
"""

# %% The slide sketches the loss for a very high, a high, a good and a low learning rate. These are four
# trainings of softmax regression that differ in nothing else, on digits of which a tenth has a wrong label:
# no weights fit them all, so that steps that are too large never come to rest.
from statistics import fmean

import matplotlib.pyplot as plt

from intro_dl.figures.engine import canvas, label_ends, shows
from intro_dl.training.product import train

RATES, EVERY, POINTS = {"very high": 1.0, "high": 0.1, "good": 0.01, "low": 0.0003}, 10, 16
same = ["model=softmax", "data=digits", "data.label_noise=0.1", "optim=sgd", "callbacks=no_early_stopping"]
same += [f"trainer.limit_train_batches={EVERY}", f"trainer.max_epochs={POINTS}"]  # a point every 10 steps
losses = {}
for name, rate in RATES.items():
    network, _ = train(*same, f"optim.lr={rate}")
    losses[name] = [epoch["loss/train"] for epoch in network.history]

# %% Draw the four losses
figure, axes = canvas(height=5.2)
steps = [EVERY * (point + 1) for point in range(POINTS)]
for name, values in losses.items():
    axes.plot(steps, values, "o-", label=f"{name}: {RATES[name]:g}", markersize=6)
axes.set(xlabel="step", ylabel="training loss (nats)", yscale="log", xlim=(5, steps[-1] + 3))
axes.grid(alpha=0.3)
label_ends(axes)
figure.suptitle("Low is slow, high stays above good, very high never learns")

# %% The property: the order of the four, in the last 40 steps
last = {name: fmean(values[-4:]) for name, values in losses.items()}
shows(
    "mean loss of the last 40 steps",
    ", ".join(f"{name} {value:.2f}" for name, value in last.items()),
    last["good"] < 0.85 * min(last["high"], last["low"]),
)
low, worst = losses["low"], min(losses["very high"][1:])
shows("the very high rate stays above guessing, ln 10 = 2.30", f"least loss {worst:.1f}", worst > 2.5)
shows("the low rate falls slowly", f"{low[0]:.2f} to {low[-1]:.2f}", 1 < last["low"] < low[0])
plt.show()
