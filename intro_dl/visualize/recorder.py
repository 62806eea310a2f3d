"""Record what each layer of a model computes: the only place that registers forward hooks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, TypeVar

from torch import Tensor, nn

Kept = TypeVar("Kept")


@contextmanager
def record_calls(
    model: nn.Module, keep: Callable[[nn.Module, tuple[Any, ...], Tensor], Kept]
) -> Iterator[list[tuple[str, Kept]]]:
    """Record (name, keep(layer, inputs, output)) of each call of a layer, in order of execution.

    A layer is a module without submodules. Of several outputs only the first counts: `nn.LSTM` also returns
    its state. `keep` decides what is stored, so that a large batch need not stay in memory.
    """
    calls: list[tuple[str, Kept]] = []

    def record(name: str, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output
        if isinstance(first, Tensor):
            calls.append((name, keep(layer, inputs, first)))

    layers = [(name, module) for name, module in model.named_modules() if name and not [*module.children()]]
    handles = [layer.register_forward_hook(partial(record, name)) for name, layer in layers]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def record_outputs(model: nn.Module) -> AbstractContextManager[list[tuple[str, Tensor]]]:
    """Record (name, output) of each call of a layer, in order of execution."""
    return record_calls(model, lambda layer, inputs, output: output)


def layer_name(model: nn.Module, name: str) -> str:
    """Return the name and type of a layer, or of the layer of a weight: e.g. features.0 (Linear)."""
    modules = dict(model.named_modules())
    place = name if name in modules else name.rpartition(".")[0]
    return f"{place} ({type(modules[place]).__name__})" if place else name  # a weight of the model itself
