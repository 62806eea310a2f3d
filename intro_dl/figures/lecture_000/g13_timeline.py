"""G13: Four ideas from 1952 to 1995, trained on the same digits.

Lectures 000, 003; slides "Why Now?". Claims A6, E32.
"""

# %% The slides date the ideas behind deep learning: stochastic gradient descent, the perceptron,
# back-propagation, the deep convolutional network. experiment=history/... trains each on 1,297 digits.
import matplotlib.pyplot as plt

from intro_dl.figures.engine import canvas, ink, shows
from intro_dl.training.product import train

EXPERIMENTS = {
    1952: ("1952_sgd_softmax", "Stochastic gradient\ndescent"),
    1958: ("1958_perceptron", "Perceptron:\nlearnable weights"),
    1986: ("1986_backpropagation", "Back-propagation:\nmultilayer perceptron"),
    1995: ("1995_convolution", "Deep convolutional\nnetwork"),
}
accuracy = {}
for year, (name, _) in EXPERIMENTS.items():
    network, _ = train(f"experiment=history/{name}", "trainer.max_epochs=2")
    accuracy[year] = network.history[-1]["accuracy/val"]

# %% Draw the line of time, and what each idea reaches
figure, axes = canvas(height=4.4)
axes.axhline(0, color=ink(), linewidth=3)
for number, (year, (_, idea)) in enumerate(EXPERIMENTS.items()):
    up = -1 if number % 2 else 1
    axes.plot([year, year], [0, 0.35 * up], color=f"C{number}")
    axes.plot(year, 0, "o", color=f"C{number}", markersize=14)
    text = f"{year}\n{idea}\n{accuracy[year]:.0%} of 200 new digits"
    axes.text(year, 0.4 * up, text, color=f"C{number}", ha="center", va="bottom" if up > 0 else "top")
axes.set(xlim=(1944, 2003), ylim=(-1.2, 1.2), yticks=[], xticks=[])
axes.spines[["left", "bottom"]].set_visible(False)
figure.suptitle("The ideas are decades old; after two epochs the simplest is still ahead")

# %% The property: each idea learns; one in ten is chance
shows(
    "accuracy on 200 new digits after two epochs, 1952, 1958, 1986 and 1995",
    ", ".join(f"{value:.2f}" for value in accuracy.values()),
    min(accuracy.values()) > 0.5,
)
plt.show()
