"""G15: Softmax regression learns ten vectors, which are images.

Lecture 001; slide "MNIST: a classification problem". Claims N8, H1.
"""

# %% The slide: "Learn 10 vectors (784 dims) and 10 biases to classify digits". A vector has a weight for each
# pixel, so it can be looked at. These are of the scanned digits (data=digits) in place of MNIST.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, shows
from intro_dl.training.product import train

# The penalty removes the random weights of the start where a pixel tells nothing.
options = "model=softmax", "data=digits", "optim=sgd", "optim.lr=0.05", "regularization.weight_decay=0.05"
network, data = train(*options, "trainer.max_epochs=20")
weights = network.logits.weight.detach().view(10, 28, 28)
inputs, labels = data.whole("train")

# %% Draw each vector: where ink speaks for the digit, and where against it
figure, axes = canvas(2, 5, height=4.8)
most = weights.abs().max().item()
for digit, axis in enumerate(axes.flat):
    picture = axis.imshow(weights[digit], cmap="viridis", vmin=-most, vmax=most)
    axis.set_title(digit)
    axis.set_axis_off()
bar = figure.colorbar(picture, ax=axes, ticks=[-most, 0, most], shrink=0.9)
bar.ax.set_yticklabels(["against", "no effect", "for the digit"])
accuracy = (network(data.whole("test")[0]).argmax(dim=1) == data.whole("test")[1]).float().mean()
figure.suptitle(f"Each vector is a rough picture of its digit; {accuracy:.0%} of new digits right")

# %% The property: each vector resembles the mean image of its digit, as it differs from the mean of all
means = torch.stack([inputs[labels == digit].mean(dim=0) for digit in range(10)]) - inputs.mean(dim=0)
pairs = zip(weights.flatten(1), means.flatten(1), strict=True)
correlations = torch.tensor([torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs])
shows(
    "each vector is correlated with the mean of its digit",
    f"correlation {correlations.min():.2f} to {correlations.max():.2f}",
    bool(correlations.min() > 0.3),
)
plt.show()
