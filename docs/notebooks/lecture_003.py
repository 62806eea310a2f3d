# %% [markdown]
# # Lecture 003: the same ideas as code
#
# MIT 6.S191, lecture 1, 2022. The lecture repeats that of 2018 (see the notebook of lecture 000) and adds
# code in TensorFlow 2. This notebook follows its code slides, in PyTorch. It needs no download and a few
# minutes on two CPU cores.

# %%
import random

import matplotlib.pyplot as plt
import torch
from torch import nn

import intro_dl
from intro_dl.figures.engine import canvas
from intro_dl.training.product import optimizer
from intro_dl.training.product import train as train_quietly

torch.manual_seed(0)

# %% [markdown]
# `intro_dl.train` is the command `intro-dl train`: it prints its progress, writes a directory below
# `outputs/` and returns the run. `train_quietly` trains the same way, but writes and prints nothing.
# `optimizer(...)` returns the optimizer of the command line.

# %% [markdown]
# ## 1. A dense layer from scratch
#
# Slide "Dense layer from scratch" (`MyDenseLayer`): multiply by a matrix, add a bias, apply the sigmoid. The
# loop is the formula $z_i = w_{0,i} + \sum_j x_j w_{j,i}$; the matrix product computes all sums at once.

# %%
from intro_dl.scratch.layers import dense, dense_loop

x, W, b = torch.randn(4, 3), torch.randn(3, 2), torch.randn(2)
layer = nn.Linear(3, 2).requires_grad_(False)
layer.weight.copy_(W.T), layer.bias.copy_(b)  # nn.Linear keeps the transpose
y = torch.sigmoid(dense(x, W, b))
print("outputs for the first example:", [round(value, 4) for value in y[0].tolist()])
assert torch.allclose(dense(x, W, b), dense_loop(x, W, b), atol=1e-6)
assert torch.allclose(dense(x, W, b), layer(x), atol=1e-6)

# %% [markdown]
# ## 2. Layers in a row
#
# Slide "Multi Output Perceptron": `Sequential([Dense(n), Dense(2)])`. As written, the layers have no
# activation between them. Then both are one matrix, whatever $n$ is.

# %%
hidden, output = nn.Linear(3, 50), nn.Linear(50, 2)
one_matrix = output.weight @ hidden.weight
one_bias = output.weight @ hidden.bias + output.bias
assert torch.allclose(output(hidden(x)), x @ one_matrix.T + one_bias, atol=1e-5)
assert not torch.allclose(output(hidden(x).relu()), x @ one_matrix.T + one_bias, atol=1e-2)
print("two layers are one matrix of shape", tuple(one_matrix.shape), "- with ReLU between them they are not")

# %% [markdown]
# ## 3. A deep network
#
# Slide "Deep Neural Network". `model=mlp` is such a stack, with an activation after each hidden layer.

# %%
from intro_dl.models.mlp import MLP

network = MLP(in_shape=(2,), num_classes=2, hidden=(16, 8))
for name, weights in network.named_parameters():
    print(f"{name:18} {tuple(weights.shape)}")
assert sum(weights.numel() for weights in network.parameters()) == 2 * 16 + 16 + 16 * 8 + 8 + 8 * 2 + 2

# %% [markdown]
# ## 4. "Final grades": predict a number
#
# Slide "Mean Squared Error Loss". The inputs are lectures and hours, the target is a grade in percent. The
# data come from a rule with noise (`data=grades`), so no model can have a mean error below 4 percent.

# %%
run = intro_dl.train("model=regressor", "model.hidden=[20]", "optim.lr=0.01", "trainer.max_epochs=10")
student = run.predict([4, 5])
print("\na student with 4 lectures and 5 hours:", {key: round(value, 1) for key, value in student.items()})
truth = 20 + 4 * 4 + 14 * 5**0.5
assert abs(student["grade"] - truth) < 8

# %%
run.plot()

# %% [markdown]
# ## 5. The wrong loss costs nothing
#
# Slide "Binary Cross Entropy Loss" calls `softmax_cross_entropy_with_logits` for a network with *one* output.
# The softmax of one number is always 1, so this loss is always 0, and its gradient too.

# %%
z, t = torch.tensor([[-3.0], [0.5], [2.0]], requires_grad=True), torch.tensor([[1.0], [0.0], [1.0]])
slide = -(t * z.log_softmax(dim=1)).sum(dim=1)
right = nn.functional.binary_cross_entropy_with_logits(z, t, reduction="none")[:, 0]
print("the slide's loss:", [abs(round(value, 3)) for value in slide.tolist()])
print("the right loss:  ", [round(value, 3) for value in right.tolist()])
assert (slide == 0).all() and (right > 0.1).all()

# %% [markdown]
# ## 6. The training loop
#
# Slide "Putting it all together" computes `prediction = model(x)` *outside* of the `GradientTape`. Then the
# tape does not see how the prediction depends on the weights. In PyTorch, `no_grad` has the same effect.

# %%
from intro_dl.data.toy import PassClass

data = PassClass()
data.setup()
inputs, labels = data.splits["train"]
x = data.transform(inputs)
with torch.no_grad():
    prediction = network(x)
loss = nn.functional.cross_entropy(prediction, labels)
print("outside of the tape, the loss has a gradient:", loss.requires_grad)
assert not loss.requires_grad

# %% [markdown]
# The right loop: predict, compute the loss, compute the gradient, take a step.

# %%
rule = optimizer(network.parameters(), "optim=sgd", "optim.lr=0.5")
curve = []
for _ in range(100):
    loss = nn.functional.cross_entropy(network(x), labels)
    rule.zero_grad()
    loss.backward()
    rule.step()
    curve.append(loss.item())
print(f"loss {curve[0]:.3f} at the start, {curve[-1]:.3f} after {len(curve)} steps")
assert curve[-1] < 0.5 * curve[0]

# %% [markdown]
# `intro_dl.train` runs this loop too, over mini-batches, and keeps the best weights.

# %% [markdown]
# ## 7. Small, large and stable learning rates
#
# Slides "Setting the Learning Rate": a small rate gets stuck in a local minimum, a large one overshoots and
# diverges. A loss with one parameter shows it.


# %%
def J(w):
    """Return a loss with a local minimum left of 0 and the global minimum right of it."""
    return 0.05 * w**4 - 0.4 * w**2 - 0.1 * w + 1


def descend(rate, start=-3.0, steps=40):
    """Return the places of gradient descent, until it leaves [-10, 10]."""
    places = [torch.tensor(start)]
    while len(places) <= steps and abs(places[-1]) < 10:
        w = places[-1].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(J(w), w)
        places.append(places[-1] - rate * gradient)
    return torch.stack(places)


# %%
line = torch.linspace(-3.6, 3.6, 200)
figure, axes = canvas()
axes.plot(line, J(line), color="gray")
ends = {}
for rate in (0.1, 1.0, 2.0):
    places = descend(rate)
    axes.plot(places[:15], J(places[:15]), "o-", linewidth=1, label=f"rate {rate}")
    ends[rate] = places[-1].item()
axes.set(xlim=(-3.6, 3.6), ylim=(-0.5, 3), xlabel="w", ylabel="J(w)")
axes.legend()
plt.show()
print({rate: round(end, 2) for rate, end in ends.items()})
assert ends[0.1] < -1.9 and 2 < ends[1.0] < 2.1 and abs(ends[2.0]) > 10

# %% [markdown]
# ## 8. Adaptive learning rates
#
# Slide "Gradient Descent Algorithms" lists SGD, Adam, Adadelta, Adagrad and RMSProp. We minimize
# $J(w) = \frac12 (w_1^2 + 100\, w_2^2)$, a narrow valley: a rate that fits $w_2$ is small for $w_1$.

# %%
distance = {}
for name in ("sgd", "momentum", "adagrad", "adadelta", "rmsprop", "adam"):
    w = nn.Parameter(torch.tensor([1.0, 1.0]))
    rate = 1.0 if name == "adadelta" else 0.015
    rule = optimizer([w], f"optim={name}", f"optim.lr={rate}")
    for _ in range(150):
        rule.zero_grad()
        (0.5 * (w[0] ** 2 + 100 * w[1] ** 2)).backward()
        rule.step()
    distance[name] = w.norm().item()
    print(f"{name:9} {distance[name]:.4f} from the minimum after 150 steps")
assert distance["momentum"] < distance["sgd"] and distance["adam"] < distance["sgd"]

# %% [markdown]
# **Change a number**: a rate of 0.021 for SGD. It diverges, because $0.021 > 2 / 100$.

# %% [markdown]
# ## 9. Mini-batches
#
# Slide "Mini-batches while training". In one pass over 1,297 digits, a batch of 8 makes 163 steps, a batch of
# all makes one.

# %%
after = {}
for size in (8, 64, 1297):
    options = f"data.batch_size={size}", "optim=sgd", "optim.lr=0.05", "trainer.max_epochs=3", "seed=0"
    network, _ = train_quietly("model=mlp", "model.hidden=[100]", *options)
    after[size] = network.history[-1]["loss/val"]
    print(f"batches of {size:>4}: validation loss {after[size]:.3f} after 3 passes")
assert after[8] < after[64] < after[1297]

# %% [markdown]
# ## 10. Dropout
#
# Slide "Regularization 1: Dropout" sets half of the activations to 0. The others are doubled, so the mean
# stays the same. For prediction, nothing is dropped.

# %%
from intro_dl.scratch.layers import dropout

h = torch.ones(10_000)
dropped = dropout(h, 0.5, generator=torch.Generator().manual_seed(0))
print(f"{(dropped == 0).float().mean():.3f} of the units are 0, the mean is {dropped.mean():.3f}")
assert abs(dropped.mean() - 1) < 0.05 and torch.equal(dropout(h, 0.5, training=False), h)

# %% [markdown]
# ## 11. Early stopping
#
# Slide "Regularization 2: Early Stopping". A run stops when the validation loss has not improved for five
# epochs, and keeps the best weights.

# %%
options = "model.hidden=[200]", "data.limit_train=200", "optim.lr=0.01", "trainer.max_epochs=60"
run = intro_dl.train("model=mlp", *options)
print(f"\nstopped after epoch {run.result.epochs}, with the weights of epoch {run.result.best_epoch}")
assert run.result.epochs < 60 and run.epoch == run.result.best_epoch

# %% [markdown]
# The run is on disk. Another program can load it.

# %%
again = intro_dl.load_run(run.folder)  # or a path, or "latest"
assert again.epoch == run.epoch
print("loaded again:", {name: round(value, 4) for name, value in again.result.metrics.items()})

# %% [markdown]
# ## 12. Lab 1: music
#
# The lab trains an RNN on tunes in ABC notation, where a letter is a note. Its tunes must be downloaded
# (`data=irish_abc`). Here we write tunes ourselves: each bar is one of three chords, played upward.

# %%
dice = random.Random(0)
chords = ["CEGc", "FAcf", "GBdg"]
with open("tunes.txt", "w", encoding="utf-8") as file:
    file.write("|".join(dice.choice(chords) for _ in range(4000)))
options = "model=char_rnn", "model.hidden_size=32", "optim.lr=0.01", "trainer.max_epochs=3"
music = intro_dl.train(*options, "data=file", "data.path=tunes.txt")
tune = music.sample("|", length=100, temperature=0.8, seed=0)
print("\n" + tune)
bars = tune.split("|")[1:-1]
assert sum(bar in chords for bar in bars) > 0.9 * len(bars)

# %% [markdown]
# **Change a number**: the temperature. At 2, the network plays wrong notes.
#
# ## Where to go from here
#
# - `python scripts/lectures.py lecture=003` checks what is new in this lecture.
# - `intro_dl.train("experiment=irish_tunes")` trains on the tunes of the lab.
