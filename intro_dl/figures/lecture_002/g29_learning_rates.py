"""G29: Four learning rates.

Lecture 002; slides "Learning Rates". Claims F10.
"""

# %% The slide sketches the loss for a very high, a high, a good and a low learning rate. These are four
# trainings of the same network, model=mlp on data=digits, that differ in nothing else.
import matplotlib.pyplot as plt

from intro_dl.figures.engine import canvas, label_ends, shows
from intro_dl.training.product import train

RATES, EPOCHS = {"very high": 1.0, "high": 0.3, "good": 0.1, "low": 0.003}, 8
same = "model=mlp", "model.activation=tanh", "data=digits", "optim=sgd", f"trainer.max_epochs={EPOCHS}"
losses = {}
for name, rate in RATES.items():
    network, _ = train(*same, "callbacks=no_early_stopping", f"optim.lr={rate}")
    losses[name] = [epoch["loss/train"] for epoch in network.history]

# %% Draw the four losses
figure, axes = canvas(height=5.2)
for name, values in losses.items():
    axes.plot(range(1, EPOCHS + 1), values, "o-", label=f"{name}: {RATES[name]:g}")
axes.set(xlabel="epoch", ylabel="training loss (nats)", yscale="log", xlim=(0.8, EPOCHS + 0.2))
axes.grid(alpha=0.3)
label_ends(axes)
figure.suptitle("A low rate is slow, a high one stays above, a very high one explodes")

# %% The property: the four shapes of the slide
very_high, high, good, low = losses.values()
shows(
    "the last loss is above that of guessing, ln 10 = 2.30, for the very high rate only",
    ", ".join(f"{name} {values[-1]:.3f}" for name, values in losses.items()),
    min(very_high) > 2.303 and max(high[-1], good[-1], low[-1]) < 2.3,
)
shows(
    "the good rate ends lowest; the low one falls all the time",
    f"{good[-1]:.3f} after {EPOCHS} epochs; the low one from {low[0]:.2f} to {low[-1]:.2f}",
    good[-1] < 0.7 * min(high[-1], low[-1]) and low == sorted(low, reverse=True),
)
plt.show()
