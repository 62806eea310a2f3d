"""G10: Stop training before the network over-fits.

Lectures 000, 002, 003; slides "Regularization 2: Early Stopping". Claims F13.
"""

# %% The slides draw the loss of training and of new data over the iterations, and stop where the second is
# lowest. Here model=mlp learns 100 digits (data=digits), of which a fifth has a wrong label.
import matplotlib.pyplot as plt

from intro_dl.figures.engine import animate, canvas, ink, shows
from intro_dl.training.product import train

network, data = train(
    "model=mlp",
    "data=digits",
    "data.limit_train=100",
    "data.label_noise=0.2",
    "data.batch_size=50",
    "callbacks=no_early_stopping",
    "trainer.max_epochs=40",
)
epochs = [row["epoch"] + 1 for row in network.history]
losses = {name: [row[f"loss/{name}"] for row in network.history] for name in ("train", "val")}
best = losses["val"].index(min(losses["val"]))

# %% Draw both curves; the film adds one epoch a frame, and marks the lowest point so far
figure, axes = canvas()
lines = {name: axes.plot([], [], color=color)[0] for name, color in (("train", "C0"), ("val", "C1"))}
names = {name: axes.text(0, 0, "", color=lines[name].get_color(), va="center") for name in lines}
mark = axes.axvline(0, color=ink(), linestyle="--", linewidth=1.5)
stop = axes.text(0, 0, "stop training here!")
top = 1.15 * max(max(curve) for curve in losses.values())
axes.set(xlabel="epochs", ylabel="loss in nats", xlim=(0, 1.22 * len(epochs)), ylim=(0, top))
under = axes.text(0, 0.94 * top, "under-fitting  ", ha="right")
over = axes.text(0, 0.94 * top, "  over-fitting")
figure.suptitle("The training loss falls on, the loss on new digits turns around")


def frame(k):
    lowest = losses["val"].index(min(losses["val"][: k + 1]))
    for name, word in (("train", "training"), ("val", "validation")):
        lines[name].set_data(epochs[: k + 1], losses[name][: k + 1])
        upper = losses[name][k] == max(curve[k] for curve in losses.values())
        names[name].set(position=(epochs[k] + 0.5, losses[name][k]), text=word)
        names[name].set_va("bottom" if upper else "top")
    mark.set_xdata([epochs[lowest]] * 2)
    turned = k > lowest + 4
    mark.set_visible(turned)
    stop.set(position=(epochs[lowest] + 0.5, losses["val"][lowest] + 0.4), visible=turned)
    under.set(position=(epochs[lowest], 0.94 * top), visible=turned)
    over.set(position=(epochs[lowest], 0.94 * top), visible=turned)


film = animate(figure, frame, len(epochs))

# %% The property: the validation loss has its minimum inside, and rises while the training loss still falls
train, val = losses["train"], losses["val"]
shows(
    "validation loss, lowest and last; training loss, at the stop and last",
    f"{val[best]:.2f} (epoch {epochs[best]}) and {val[-1]:.2f}; {train[best]:.2f} and {train[-1]:.2f}",
    2 < best < 30 and val[-1] > 1.1 * val[best] and train[-1] < 0.7 * train[best],
)
plt.show()
