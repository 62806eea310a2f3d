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
from intro_dl.tasks import Classifier

Graph = dict[str, Any]

# What changes no number, once dropout is off.
NOTHING = {"dropout", "contiguous", "alias", "detach", "clone", "lift_fresh_copy"}
RESHAPES = {"flatten", "view", "reshape", "unflatten", "squeeze", "unsqueeze"}
ONE_TO_ONE = {"relu", "tanh", "sigmoid", "exp"}
ALL_OPERATIONS = ONE_TO_ONE | {
    *("linear", "conv2d", "avg_pool2d", "max_pool2d", "batch_norm", "leaky_relu", "softmax", "log_softmax"),
    *("add", "sub", "mul", "div", "matmul", "reshape", "permute", "slice", "cat", "pad", "sum", "mean"),
    *("embedding", "lstm"),
}


class Unknown(Exception):
    """An operation that the page cannot compute; its text names it."""


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


class _Translation:
    """The graph so far, and the weights that it reads. The method `op_conv2d` translates torch's conv2d."""

    def __init__(self, program: ExportedProgram, portable: Portable) -> None:
        self.program, self.portable = program, portable
        self.nodes: list[dict[str, Any]] = []
        self.weights: dict[str, Tensor] = {}
        self.known: dict[fx.Node, Tensor] = {}  # what depends on parameters alone, computed
        self.names: dict[fx.Node, Any] = {}  # the value of each other node; of chunks, a list of values
        self.noise: set[fx.Node] = set()  # random numbers
        self.zeros: set[fx.Node] = set()  # random numbers times 0

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
                graph["shapes"][self.names[node]] = _shape(node)
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
            method = getattr(self, f"op_{name}", None)
            if method is None and name not in NOTHING | RESHAPES | ONE_TO_ONE:
                raise Unknown(name)
            given = _arguments(node)
            if method is not None:
                value = method(node, given)
            elif name in NOTHING:
                value = self._same(node, given)
            elif name in RESHAPES:
                value = self._reshape_to(node, self._value(given["self"]), _shape(node))
            else:
                value = self._emit(node, name, [given["self"]])
            self.names[node] = value

    def _name_outputs(self, outputs: tuple[fx.Node, ...], names: list[str]) -> None:
        """Give the outputs their names: rename the nodes that compute them, or copy other values."""
        for output, name in zip(outputs, names, strict=True):
            value = self._value(output)
            node = next((each for each in self.nodes if each["name"] == value), None)
            if node is None or value in names or node["op"] == "lstm":
                self._add(name, "reshape", [value], {"shape": _shape(output)}, "", _shape(output))
                continue
            node["name"] = name
            self.names = {key: name if found == value else found for key, found in self.names.items()}
            for each in self.nodes:
                each["inputs"] = [name if found == value else found for found in each["inputs"]]

    # Building blocks ----------------------------------------------------------------------------------------

    def _value(self, node: Any) -> str:
        """Return the name of a node's value. A computed one becomes a weight of the page."""
        if node in self.noise | self.zeros:
            raise Unknown("random numbers")
        if node not in self.known:
            return self.names[node]
        name = node.meta.get("name", node.name)
        self.weights[name] = self.known[node]
        return name

    def _emit(self, node: fx.Node, op: str, inputs: list[Any], **arguments: Any) -> str:
        """Add the operation that computes a node from others, and return the name of its value."""
        values = [each if isinstance(each, str) else self._value(each) for each in inputs if each is not None]
        return self._add(node.name, op, values, arguments, _label(node), _shape(node))

    def _add(self, name: str, op: str, inputs: list[str], arguments: Any, label: str, shape: Any) -> str:
        taken = {each["name"] for each in self.nodes} | {*self.weights} | {*self.program.state_dict}
        while name in taken:
            name += "_"
        node = {"name": name, "op": op, "inputs": inputs, "arguments": arguments}
        self.nodes.append(node | {"label": label, "shape": shape})
        return name

    def _same(self, node: fx.Node, given: dict[str, Any]) -> str:
        if given.get("train"):
            raise Unknown(f"{node.target} in training mode")
        return self._value(given.get("input", given.get("self")))

    def _reshape_to(self, node: fx.Node, value: str, shape: list[int], end: str = "") -> str:
        """Give a value another shape, under the name of a node and `end`; the same shape adds nothing."""
        before = next((each["shape"] for each in self.nodes if each["name"] == value), None)
        if before == shape:
            return value
        return self._add(node.name + end, "reshape", [value], {"shape": shape}, _label(node), shape)

    def _permute_by(self, node: fx.Node, dims: list[int]) -> str:
        return self._emit(node, "permute", [_arguments(node)["self"]], dims=dims)

    def _part(self, node: fx.Node, source: Any, dim: int, start: int, stop: int, step: int, end: str) -> str:
        """Take part of a dimension, under the name of a node and `end`; the whole adds nothing."""
        shape = _shape(source)
        if step == 1 and start == 0 and (stop >= shape[dim] > 0 or (shape[dim] == -1 and stop > 2**31)):
            return self._value(source)
        if shape[dim] == -1:
            raise Unknown("a part of the batch")
        arguments = {"dim": dim, "start": start, "end": stop, "step": step}
        shape = [*shape[:dim], -(-(stop - start) // step), *shape[dim + 1 :]]
        return self._add(node.name + end, "slice", [self._value(source)], arguments, _label(node), shape)

    # Layers -------------------------------------------------------------------------------------------------

    def op_linear(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._emit(node, "linear", [given["input"], given["weight"], given["bias"]])

    def op_conv2d(self, node: fx.Node, given: dict[str, Any]) -> str:
        if isinstance(given["padding"], str):
            raise Unknown(f"conv2d with padding={given['padding']}")
        sizes = {name: _pair(given[name]) for name in ("stride", "padding", "dilation")}
        inputs = [given["input"], given["weight"], given["bias"]]
        return self._emit(node, "conv2d", inputs, **sizes, groups=given["groups"])

    def op_avg_pool2d(self, node: fx.Node, given: dict[str, Any]) -> str:
        if given["divisor_override"] is not None:
            raise Unknown("avg_pool2d with a divisor")
        more = {"ceil": given["ceil_mode"], "count_padding": given["count_include_pad"]}
        return self._emit(node, "avg_pool2d", [given["self"]], **_window(given), **more)

    def op_max_pool2d(self, node: fx.Node, given: dict[str, Any]) -> str:
        more = {"dilation": _pair(given["dilation"]), "ceil": given["ceil_mode"]}
        return self._emit(node, "max_pool2d", [given["self"]], **_window(given), **more)

    def op_adaptive_avg_pool2d(self, node: fx.Node, given: dict[str, Any]) -> str:
        if _pair(given["output_size"]) == [1, 1]:
            return self._emit(node, "mean", [given["self"]], dims=[2, 3], keepdim=True)
        if _shape(node) == _shape(given["self"]):
            return self._value(given["self"])
        raise Unknown("adaptive_avg_pool2d to more than one pixel")

    def op_batch_norm(self, node: fx.Node, given: dict[str, Any]) -> str:
        if given["training"] or given["weight"] is None:
            raise Unknown("batch_norm without weights, or in training mode")
        names = ("input", "weight", "bias", "running_mean", "running_var")
        return self._emit(node, "batch_norm", [given[name] for name in names], eps=given["eps"])

    def op_leaky_relu(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._emit(node, "leaky_relu", [given["self"]], slope=given["negative_slope"])

    def op_softmax(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._emit(node, "softmax", [given["self"]], dim=given["dim"] % len(_shape(node)))

    def op_log_softmax(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._emit(node, "log_softmax", [given["self"]], dim=given["dim"] % len(_shape(node)))

    def op_embedding(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._emit(node, "embedding", [given["weight"], given["indices"]])

    def op_lstm(self, node: fx.Node, given: dict[str, Any]) -> list[str]:
        if given["batch_first"] or given["bidirectional"] or not given["has_biases"] or given["train"]:
            raise Unknown("an lstm of another form than (T, B, E) with biases")
        states = fx.node.map_arg(given["hx"], self._value)
        inputs = [self._value(given["input"]), *states, *fx.node.map_arg(given["params"], self._value)]
        shape = [-1 if isinstance(n, torch.SymInt) else int(n) for n in node.meta["val"][0].shape]
        name = self._add(node.name, "lstm", inputs, {"layers": given["num_layers"]}, _label(node), shape)
        return [name, f"{name}.h", f"{name}.c"]

    # Arithmetic ---------------------------------------------------------------------------------------------

    def _arithmetic(self, node: fx.Node, op: str, given: dict[str, Any]) -> str:
        if given.get("alpha", 1) != 1 or given.get("rounding_mode"):
            raise Unknown(f"{op} with further arguments")
        first, second = given["self"], given["other"]
        if isinstance(second, fx.Node):
            return self._emit(node, op, [first, second])
        return self._emit(node, op, [first], number=second)

    def op_add(self, node: fx.Node, given: dict[str, Any]) -> str:
        for one, other in (("self", "other"), ("other", "self")):
            if given[one] in self.zeros:
                return self._value(given[other])
        return self._arithmetic(node, "add", given)

    def op_sub(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._arithmetic(node, "sub", given)

    def op_mul(self, node: fx.Node, given: dict[str, Any]) -> str | None:
        if given["self"] in self.noise and given["other"] == 0:  # the noise of an autoencoder, in eval mode
            self.zeros.add(node)
            return None
        return self._arithmetic(node, "mul", given)

    def op_div(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._arithmetic(node, "div", given)

    def op_rsub(self, node: fx.Node, given: dict[str, Any]) -> str:
        shape, label = _shape(node), _label(node)
        minus = self._add(
            f"{node.name}_minus", "mul", [self._value(given["self"])], {"number": -1}, label, shape
        )
        return self._emit(node, "add", [minus], number=given["other"])

    def op_square(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._emit(node, "mul", [given["self"], given["self"]])

    def op_randn_like(self, node: fx.Node, given: dict[str, Any]) -> None:
        self.noise.add(node)

    def op_matmul(self, node: fx.Node, given: dict[str, Any]) -> str:
        """Multiply matrices of as many dimensions; a vector becomes a matrix of one column."""
        first, second = given["self"], given["other"]
        shapes = [_shape(first), _shape(second)]
        if len(shapes[0]) == 1:
            raise Unknown("a vector times a matrix")
        if len(shapes[1]) == 1:
            column = self._reshape_to(node, self._value(second), [*shapes[1], 1], "_column")
            inputs, shape = [self._value(first), column], [*shapes[0][:-1], 1]
            product = self._add(f"{node.name}_product", "matmul", inputs, {}, _label(node), shape)
            return self._reshape_to(node, product, _shape(node))
        rank = max(map(len, shapes))
        values = [
            self._reshape_to(node, self._value(each), [1] * (rank - len(shape)) + shape, "_matrix")
            if len(shape) < rank
            else self._value(each)
            for each, shape in zip((first, second), shapes, strict=True)
        ]
        return self._emit(node, "matmul", values)

    def op_sum(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._over_dims(node, "sum", given)

    def op_mean(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._over_dims(node, "mean", given)

    def _over_dims(self, node: fx.Node, op: str, given: dict[str, Any]) -> str:
        rank = len(_shape(given["self"]))
        dims = sorted(dim % rank for dim in given.get("dim") or range(rank))
        return self._emit(node, op, [given["self"]], dims=dims, keepdim=given.get("keepdim", False))

    # Shapes -------------------------------------------------------------------------------------------------

    def op_transpose(self, node: fx.Node, given: dict[str, Any]) -> str:
        dims = list(range(len(_shape(node))))
        one, other = given["dim0"], given["dim1"]
        dims[one], dims[other] = dims[other], dims[one]
        return self._permute_by(node, dims)

    def op_permute(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._permute_by(node, [dim % len(_shape(node)) for dim in given["dims"]])

    def op_numpy_T(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._permute_by(node, list(reversed(range(len(_shape(node))))))

    op_t = op_numpy_T

    def op_mT(self, node: fx.Node, given: dict[str, Any]) -> str:
        *first, row, column = range(len(_shape(node)))
        return self._permute_by(node, [*first, column, row])

    def op_slice(self, node: fx.Node, given: dict[str, Any]) -> str:
        shape = _shape(given["self"])
        dim, size = given["dim"] % len(shape), shape[given["dim"]]
        start, stop = given["start"] or 0, given["end"] if given["end"] is not None else 2**63 - 1
        if size >= 0:
            start, stop, _ = slice(start, stop).indices(size)
        return self._part(node, given["self"], dim, start, stop, given["step"], "")

    def op_select(self, node: fx.Node, given: dict[str, Any]) -> str:
        shape = _shape(given["self"])
        dim = given["dim"] % len(shape)
        index = given["index"] % shape[dim] if shape[dim] > 0 else given["index"]
        part = self._part(node, given["self"], dim, index, index + 1, 1, "_slice")
        return self._reshape_to(node, part, _shape(node))

    def op_unbind(self, node: fx.Node, given: dict[str, Any]) -> list[str]:
        shape = _shape(given["self"])
        dim = given["dim"] % len(shape)
        rest = shape[:dim] + shape[dim + 1 :]
        parts = (
            self._part(node, given["self"], dim, place, place + 1, 1, f"_{place}_slice")
            for place in range(shape[dim])
        )
        return [self._reshape_to(node, part, rest, f"_{place}") for place, part in enumerate(parts)]

    def op_chunk(self, node: fx.Node, given: dict[str, Any]) -> list[str]:
        dim, start, parts = given["dim"] % len(_shape(given["self"])), 0, []
        for place, part in enumerate(node.meta["val"]):
            stop = start + int(part.shape[dim])
            parts.append(self._part(node, given["self"], dim, start, stop, 1, f"_{place}"))
            start = stop
        return parts

    op_split = op_split_with_sizes = op_chunk

    def op_cat(self, node: fx.Node, given: dict[str, Any]) -> str:
        return self._emit(node, "cat", given["tensors"], dim=given["dim"] % len(_shape(node)))

    def op_stack(self, node: fx.Node, given: dict[str, Any]) -> str:
        shape = _shape(node)
        dim = given["dim"] % len(shape)
        one, parts = [*shape[:dim], 1, *shape[dim + 1 :]], given["tensors"]
        if len(parts) == 1:
            return self._reshape_to(node, self._value(parts[0]), one)
        values = [
            self._reshape_to(node, self._value(part), one, f"_{place}") for place, part in enumerate(parts)
        ]
        return self._emit(node, "cat", values, dim=dim)

    def op_pad(self, node: fx.Node, given: dict[str, Any]) -> str:
        if given.get("mode", "constant") != "constant" or min(given["pad"]) < 0:
            raise Unknown("pad other than with a constant")
        rank = len(_shape(node))
        before, after = [0] * rank, [0] * rank
        for place, count in enumerate(given["pad"]):  # torch begins with the last dimension
            (after if place % 2 else before)[rank - 1 - place // 2] = count
        value = float(given["value"] or 0)
        return self._emit(node, "pad", [given["self"]], before=before, after=after, value=value)


def _shape(node: Any) -> list[int]:
    """Return the shape of a node's tensor; -1 is the batch."""
    shape = [-1 if isinstance(size, torch.SymInt) else int(size) for size in node.meta["val"].shape]
    if shape.count(-1) > 1:
        raise Unknown("more than one dimension that depends on the batch")
    return shape


def _label(node: fx.Node) -> str:
    """Return the path of the module that computes a node, e.g. "stage1.0"."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path = stack[-1][0] if stack else ""
    return path.removeprefix("model").removeprefix(".")


def _arguments(node: Any) -> dict[str, Any]:
    """Return all arguments of an operation of torch by their names, with its defaults."""
    schema = node.target._schema.arguments
    given = dict(zip((each.name for each in schema), node.args, strict=False)) | node.kwargs
    return {each.name: each.default_value for each in schema if each.has_default_value()} | given


def _pair(value: Any) -> list[int]:
    """Return rows and columns: one number counts for both."""
    numbers = [value] if isinstance(value, int) else list(value)
    return numbers * 2 if len(numbers) == 1 else numbers


def _window(given: dict[str, Any]) -> dict[str, list[int]]:
    """Return the window of a pooling; without a stride, windows do not overlap."""
    kernel = _pair(given["kernel_size"])
    return {"kernel": kernel, "stride": _pair(given["stride"] or kernel), "padding": _pair(given["padding"])}
