"""G16: Accuracy and objective of the four networks on MNIST.

Lecture 001; slides "MNIST: a classification problem", "Specs: 4 hidden layers (200,100,60,30)", "LeNet (Yann
LeCun, 1998)" and "Using the whole bag of tricks". Claims H1, H2, H3, H4, E22.
"""

# %% The slides show for each network the accuracy on new data and the objective, during 10,000 steps. They
# reach 92, 98.2, 98.9 and 99.3 %. These curves are of 3,000 steps on MNIST with one seed; RESULTS.md has the
# whole experiments with five. The tricks: more maps, dropout, a falling learning rate, batch normalization.
import matplotlib.pyplot as plt

from intro_dl.figures.engine import canvas, measured, shows

found = measured("g16", "python intro_dl/figures/lecture_001/g16_measure.py")
networks, steps = found["networks"], found["steps"]
final = {name: 100 * network["accuracy/test"][-1] for name, network in networks.items()}

# %% Draw the accuracy above, the objective below
figure, axes = canvas(2, len(networks), height=5.8, sharex=True, sharey="row")
for column, (name, network) in enumerate(networks.items()):
    for axis, measure, scale in ((axes[0, column], "accuracy", 100), (axes[1, column], "loss", 1)):
        axis.plot(steps, [scale * value for value in network[f"{measure}/train"]], "C5", linewidth=1.5)
        axis.plot(steps, [scale * value for value in network[f"{measure}/test"]], "C1")
        axis.grid(alpha=0.3)
    axes[0, column].set_title(f"{name.replace('CNN, ', '')}: {final[name]:.1f} %")
    axes[1, column].set_xticks([0, 1500, 3000], ["0", "1,500", ""])
axes[0, 0].set(ylim=(87, 100.3), ylabel="accuracy (%)")
axes[1, 0].set(ylim=(0, 0.45), ylabel="objective (nats)")
axes[0, 1].text(3000, 91, "training", color="C5", ha="right")
axes[0, 1].text(3000, 89, "new data", color="C1", ha="right")
figure.supxlabel("steps of 100 images", fontsize=15)
figure.suptitle("Each network beats the one before, by less and less")

# %% The property: the order of the slides, and about their values
values = [*final.values()]
distances = [abs(value - slide) for value, slide in zip(values, (92, 98.2, 98.9, 99.3), strict=True)]
shows(
    "test accuracy rises from softmax to MLP, CNN and all tricks",
    ", ".join(f"{name} {value:.2f} %" for name, value in final.items()),
    values == sorted(values) and max(distances) < 1,
)
gains = [later - earlier for earlier, later in zip(values, values[1:], strict=False)]
shows(
    "each step gains less than the one before",
    ", ".join(f"{gain:.2f}" for gain in gains) + " points",
    gains == sorted(gains, reverse=True),
)
plt.show()
