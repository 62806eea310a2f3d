"""The last hidden layer as a cloud of points: what the model has turned its inputs into (page PROJECTOR)."""

import torch
from torch import Tensor, nn

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import LanguageModel, Task
from intro_dl.visualize.callback import Look, class_names, is_image, network_inputs


class LastHiddenLayer(Look):
    """What the last linear map reads, of validation examples, for TensorBoard's embedding projector.

    A language model's is the state that it reads the next character from. Models without a hidden layer have
    nothing to show.

    Args:
        count: how many examples.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, count: int = 400, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.count = count

    def look(self, model, data, board):
        inputs, targets = (part[: self.count] for part in data.splits["val"])
        pictures = None
        if isinstance(model, LanguageModel):
            vectors, labels = states(model, inputs), contexts(data, inputs)
        else:
            vectors = last_hidden(model, network_inputs(model, data, inputs))
            labels = [str(round(float(target), 2)) for target in targets]
            if "num_classes" in data.dims:
                labels = [class_names(data)[target] for target in targets]
            if is_image(data):
                shown = inputs.float() / 255
                pictures = shown if shown.shape[1] == 3 else shown[:, :1].expand(-1, 3, -1, -1)
        if vectors is not None:
            board.writer.add_embedding(
                vectors, labels, pictures, global_step=board.step, tag="last_hidden_layer"
            )


def last_hidden(model: Task, inputs: Tensor) -> Tensor | None:
    """What the linear map that runs last reads of inputs (N, ...): (N, D); None if it reads the inputs."""
    linears = [part for part in model.modules() if isinstance(part, nn.Linear)]
    read: list[Tensor] = []
    handles = [part.register_forward_pre_hook(lambda _, given: read.append(given[0])) for part in linears]
    try:
        model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    if not read or read[-1].ndim != 2 or torch.equal(read[-1], inputs.flatten(1)):
        return None
    return read[-1].float().cpu()


def states(model: LanguageModel, tokens: Tensor) -> Tensor:
    """The state (T, H) from which the next character is read, after each of the tokens (T,)."""
    state, hidden = None, []
    for token in tokens.to(model.device):
        _, state = model(token.view(1, 1), state)
        hidden.append(
            state[0][-1, 0] if isinstance(state, tuple) else state[0]
        )  # an LSTM's h, the top layer's
    return torch.stack(hidden).float().cpu()


def contexts(data: TensorData, tokens: Tensor, length: int = 12) -> list[str]:
    """For each token, the characters read last: a label that says where in the text it stands."""
    text = data.decode(tokens).replace("\n", "⏎").replace("\t", "⇥").replace("\r", "␍")
    return [text[max(0, end - length) : end] for end in range(1, len(text) + 1)]
