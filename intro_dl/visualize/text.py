"""Language models: the text they generate after each epoch, and the gates of an LSTM."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from intro_dl.scratch import recurrent
from intro_dl.scratch.sampling import generate
from intro_dl.tasks import LanguageModel
from intro_dl.visualize.callback import Visualizer
from intro_dl.visualize.style import DIVERGING, SEQUENTIAL, new_figure


@dataclass(kw_only=True, eq=False)
class GeneratedText(Visualizer):
    """Show how the model continues the start of the validation text, each time with the same seed."""

    length: int = 400  # characters to generate
    prompt_length: int = 80  # validation characters that the model continues
    temperature: float = 0.8  # below 1 prefers likely characters, above 1 allows unlikely ones

    def draw(self, model, data, writer):
        if not isinstance(model, LanguageModel) or data.kind != "text":
            return
        prompt = data.splits["val"][0][: self.prompt_length]
        steps = generate(model, prompt[None].to(model.device), self.temperature)
        generated = torch.cat([*islice(steps, self.length)])
        text = f"[{writer.moment}, prompt:]\n{data.decode(prompt)}"
        head = f"[generated, temperature {self.temperature:g}:]"
        writer.text("text/generated", f"{text}\n\n{head}\n{data.decode(generated)}")


@dataclass(kw_only=True, eq=False)
class GateTraces(Visualizer):
    """Show the gates of the first LSTM layer while it reads validation text, a row for each cell."""

    characters: int = 70  # length of the text
    cells: int = 16  # those whose gates vary most

    def draw(self, model, data, writer):
        if data.kind != "text" or not isinstance(getattr(model, "lstm", None), nn.LSTM):
            return
        tokens = data.splits["val"][0][: self.characters]
        traces = gate_traces(model.embedding(tokens.to(model.device)), model.lstm)
        gates = [values for name, values in traces.items() if "gate" in name]
        busiest = torch.stack(gates).std(dim=1).sum(dim=0).argsort(descending=True)[: self.cells]
        shown = {name: values[:, busiest.sort().values].T for name, values in traces.items()}  # (cells, T)
        title = f"{len(busiest)} of {model.lstm.hidden_size} LSTM cells on validation text, {writer.moment}"
        writer.figure(
            "gates/lstm", draw_gates(shown, [data.decode([token]) for token in tokens.tolist()], title)
        )


def gate_traces(inputs: Tensor, lstm: nn.LSTM) -> dict[str, Tensor]:
    """Return the gates and cell states (T, H) of the first layer at each step, by the slide's equations.

    Args:
        inputs: T vectors (T, m); the initial states are zero.
    """
    W, U, b = recurrent.slide_order(*lstm.all_weights[0])
    start = inputs.new_zeros(1, lstm.hidden_size)
    hs, cs = recurrent.lstm(inputs[:, None].float(), start, start, W, U, b)  # (T, 1, H) each
    before = torch.cat([start[None], hs[:-1]])  # the state that each step reads
    gates = recurrent.lstm_gates(inputs.float(), before[:, 0], W, U, b)
    traces = {
        "forget gate, f": gates.f,
        "store gate, i": gates.i,
        "output gate, o": gates.o,
        "cell state, tanh(c)": torch.tanh(cs[:, 0]),
    }
    return {name: values.float().cpu() for name, values in traces.items()}


def draw_gates(traces: dict[str, Tensor], text: Sequence[str], title: str) -> Figure:
    """Draw traces (cells, T) by name below each other, with the T characters or words below each."""
    figure = new_figure(max(0.155 * len(text) + 1.5, 5), 2.1 * len(traces) + 0.4)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    shown = [{"\n": "⏎", " ": "␣"}.get(character, character) for character in text]
    rows = figure.subplots(len(traces), 1, squeeze=False)[:, 0]
    for axes, (name, values) in zip(rows, traces.items(), strict=True):
        cmap, low = (DIVERGING, -1) if bool((values < 0).any()) else (SEQUENTIAL, 0)
        picture = axes.imshow(
            values.numpy(), aspect="auto", interpolation="nearest", cmap=cmap, vmin=low, vmax=1
        )
        figure.colorbar(picture, ax=axes, pad=0.01, aspect=10)
        axes.set_title(name, loc="left", fontsize="small")
        axes.set_ylabel("cells", fontsize="small")
        axes.set_yticks([])
        axes.set_xticks(range(len(shown)), shown, fontsize="small", family="DejaVu Sans Mono")
        axes.tick_params(length=0)
    return figure
