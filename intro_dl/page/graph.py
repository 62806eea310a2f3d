"""Write a model as a list of the lecture's operations, which the page interprets.

`torch.export` records what `forward` computes. Each operation of torch becomes one of the page's, with all of
its arguments written out; `web/engine/operations.js` has the same names. A value is named after its operation
or its parameter, e.g. "conv2d_1" or "stage1.0.weight":

    {"inputs": ["images"], "outputs": ["logits", "probabilities"],
     "shapes": {"images": [-1, 1, 28, 28]},          of the inputs; -1 is the batch
     "nodes": [{"name": "conv2d", "op": "conv2d", "inputs": ["images", "stage1.0.weight", "stage1.0.bias"],
                "arguments": {"stride": [1, 1], ...}, "label": "stage1.0", "shape": [-1, 6, 28, 28]}, ...]}

`label` is the module that computes the node, "" if it is the model itself. An "lstm" node has the further
values <name>.h and <name>.c, the state after the last step.
"""

import operator
import warnings
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from intro_dl.inference.portable import Portable
from intro_dl.page.builder import Unknown, arguments_of, shape_of
from intro_dl.page.operations import ONE_TO_ONE, Operations
from intro_dl.tasks import Classifier

Graph = dict[str, Any]

ALL_OPERATIONS = ONE_TO_ONE | {
    *("linear", "conv2d", "avg_pool2d", "max_pool2d", "batch_norm", "leaky_relu", "softmax", "log_softmax"),
    *("add", "sub", "mul", "div", "matmul", "reshape", "permute", "slice", "cat", "pad", "sum", "mean"),
    *("embedding", "lstm"),
}


def to_graph(portable: Portable) -> tuple[Graph, dict[str, Tensor]]:
    """Return the graph of a model, and the weights that it reads by their names.

    Raises:
        ValueError: naming an operation that the page does not know.
    """
    name = type(portable.run.model).__name__
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.export warns about torch's own code
            program = _exported(portable)
        return _Translation(program, portable).result()
    except Unknown as unknown:
        raise ValueError(
            f"The page cannot show {name}: it uses {unknown}, which the page does not know. "
            "Choose a run of another model, or leave this one out."
        ) from unknown


def _exported(portable: Portable) -> ExportedProgram:
    """Return what the model computes for a batch of any size."""
    batch = torch.export.Dim("batch")
    shapes = [{entry["shape"].index("batch"): batch} for entry in portable.inputs]
    text = portable.run.kind == "text"  # its state is one argument
    dynamic = (shapes[0], tuple(shapes[1:])) if text else tuple(shapes)
    try:
        return torch.export.export(portable.module, portable.example(2), dynamic_shapes=dynamic, strict=False)
    except Exception as error:  # torch.export raises many types of errors
        raise Unknown("Python code that torch.export cannot follow") from error


def output_names(portable: Portable) -> list[str]:
    """Return what the page calls the outputs: scores are logits if their softmax is the probability."""
    model, names = portable.run.model, [entry["name"] for entry in portable.outputs]
    if not isinstance(model, Classifier) or not model.gives_probabilities:
        return names
    return ["logits", *names[1:]] if type(model).probabilities is Classifier.probabilities else names


class _Translation(Operations):
    """Follow the operations of torch in their order, and give the outputs their names."""

    def __init__(self, program: ExportedProgram, portable: Portable) -> None:
        super().__init__(program)
        self.program, self.portable = program, portable

    def result(self) -> tuple[Graph, dict[str, Tensor]]:
        """Translate all nodes, and return the graph and the weights."""
        state = dict(self.program.state_dict) | dict(self.program.constants)
        specs = {each.arg.name: each for each in self.program.graph_signature.input_specs}
        inputs = iter(entry["name"] for entry in self.portable.inputs)
        graph: Graph = {"inputs": [], "outputs": output_names(self.portable), "shapes": {}}
        for node in self.program.graph.nodes:
            if node.op == "placeholder" and specs[node.name].kind == InputKind.USER_INPUT:
                self.names[node] = next(inputs)
                graph["inputs"].append(self.names[node])
                graph["shapes"][self.names[node]] = shape_of(node)
            elif node.op == "placeholder":
                target = str(specs[node.name].target)
                self.known[node] = state[target].detach()
                node.meta["name"] = target.removeprefix("model.")
            elif node.op == "call_function":
                self._translate(node)
            elif node.op == "output":
                self._name_outputs(node.args[0], graph["outputs"])
        return graph | {"nodes": self.nodes}, self.weights

    def _translate(self, node: Any) -> None:
        if all(part in self.known for part in node.all_input_nodes) and "rand" not in str(node.target):
            values = fx.node.map_arg(node.args, self.known.__getitem__)
            named = fx.node.map_arg(node.kwargs, self.known.__getitem__)
            self.known[node] = node.target(*values, **named)
        elif node.target is operator.getitem:
            self.names[node] = self.names[node.args[0]][node.args[1]]
        elif not isinstance(node.meta["val"], torch.SymInt):  # a size: the shapes have it
            name = str(node.target).split(".")[1].removesuffix("_")  # relu_ is relu in place
            given = arguments_of(node)
            self.names[node] = self.operation(node, name, given)
            if str(node.target).split(".")[1].endswith("_"):  # later readers of its input get the result
                self.names[given["self"]] = self.names[node]

    def _name_outputs(self, outputs: tuple[fx.Node, ...], names: list[str]) -> None:
        """Give the outputs their names: rename the nodes that compute them, or copy other values."""
        for output, name in zip(outputs, names, strict=True):
            value = self.value(output)
            node = next((each for each in self.nodes if each["name"] == value), None)
            if node is None or value in names or node["op"] == "lstm":
                self.add(name, "reshape", [value], {"shape": shape_of(output)}, "", shape_of(output))
                continue
            node["name"] = name
            self.names = {key: name if found == value else found for key, found in self.names.items()}
            for each in self.nodes:
                each["inputs"] = [name if found == value else found for found in each["inputs"]]
