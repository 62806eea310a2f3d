"""G24: An unrolled network, an LSTM cell, and its gates on a sentence.

Lecture 001; slides "RNNs: Computational Graph Across Time" and "LSTM". Claims F39, F40.
"""

# %% The slides unroll an RNN over time and draw the cell of an LSTM: forget, store, update, output. Here
# model=char_lstm has read help texts of Python (data=pydoc) for a moment, and now reads a sentence of a slide.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, label_ends, shows
from intro_dl.figures.engine.diagram import draw_nodes
from intro_dl.scratch.recurrent import lstm_cell, lstm_gates, slide_order
from intro_dl.training.product import train

SENTENCE = "I love recurrent neural networks!"
network, data = train(
    "model=char_lstm", "model.hidden_size=64", "trainer.max_epochs=1", "trainer.limit_train_batches=250"
)


@torch.no_grad()
def gates_of(text):
    """Return f, i, o and c of each cell after each character, (4, T, H), by the equations of the slide."""
    W, U, b = slide_order(*network.lstm.all_weights[0])
    h = c = torch.zeros(1, network.lstm.hidden_size)
    found = []
    for x in network.embedding(data.encode(text)):
        f, i, o, _ = lstm_gates(x[None], h, W, U, b)
        h, c = lstm_cell(x[None], h, c, W, U, b)
        found.append(torch.cat([f, i, o, c]))
    return torch.stack(found, dim=1)


# %% Look in other text for the cell whose forget gate says most about the ends of words
known = data.decode(data.splits["val"][0][:3000])
is_space = torch.tensor([not character.isalpha() for character in known])
forget = gates_of(known)[0]
effect = forget[is_space].mean(dim=0) - forget[~is_space].mean(dim=0)
cell = int(effect.abs().argmax())
f, i, o, c = gates_of(SENTENCE)[:, :, cell]

# %% Draw both diagrams above, and the gates of this cell below
figure, axes = canvas(2, 2, height=6.8, height_ratios=(1.35, 1))
unrolled = {f"{name}{t}": (1.8 * t, row) for t in range(1, 5) for row, name in enumerate("xhy")}
edges = [(a + str(t), b + str(t)) for t in range(1, 5) for a, b in ("xh", "hy")]
edges += [(f"h{t}", f"h{t + 1}") for t in range(1, 4)]
texts = {name: f"${name[0]}_{name[1]}$" for name in unrolled}
blue = {name: "C0" for name in unrolled if name[0] == "h"}
draw_nodes(axes[0, 0], unrolled, edges, texts, blue, size=(0.95, 0.5))
axes[0, 0].set_title("One cell, unrolled over time")

memory = {
    "c": (0, 2),
    "forget": (1.1, 2),
    "add": (3.3, 2),
    "c'": (5.5, 2),
    "store": (3.3, 1.25),
    "show": (5.5, 1.25),
}
gates = {
    "f": (1.1, 0.5),
    "i": (2.6, 0.5),
    "c~": (4, 0.5),
    "o": (5.5, 0.5),
    "h'": (6.6, 1.25),
    "xh": (3.3, -0.4),
}
flow = [
    ("c", "forget"),
    ("f", "forget"),
    ("forget", "add"),
    ("i", "store"),
    ("c~", "store"),
    ("store", "add"),
]
flow += [
    ("add", "c'"),
    ("c'", "show"),
    ("o", "show"),
    ("show", "h'"),
    *(("xh", gate) for gate in ("f", "i", "c~", "o")),
]
texts = {
    "c": "$c_{t-1}$",
    "c'": "$c_t$",
    "c~": r"$\tilde{c}_t$",
    "h'": "$h_t$",
    "xh": "$x, h$",
    "add": "+",
}
texts |= {name: f"${name}_t$" for name in "fio"} | dict.fromkeys(("forget", "store", "show"), r"$\circ$")
hues = {"f": "C1", "i": "C2", "o": "C3", "c~": "C0"}
draw_nodes(axes[0, 1], memory | gates, flow, texts, hues, size=(0.9, 0.45))
axes[0, 1].set_title("LSTM: forget, store, update, output")
grid = axes[1, 0].get_gridspec()
for axis in axes[1]:
    axis.remove()
below = figure.add_subplot(grid[1, :])
for values, color, name in ((f, "C1", "forget"), (i, "C2", "store"), (o, "C3", "output")):
    below.plot(values, "o-", color=color, label=name, markersize=5)
below.set_xticks(range(len(SENTENCE)), SENTENCE.replace(" ", "␣"))
below.set(title=f"Gates of cell {cell} while it reads", ylim=(-0.05, 1.05), xlim=(-0.5, len(SENTENCE) - 0.5))
label_ends(below, fontsize=13)

# %% The property: the equations of the slide are the network, and the gate separates spaces from letters
with torch.no_grad():
    states = network.lstm(network.embedding(data.encode(SENTENCE))[:, None])[1][1][0, 0]
difference = abs(float(states[cell] - c[-1]))
shows("last cell state, by the slide and by the network", f"difference {difference:.0e}", difference < 1e-5)
space = torch.tensor([not character.isalpha() for character in SENTENCE])
means = f[space].mean().item(), f[~space].mean().item()
shows(
    "the forget gate tells spaces from letters, in this sentence as in the other text",
    f"mean {means[0]:.2f} at spaces, {means[1]:.2f} at letters",
    abs(means[0] - means[1]) > 0.2 and (means[0] < means[1]) == bool(effect[cell] < 0),
)
plt.show()
