# %% [markdown]
# # Lecture 004: from logistic regression to deep networks
#
# M. Kagan, IN2P3 School of Statistics 2021, lecture I. The lecture starts from two Gaussian classes, learns
# the basis functions, differentiates automatically, and ends with convolutions and depth. This notebook needs
# no download and a few minutes on two CPU cores.

# %%
import matplotlib.pyplot as plt
import torch

import intro_dl
from intro_dl.data.toy import Circles, TwoGaussians
from intro_dl.figures.engine import canvas, points, regions
from intro_dl.training.product import model
from intro_dl.training.product import train as train_quietly

torch.manual_seed(0)

# %% [markdown]
# `intro_dl.train` is the command `intro-dl train`: it prints its progress, writes a directory below
# `outputs/` and returns the run. `train_quietly` trains the same way, but writes and prints nothing.
# `model(...)` returns an untrained network.

# %% [markdown]
# ## 1. Two Gaussian classes give a sigmoid
#
# Slides "Goal: Separate data from two classes". If each class is a Gaussian with the same covariance
# $\Sigma$, Bayes' rule gives $p(y = 1 \mid x) = \sigma(w^T x + b)$ with $w = \Sigma^{-1}(\mu_1 - \mu_0)$. So
# logistic regression, which knows nothing of Gaussians, should find the same $w$.

# %%
clouds = "data=two_gaussians", "data.distance=2", "optim.lr=0.3", "callbacks=no_early_stopping"
run = intro_dl.train("model=perceptron", *clouds, "trainer.max_epochs=15")
data = TwoGaussians(distance=2)
data.setup()
inputs, labels = data.splits["train"]
x = data.transform(inputs)
means = [x[labels == k].mean(0) for k in (0, 1)]
covariance = sum((x[labels == k] - means[k]).T @ (x[labels == k] - means[k]) for k in (0, 1)) / len(x)
w = torch.linalg.solve(covariance, means[1] - means[0])
print("\nfrom the Gaussians:", [round(value, 2) for value in w.tolist()])
print("logistic regression:", [round(value, 2) for value in run.model.w.tolist()])
assert torch.allclose(w, run.model.w, rtol=0.25)

# %% [markdown]
# The sigmoid turns the distance from the boundary into a probability.

# %%
for point in ([0.0, 0.0], [0.5, 0.5], [2.0, 2.0]):
    record = run.predict(point)
    print(point, f"class {record['class']} with probability {record['probability']:.2f}")
assert run.predict([2.0, 2.0])["probability"] > run.predict([0.5, 0.5])["probability"] > 0.5

# %% [markdown]
# ## 2. The loss is a likelihood
#
# Slides "Negative log-likelihood" and "binary cross entropy loss function!". The last line of the slide,
# $\sum y \ln(1 + e^{-z}) + (1 - y) \ln(1 + e^{z})$ with $z = w^T x$, is the same number as
# $-\sum y \ln p + (1 - y) \ln(1 - p)$. Only one of them survives large $z$.

# %%
from intro_dl.scratch.losses import binary_cross_entropy, binary_cross_entropy_from_logits

z, y = torch.tensor([-1.5, 0.3, 2.0]), torch.tensor([0.0, 1.0, 1.0])
one, other = binary_cross_entropy(torch.sigmoid(z), y), binary_cross_entropy_from_logits(z, y)
print(f"from p: {one:.6f}, from z: {other:.6f}")
assert torch.isclose(one, other)
z, y = torch.tensor([1000.0]), torch.tensor([0.0])
one, other = binary_cross_entropy(torch.sigmoid(z), y), binary_cross_entropy_from_logits(z, y)
print(f"at z = 1000: from p: {one:.0f}, from z: {other:.0f}")
assert other == 1000 and torch.isinf(one)

# %% [markdown]
# ## 3. One minimum
#
# Slide "Logistic Regression Loss is convex". From five random starts, gradient descent reaches the same loss.

# %%
ends = []
for start in range(5):
    theta = (3 * torch.randn(3, generator=torch.Generator().manual_seed(start))).requires_grad_()
    for _ in range(400):
        loss = binary_cross_entropy_from_logits(theta[0] + x @ theta[1:], labels.float())
        (gradient,) = torch.autograd.grad(loss, theta)
        theta = (theta - gradient).detach().requires_grad_()
    ends.append(loss.item())
print([round(end, 5) for end in ends])
assert max(ends) - min(ends) < 1e-3

# %% [markdown]
# ## 4. Choose basis functions
#
# Slide "What if we want a non-linear decision boundary?" A circle inside a ring: no line separates them. The
# slide maps each point to $\Phi(x) = (x_1^2, x_2^2, \sqrt 2\, x_1 x_2)$. There, a plane does.

# %%
circles = Circles()
circles.setup()
inputs, labels = circles.splits["train"]
phi = torch.stack([inputs[:, 0] ** 2, inputs[:, 1] ** 2, 2**0.5 * inputs[:, 0] * inputs[:, 1]], dim=1)
a, b = inputs[:300], inputs[300:]
assert torch.allclose((phi[:300] * phi[300:]).sum(1), (a * b).sum(1) ** 2, atol=1e-4)  # the kernel trick
radius = phi[:, 0] + phi[:, 1]  # one direction in the new space
right = ((radius < 0.56) == labels.bool()).float().mean().item()
linear, _ = train_quietly("model=perceptron", "data=circles", "trainer.max_epochs=10", "seed=0")
print(
    f"a line: {linear.history[-1]['accuracy/val']:.1%} right; the plane x1² + x2² = 0.56: {right:.1%} right"
)
assert linear.history[-1]["accuracy/val"] < 0.7 < 0.95 < right

# %% [markdown]
# ## 5. Learn the basis functions
#
# Slide "Neural Network Model: $h(x) = w^T \sigma(U x)$". A network with one hidden layer learns its basis
# functions $\sigma(u_j^T x)$ together with their weights.

# %%
network, _ = train_quietly(
    *("model=mlp", "model.hidden=[6]", "model.activation=sigmoid", "data=circles"),
    *("optim.lr=0.05", "trainer.max_epochs=25", "seed=0"),
)
figure, axes = canvas()
regions(axes, lambda x: network(circles.transform(x)).softmax(1)[:, 1], (-1.4, 1.4), (-1.4, 1.4))
points(axes, inputs, labels, s=15)
axes.set(aspect="equal", title="Six sigmoids")
plt.show()
print(f"{network.history[-1]['accuracy/val']:.1%} of the validation points right")
assert network.history[-1]["accuracy/val"] > 0.95

# %% [markdown]
# Look inside: each hidden unit is a soft step across the plane. Together they enclose the inner circle.

# %%
side = torch.linspace(-1.4, 1.4, 60)
grid = torch.cartesian_prod(side, side)
with torch.no_grad():
    units = network.features(circles.transform(grid)).reshape(60, 60, 6)
figure, axes = canvas(1, 6, height=2.4)
for number, axis in enumerate(axes):
    axis.imshow(units[..., number].T, origin="lower", vmin=0, vmax=1, extent=(-1.4, 1.4, -1.4, 1.4))
    axis.set_title(f"unit {number + 1}")
    axis.set_axis_off()
plt.show()

# %% [markdown]
# **Change a number**: `model.hidden=[2]`. How many steps does it take to enclose a circle?

# %% [markdown]
# ## 6. Automatic differentiation
#
# Slides "Problem: Compute gradients of z". $z = \sin(x_1) + x_1 x_2$ at $(2, 3)$. Reverse mode stores all
# values, then walks from the end to the beginning.

# %%
from intro_dl.scratch.trace import reverse_lines, slide_example, trace

working = trace(slide_example, x1=2.0, x2=3.0)
for step in working.steps:
    print(f"{step.name} = {step.formula:8} = {step.value:.4g}")
print("\n".join(reverse_lines(working)))
assert round(working.adjoints["w1"], 2) == 2.58 and working.adjoints["w2"] == 2

# %% [markdown]
# Forward mode needs one pass for each input. Reverse mode needs one for each output. A loss is one output.

# %%
from intro_dl.scratch.autodiff import jacobian_forward, jacobian_reverse

at = torch.linspace(0, 1, 50, dtype=torch.float64)
forward = jacobian_forward(lambda v: (v * v).sum(), at)
reverse = jacobian_reverse(lambda v: (v * v).sum(), at)
print(f"50 inputs, 1 output: {forward.passes} passes forward, {reverse.passes} in reverse")
assert torch.allclose(forward.matrix, reverse.matrix) and (forward.passes, reverse.passes) == (50, 1)

# %% [markdown]
# ## 7. Vanishing gradients
#
# Slide "Vanishing Gradients" (Glorot and Bengio 2010). Before training, how large is the gradient that
# arrives at each of ten tanh layers? It depends on the initial weights.

# %%
torch.manual_seed(0)
images, labels = torch.randn(200, 1, 28, 28), torch.arange(200) % 10
figure, axes = canvas()
ratio = {}
for init in ("default", "xavier"):
    network = model("model=mlp", f"model.hidden={[100] * 10}", "model.activation=tanh", f"model.init={init}")
    network.metrics((images, labels))["loss"].backward()
    sizes = [weights.grad.std().item() for weights in network.parameters() if weights.ndim == 2]
    axes.plot(range(1, 12), sizes, "o-", label=f"model.init={init}")
    ratio[init] = sizes[1] / sizes[-2]
axes.set(xlabel="layer", ylabel="spread of the gradient", yscale="log")
axes.legend()
plt.show()
print(
    {init: f"{value:.2g}" for init, value in ratio.items()}, "of the gradient of layer 10 arrives at layer 2"
)
assert ratio["default"] < 0.4 and ratio["xavier"] > 0.5

# %% [markdown]
# **Change a number**: `model.activation=sigmoid`. Xavier's weights do not help there.

# %% [markdown]
# ## 8. A sum of sigmoids can be any function
#
# Slide "Feed-forward neural network with a single hidden layer". The slide writes $f(x) = \sigma(w_1 x + b_1)
# + \sigma(w_2 x + b_2) + \dots$. Each term needs a weight $c_j$ of its own: without it, the sum is never
# negative. Here the steps are placed evenly, and only the $c_j$ are fitted.

# %%
t = torch.linspace(0, 1, 401, dtype=torch.float64)
target = torch.sin(6 * t) + torch.cos(17 * t) / 3
errors = {}
figure, axes = canvas()
axes.plot(t, target, color="gray", linewidth=6, alpha=0.4)
for width in (4, 8, 16, 32):
    steps = torch.sigmoid(2.0 * (width - 1) * (t[:, None] - torch.linspace(0, 1, width)))
    steps = torch.cat([torch.ones_like(steps[:, :1]), steps], dim=1)
    c = torch.linalg.lstsq(steps, target[:, None], driver="gelsd").solution
    errors[width] = (steps @ c - target[:, None]).abs().max().item()
    axes.plot(t, steps @ c, linewidth=1.5, label=f"{width} sigmoids: error at most {errors[width]:.3f}")
axes.legend()
plt.show()
assert list(errors.values()) == sorted(errors.values(), reverse=True) and errors[32] < 0.02

# %% [markdown]
# ## 9. Depth folds
#
# Slide "Simplified version of Telgarsky". A tent of two ReLU units folds $[0, 1]$ onto itself. After $D$
# layers the function has $2^D$ straight pieces, with $2 D$ units. One hidden layer needs about as many units
# as pieces.

# %%
u = torch.linspace(0, 1, 2**12 + 1, dtype=torch.float64)
figure, axes = canvas(1, 3, height=3.4)
f = u
for depth in range(1, 7):
    f = 2 * torch.relu(f) - 4 * torch.relu(f - 0.5)  # up to 1 at 1/2, down to 0 at 1
    slopes = f.diff().sign()
    pieces = int((slopes[1:] != slopes[:-1]).sum()) + 1
    print(f"{depth} layers, {2 * depth} units: {pieces} pieces")
    assert pieces == 2**depth
    if depth in (1, 3, 5):
        axes[depth // 2].plot(u, f)
        axes[depth // 2].set_title(f"{depth} layers")
plt.show()

# %% [markdown]
# ## 10. Convolution
#
# Slide "1D Convolutional Layer Example". $(x \circledast u)_i = \sum_b x_{i+b} u_b$: the kernel $(-1, 1)$
# takes differences, wherever they are.

# %%
from intro_dl.scratch.layers import conv1d, conv2d

signal = torch.tensor([0.0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4])
difference = conv1d(signal[None, None], torch.tensor([[[-1.0, 1.0]]]))[0, 0]
print(difference.tolist())
assert difference.tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0]  # of the slide; 11 - 2 + 1 = 10 numbers

# %% [markdown]
# "Equivariant to translation": shift the image, and the map shifts too. And one kernel needs few weights.

# %%
image, kernel = torch.randn(1, 3, 12, 12), torch.randn(1, 3, 3, 3)
shifted = conv2d(image.roll(2, dims=-1), kernel)
assert torch.allclose(shifted[..., 2:], conv2d(image, kernel)[..., :-2], atol=1e-5)
pixels = 256 * 256 * 3
print(f"a 3x3x3 kernel has {kernel.numel()} weights; all pixels to all pixels would need {pixels**2:.1e}")
assert kernel.numel() == 27 and 1e10 < pixels**2 < 1e11

# %% [markdown]
# ## 11. Skip connections
#
# Slide "Training very deep networks is made possible because of the skip connections". A block computes $x +
# F(x)$, so a gradient can pass by $F$. Skip connections cost no parameters. (Training such networks takes
# longer than this notebook: `python scripts/figures.py id=G48` shows what they are worth.)

# %%
sizes = {}
for skip in ("true", "false"):
    resnet = model(
        "model=resnet", "model.depth=20", f"model.skip={skip}", in_shape=(3, 32, 32), num_classes=10
    )
    layers = [each for each in resnet.modules() if isinstance(each, torch.nn.Conv2d | torch.nn.Linear)]
    sizes[skip] = sum(weights.numel() for weights in resnet.parameters())
    print(f"skip={skip}: {len(layers)} layers with weights, {sizes[skip]:,} parameters")
    assert len(layers) == 20
assert sizes["true"] == sizes["false"]

# %% [markdown]
# ## 12. Convolution, pooling, full layers: LeNet
#
# Slide "LeNet (LeCun et al, 1998)". The lecture's first convolutional network reads scanned digits.

# %%
run = intro_dl.train("model=lenet", "trainer.max_epochs=6")
assert run.result.metrics["accuracy/test"] > 0.9

# %%
run.plot()

# %% [markdown]
# **Change a number**: `"data.limit_train=100"`. A network with 61,706 parameters learns from 100 images.
#
# ## Where to go from here
#
# - `python scripts/lectures.py lecture=004` checks every number of this lecture.
# - `intro_dl.train("model=lenet", "data=mnist")` trains on MNIST. It downloads 12 MB once.
