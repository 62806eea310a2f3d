"""G39: The validation loss turns where overtraining begins.

Lecture 004; slide "Use validation set to examine for overtraining, and determine when to stop training".
Claims F12.
"""

# %% The slide shows the loss of the training and of the validation set over the epochs. Here model=mlp learns
# 200 digits (8x8, enlarged to 28x28), 30 % of them with a wrong label, which it can only memorize.
import matplotlib.pyplot as plt

from intro_dl.figures.engine import canvas, ink, label_ends, shows
from intro_dl.training.product import train

EPOCHS = 50
network, data = train(
    "model=mlp",
    "model.hidden=[100]",
    "data=digits",
    "data.limit_train=200",
    "data.label_noise=0.3",
    "optim=adam",
    "optim.lr=0.002",
    "callbacks=no_early_stopping",
    f"trainer.max_epochs={EPOCHS}",
)
losses = {split: [epoch[f"loss/{split}"] for epoch in network.history] for split in ("train", "val")}
best = min(range(EPOCHS), key=lambda epoch: losses["val"][epoch])

# %% Draw both losses and the epoch of the least validation loss
figure, axes = canvas()
for name, split in (("training\n(30 % wrong\nlabels)", "train"), ("validation", "val")):
    axes.plot(range(1, EPOCHS + 1), losses[split], label=name)
axes.axvline(best + 1, color=ink(), linestyle="--", linewidth=1.5)
top = max(losses["train"][0], losses["val"][0])
axes.text(best + 1.6, 0.97 * top, f"least: epoch {best + 1}", va="top")
axes.text(best + 1.6, 0.86 * top, "afterwards the network memorizes", va="top", fontsize=13)
axes.set(xlabel="epoch (one pass through the training set)", ylabel="loss [nats]", ylim=(0, 1.05 * top))
axes.set_xlim(1, EPOCHS)
label_ends(axes)
figure.suptitle("The training loss keeps falling, while the validation loss turns up")

# %% The property: the validation loss has its minimum inside, and the training loss falls to the end
rise = losses["val"][-1] / losses["val"][best]
fall = losses["train"][-1] / losses["train"][best]
shows("the least validation loss", f"epoch {best + 1} of {EPOCHS}", 2 <= best + 1 <= EPOCHS - 10)
shows("from there to the end", f"validation x {rise:.2f}, training x {fall:.2f}", rise > 1.1 and fall < 0.8)
plt.show()
