# %% [markdown]
# # Lecture 002: hidden units, back-propagation by hand, and the art of training
#
# UNSW COMP9321, 2019, week 7. The lecture derives back-propagation term by term, then asks how to choose
# losses, learning rates and regularization. All data here need no download. Run the cells from top to bottom.

# %%
import matplotlib.pyplot as plt
import torch

import intro_dl
from intro_dl.figures.engine import canvas, points, regions
from intro_dl.scratch import backprop, losses
from intro_dl.training.product import train as train_quietly

# %% [markdown]
# `intro_dl.train` is the command `intro-dl train`: it prints its progress and writes a directory below
# `outputs/`. `train_quietly` trains the same way, but writes and prints nothing, and returns the model and
# its data. We use it to compare several trainings.

# %% [markdown]
# ## 1. A step that can be trained
#
# Slide "Using gradient ascent for linear classifiers". The decision $\mathrm{sign}(\theta^T x)$ is flat
# everywhere: its gradient is 0 and tells nobody where to go. The logistic function has a slope:
#
# $$p(y = 1 \mid x) = \frac{1}{1 + e^{-\theta^T x}}$$

# %%
u = torch.tensor([-2.0, -0.5, 0.5, 2.0], requires_grad=True)
for name, function in {"sign": torch.sign, "logistic": backprop.sigmoid}.items():
    (slope,) = torch.autograd.grad(function(u).sum(), u)
    print(f"slope of {name:9}", [round(value, 3) for value in slope.tolist()])
    assert (slope > 0).all() == (name == "logistic")

# %% [markdown]
# ## 2. What one neuron cannot do
#
# Slide "Limitations of Linear Classifiers". Four clouds of points: the classes differ where the signs of
# $x_1$ and $x_2$ differ (XOR). No line separates them. One hidden layer does.

# %%
neuron, data = train_quietly("model=perceptron", "data=xor", "trainer.max_epochs=20", "seed=0")
hidden, _ = train_quietly("model=mlp", "model.hidden=[8]", "data=xor", "optim.lr=0.03", "seed=0")
inputs, labels = data.splits["test"]
figure, axes = canvas(1, 2, height=4.8)
accuracy = []
for axis, network in zip(axes, (neuron, hidden), strict=True):
    regions(axis, lambda x, f=network: f.predict(f(data.transform(x))), (-2, 2), (-2, 2))
    points(axis, inputs, labels, s=15)
    accuracy.append((network.predict(network(data.transform(inputs))) == labels).float().mean().item())
    axis.set(title=f"{accuracy[-1]:.1%} right", aspect="equal")
plt.show()
print("one neuron, and with a hidden layer:", [f"{value:.1%}" for value in accuracy])
assert accuracy[0] <= 0.76 and accuracy[1] == 1

# %% [markdown]
# **Change a number**: `model.hidden=[2]`. Two units can be enough, but not from every start: try several
# values of `seed=`.

# %% [markdown]
# ## 3. Count the parameters
#
# Slide "Single-Layer Neural Network": 3 inputs, 4 hidden units, 2 outputs. "26 learnable parameters."

# %%
from intro_dl.models.mlp import MLP

small = MLP(in_shape=(3,), num_classes=2, hidden=(4,))
for name, weights in small.named_parameters():
    print(f"{name:18} {weights.numel():>3}")
assert sum(weights.numel() for weights in small.parameters()) == 26

# %% [markdown]
# ## 4. More units, more capacity
#
# Slide "Why Deeper? Representation Power": "The capacity of the network increases with more hidden units."
# Two spirals, and networks with 3, 6 and 20 hidden units.

# %%
spirals = "data=spirals", "data.arms=2", "data.noise=0.1", "optim.lr=0.03", "trainer.max_epochs=30"
figure, axes = canvas(1, 3, height=4.2)
accuracy = {}
for axis, units in zip(axes, (3, 6, 20), strict=True):
    network, data = train_quietly("model=mlp", f"model.hidden=[{units}]", *spirals, "seed=0")
    inputs, labels = data.splits["train"]
    regions(axis, lambda x, f=network, data=data: f(data.transform(x)).argmax(1), (-1.2, 1.2), (-1.2, 1.2))
    points(axis, inputs[:200], labels[:200], s=12)
    accuracy[units] = (network(data.transform(inputs)).argmax(1) == labels).float().mean().item()
    axis.set(title=f"{units} units: {accuracy[units]:.1%}", aspect="equal", xticks=(), yticks=())
plt.show()
assert accuracy[3] < accuracy[6] and accuracy[20] > 0.98

# %% [markdown]
# ## 5. Forward and backward, by hand
#
# Slides "Forward Pass" and "Gradient Descent for Multi-layer Network". Forward: $h_j = f(v_{j0} + \sum_i x_i
# v_{ji})$, $o_k = g(w_{k0} + \sum_j h_j w_{kj})$. Backward: the error of an output is $\delta_k^z = (o_k -
# t_k)\, o_k (1 - o_k)$. A hidden unit collects the errors that it causes:
#
# $$\delta_j^u = f'(u_j) \sum_k \delta_k^z w_{kj}, \qquad
# \frac{\partial E}{\partial v_{ji}} = \sum_n \delta_j^u x_i$$

# %%
torch.manual_seed(0)
x, t = torch.randn(5, 3), torch.rand(5, 2)  # 5 examples
v, v0, w, w0 = torch.randn(4, 3), torch.zeros(4), torch.randn(2, 4), torch.zeros(2)
values = backprop.two_layer_forward(x, v, v0, w, w0)
errors = backprop.two_layer_backward(x, t, w, values)
print("errors of the outputs of example 1:", [round(value, 4) for value in errors.delta_z[0].tolist()])

leaves = [weights.clone().requires_grad_() for weights in (v, v0, w, w0)]
E = losses.squared_error(backprop.two_layer_forward(x, *leaves).o, t)
by_torch = torch.autograd.grad(E, leaves)
by_hand = errors.dE_dv, errors.dE_dv0, errors.dE_dw, errors.dE_dw0
assert all(torch.allclose(hand, auto, atol=1e-6) for hand, auto in zip(by_hand, by_torch, strict=True))
print("the slide's formulas are the gradients of torch.autograd")

# %% [markdown]
# ## 6. "4 or not 4": beware of the baseline
#
# Slide "Classify image of handwritten digit: 4 vs non-4". `data.labels=[4]` makes two classes. About nine
# images in ten are not a 4, so a program that always says "not 4" is right for nine in ten.

# %%
four = "model=mlp", "model.hidden=[30]", "model.activation=sigmoid", "data.labels=[4]", "optim.lr=0.003"
run = intro_dl.train(*four, "trainer.max_epochs=10")
assert run.result.metrics["accuracy/test"] > 0.95

# %%
run.plot()

# %% [markdown]
# **What to notice**: the note at the end of the output says how often "not 4" is right. 90 % is a bad result
# here.

# %% [markdown]
# ## 7. Squared error or cross-entropy?
#
# Slide "Choosing Activation and Loss Functions". The lecture's Keras example (784-500-500-10, sigmoid,
# SGD) is compiled with `loss='mse'`, though the slide before says that cross-entropy often does better.

# %%
keras = "model=mlp", "model.hidden=[500,500]", "model.activation=sigmoid", "optim=sgd", "optim.lr=0.1"
right = {}
for loss in ("mse", "cross_entropy"):
    network, _ = train_quietly(*keras, f"model.loss={loss}", "trainer.max_epochs=10", "seed=0")
    right[loss] = network.history[-1]["accuracy/val"]
    print(f"{loss:13}: {right[loss]:.1%} of the validation images right after 10 epochs")
assert right["cross_entropy"] > right["mse"]

# %% [markdown]
# **Change a number**: `optim.lr=1`. A good part of the difference is the size of the step: the gradient of
# the squared error is small.

# %% [markdown]
# ## 8. The gradient of softmax and cross-entropy
#
# Slide "Multi-class Classification" has $(o_k - t_k)\, o_k (1 - o_k)$. That is wrong: each output depends on
# *every* $z_j$, not only on its own. The right gradient is shorter: $o_k - t_k$.

# %%
z, t = torch.tensor([[1.0, 2.0, 0.5]], requires_grad=True), torch.tensor([[0.0, 1.0, 0.0]])
E, right_one = backprop.softmax_cross_entropy_delta(z, t)
(by_torch,) = torch.autograd.grad(E, z)
o = z.softmax(1)
slide = (o - t) * o * (1 - o)
for name, gradient in {"autograd": by_torch, "o - t": right_one, "slide": slide}.items():
    print(f"{name:9}", [round(value, 3) for value in gradient[0].tolist()])
assert torch.allclose(by_torch, right_one, atol=1e-6) and not torch.allclose(by_torch, slide, atol=0.05)

# %% [markdown]
# ## 9. "Set the learning rate carefully"
#
# Slide "Learning Rates" sketches four loss curves: very high, high, good, low. Here they are.

# %%
figure, axes = canvas()
final = {}
for name, rate in {"very high": 2, "high": 0.3, "good": 0.1, "low": 0.001}.items():
    options = "optim=sgd", f"optim.lr={rate}", "callbacks=no_early_stopping", "trainer.max_epochs=8", "seed=0"
    network, _ = train_quietly("model=mlp", "model.hidden=[100]", *options)
    curve = [epoch["loss/train"] for epoch in network.history]
    axes.plot(range(1, 9), curve, "o-", label=f"{name}: {rate:g}")
    final[name] = curve[-1]
axes.set(xlabel="epoch", ylabel="training loss", yscale="log")
axes.legend()
plt.show()
print({name: round(loss, 3) for name, loss in final.items()})
assert final["good"] < final["low"] and final["good"] < final["very high"]

# %% [markdown]
# The slide also lets the rate fall: $\eta_t = \eta / \sqrt{t + 1}$. (It calls this "1/t decay"; it is
# $1/\sqrt t$ decay.) `scheduler=inverse_sqrt` does it.

# %%
from intro_dl.training.product import optimizer, schedule

steps = optimizer([torch.zeros(1)], "optim=sgd", "optim.lr=0.1")
falls = schedule(steps, "scheduler=inverse_sqrt")
rates = []
for _ in range(4):
    rates.append(falls.get_last_lr()[0])
    steps.step()
    falls.step()
print("rate of epochs 1 to 4:", [round(rate, 4) for rate in rates])
assert abs(rates[3] - 0.1 / 2) < 1e-9  # sqrt(3 + 1) = 2

# %% [markdown]
# ## 10. Momentum and Adam
#
# Slides "Add Momentum" and "Algorithm 1: Adam". Momentum adds up past steps: $v \leftarrow \gamma v + \eta\,
# \partial E / \partial w$, $w \leftarrow w - v$. Adam also divides each step by the typical size of the
# gradient.

# %%
after = {}
for name in ("sgd", "momentum", "rmsprop", "adam"):
    options = f"optim={name}", "optim.lr=0.001", "trainer.max_epochs=5", "seed=0"
    network, _ = train_quietly("model=mlp", "model.hidden=[100]", *options)
    after[name] = network.history[-1]["loss/train"]
    print(f"{name:9} training loss {after[name]:.3f} after 5 epochs at the rate 0.001")
assert after["adam"] < after["momentum"] < after["sgd"]

# %% [markdown]
# `intro_dl/scratch/optimizers.py` has the box of the slide line by line. `optim=scratch_adam` trains with it.

# %%
curves = []
for name in ("adam", "scratch_adam"):
    network, _ = train_quietly("model=softmax", f"optim={name}", "trainer.max_epochs=3", "seed=0")
    curves.append([epoch["loss/val"] for epoch in network.history])
    print(f"{name:13}", [f"{loss:.4f}" for loss in curves[-1]])
assert torch.allclose(*torch.tensor(curves), rtol=1e-3)

# %% [markdown]
# ## 11. Over-fitting
#
# Slide "Overfitting": "it fits both kinds of regularity", the real ones and those of the sample. We keep 100
# training images, so the sample is small.

# %%
few = "model=mlp", "model.hidden=[200]", "data.limit_train=100", "callbacks=no_early_stopping"
run = intro_dl.train(*few, "trainer.max_epochs=25", "trainer.enable_progress_bar=false")
last = run.history.iloc[-1]
print(
    f"\nright: {last['accuracy/train']:.1%} of the training images, {last['accuracy/val']:.1%} of the others"
)
assert last["accuracy/train"] > 0.99 > last["accuracy/val"] + 0.05

# %%
run.plot()

# %% [markdown]
# ## 12. L2 = weight decay
#
# Slide "L2 = weight decay": $J_{reg}(\theta) = J(\theta) + \lambda \sum_k \theta_k^2$ penalizes large
# weights. `regularization.weight_decay` is $2 \lambda$.

# %%
sizes = {}
for decay in (0, 0.01, 0.1):
    options = f"regularization.weight_decay={decay}", "optim=sgd", "optim.lr=0.1", "trainer.max_epochs=12"
    network, _ = train_quietly(*few, *options, "seed=0")
    sizes[decay] = network.logits.weight.norm().item()
    print(f"weight decay {decay:<5} size of the output weights {sizes[decay]:.2f}")
assert sizes[0] > sizes[0.01] > sizes[0.1]

# %% [markdown]
# **Change a number**: a weight decay of 1. Then the penalty decides, and the network learns nothing.
#
# ## Where to go from here
#
# - `python scripts/lectures.py lecture=002` checks every number of this lecture.
# - `intro_dl.train("experiment=mnist_unsw_ce")` is the Keras example on MNIST, with cross-entropy.
