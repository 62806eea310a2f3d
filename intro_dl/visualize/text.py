"""Language models: what they write after each epoch, and when an LSTM forgets, stores and shows."""

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from intro_dl.scratch import recurrent
from intro_dl.scratch.sampling import sample
from intro_dl.tasks import LanguageModel
from intro_dl.visualize.callback import Look, is_text
from intro_dl.visualize.style import AMOUNTS, SIGNED, new_figure


class GeneratedText(Look):
    """How the model goes on with the beginning of the validation text, with the same dice every time.

    Args:
        length: characters to write.
        prompt_length: characters to begin with.
        temperature: below 1 trusts the likely characters more, above 1 less.
        every_n_epochs: as in `Look`.
    """

    def __init__(
        self,
        length: int = 400,
        prompt_length: int = 80,
        temperature: float = 0.8,
        every_n_epochs: int | None = None,
    ) -> None:
        super().__init__(every_n_epochs)
        self.length, self.prompt_length, self.temperature = length, prompt_length, temperature

    def look(self, model, data, board):
        if not isinstance(model, LanguageModel) or not is_text(data):
            return
        prompt = data.splits["val"][0][: self.prompt_length]
        written = write(model, prompt, self.length, self.temperature)
        given = f"[{board.moment}; given:]\n{data.decode(prompt)}"
        text = f"[written, temperature {self.temperature:g}:]\n{data.decode(written)}"
        board.text("text/generated", f"{given}\n\n{text}")


def write(model: LanguageModel, prompt: Tensor, length: int, temperature: float, seed: int = 0) -> Tensor:
    """Go on with the tokens of a prompt, (P,), character by character: `length` new tokens, on the CPU."""
    dice, tokens, state, written = torch.Generator().manual_seed(seed), prompt[None], None, []
    for _ in range(length):
        logits, state = model(tokens.to(model.device), state)  # (1, T, V)
        tokens = sample(logits[:, -1].float().cpu(), temperature, generator=dice)[:, None]  # (1, 1)
        written.append(tokens[0])
    return torch.cat(written)


class GateTraces(Look):
    """The gates of the first LSTM layer while it reads validation text: a line of pixels for each cell.

    Args:
        characters: how long the piece is.
        cells: how many cells, those whose gates move most.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, characters: int = 70, cells: int = 16, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.characters, self.cells = characters, cells

    def look(self, model, data, board):
        if not is_text(data) or not isinstance(getattr(model, "lstm", None), nn.LSTM):
            return
        tokens = data.splits["val"][0][: self.characters]
        traces = gate_traces(model.embedding(tokens.to(model.device)), model.lstm)
        gates = [values for name, values in traces.items() if "gate" in name]
        busiest = torch.stack(gates).std(dim=1).sum(dim=0).argsort(descending=True)[: self.cells]
        shown = {name: values[:, busiest.sort().values].T for name, values in traces.items()}  # (cells, T)
        title = f"{len(busiest)} of {model.lstm.hidden_size} cells on validation text, {board.moment}"
        board.figure("gates/lstm", draw_gates(shown, data.decode(tokens), title))


def gate_traces(inputs: Tensor, lstm: nn.LSTM) -> dict[str, Tensor]:
    """What the first layer decides at each step, by the slide's equations: gates and cells, (T, H).

    Args:
        inputs: T vectors, (T, m); the states before the first are zero.
    """
    W, U, b = recurrent.slide_order(*lstm.all_weights[0])
    start = inputs.new_zeros(1, lstm.hidden_size)
    hs, cs = recurrent.lstm(inputs[:, None].float(), start, start, W, U, b)  # (T, 1, H) each
    before = torch.cat([start[None], hs[:-1]])  # what each step is given
    gates = recurrent.lstm_gates(inputs.float(), before[:, 0], W, U, b)
    traces = {
        "forget gate, f": gates.f,
        "store gate, i": gates.i,
        "output gate, o": gates.o,
        "cell state, tanh(c)": torch.tanh(cs[:, 0]),
    }
    return {name: values.float().cpu() for name, values in traces.items()}


def draw_gates(traces: dict[str, Tensor], text: str, title: str) -> Figure:
    """Traces (cells, T) by name below each other, with the T characters read along the bottom of each."""
    figure = new_figure(max(0.155 * len(text) + 1.5, 5), 2.1 * len(traces) + 0.4)
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    shown = ["⏎" if character == "\n" else "␣" if character == " " else character for character in text]
    for axes, (name, values) in zip(
        figure.subplots(len(traces), 1, squeeze=False)[:, 0], traces.items(), strict=True
    ):
        signed = bool((values < 0).any())
        colors = (
            {"cmap": SIGNED, "vmin": -1, "vmax": 1} if signed else {"cmap": AMOUNTS, "vmin": 0, "vmax": 1}
        )
        picture = axes.imshow(values.numpy(), aspect="auto", interpolation="nearest", **colors)
        figure.colorbar(picture, ax=axes, pad=0.01, aspect=10)
        axes.set_title(name, loc="left", fontsize="small")
        axes.set_ylabel("cells", fontsize="small")
        axes.set_yticks([])
        axes.set_xticks(range(len(shown)), shown, fontsize="small", family="DejaVu Sans Mono")
        axes.tick_params(length=0)
    return figure
