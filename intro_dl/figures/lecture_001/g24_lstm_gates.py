"""G24: An unrolled network, an LSTM cell, and its gates on a sentence.

Lecture 001; slides "RNNs: Computational Graph Across Time" and "LSTM". Claims F39, F40.
"""

# %% The slides unroll an RNN over time and draw the cell of an LSTM: forget, store, update, output. Here
# model=char_lstm has read help texts of Python (data=pydoc) for a moment, and reads a sentence of a slide.
import matplotlib.pyplot as plt
import torch

from intro_dl.figures.engine import canvas, label_ends, shows
from intro_dl.figures.engine.diagram import draw_nodes
from intro_dl.scratch.recurrent import lstm_cell, lstm_gates, slide_order
from intro_dl.training.product import train

SENTENCE = "I love recurrent neural networks!"
small = "model=char_lstm", "model.hidden_size=64", "trainer.max_epochs=1", "trainer.limit_train_batches=250"
network, data = train(*small)


@torch.no_grad()
def gates_of(text):
    """Return f, i, o and c of each cell at each character, (4, T, H), as the slide computes them."""
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
unrolled = {f"{name}_{t}": (1.8 * t, row) for t in range(1, 5) for row, name in enumerate("xhy")}
edges = [(f"{a}_{t}", f"{b}_{t}") for t in range(1, 5) for a, b in ("xh", "hy")]
edges += [(f"h_{t}", f"h_{t + 1}") for t in range(1, 4)]
texts, blue = {name: f"${name}$" for name in unrolled}, {name: "C0" for name in unrolled if "h" in name}
draw_nodes(axes[0, 0], unrolled, edges, texts, blue, size=(0.95, 0.5))
axes[0, 0].set_title("One cell, unrolled over time")

rows = {2: "c_{t-1} 0 forget 1.1 + 3.3 c_t 5.5", 1.25: "store 3.3 show 5.5 h_t 6.7"}
rows |= {0.5: r"f_t 1.1 i_t 2.6 \tilde{c}_t 4 o_t 5.5", -0.4: "x,h 3.3"}
pairs = {y: zip(row.split()[::2], row.split()[1::2], strict=True) for y, row in rows.items()}
nodes = {name: (float(x), y) for y, row in pairs.items() for name, x in row}
flow = (
    r"c_{t-1}>forget f_t>forget forget>+ i_t>store \tilde{c}_t>store store>+ +>c_t c_t>show o_t>show show>h_t"
)
flow += r" x,h>f_t x,h>i_t x,h>\tilde{c}_t x,h>o_t"
texts = {name: r"$\circ$" if name in ("forget", "store", "show") else f"${name}$" for name in nodes}
colors = {"f_t": "C1", "i_t": "C2", "o_t": "C3", r"\tilde{c}_t": "C0"}
draw_nodes(axes[0, 1], nodes, [tuple(edge.split(">")) for edge in flow.split()], texts, colors, (0.9, 0.45))
axes[0, 1].set_title("LSTM: forget, store, update, output")
grid = axes[1, 0].get_gridspec()
for axis in axes[1]:
    axis.remove()
below = figure.add_subplot(grid[1, :])
for values, color, name in ((f, "C1", "forget"), (i, "C2", "store"), (o, "C3", "output")):
    below.plot(values, "o-", color=color, label=name, markersize=5)
below.set_xticks(range(len(SENTENCE)), SENTENCE.replace(" ", "␣"))
below.set(ylabel="gate value", ylim=(-0.05, 1.05), title=f"Gates of cell {cell} while it reads")
label_ends(below, fontsize=13)

# %% The property: the equations of the slide are the network, and the gate separates spaces from letters
last = network(data.encode(SENTENCE)[None])[1][1][0, 0, cell].item()
difference = abs(last - c[-1].item())
shows("last cell state, by the slide and by the network", f"difference {difference:.0e}", difference < 1e-5)
space = torch.tensor([not character.isalpha() for character in SENTENCE])
gap = f[space].mean() - f[~space].mean()
shows("forget gate at spaces minus that at letters", f"{gap:.2f}", bool(gap * effect[cell].sign() > 0.15))
plt.show()
