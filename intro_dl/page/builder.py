"""The list of operations while it is written: its values, their names and shapes."""

from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram


class Unknown(Exception):
    """An operation that the page cannot compute; its text names it."""


class Builder:
    """The nodes so far, and the weights that they read."""

    def __init__(self, program: ExportedProgram) -> None:
        self.parameters = {name.removeprefix("model.") for name in program.state_dict}
        self.nodes: list[dict[str, Any]] = []
        self.weights: dict[str, Tensor] = {}
        self.known: dict[fx.Node, Tensor] = {}  # what depends on parameters alone, computed
        self.names: dict[fx.Node, Any] = {}  # the value of each other node; of chunks, a list of values
        self.noise: set[fx.Node] = set()  # random numbers
        self.zeros: set[fx.Node] = set()  # random numbers times 0

    def value(self, node: Any) -> str:
        """Return the name of a node's value. A computed one becomes a weight of the page."""
        if node in self.noise | self.zeros:
            raise Unknown("random numbers")
        if node not in self.known:
            return self.names[node]
        name = node.meta.get("name", node.name)
        self.weights[name] = self.known[node]
        return name

    def emit(self, node: fx.Node, op: str, inputs: list[Any], **arguments: Any) -> str:
        """Add the operation that computes a node from others, and return the name of its value."""
        values = [each if isinstance(each, str) else self.value(each) for each in inputs if each is not None]
        return self.add(node.name, op, values, arguments, label_of(node), shape_of(node))

    def add(self, name: str, op: str, inputs: list[str], arguments: Any, label: str, shape: Any) -> str:
        """Add an operation on known values, and return the name of its value: `name`, or one that is free."""
        taken = {each["name"] for each in self.nodes} | {*self.weights, *self.parameters}
        while name in taken:
            name += "_"
        node = {"name": name, "op": op, "inputs": inputs, "arguments": arguments}
        self.nodes.append(node | {"label": label, "shape": shape})
        return name

    def same(self, node: fx.Node, given: dict[str, Any]) -> str:
        """Return the value that an operation leaves as it is."""
        if given.get("train"):
            raise Unknown(f"{node.target} in training mode")
        return self.value(given.get("input", given.get("self")))

    def reshape_to(self, node: fx.Node, value: str, shape: list[int], end: str = "") -> str:
        """Give a value another shape, under the name of a node and `end`; the same shape adds nothing."""
        before = next((each["shape"] for each in self.nodes if each["name"] == value), None)
        if before == shape:
            return value
        return self.add(node.name + end, "reshape", [value], {"shape": shape}, label_of(node), shape)

    def permute_by(self, node: fx.Node, dims: list[int]) -> str:
        """Put the dimensions of the value that a node reads into another order."""
        return self.emit(node, "permute", [arguments_of(node)["self"]], dims=dims)

    def part(self, node: fx.Node, source: Any, dim: int, start: int, stop: int, step: int, end: str) -> str:
        """Take part of a dimension, under the name of a node and `end`; the whole adds nothing."""
        shape = shape_of(source)
        if step == 1 and start == 0 and (stop >= shape[dim] > 0 or (shape[dim] == -1 and stop > 2**31)):
            return self.value(source)
        if shape[dim] == -1:
            raise Unknown("a part of the batch")
        arguments = {"dim": dim, "start": start, "end": stop, "step": step}
        shape = [*shape[:dim], -(-(stop - start) // step), *shape[dim + 1 :]]
        return self.add(node.name + end, "slice", [self.value(source)], arguments, label_of(node), shape)


def shape_of(node: Any) -> list[int]:
    """Return the shape of a node's tensor; -1 is the batch."""
    shape = [-1 if isinstance(size, torch.SymInt) else int(size) for size in node.meta["val"].shape]
    if shape.count(-1) > 1:
        raise Unknown("more than one dimension that depends on the batch")
    return shape


def label_of(node: fx.Node) -> str:
    """Return the path of the module that computes a node, e.g. "stage1.0"."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path = stack[-1][0] if stack else ""
    return path.removeprefix("model").removeprefix(".")


def arguments_of(node: Any) -> dict[str, Any]:
    """Return all arguments of an operation of torch by their names, with its defaults."""
    schema = node.target._schema.arguments
    given = dict(zip((each.name for each in schema), node.args, strict=False)) | node.kwargs
    return {each.name: each.default_value for each in schema if each.has_default_value()} | given
