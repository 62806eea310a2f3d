"""The operations of torch as operations of the page. The method `op_conv2d` translates torch's conv2d.

A method gets the node of torch and its arguments by name, and returns the name of the value that it adds; of
several values, e.g. of chunks, the list of their names.
"""

from typing import Any

import torch
from torch import fx

from intro_dl.page.builder import Builder, Unknown, label_of, shape_of

Arguments = dict[str, Any]

# What changes no number, once dropout is off.
NOTHING = {"dropout", "contiguous", "alias", "detach", "clone", "lift_fresh_copy"}
RESHAPES = {"flatten", "view", "reshape", "unflatten", "squeeze", "unsqueeze"}
ONE_TO_ONE = {"relu", "tanh", "sigmoid", "exp"}


class Operations(Builder):
    """One method for each operation of torch; those of the three sets above need none."""

    def operation(self, node: fx.Node, name: str, given: Arguments) -> Any:
        """Translate the operation `name` of a node.

        Raises:
            Unknown: if the page does not know it.
        """
        if method := getattr(self, f"op_{name}", None):
            return method(node, given)
        if name in NOTHING:
            return self.same(node, given)
        if name in RESHAPES:
            return self.reshape_to(node, self.value(given["self"]), shape_of(node))
        if name in ONE_TO_ONE:
            return self.emit(node, name, [given["self"]])
        raise Unknown(name)

    # Layers -------------------------------------------------------------------------------------------------

    def op_linear(self, node: fx.Node, given: Arguments) -> str:
        return self.emit(node, "linear", [given["input"], given["weight"], given["bias"]])

    def op_conv2d(self, node: fx.Node, given: Arguments) -> str:
        if isinstance(given["padding"], str):
            raise Unknown(f"conv2d with padding={given['padding']}")
        sizes = {name: pair(given[name]) for name in ("stride", "padding", "dilation")}
        inputs = [given["input"], given["weight"], given["bias"]]
        return self.emit(node, "conv2d", inputs, **sizes, groups=given["groups"])

    def op_avg_pool2d(self, node: fx.Node, given: Arguments) -> str:
        if given["divisor_override"] is not None:
            raise Unknown("avg_pool2d with a divisor")
        more = {"ceil": given["ceil_mode"], "count_padding": given["count_include_pad"]}
        return self.emit(node, "avg_pool2d", [given["self"]], **window(given), **more)

    def op_max_pool2d(self, node: fx.Node, given: Arguments) -> str:
        more = {"dilation": pair(given["dilation"]), "ceil": given["ceil_mode"]}
        return self.emit(node, "max_pool2d", [given["self"]], **window(given), **more)

    def op_adaptive_avg_pool2d(self, node: fx.Node, given: Arguments) -> str:
        if pair(given["output_size"]) == [1, 1]:
            return self.emit(node, "mean", [given["self"]], dims=[2, 3], keepdim=True)
        if shape_of(node) == shape_of(given["self"]):
            return self.value(given["self"])
        raise Unknown("adaptive_avg_pool2d to more than one pixel")

    def op_batch_norm(self, node: fx.Node, given: Arguments) -> str:
        if given["training"] or given["weight"] is None:
            raise Unknown("batch_norm without weights, or in training mode")
        names = ("input", "weight", "bias", "running_mean", "running_var")
        return self.emit(node, "batch_norm", [given[name] for name in names], eps=given["eps"])

    def op_leaky_relu(self, node: fx.Node, given: Arguments) -> str:
        return self.emit(node, "leaky_relu", [given["self"]], slope=given["negative_slope"])

    def op_softmax(self, node: fx.Node, given: Arguments) -> str:
        return self.emit(node, "softmax", [given["self"]], dim=given["dim"] % len(shape_of(node)))

    def op_log_softmax(self, node: fx.Node, given: Arguments) -> str:
        return self.emit(node, "log_softmax", [given["self"]], dim=given["dim"] % len(shape_of(node)))

    def op_embedding(self, node: fx.Node, given: Arguments) -> str:
        return self.emit(node, "embedding", [given["weight"], given["indices"]])

    def op_lstm(self, node: fx.Node, given: Arguments) -> list[str]:
        if given["batch_first"] or given["bidirectional"] or not given["has_biases"] or given["train"]:
            raise Unknown("an lstm of another form than (T, B, E) with biases")
        states = fx.node.map_arg(given["hx"], self.value)
        inputs = [self.value(given["input"]), *states, *fx.node.map_arg(given["params"], self.value)]
        shape = [-1 if isinstance(n, torch.SymInt) else int(n) for n in node.meta["val"][0].shape]
        name = self.add(node.name, "lstm", inputs, {"layers": given["num_layers"]}, label_of(node), shape)
        return [name, f"{name}.h", f"{name}.c"]

    # Arithmetic ---------------------------------------------------------------------------------------------

    def _arithmetic(self, node: fx.Node, op: str, given: Arguments) -> str:
        if given.get("alpha", 1) != 1 or given.get("rounding_mode"):
            raise Unknown(f"{op} with further arguments")
        first, second = given["self"], given["other"]
        if isinstance(second, fx.Node):
            return self.emit(node, op, [first, second])
        return self.emit(node, op, [first], number=second)

    def op_add(self, node: fx.Node, given: Arguments) -> str:
        for one, other in (("self", "other"), ("other", "self")):
            if given[one] in self.zeros:
                return self.value(given[other])
        return self._arithmetic(node, "add", given)

    def op_sub(self, node: fx.Node, given: Arguments) -> str:
        return self._arithmetic(node, "sub", given)

    def op_mul(self, node: fx.Node, given: Arguments) -> str | None:
        if given["self"] in self.noise and given["other"] == 0:  # the noise of an autoencoder, in eval mode
            self.zeros.add(node)
            return None
        return self._arithmetic(node, "mul", given)

    def op_div(self, node: fx.Node, given: Arguments) -> str:
        return self._arithmetic(node, "div", given)

    def op_rsub(self, node: fx.Node, given: Arguments) -> str:
        shape, label = shape_of(node), label_of(node)
        minus = self.add(
            f"{node.name}_minus", "mul", [self.value(given["self"])], {"number": -1}, label, shape
        )
        return self.emit(node, "add", [minus], number=given["other"])

    def op_square(self, node: fx.Node, given: Arguments) -> str:
        return self.emit(node, "mul", [given["self"], given["self"]])

    def op_randn_like(self, node: fx.Node, given: Arguments) -> None:
        self.noise.add(node)

    def op_matmul(self, node: fx.Node, given: Arguments) -> str:
        """Multiply matrices of as many dimensions; a vector becomes a matrix of one column."""
        first, second = given["self"], given["other"]
        shapes = [shape_of(first), shape_of(second)]
        if len(shapes[0]) == 1:
            raise Unknown("a vector times a matrix")
        if len(shapes[1]) == 1:
            column = self.reshape_to(node, self.value(second), [*shapes[1], 1], "_column")
            inputs, shape = [self.value(first), column], [*shapes[0][:-1], 1]
            product = self.add(f"{node.name}_product", "matmul", inputs, {}, label_of(node), shape)
            return self.reshape_to(node, product, shape_of(node))
        rank = max(map(len, shapes))
        values = [
            self.reshape_to(node, self.value(each), [1] * (rank - len(shape)) + shape, "_matrix")
            if len(shape) < rank
            else self.value(each)
            for each, shape in zip((first, second), shapes, strict=True)
        ]
        return self.emit(node, "matmul", values)

    def op_sum(self, node: fx.Node, given: Arguments) -> str:
        return self._over_dims(node, "sum", given)

    def op_mean(self, node: fx.Node, given: Arguments) -> str:
        return self._over_dims(node, "mean", given)

    def _over_dims(self, node: fx.Node, op: str, given: Arguments) -> str:
        rank = len(shape_of(given["self"]))
        dims = sorted(dim % rank for dim in given.get("dim") or range(rank))
        return self.emit(node, op, [given["self"]], dims=dims, keepdim=given.get("keepdim", False))

    # Shapes -------------------------------------------------------------------------------------------------

    def op_transpose(self, node: fx.Node, given: Arguments) -> str:
        dims = list(range(len(shape_of(node))))
        one, other = given["dim0"], given["dim1"]
        dims[one], dims[other] = dims[other], dims[one]
        return self.permute_by(node, dims)

    def op_permute(self, node: fx.Node, given: Arguments) -> str:
        return self.permute_by(node, [dim % len(shape_of(node)) for dim in given["dims"]])

    def op_numpy_T(self, node: fx.Node, given: Arguments) -> str:
        return self.permute_by(node, list(reversed(range(len(shape_of(node))))))

    op_t = op_numpy_T

    def op_mT(self, node: fx.Node, given: Arguments) -> str:
        *first, row, column = range(len(shape_of(node)))
        return self.permute_by(node, [*first, column, row])

    def op_slice(self, node: fx.Node, given: Arguments) -> str:
        shape = shape_of(given["self"])
        dim, size = given["dim"] % len(shape), shape[given["dim"]]
        start, stop = given["start"] or 0, given["end"] if given["end"] is not None else 2**63 - 1
        if size >= 0:
            start, stop, _ = slice(start, stop).indices(size)
        return self.part(node, given["self"], dim, start, stop, given["step"], "")

    def op_select(self, node: fx.Node, given: Arguments) -> str:
        shape = shape_of(given["self"])
        dim = given["dim"] % len(shape)
        index = given["index"] % shape[dim] if shape[dim] > 0 else given["index"]
        part = self.part(node, given["self"], dim, index, index + 1, 1, "_slice")
        return self.reshape_to(node, part, shape_of(node))

    def op_unbind(self, node: fx.Node, given: Arguments) -> list[str]:
        shape = shape_of(given["self"])
        dim = given["dim"] % len(shape)
        rest = shape[:dim] + shape[dim + 1 :]
        parts = (
            self.part(node, given["self"], dim, place, place + 1, 1, f"_{place}_slice")
            for place in range(shape[dim])
        )
        return [self.reshape_to(node, part, rest, f"_{place}") for place, part in enumerate(parts)]

    def op_chunk(self, node: fx.Node, given: Arguments) -> list[str]:
        dim, start, parts = given["dim"] % len(shape_of(given["self"])), 0, []
        for place, part in enumerate(node.meta["val"]):
            stop = start + int(part.shape[dim])
            parts.append(self.part(node, given["self"], dim, start, stop, 1, f"_{place}"))
            start = stop
        return parts

    op_split = op_split_with_sizes = op_chunk

    def op_cat(self, node: fx.Node, given: Arguments) -> str:
        return self.emit(node, "cat", given["tensors"], dim=given["dim"] % len(shape_of(node)))

    def op_stack(self, node: fx.Node, given: Arguments) -> str:
        shape = shape_of(node)
        dim = given["dim"] % len(shape)
        one, parts = [*shape[:dim], 1, *shape[dim + 1 :]], given["tensors"]
        if len(parts) == 1:
            return self.reshape_to(node, self.value(parts[0]), one)
        values = [
            self.reshape_to(node, self.value(part), one, f"_{place}") for place, part in enumerate(parts)
        ]
        return self.emit(node, "cat", values, dim=dim)

    def op_pad(self, node: fx.Node, given: Arguments) -> str:
        if given.get("mode", "constant") != "constant" or min(given["pad"]) < 0:
            raise Unknown("pad other than with a constant")
        rank = len(shape_of(node))
        before, after = [0] * rank, [0] * rank
        for place, count in enumerate(given["pad"]):  # torch begins with the last dimension
            (after if place % 2 else before)[rank - 1 - place // 2] = count
        value = float(given["value"] or 0)
        return self.emit(node, "pad", [given["self"]], before=before, after=after, value=value)


def pair(value: Any) -> list[int]:
    """Return rows and columns: one number counts for both."""
    numbers = [value] if isinstance(value, int) else list(value)
    return numbers * 2 if len(numbers) == 1 else numbers


def window(given: dict[str, Any]) -> dict[str, list[int]]:
    """Return the window of a pooling; without a stride, windows do not overlap."""
    kernel = pair(given["kernel_size"])
    return {"kernel": kernel, "stride": pair(given["stride"] or kernel), "padding": pair(given["padding"])}
