"""The model as a graph of operations (page GRAPHS): boxes are its parts, edges are tensors."""

import warnings

import torch
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.versions_pb2 import VersionDef
from torch import Tensor, fx, nn

from intro_dl.visualize.callback import Look, is_text
from intro_dl.visualize.layers import first_batch

STEPS = 4  # characters that a recurrent network reads in the picture: it shows every step


class Graph(Look):
    """Which operation reads what, found by `torch.export`.

    Not by the writer's own `add_graph`, which needs torch.jit.trace: deprecated, and at odds with Lightning.
    """

    def look(self, model, data, board):
        inputs, _ = first_batch(model, data, examples=STEPS if is_text(data) else 1)
        event = Event(graph_def=graph(model, inputs).SerializeToString())
        board.writer._get_file_writer().add_event(event)  # its public way takes traced models only


class _Alone(nn.Module):
    """The model without Lightning's trainer around it, as torch.export wants it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.model(inputs)
        return outputs[0] if isinstance(outputs, tuple) else outputs


def graph(model: nn.Module, inputs: Tensor) -> GraphDef:
    """The operations that turn `inputs` into outputs, grouped by the parts of the model that do them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The tensor attributes.*were assigned during export")
        warnings.filterwarnings("ignore", category=FutureWarning)  # torch.export's own parts
        exported = torch.export.export(_Alone(model), (inputs,), strict=False)
    names = {node: _name(node, exported.graph_signature) for node in exported.graph.nodes}
    return GraphDef(
        node=[_node(node, names) for node in exported.graph.nodes if node.op != "output" and node.users],
        versions=VersionDef(producer=22),  # what torch.utils.tensorboard writes
    )


def _name(node: fx.Node, signature) -> str:
    """Its place among the model's parts, e.g. stage1/0/conv2d: TensorBoard makes a box of each part."""
    if node.op == "placeholder":
        stored = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}.get(node.name)
        return stored.removeprefix("model.").replace(".", "/") if stored else f"input/{node.name}"
    stack = node.meta.get("nn_module_stack") or {"": ("model", None)}
    place = str(list(stack.values())[-1][0]).removeprefix("model").lstrip(".")
    return "/".join([*filter(None, place.split(".")), node.name])


def _node(node: fx.Node, names: dict[fx.Node, str]) -> NodeDef:
    target = getattr(node.target, "_opname", None) or getattr(node.target, "__name__", str(node.target))
    made = NodeDef(
        name=names[node],
        op="Parameter" if node.op == "placeholder" and "input/" not in names[node] else target,
        input=[names[source] for source in node.all_input_nodes],
    )
    value = node.meta.get("val")
    if isinstance(value, Tensor):
        sizes = [TensorShapeProto.Dim(size=int(size)) for size in value.shape]
        shape = AttrValue.ListValue(shape=[TensorShapeProto(dim=sizes)])
        made.attr["_output_shapes"].CopyFrom(AttrValue(list=shape))
    return made
