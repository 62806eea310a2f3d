# %% [markdown]
# # Lecture 000: from one neuron to a trained network
#
# MIT 6.S191, lecture 1, 2018. This notebook tells the lecture with code that you can run and change. It needs
# no download and a few minutes on two CPU cores. Run the cells from top to bottom. Where it says **Change a
# number**, change it and run the cell again.

# %%
import matplotlib.pyplot as plt
import torch

import intro_dl
from intro_dl.figures.engine import canvas, points, regions
from intro_dl.models.perceptron import Perceptron
from intro_dl.training.product import train as train_quietly

# %% [markdown]
# Two functions train a model, with the same options as the command line:
#
# - `intro_dl.train("model=mlp", "optim.lr=0.01")` prints its progress, writes a directory below `outputs/`
#   and returns the run;
# - `train_quietly(...)` writes and prints nothing. It returns the model and its data. We use it to compare
#   several trainings.

# %% [markdown]
# ## 1. The perceptron
#
# Slide "The Perceptron: Forward Propagation". One neuron adds up its inputs, each times a weight, adds a
# bias, and squashes the sum:
#
# $$\hat y = g\left(\theta_0 + \sum_i x_i \theta_i\right), \qquad g(z) = \frac{1}{1 + e^{-z}}$$
#
# The slide's example has $\theta_0 = 1$ and $\theta = (3, -2)$.

# %%
neuron = Perceptron(in_shape=(2,), num_classes=2).requires_grad_(False)
neuron.load_state_dict({"w0": torch.tensor(1.0), "w": torch.tensor([3.0, -2.0])})
x = torch.tensor([[-1.0, 2.0]])
z, y = neuron.weighted_sum(x).item(), neuron(x).item()
print(f"z = {z:g}, y = g(z) = {y:.4f}")
assert z == -6 and round(y, 3) == 0.002  # the numbers of the slide

# %% [markdown]
# **Change a number**: for which $x_2$ is $y = 0.5$, if $x_1$ stays $-1$?

# %% [markdown]
# ## 2. "This is just a line in 2D!"
#
# Slide "The Perceptron: Example". Where $z = 0$, the neuron cannot decide: $g(0) = 0.5$. These points are the
# line $1 + 3 x_1 - 2 x_2 = 0$. On one side $y < 0.5$, on the other $y > 0.5$.

# %%
figure, axes = canvas()
regions(axes, neuron, (-6, 6), (-3, 4))
axes.plot(-1, 2, "o", color="black")
axes.annotate("x = (-1, 2)", (-1, 2), (-8, 8), textcoords="offset points", ha="right")
axes.set(xlabel="$x_1$", ylabel="$x_2$", title="Blue: y < 0.5. Red: y > 0.5.")
plt.show()
on_the_line = torch.tensor([[0.0, 0.5], [1.0, 2.0], [-1.0, -1.0]])
assert torch.allclose(neuron(on_the_line), torch.tensor(0.5))

# %% [markdown]
# ## 3. Activation functions
#
# Slide "Common Activation Functions". The slide gives each derivative as a formula, e.g.
# $g'(z) = g(z)(1 - g(z))$ for the sigmoid. We have these formulas in `intro_dl.scratch.backprop`. Are they
# what PyTorch's automatic differentiation computes?

# %%
from intro_dl.scratch.backprop import ACTIVATIONS

z = torch.linspace(-5, 5, 201, requires_grad=True)
figure, axes = canvas(1, 3, height=3.6)
for axis, name in zip(axes, ("sigmoid", "tanh", "relu"), strict=True):
    function, slope = ACTIVATIONS[name]
    (by_torch,) = torch.autograd.grad(function(z).sum(), z)
    assert torch.allclose(slope(z)[z != 0], by_torch[z != 0], atol=1e-6)  # relu has no slope at 0
    axis.plot(z.detach(), function(z).detach(), label="g(z)")
    axis.plot(z.detach(), slope(z).detach(), "--", label="g'(z)")
    axis.set(title=name, xlabel="z")
axes[0].legend()
plt.show()

# %% [markdown]
# **What to notice**: far from 0, the slopes of sigmoid and tanh are almost 0. The slope of ReLU is 1 for
# every positive $z$. Lecture 001 comes back to this.

# %% [markdown]
# ## 4. Why non-linear?
#
# Slide "Importance of Activation Functions". "Linear activation functions produce linear decisions no matter
# the network size." We train the same network twice on two interleaving half circles: once with the identity
# as activation, once with ReLU.

# %%
small = "data=moons", "model=mlp", "model.hidden=[50,50]", "optim.lr=0.01", "trainer.max_epochs=12", "seed=0"
accuracy = {}
figure, axes = canvas(1, 2, height=4.4)
for axis, activation in zip(axes, ("identity", "relu"), strict=True):
    network, data = train_quietly(*small, f"model.activation={activation}")
    inputs, labels = data.splits["test"]
    regions(axis, lambda x, f=network, data=data: f(data.transform(x)).argmax(1), (-1.6, 2.6), (-1.1, 1.7))
    points(axis, inputs, labels, s=15)
    accuracy[activation] = (network(data.transform(inputs)).argmax(1) == labels).float().mean().item()
    axis.set(title=f"{activation}: {accuracy[activation]:.1%} right on new points")
plt.show()
assert accuracy["identity"] < 0.92 and accuracy["relu"] > 0.97

# %% [markdown]
# **Change a number**: give the linear network more layers, e.g. `model.hidden=[50,50,50,50]`. The boundary
# stays a line: a product of matrices is one matrix.

# %% [markdown]
# ## 5. "Will I pass this class?"
#
# Slide "Example Problem". The inputs are the lectures that you attend and the hours that you spend on the
# project. The slide asks an *untrained* network about a student with 4 lectures and 5 hours. Its answer is
# meaningless. We train on 600 students (drawn from a rule: `data=pass_class`), then we ask again.

# %%
from intro_dl.models.mlp import MLP

torch.manual_seed(0)
fresh = MLP(in_shape=(2,), num_classes=2, hidden=(3,))
options = "model=mlp", "model.hidden=[3]", "optim.lr=0.01", "trainer.max_epochs=6"
run = intro_dl.train("data=pass_class", *options)
before = fresh(run.prepare(torch.tensor([[4.0, 5.0]]))).softmax(1)[0, 1].item()
after = run.predict([4, 5])
print(f"\nprobability of passing: {before:.2f} untrained, {after['probability']:.2f} trained")
assert before < 0.9 < after["probability"] and after["class"] == "pass"

# %% [markdown]
# The run keeps what it measured after each epoch. `run.plot()` shows it.

# %%
run.plot()

# %% [markdown]
# ## 6. The loss: how wrong are we?
#
# Slides "Quantifying Loss" and "Binary Cross Entropy Loss". Three students, three predictions $f$, three
# results $y$. The loss is the mean surprise at the true result:
#
# $$J = -\frac{1}{n} \sum_i y_i \log f_i + (1 - y_i) \log (1 - f_i)$$
#
# The slide's formula lacks the minus sign. Without it, gradient descent would look for the *worst* answers.

# %%
from intro_dl.scratch.losses import binary_cross_entropy, mean_squared_error

f, y = torch.tensor([0.1, 0.8, 0.6]), torch.tensor([1.0, 0.0, 1.0])
loss = binary_cross_entropy(f, y)
of_each = [round(binary_cross_entropy(f[[i]], y[[i]]).item(), 4) for i in range(3)]
print(f"J = {loss:.4f}, the mean of {of_each}")
assert torch.isclose(loss, torch.nn.functional.binary_cross_entropy(f, y)) and round(loss.item(), 4) == 1.4743

# %% [markdown]
# If the answer is a number, such as a final grade, the slide takes the mean squared error.

# %%
grades, predicted = torch.tensor([90.0, 20.0, 95.0]), torch.tensor([30.0, 80.0, 85.0])
error = mean_squared_error(predicted, grades)
print(f"mean squared error {error:.2f}, its root {error**0.5:.1f} percent")
assert round(error.item(), 2) == 2433.33

# %% [markdown]
# ## 7. Gradient descent
#
# Slide "Gradient Descent". Start at a random place, compute the gradient, take a small step against it, and
# repeat:
#
# $$\theta \leftarrow \theta - \eta\, \frac{\partial J}{\partial \theta}$$
#
# Here is the loop by hand, for a perceptron on the 600 students.

# %%
from intro_dl.data.toy import PassClass

data = PassClass()
data.setup()
inputs, labels = data.splits["train"]
inputs, learning_rate = data.transform(inputs), 1.0
torch.manual_seed(0)
theta = torch.randn(3, requires_grad=True)  # bias and two weights, from N(0, 1)
losses = []
for _ in range(30):
    f = torch.sigmoid(theta[0] + inputs @ theta[1:])
    losses.append(binary_cross_entropy(f, labels.float()))
    (gradient,) = torch.autograd.grad(losses[-1], theta)
    theta = (theta - learning_rate * gradient).detach().requires_grad_()
losses = [loss.item() for loss in losses]
print(f"loss {losses[0]:.3f} at the start, {losses[-1]:.3f} after {len(losses) - 1} steps")
assert losses == sorted(losses, reverse=True)  # every step went down

# %% [markdown]
# **Change a number**: a learning rate of 0.01, then of 100. The `assert` tells you when a step goes up.

# %% [markdown]
# ## 8. Back-propagation is the chain rule
#
# Slide "Computing Gradients: Backpropagation". For $x \to z_1 \to \hat y \to J$:
#
# $$\frac{\partial J}{\partial \theta_1}
# = \frac{\partial J}{\partial \hat y}\, \frac{\partial \hat y}{\partial z_1}\,
# \frac{\partial z_1}{\partial \theta_1}$$
#
# `intro_dl.scratch.autodiff` keeps each step on a tape and walks back. We multiply the three factors by hand
# and compare.

# %%
from intro_dl.scratch.autodiff import Node

x, target = 2.0, 1.0
theta_1, theta_2 = Node(0.5, "theta_1", "parameter"), Node(-1.0, "theta_2", "parameter")
z_1 = theta_1 * x
y_hat = theta_2 * z_1.tanh()
J = (y_hat - target) ** 2
J.backward()
dJ_dy = 2 * (y_hat.value - target)
dy_dz = theta_2.value * (1 - z_1.value.tanh() ** 2)
print(f"dJ/dy * dy/dz1 * dz1/dtheta1 = {dJ_dy:.3f} * {dy_dz:.3f} * {x:g} = {dJ_dy * dy_dz * x:.4f}")
print(f"the tape: {theta_1.gradient:.4f}")
assert torch.isclose(theta_1.gradient, dJ_dy * dy_dz * x)

# %% [markdown]
# ## 9. The learning rate
#
# Slides "Setting the Learning Rate" and "How to deal with this?". "Try lots of different learning rates and
# see what works just right." The same network learns scanned digits with three learning rates.

# %%
figure, axes = canvas()
final = {}
for rate in (0.0003, 0.1, 1.5):
    options = "model=mlp", "optim=sgd", f"optim.lr={rate}", "callbacks=no_early_stopping"
    network, _ = train_quietly(*options, "trainer.max_epochs=8", "seed=0")
    curve = [epoch["loss/train"] for epoch in network.history]
    axes.plot(range(1, len(curve) + 1), curve, "o-", label=f"learning rate {rate:g}")
    final[rate] = curve[-1]
axes.set(xlabel="epoch", ylabel="training loss", yscale="log", title="Too small, right, too large")
axes.legend()
plt.show()
print({rate: round(loss, 2) for rate, loss in final.items()})
assert final[0.1] < 0.1 * min(final[0.0003], final[1.5])

# %% [markdown]
# **Change a number**: 3 instead of 1.5. The loss becomes infinite; the error says after how many steps, and
# what to try.

# %% [markdown]
# ## 10. Mini-batches
#
# Slide "Stochastic Gradient Descent". One example gives a gradient fast, but a noisy one. The mean over a
# batch of $B$ examples is closer to the gradient of all examples. How much closer?

# %%
f = torch.sigmoid(0.5 + inputs @ torch.tensor([0.5, 0.5]))
each = (f - labels)[:, None] * inputs  # the gradient of each student's loss by the two weights
generator = torch.Generator().manual_seed(0)
distances = {}
for size in (1, 10, 100):
    batches = torch.randint(len(each), (2000, size), generator=generator)
    distances[size] = (each[batches].mean(1) - each.mean(0)).pow(2).sum(1).mean().sqrt().item()
    print(f"batches of {size:>3}: distance from the full gradient {distances[size]:.4f}")
assert 2.8 < distances[1] / distances[10] < 3.5 and 2.8 < distances[10] / distances[100] < 3.5

# %% [markdown]
# **What to notice**: ten times the work makes the gradient $\sqrt{10} \approx 3.2$ times as accurate. So
# large batches pay less and less, unless a GPU computes the whole batch at once.

# %% [markdown]
# ## 11. Over-fitting and early stopping
#
# Slides "The Problem of Overfitting" and "Early Stopping". We keep 200 training images, and give one label in
# five a wrong value, so that the network can learn by heart what does not generalize.

# %%
hard = "model=mlp", "data.limit_train=200", "data.label_noise=0.2", "optim.lr=0.003"
run = intro_dl.train(*hard, "callbacks=no_early_stopping", "trainer.max_epochs=30")
history = run.history
best = history["loss/val"].idxmin()
print(f"\nlowest validation loss in epoch {history['epoch'][best]}, at the end it is higher")
assert best < 20 and history["loss/val"].iloc[-1] > 1.1 * history["loss/val"][best]
assert history["accuracy/train"].iloc[-1] > 0.95  # wrong labels included

# %%
run.plot()

# %% [markdown]
# **What to notice**: the training loss falls to the end. The validation loss turns: "Stop training here!" The
# run keeps the weights of that epoch; `run.model` has them.

# %% [markdown]
# ## 12. Dropout
#
# Slide "Regularization 1: Dropout". During training, each hidden unit is set to 0 with probability 0.5, so
# the network cannot rely on any one unit.

# %%
lowest = {}
for p in (0.0, 0.5):
    options = f"regularization.dropout={p}", "callbacks=no_early_stopping", "trainer.max_epochs=30", "seed=0"
    network, _ = train_quietly(*hard, *options)
    curve = [epoch["loss/val"] for epoch in network.history]
    lowest[p] = curve[-1]
    print(f"dropout {p}: validation loss {min(curve):.2f} at its lowest, {curve[-1]:.2f} at the end")
assert lowest[0.5] < lowest[0.0]

# %% [markdown]
# **Change a number**: a dropout of 0.9. Too many units are missing; the network learns little.
#
# ## Where to go from here
#
# - `python scripts/lectures.py lecture=000` checks every number of this lecture.
# - `intro_dl.train("model=lenet", "data=mnist")` trains on MNIST. It downloads 12 MB once.
