"""G41: Decision boundaries of networks, and what L2 does to them.

Lecture 004; slide "Neural Network Decision Boundaries". Claims F20.
"""

# %% The slide shows two networks: four classes with two hidden layers of ReLU, and two classes with one
# hidden layer, both with an L2 penalty. Here model=mlp learns data=spirals and data=moons with two penalties
# each.
import matplotlib.pyplot as plt

from intro_dl.figures.engine import canvas, points, regions, shows
from intro_dl.training.product import train

CASES = {
    "4 classes,\n2 hidden layers": ("data=spirals", "data.arms=4", "data.noise=0.15", "model.hidden=[50,50]"),
    "2 classes,\n1 hidden layer": ("data=moons", "data.noise=0.25", "model.hidden=[50]"),
}
WEAK, STRONG = 1e-4, 0.05
common = "model=mlp", "regularization=l2", "optim=adam", "optim.lr=0.01", "data.batch_size=100"

# %% Train each network with a weak and a strong penalty
figure, axes = canvas(2, 2, height=8.0)
sizes, right = {}, {}
for row, (name, options) in enumerate(CASES.items()):
    for column, penalty in enumerate((WEAK, STRONG)):
        network, data = train(
            *common,
            *options,
            f"regularization.weight_decay={penalty}",
            "trainer.max_epochs=60",
            "callbacks=no_early_stopping",
        )
        inputs, labels = data.splits["train"]
        right[row, column] = network.history[-1]["accuracy/val"]
        sizes[row, column] = sum(weight.square().sum().item() for weight in network.parameters())
        axis = axes[row, column]
        low, high = inputs.amin(0) - 0.2, inputs.amax(0) + 0.2
        limits = [(low[i].item(), high[i].item()) for i in (0, 1)]

        def answer(x, network=network, data=data):
            shares = network(data.transform(x)).softmax(1)
            return shares[:, 1] if shares.shape[1] == 2 else shares.argmax(1)

        regions(axis, answer, *limits)
        points(axis, inputs[:240], labels[:240], s=20)
        axis.set_title(
            rf"$\lambda$ = {penalty:g}: {right[row, column]:.0%} right, $|w|^2$ = {sizes[row, column]:.0f}"
        )
        axis.set(xlabel="$x_1$", ylabel=f"{name}\n$x_2$" if column == 0 else "$x_2$")
figure.suptitle("Hidden layers bend the boundary, and a strong L2 penalty straightens it")

# %% The properties: with a weak penalty the boundary follows the classes, and a strong one costs accuracy
weak = [right[row, 0] for row in (0, 1)]
shows("accuracy on validation points, weak penalty", f"{weak[0]:.1%}, {weak[1]:.1%}", min(weak) > 0.85)
shrunk = [sizes[row, 0] / sizes[row, 1] for row in (0, 1)]
shows("|w|^2, weak over strong", f"{shrunk[0]:.1f}, {shrunk[1]:.1f}", min(shrunk) > 2)
lost = right[0, 0] - right[0, 1]
shows("spirals: what the strong penalty costs", f"{100 * lost:.0f} points of accuracy", lost > 0.05)
plt.show()
