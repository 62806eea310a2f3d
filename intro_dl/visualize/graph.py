"""The model as a graph of operations (page GRAPHS): boxes are its layers, edges are tensors."""

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from google.protobuf.json_format import ParseDict

# Protobuf creates these classes at import time, so a type checker cannot see them.
from tensorboard.compat.proto.event_pb2 import Event  # pyrefly: ignore[missing-module-attribute]
from tensorboard.compat.proto.graph_pb2 import GraphDef  # pyrefly: ignore[missing-module-attribute]
from torch import Tensor, fx, nn
from torch.export import ExportGraphSignature

from intro_dl.visualize.callback import Visualizer
from intro_dl.visualize.layers import first_batch

STEPS = 4  # characters that a recurrent network reads in the picture, which shows every step


@dataclass(kw_only=True, eq=False)
class Graph(Visualizer):
    """Show which operation reads the output of which, found by `torch.export`.

    The writer's own `add_graph` needs torch.jit.trace, which is deprecated and fails with Lightning.
    """

    def draw(self, model, data, writer):
        if not model.traceable:
            return
        inputs, _ = first_batch(model, data, examples=STEPS if data.kind == "text" else 1)
        event = Event(graph_def=graph(model, inputs).SerializeToString())
        writer.summary._get_file_writer().add_event(event)  # the public method takes traced models only


class _Alone(nn.Module):
    """A model without Lightning's trainer, which torch.export cannot read."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.model(inputs)
        return outputs[0] if isinstance(outputs, tuple) else outputs


def graph(model: nn.Module, inputs: Tensor) -> GraphDef:
    """Return the operations that turn `inputs` into outputs, grouped by the layers of the model."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The tensor attributes.*were assigned during export")
        warnings.filterwarnings("ignore", category=FutureWarning)  # from inside torch.export
        exported = torch.export.export(_Alone(model), (inputs,), strict=False)
    names = {node: _name(node, exported.graph_signature) for node in exported.graph.nodes}
    nodes = [_node(node, names) for node in exported.graph.nodes if node.op != "output" and node.users]
    return ParseDict({"node": nodes, "versions": {"producer": 22}}, GraphDef())  # 22 as torch writes it


def _name(node: fx.Node, signature: ExportGraphSignature) -> str:
    """Return the place among the layers, e.g. stage1/0/conv2d: TensorBoard draws a box for each layer."""
    if node.op == "placeholder":
        stored = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}.get(node.name)
        return stored.removeprefix("model.").replace(".", "/") if stored else f"input/{node.name}"
    stack = node.meta.get("nn_module_stack") or {"": ("model", None)}
    place = str(list(stack.values())[-1][0]).removeprefix("model").lstrip(".")
    return "/".join([*filter(None, place.split(".")), node.name])


def _node(node: fx.Node, names: dict[fx.Node, str]) -> dict[str, Any]:
    """Return the fields of a NodeDef: what the node is called, does and reads, and its output's shape."""
    target = getattr(node.target, "_opname", None) or getattr(node.target, "__name__", str(node.target))
    fields = {
        "name": names[node],
        "op": "Parameter" if node.op == "placeholder" and "input/" not in names[node] else target,
        "input": [names[source] for source in node.all_input_nodes],
    }
    if isinstance(value := node.meta.get("val"), Tensor):
        shape = {"dim": [{"size": int(size)} for size in value.shape]}
        fields["attr"] = {"_output_shapes": {"list": {"shape": [shape]}}}
    return fields
