"""Turn a model into a function of tensors, write it in formats that other programs read, and compare both."""

import contextlib
import io
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from intro_dl.inference.load import LoadedRun
from intro_dl.runs.files import write_whole
from intro_dl.tasks import Adversarial, Classifier

BATCHES = (1, 2, 64)  # sizes with which an exported model is compared
TOLERANCE = 1e-4  # absolute, and relative to the number


class Scores(nn.Module):
    """A classifier with its probabilities, or a regressor."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        classifier = isinstance(model, Classifier)
        self.names = ["scores"] if classifier else ["predictions"]
        if classifier and model.gives_probabilities:
            self.names.append("probabilities")

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs `names` of prepared inputs (B, ...)."""
        outputs = self.model(inputs)
        return (outputs, self.model.probabilities(outputs)) if len(self.names) == 2 else (outputs,)


class OneCharacter(nn.Module):
    """A language model that reads one character and a state, as in sampling."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Return logits (B, V) of the character after tokens (B,), and the next state."""
        logits, after = self.model(tokens[:, None], state if len(state) > 1 else state[0])
        return logits[:, 0], *(after if isinstance(after, tuple) else (after,))


class Portable:
    """The model of a run as a function of tensors, and a description of its inputs and outputs.

    Args:
        run: a trained run. Its model reads prepared inputs, as in training; see `LoadedRun.prepare`.
    """

    def __init__(self, run: LoadedRun) -> None:
        self.run = run
        self.part = "discriminator" if isinstance(run.model, Adversarial) else None  # what `forward` is
        if run.kind not in ("images", "points", "text"):
            raise ValueError(
                f"{run} was trained on {run.kind}: export supports images, points and text only."
            )
        if run.kind == "text":
            self.module = OneCharacter(run.model).eval()
            states = ["h", "c"] if len(self._state(1)) == 2 else ["h"]
            names, outputs = ["tokens", *states], ["logits", *(f"next_{name}" for name in states)]
        else:
            self.module = Scores(run.model).eval()
            names, outputs = [run.kind], self.module.names
        ones, twos = self.example(1), self.example(2)
        self.inputs = _describe(names, ones, twos)
        self.outputs = _describe(outputs, self.module(*ones), self.module(*twos))
        for entry in self.inputs[1:]:
            entry["at the beginning"] = "zeros"

    def _state(self, count: int) -> tuple[Tensor, ...]:
        """Return a state of zeros for `count` texts."""
        _, state = self.run.model(torch.zeros(count, 1, dtype=torch.long))
        return tuple(torch.zeros_like(part) for part in (state if isinstance(state, tuple) else (state,)))

    def example(self, count: int) -> tuple[Tensor, ...]:
        """Return random prepared inputs for `count` examples."""
        generator, dims = torch.Generator().manual_seed(0), self.run.metadata["dims"]
        if self.run.kind == "text":
            state = [torch.rand(part.shape, generator=generator) - 0.5 for part in self._state(count)]
            return torch.randint(dims["vocab_size"], (count,), generator=generator), *state
        return (torch.randn(count, *dims["in_shape"], generator=generator),)

    def largest_difference(self, other: Callable[..., Sequence[Tensor]]) -> float:
        """Return the largest difference between the outputs of another form of the model and its own.

        Raises:
            ValueError: if it is more than a rounding error.
        """
        largest = 0.0
        for count in BATCHES:
            inputs = self.example(count)
            for own, found in zip(self.module(*inputs), other(*inputs), strict=True):
                largest = max(largest, float((own - found).abs().max()))
                if own.shape != found.shape or not torch.allclose(found, own, TOLERANCE, TOLERANCE):
                    raise ValueError(f"its numbers differ by up to {largest:.2g}")
        return largest


def _describe(names: Sequence[str], ones: Sequence[Tensor], twos: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Describe tensors, given those for one and for two examples: the side that differs is the batch."""
    return [
        {
            "name": name,
            "shape": [a if a == b else "batch" for a, b in zip(one.shape, two.shape, strict=True)],
            "dtype": str(one.dtype).removeprefix("torch."),
        }
        for name, one, two in zip(names, ones, twos, strict=True)
    ]


def write(name: str, portable: Portable, file: Path) -> tuple[float, str]:
    """Write the model in the format `name`, onnx or safetensors, and compare it with the original.

    Returns:
        The largest difference between the numbers of both, and the program that computed it.

    Raises:
        ValueError: if a package is missing, the model cannot be exported, or its numbers differ; then no file
            is written.
    """
    try:
        # The exporters print their progress, and warn about each other's versions.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            content, exported, checked_with = WRITERS[name](portable)
            difference = portable.largest_difference(exported)
    except ImportError as error:
        raise ValueError(
            f"format={name} needs {error.name}, which is not installed. Install it "
            'with: pip install -e ".[export]"'
        ) from error
    except (MemoryError, OSError):
        raise
    except Exception as error:  # exporters raise many types of errors
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"{type(portable.run.model).__name__} cannot be exported as format={name}: {reason}."
        ) from error
    write_whole(file, content)
    return difference, checked_with


def _to_onnx(portable: Portable) -> tuple[bytes, Callable[..., Sequence[Tensor]], str]:
    import onnxruntime
    import onnxscript  # noqa: F401  torch needs it, and would name it in a longer message

    batch = torch.export.Dim("batch")
    shapes = [{entry["shape"].index("batch"): batch} for entry in portable.inputs]
    text = portable.run.kind == "text"
    program = torch.onnx.export(
        portable.module,
        portable.example(2),
        input_names=[entry["name"] for entry in portable.inputs],
        output_names=[entry["name"] for entry in portable.outputs],
        dynamic_shapes=(shapes[0], tuple(shapes[1:])) if text else tuple(shapes),
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # with dynamo=True
    return program.model_proto.SerializeToString(), program, f"onnxruntime {onnxruntime.__version__}"


def _to_safetensors(portable: Portable) -> tuple[bytes, Callable[..., Sequence[Tensor]], str]:
    import safetensors
    from safetensors.torch import load, save

    model = portable.run.model
    arguments = dict(model.hparams)
    weights = {key: weight.contiguous().clone() for key, weight in model.state_dict().items()}
    content = save(weights, metadata={"model": type(model).__name__, "arguments": json.dumps(arguments)})
    again = type(model)(**arguments)
    again.load_state_dict(load(content))
    module = type(portable.module)(again.eval().requires_grad_(False))
    return content, module, f"safetensors {safetensors.__version__}"


WRITERS = {"onnx": _to_onnx, "safetensors": _to_safetensors}
