"""A model as a function of tensors, written in formats that other programs read, and compared with itself."""

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from intro_dl.inference.load import LoadedRun, model_class
from intro_dl.tasks import Classifier

Answer = Callable[[Sequence[Tensor]], Sequence[Tensor]]  # inputs -> outputs

BATCHES = (1, 2, 64)  # sizes with which an exported model is compared
TOLERANCE = 1e-4  # absolute, and relative to the number


class Scores(nn.Module):
    """A classifier with its probabilities, or a regressor."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.names = ["predictions"]
        if isinstance(model, Classifier):
            self.names = ["scores", "probabilities"] if model.gives_probabilities else ["scores"]

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs that `names` names, of prepared inputs (B, ...)."""
        outputs = self.model(inputs)
        return (outputs, self.model.probabilities(outputs)) if len(self.names) == 2 else (outputs,)


class OneCharacter(nn.Module):
    """A language model that reads one character and goes on from a state, as it does when it writes."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Logits (B, V) of the character after tokens (B,), and the next state."""
        logits, after = self.model(tokens[:, None], state if len(state) > 1 else state[0])
        return logits[:, 0], *(after if isinstance(after, tuple) else (after,))


class Portable:
    """A run's model as a function of tensors, with what its inputs and outputs are.

    Args:
        run: a trained run. Its model reads prepared inputs, as in training; see `LoadedRun.prepare`.
    """

    def __init__(self, run: LoadedRun) -> None:
        self.run = run
        self.text = run.metadata["kind"] == "text"
        self.module = (OneCharacter if self.text else Scores)(run.model).eval()
        # The next state is called so, because in ONNX two tensors cannot have one name.
        after = [f"next_{name}" for name in self.state_names] if self.text else []
        names = ["logits", *after] if self.text else self.module.names
        outputs = self.call(self.example(2))
        self.inputs = [
            self._entry(name, tensor, axis)
            for name, tensor, axis in zip(self.input_names, self.example(2), self.batch_axes, strict=True)
        ]
        axes = [0, *self.batch_axes[1:]] if self.text else [0] * len(outputs)
        self.outputs = [
            self._entry(name, tensor, axis) for name, tensor, axis in zip(names, outputs, axes, strict=True)
        ]
        if self.text:
            for entry in self.inputs[1:]:
                entry["at the beginning"] = "zeros"

    @property
    def input_names(self) -> list[str]:
        return ["tokens", *self.state_names] if self.text else [self.run.metadata["kind"]]

    @property
    def output_names(self) -> list[str]:
        return [entry["name"] for entry in self.outputs]

    @property
    def state_names(self) -> list[str]:
        return ["h", "c"] if len(self._state(1)) == 2 else ["h"]

    @property
    def batch_axes(self) -> list[int]:
        """Which axis of each input counts the examples."""
        if not self.text:
            return [0]
        pairs = zip(self._state(1), self._state(2), strict=True)
        return [0, *(next(k for k in range(a.dim()) if a.shape[k] != b.shape[k]) for a, b in pairs)]

    def _state(self, count: int) -> tuple[Tensor, ...]:
        """A state of zeros for so many texts."""
        _, state = self.run.model(torch.zeros(count, 1, dtype=torch.long))
        return tuple(torch.zeros_like(part) for part in (state if isinstance(state, tuple) else (state,)))

    def example(self, count: int) -> tuple[Tensor, ...]:
        """Random inputs of the kind that the model was trained on."""
        generator, dims, metadata = (
            torch.Generator().manual_seed(0),
            self.run.metadata["dims"],
            self.run.metadata,
        )
        if self.text:
            state = [torch.rand(part.shape, generator=generator) - 0.5 for part in self._state(count)]
            return torch.randint(dims["vocab_size"], (count,), generator=generator), *state
        shape = (count, *dims["in_shape"])
        if metadata["kind"] == "images":
            raw = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
            return (self.run.prepare(raw).contiguous(),)
        return (torch.randn(shape, generator=generator),)

    @torch.no_grad()
    def call(self, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        return self.module(*inputs)

    def largest_difference(self, answer: Answer) -> float:
        """How far the outputs of another form of the model are from those of this one, at most.

        Raises:
            ValueError: if that is more than rounding.
        """
        largest = 0.0
        for count in BATCHES:
            inputs = self.example(count)
            for own, other in zip(self.call(inputs), answer(inputs), strict=True):
                if own.shape != other.shape:
                    raise ValueError(f"its output has the shape {list(other.shape)}, not {list(own.shape)}")
                largest = max(largest, float((own - other).abs().max()))
                if not torch.allclose(other, own, rtol=TOLERANCE, atol=TOLERANCE):
                    raise ValueError(f"its numbers differ by up to {largest:.2g}")
        return largest

    @staticmethod
    def _entry(name: str, tensor: Tensor, batch_axis: int) -> dict[str, Any]:
        shape: list[Any] = list(tensor.shape)
        shape[batch_axis] = "batch"
        return {"name": name, "shape": shape, "dtype": str(tensor.dtype).removeprefix("torch.")}


def write(name: str, portable: Portable, file: Path) -> tuple[float, str]:
    """Write the model as `name`: onnx, torch_export or safetensors.

    Returns:
        The largest difference between its numbers and the model's, and the program that computed it.

    Raises:
        ValueError: if a package is missing, the model cannot be written so, or gives other numbers; then no
            file is left.
    """
    unfinished = file.with_name(f"unfinished_{file.name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what exporters remark on each other's versions
            answer, checked_with = WRITERS[name](portable, unfinished)
            difference = portable.largest_difference(answer)
        unfinished.replace(file)
    except ImportError as error:
        raise ValueError(
            f"format={name} needs {error.name}, which is not installed. Install it in the project's folder "
            "with: pip install -e '.[export]'"
        ) from error
    except Exception as error:  # an exporter can fail in many ways
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"{type(portable.run.model).__name__} cannot be exported as format={name}: {reason}."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return difference, checked_with


def _program(portable: Portable) -> torch.export.ExportedProgram:
    """The model traced by torch, for any number of examples."""
    batch = torch.export.Dim("batch")
    shapes = [{axis: batch} for axis in portable.batch_axes]
    return torch.export.export(
        portable.module,
        portable.example(2),
        dynamic_shapes=(shapes[0], tuple(shapes[1:])) if portable.text else tuple(shapes),
    )


def _write_torch_export(portable: Portable, file: Path) -> tuple[Answer, str]:
    torch.export.save(_program(portable), file)
    module = torch.export.load(file).module()
    return (lambda inputs: module(*inputs)), f"torch {torch.__version__}"


def _write_onnx(portable: Portable, file: Path) -> tuple[Answer, str]:
    import onnxruntime
    import onnxscript  # noqa: F401  torch needs it, and would name it in a longer message

    program = torch.onnx.export(
        _program(portable),
        input_names=portable.input_names,
        output_names=portable.output_names,
        dynamo=True,
        verbose=False,
    )
    program.save(str(file), external_data=False)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    def answer(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        fed = {name: tensor.numpy() for name, tensor in zip(portable.input_names, inputs, strict=True)}
        return [torch.from_numpy(output) for output in session.run(portable.output_names, fed)]

    return answer, f"onnxruntime {onnxruntime.__version__}"


def _write_safetensors(portable: Portable, file: Path) -> tuple[Answer, str]:
    import safetensors
    from safetensors.torch import load_file, save_file

    model = portable.run.model
    name, arguments = type(model).__name__, dict(model.hparams)
    weights = {key: weight.contiguous().clone() for key, weight in model.state_dict().items()}
    save_file(weights, file, metadata={"model": name, "arguments": json.dumps(arguments)})
    again = model_class(name)(**arguments)
    again.load_state_dict(load_file(file))
    module = type(portable.module)(again.eval().requires_grad_(False))
    return (lambda inputs: module(*inputs)), f"safetensors {safetensors.__version__}"


WRITERS = {"onnx": _write_onnx, "torch_export": _write_torch_export, "safetensors": _write_safetensors}
