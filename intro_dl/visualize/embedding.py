"""The last hidden layer in TensorBoard's embedding projector (page PROJECTOR): one point per example."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from intro_dl.data.text import TextData
from intro_dl.tasks import LanguageModel, Task
from intro_dl.visualize.callback import Visualizer, network_inputs
from intro_dl.visualize.recorder import record_calls


@dataclass(kw_only=True, eq=False)
class LastHiddenLayer(Visualizer):
    """Show the input of the last linear layer for validation examples, as points in space.

    For a language model it is the state from which the next character is predicted. Models without a hidden
    layer have nothing to show.
    """

    count: int = 400  # examples

    def draw(self, model, data, writer):
        inputs, targets = (part[: self.count] for part in data.splits["val"])
        pictures = None
        if targets.ndim != 1:  # one target for each example: not of a graph, a sentence or a series
            return
        if isinstance(model, LanguageModel):
            vectors, labels = states(model, inputs), contexts(data, inputs)
        else:
            vectors = last_hidden(model, network_inputs(model, data, inputs))
            if "num_classes" in data.dims:
                labels = [data.class_names[target] for target in targets]
            else:
                labels = [f"{float(target):.2f}" for target in targets]
            if data.kind == "images":
                shown = inputs.float() / 255
                pictures = shown if shown.shape[1] == 3 else shown[:, :1].expand(-1, 3, -1, -1)
        if vectors is not None:
            step = {"global_step": writer.step, "tag": "last_hidden_layer"}
            writer.summary.add_embedding(vectors, labels, pictures, **step)


def last_hidden(model: Task, inputs: Tensor) -> Tensor | None:
    """Return what the linear layer that runs last reads of inputs (N, ...): (N, D); None for the inputs."""
    with record_calls(model, lambda layer, given, _: given if isinstance(layer, nn.Linear) else ()) as calls:
        model(inputs)
    read = [given[0] for _, given in calls if given]
    if not read or read[-1].ndim != 2 or torch.equal(read[-1], inputs.flatten(1)):
        return None
    return read[-1].float().cpu()


def states(model: LanguageModel, tokens: Tensor) -> Tensor:
    """Return the state (T, H) from which the next character is predicted, after each of the tokens (T,)."""
    state, hidden = None, []
    for token in tokens.to(model.device):
        _, state = model(token.view(1, 1), state)
        # Of an LSTM, h of the top layer.
        hidden.append(state[0][-1, 0] if isinstance(state, tuple) else state[0])
    return torch.stack(hidden).float().cpu()


def contexts(data: TextData, tokens: Tensor, length: int = 12) -> list[str]:
    """Return the latest characters or words at each token: a label that shows its place in the text."""
    texts = (data.decode(tokens[max(0, end - length) : end]) for end in range(1, len(tokens) + 1))
    return [text.replace("\n", "⏎").replace("\t", "⇥").replace("\r", "␍") for text in texts]
