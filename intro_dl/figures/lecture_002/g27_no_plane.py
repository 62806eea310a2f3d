"""G27: No plane separates these classes, a hidden layer does.

Lecture 002; slides "Limitations of Linear Classifiers". Claims F3, F19.
"""

# %% The slides: "The positive and negative cases cannot be separated by a plane." Two such cases are data=xor
# and data=circles. A line is right for at most three of the four clouds of XOR.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, points, regions, shows
from intro_dl.training.product import train

MODELS = {"one neuron": ["model=perceptron"], "8 hidden units": ["model=mlp", "model.hidden=[8]"]}
common = "optim=adam", "optim.lr=0.03", "trainer.max_epochs=15", "data.batch_size=32"

# %% Train both networks on both data sets, and draw what they decide
figure, axes = canvas(1, 4, height=4.0)
accuracy = {}
for axis, (case, name) in zip(axes, [(c, n) for c in ("xor", "circles") for n in MODELS], strict=True):
    options = ["data.noise=0.15"] if case == "xor" else ["data.noise=0.06"]
    network, data = train(*MODELS[name], f"data={case}", *options, *common)
    inputs, labels = data.splits["train"]

    @torch.no_grad()
    def decide(x, network=network, data=data):
        return network.predict(network(data.transform(x)))

    accuracy[case, name] = (decide(inputs) == labels).float().mean().item()
    limit = float(inputs.abs().max()) * 1.1
    regions(axis, decide, (-limit, limit), (-limit, limit))
    points(axis, inputs[:150], labels[:150], s=22)
    axis.set(
        title=f"{name}\n{accuracy[case, name]:.0%} right",
        xlabel="$x_1$",
        aspect="equal",
        xticks=(),
        yticks=(),
    )
axes[0].set_ylabel("$x_2$")
figure.suptitle("One neuron draws a line: XOR and a circle need a hidden layer")

# %% The property: accuracies on the 600 training points
shows(
    "a line is right for at most 0.75 of the points of XOR, a hidden layer for all",
    f"{accuracy['xor', 'one neuron']:.3f} and {accuracy['xor', '8 hidden units']:.3f}",
    accuracy["xor", "one neuron"] <= 0.75 and accuracy["xor", "8 hidden units"] > 0.99,
)
shows(
    "the same for the circle",
    f"{accuracy['circles', 'one neuron']:.3f} and {accuracy['circles', '8 hidden units']:.3f}",
    accuracy["circles", "one neuron"] < 0.75 and accuracy["circles", "8 hidden units"] > 0.95,
)
plt.show()
