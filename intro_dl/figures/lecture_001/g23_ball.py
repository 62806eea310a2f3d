"""G23: Only its history tells where a ball goes.

Lecture 001; slides "Given an image of a ball, can you predict where it will go next?". Claims A11, R9.
"""

# %% The slides show one picture of a ball: nobody can tell where it goes. Then they show its trail, and
# everybody can. data=ball has films of 8 pictures; model=forecaster reads the last one, or all.
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from intro_dl.data.series import SIDE
from intro_dl.figures.engine import canvas, shows
from intro_dl.training.product import train

films = "model=forecaster", "data=ball", "trainer.max_epochs=5"
one, _ = train(*films, "model.history=1")
eight, data = train(*films)
inputs, steps = data.whole("test")
with torch.no_grad():
    guesses = {"1 picture": one(inputs), "8 pictures": eight(inputs)}
errors = {name: F.mse_loss(guess, steps).item() for name, guess in guesses.items()}
linear = eight.rivals(data.whole("train"), (inputs, steps))["linear (AR)"]

# %% Draw one film: what each network sees, where it says that the ball goes, and where the ball goes
last = data.last["test"]
middle = (last - SIDE / 2).abs().amax(dim=1) < 3
number = int((steps.norm(dim=1) * middle).argmax())  # a fast ball, away from the walls
pictures = data.splits["test"][0][number].view(-1, SIDE, SIDE)
views = pictures[-1], pictures.amax(dim=0)
figure, axes = canvas(1, 3, height=4.2)
for axis, (name, guess), seen in zip(axes, guesses.items(), views, strict=False):
    axis.imshow(seen, cmap="gray", extent=(0, SIDE, SIDE, 0))
    for step, color, width in ((steps[number], "C4", 9), (guess[number], "C1", 3.5)):
        start, end = last[number], last[number] + 2.5 * step
        arrow = {"arrowstyle": "-|>", "color": color, "linewidth": width, "mutation_scale": 12 + 2 * width}
        axis.annotate("", end.tolist(), start.tolist(), arrowprops=arrow)
    axis.set(title=f"sees {name}", xticks=(), yticks=())
axes[0].set_xlabel("prediction, 2.5 steps on", color="C1")
axes[1].set_xlabel("where it goes", color="C4")
bars = {"network, 1": errors["1 picture"], "linear, 8": linear, "network, 8": errors["8 pictures"]}
axes[2].barh([*bars], [*bars.values()], color=["C1", "C5", "C2"])
axes[2].set(title="squared error (pixels²)", xlim=(0, 1.25 * max(bars.values())))
for row, value in enumerate(bars.values()):
    axes[2].text(value, row, f" {value:.2f}", va="center")
axes[2].invert_yaxis()
figure.suptitle("One picture tells the place, several tell the speed")

# %% The property: with its history, the network predicts better; so does a linear model
shows(
    "squared error of 1,000 new films, in pixels²",
    ", ".join(f"{name}: {value:.3f}" for name, value in bars.items()),
    errors["8 pictures"] < 0.3 * errors["1 picture"] and linear < errors["1 picture"],
)
plt.show()
