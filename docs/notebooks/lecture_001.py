# %% [markdown]
# # Lecture 001: from softmax regression to convolutions and recurrence
#
# "An Introduction to Deep Learning". The lecture trains four networks on MNIST, then turns to sequences. This
# notebook uses 1,797 scanned digits that come with scikit-learn, so that nothing is downloaded and each
# training takes seconds. For the lecture's own images, add `"data=mnist"` to a training: it downloads 12 MB
# once.

# %%
import matplotlib.pyplot as plt
import torch

import intro_dl
from intro_dl.figures.engine import canvas
from intro_dl.training.product import model
from intro_dl.training.product import train as train_quietly

# %% [markdown]
# `intro_dl.train` is the command `intro-dl train`: it prints its progress and writes a directory below
# `outputs/`. `train_quietly` trains the same way, but writes and prints nothing; we use it to compare several
# trainings. `model(...)` returns an untrained network for images of 28x28 pixels.

# %% [markdown]
# ## 1. Softmax regression: learn ten vectors
#
# Slides "Multinomial logistic regression as a neural network" and "MNIST: a classification problem". Each
# class $k$ has a weight vector and a bias. The softmax turns the scores into probabilities:
#
# $$\hat y_k = w_k^T x + b_k, \qquad \Pr(y = k) = \frac{e^{\hat y_k}}{\sum_j e^{\hat y_j}}$$

# %%
softmax = intro_dl.train("model=softmax", "trainer.max_epochs=10")
count = sum(weights.numel() for weights in softmax.model.parameters())
print(f"\n{count:,} numbers were learned: 10 vectors of 784, and 10 biases")
assert count == 10 * 784 + 10 == softmax.result.parameters

# %% [markdown]
# Look inside. A weight vector has one number for each pixel, so it is an image. Red pixels speak for the
# digit, blue pixels against it.

# %%
figure, axes = canvas(2, 5, height=4.4)
vectors = softmax.model.logits.weight.reshape(10, 28, 28)
for digit, axis in enumerate(axes.flat):
    axis.imshow(vectors[digit], cmap="RdBu_r", vmin=-0.15, vmax=0.15)
    axis.set_title(f"{digit}")
    axis.set_axis_off()
plt.show()

# %% [markdown]
# ## 2. "Then a 3-sided dice is thrown"
#
# The network gives probabilities, and a die with these probabilities gives a class. After many throws, the
# frequencies are the probabilities.

# %%
from intro_dl.scratch.sampling import probabilities, sample

scores = torch.tensor([2.0, 1.0, 0.0])
p = probabilities(scores)
throws = sample(scores.expand(20_000, 3), generator=torch.Generator().manual_seed(0))
frequencies = throws.bincount(minlength=3) / len(throws)
for k in range(3):
    print(f"class {k}: probability {p[k]:.3f}, thrown in {frequencies[k]:.3f} of the cases")
assert torch.allclose(p, frequencies, atol=0.015)

# %% [markdown]
# ## 3. Hidden layers
#
# Slide "Specs: 4 hidden layers (200,100,60,30). Roughly 34 million parameters". We count.

# %%
mlp = model("model=mlp", "model.hidden=[200,100,60,30]")
for name, weights in mlp.named_parameters():
    print(f"{name:18} {'x'.join(map(str, weights.shape)):>8}  {weights.numel():>7,}")
count = sum(weights.numel() for weights in mlp.parameters())
print(f"{'together':28} {count:>7,}")
assert count == 185_300  # not 34 million: the slide is wrong

# %% [markdown]
# **What to notice**: most parameters are in the first layer, which reads all 784 pixels.

# %% [markdown]
# ## 4. The gradient vanishes
#
# Slide "Technical problems: gradient vanishing". A sigmoid's slope is at most $1/4$. Each layer multiplies
# the gradient by such a slope on its way back. We measure the gradient of each layer, before training.

# %%
from intro_dl.data.images import Digits

digits = Digits()
digits.setup()
batch = digits.transform(digits.splits["train"][0][:256]), digits.splits["train"][1][:256]
figure, axes = canvas()
ratio = {}
for activation in ("sigmoid", "relu"):
    torch.manual_seed(0)
    options = f"model.activation={activation}", "model.init=xavier"
    network = model("model=mlp", "model.hidden=[200,100,60,30]", *options)
    network.metrics(batch)["loss"].backward()
    norms = [weights.grad.norm().item() for weights in network.parameters() if weights.ndim == 2]
    axes.plot(range(1, 6), norms, "o-", label=activation)
    ratio[activation] = norms[0] / norms[-1]
axes.set(xlabel="layer", ylabel="size of the gradient", yscale="log", xticks=range(1, 6))
axes.legend()
plt.show()
print({name: round(value, 3) for name, value in ratio.items()})
assert ratio["sigmoid"] < 0.1 and ratio["relu"] > 0.3

# %% [markdown]
# So the first layer of the sigmoid network hardly learns. Does it matter for the result?

# %%
accuracy = {}
deep = "model=mlp", "model.hidden=[200,100,60,30]", "trainer.max_epochs=10", "seed=0"
for activation in ("sigmoid", "relu"):
    network, _ = train_quietly(*deep, f"model.activation={activation}")
    accuracy[activation] = network.history[-1]["accuracy/val"]
    print(f"{activation}: {accuracy[activation]:.1%} right on the validation images")
assert accuracy["sigmoid"] < accuracy["relu"] - 0.1

# %% [markdown]
# **Change a number**: only one hidden layer, `model.hidden=[200]`. Now the sigmoid learns too.

# %% [markdown]
# ## 5. A convolution adds up its channels
#
# Slide "Multiple Input Channels". A kernel has one part for each channel. It slides over the image; at each
# place, all products are added: $(1 \cdot 1 + 2 \cdot 2 + 4 \cdot 3 + 5 \cdot 4) + (0 \cdot 0 + 1 \cdot 1 +
# 3 \cdot 2 + 4 \cdot 3) = 56$.

# %%
from intro_dl.scratch.layers import conv2d, max_pool2d

x = torch.stack([torch.arange(1.0, 10).reshape(3, 3), torch.arange(0.0, 9).reshape(3, 3)])  # 2 channels, 3x3
kernel = torch.stack([torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 1.0], [2.0, 3.0]])])
y = conv2d(x[None], kernel[None])
print(y[0, 0])
assert y[0, 0, 0, 0] == 56 and torch.equal(y, torch.nn.functional.conv2d(x[None], kernel[None]))

# %% [markdown]
# ## 6. The lecture's convolutional network
#
# Slide "CNN: Deep learning with images": 28x28x1 → 28x28x4 → 14x14x8 → 7x7x12 → 200 → 10. The last maps are
# flattened to one vector. The slide says "treat this as 1176-D vector". Is it?

# %%
from intro_dl.visualize.recorder import record_outputs

network = model("model=cnn")
with record_outputs(network) as calls, torch.no_grad():
    network(batch[0][:1])
shapes = [tuple(output.shape[1:]) for name, output in calls if "Conv" in str(network.get_submodule(name))]
print("maps:", shapes, "flattened:", shapes[-1][0] * shapes[-1][1] * shapes[-1][2])
assert shapes == [(4, 28, 28), (8, 14, 14), (12, 7, 7)] and 7 * 7 * 12 == 588

# %% [markdown]
# **What to notice**: $7 \cdot 7 \cdot 12 = 588$. 1176 is $7 \cdot 7 \cdot 24$, the size in the network of the
# "bag of tricks", which has twice as many maps.

# %%
cnn = intro_dl.train("model=cnn", "trainer.max_epochs=10")
print()
for run in (softmax, cnn):
    right = run.result.metrics["accuracy/test"]
    print(f"{run.result.parameters:,} parameters: {right:.1%} of the test images right")
assert cnn.result.metrics["accuracy/test"] > softmax.result.metrics["accuracy/test"]

# %% [markdown]
# ## 7. What do the filters see?
#
# Slides "A first layer of filters", "A second layer of filters". One digit on its way through the network.

# %%
image, label = digits.splits["test"][0][:1], digits.splits["test"][1][0].item()
with record_outputs(cnn.model) as calls, torch.no_grad():
    cnn.model(cnn.prepare(image))
maps = [output[0] for name, output in calls if "ReLU" in str(cnn.model.get_submodule(name))][:3]
figure, axes = canvas(3, 6, height=5.4)
for layer, row in enumerate(axes):
    row[0].imshow(image[0, 0], cmap="gray") if layer == 0 else None
    row[0].set_title("input" if layer == 0 else "")
    for axis, one in zip(row[1:], maps[layer], strict=False):
        axis.imshow(one)
    row[1].set_title(f"layer {layer + 1}: {maps[layer].shape[1]}x{maps[layer].shape[2]}")
    for axis in row:
        axis.set_axis_off()
plt.show()
print(f"The digit is a {label}; the network says", cnn.predict(image[0]))
assert [tuple(each.shape) for each in maps] == shapes

# %% [markdown]
# **Change a number**: take another test image, `[1:2]` instead of `[:1]` (and `[1][1]`).

# %% [markdown]
# ## 8. Two ways to halve a map
#
# Slide "How did we go from 14x14x8 to 7x7x12?" Max-pooling takes the largest of each 2x2 window. A stride of
# 2 moves the kernel two pixels at a time. Both give 7x7, and both can be trained.

# %%
window = torch.tensor([[1.0, 3, 2, 0], [4, 2, 1, 1], [0, 0, 5, 6], [1, 2, 7, 8]])
print(max_pool2d(window[None, None], 2)[0, 0])
for how in ("stride", "max_pool"):
    network, _ = train_quietly("model=cnn", f"model.downsample={how}", "trainer.max_epochs=5", "seed=0")
    print(f"{how:8}: {network.history[-1]['accuracy/val']:.1%} of the validation images right after 5 epochs")
    assert network.history[-1]["accuracy/val"] > 0.85

# %% [markdown]
# ## 9. The bag of tricks
#
# Slide "Using the whole bag of tricks": twice as many maps, dropout, a learning rate that falls, batch
# normalization. On MNIST these tricks add less than a percent (see RESULTS.md). Our 1,297 training images
# show something else: with batch normalization, the network learns faster.

# %%
large = "model=cnn", "model.widths=[6,12,24]", "model.kernels=[6,5,4]", "regularization.dropout=0.25"
for norm in ("false", "true"):
    options = "scheduler=cosine", f"model.batch_norm={norm}", "trainer.max_epochs=5", "seed=0"
    network, _ = train_quietly(*large, *options)
    first, *_, last = (epoch["accuracy/val"] for epoch in network.history)
    print(f"batch_norm={norm}: {first:.1%} right after 1 epoch, {last:.1%} after 5")
    accuracy[norm] = first
assert accuracy["true"] > accuracy["false"]

# %% [markdown]
# ## 10. Recurrence
#
# Slide "Recurrent Neural Networks (RNN)". A network with a state reads a sequence one element at a time, with
# the same weights at each step:
#
# $$h_t = \tanh(W_{hh}^T h_{t-1} + W_{xh}^T x_t), \qquad \hat y_t = W_{hy}^T h_t$$
#
# The code on slide "RNN Implementation" multiplies elementwise (`*`) where this formula has matrix products.

# %%
from intro_dl.scratch.recurrent import rnn, rnn_cell

torch.manual_seed(0)
W_xh, W_hh, W_hy = 0.5 * torch.randn(3, 4), 0.5 * torch.randn(4, 4), torch.randn(4, 2)
x, h = torch.randn(6, 1, 3), torch.zeros(1, 4)  # 6 steps, 1 sequence, 3 numbers a step; a state of 4 numbers
_, states = rnn(x, h, W_xh, W_hh, W_hy)
for x_t in x:
    y, h = rnn_cell(x_t, h, W_xh, W_hh, W_hy)
assert torch.equal(h, states[-1])
print("the state after 6 steps:", [round(value, 3) for value in h[0].tolist()])

# %% [markdown]
# ## 11. A network that writes
#
# Slides "RNN Intuition" and "LSTM". Given all characters so far, an LSTM predicts the next one. We let it
# read help texts of Python (`data=pydoc`) for a short time, then it writes on its own.

# %%
lstm = intro_dl.train("model=char_lstm", "trainer.max_epochs=1", "trainer.limit_val_batches=20")
print("\n" + lstm.sample("The ", length=300, temperature=0.6, seed=0))
guessing = lstm.result.chance_loss
assert lstm.result.metrics["loss/test"] < 0.5 * guessing

# %% [markdown]
# **Change a number**: the temperature. At 0.2 the text repeats itself; at 1.5 it falls apart.

# %% [markdown]
# ## 12. Gates
#
# Slide "LSTM: 1) Forget 2) Store 3) Update 4) Output". Each gate is a layer of sigmoids between 0 and 1:
# $f_t$ says how much of the memory stays. `lstm_gates` computes the slide's equations with the trained
# weights.

# %%
from intro_dl.scratch.recurrent import lstm_cell, lstm_gates, slide_order

text = "Return the number of items."
W, U, b = slide_order(*lstm.model.lstm.all_weights[0])
tokens = torch.tensor([lstm.metadata["alphabet"].index(character) for character in text])
h, c, forget = torch.zeros(1, 192), torch.zeros(1, 192), []
for x_t in lstm.model.embedding(tokens):
    forget.append(lstm_gates(x_t[None], h, W, U, b).f[0])
    h, c = lstm_cell(x_t[None], h, c, W, U, b)
forget = torch.stack(forget)  # (characters, cells)
spaces = torch.tensor([character == " " for character in text])
order = (forget[spaces].mean(0) - forget[~spaces].mean(0)).argsort()
figure, axes = canvas(height=4.0)
axes.imshow(forget[:, order[:12]].T, aspect="auto", vmin=0, vmax=1)
axes.set(xticks=range(len(text)), xticklabels=text.replace(" ", "␣"), ylabel="cell", title="Forget gates")
plt.show()
assert torch.allclose(h[0], lstm.model(tokens[None])[1][0][0, 0], atol=1e-5)  # the slide's LSTM is nn.LSTM

# %% [markdown]
# **What to notice**: these twelve cells close their forget gate at spaces (dark): they forget at the end of a
# word.
#
# ## Where to go from here
#
# - `python scripts/lectures.py lecture=001` checks every number of this lecture.
# - `intro_dl.train("experiment=mnist_cnn")` is the lecture's network on MNIST. It takes minutes.
