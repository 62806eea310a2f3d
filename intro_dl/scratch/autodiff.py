"""Automatic differentiation by hand: dual numbers go forward, a tape of nodes goes in reverse.

Both modes rest on one fact: the derivative of an operation at a point is a linear map. Forward mode pushes
tangents through that map, from the inputs to the output; reverse mode pulls adjoints back through its
transpose, from the output to the inputs. So each operation says once what its value is and, for each operand,
what both directions of the local derivative are; a `Dual` uses the one, a `Node` the other.

    python -m intro_dl.scratch.autodiff  # every number of the slides' worked example

Methods are named as in torch, so that one formula runs on a Dual, a Node and a torch tensor.

Source: lecture 004, from "Problem: Compute gradients of z with respect to inputs {x1, x2}" to
"For each output, can compute the gradient w.r.t. all inputs in one pass!".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor


class Edge(NamedTuple):
    """One local derivative: how the result w of an operation moves with one of its operands v."""

    operand: Operand
    push: Callable[[Tensor], Tensor]  # tangent of v -> its share in the tangent of w, dw = (dw/dv) dv
    pull: Callable[[Tensor], Tensor]  # adjoint of w -> its share in the adjoint of v, dz/dv = dz/dw (dw/dv)


def elementwise(operand: Operand, slope: Tensor | float) -> Edge:
    """The edge of an operation that treats every element alone: multiply by its slope, in both directions."""
    shape = operand.value.shape
    # Broadcasting copied v into many elements of w: the adjoint of v is the sum over its copies.
    return Edge(operand, lambda dv: slope * dv, lambda dz_dw: (slope * dz_dw).sum_to_size(shape))


def check_fit(left: Tensor, symbol: str, right: Tensor) -> None:
    """Refuse two operands whose shapes do not fit, before torch does so in words of its own."""
    a, b = tuple(left.shape), tuple(right.shape)
    if symbol == "@":
        if not a or not b or a[-1] != b[-2:][0]:
            raise ValueError(f"{a} @ {b} does not fit: columns on the left must equal rows on the right")
        a, b = a[:-2], b[:-2]  # what is left are batches of matrices, which broadcast
    if any(m != n and 1 not in (m, n) for m, n in zip_longest(a[::-1], b[::-1], fillvalue=1)):
        shapes = f"{tuple(left.shape)} {symbol} {tuple(right.shape)}"
        raise ValueError(f"{shapes} does not fit: from the right, sizes must be equal or one of them 1")


class Operand:
    """A value that can be differentiated, and the operations on it."""

    __array_ufunc__ = None  # let numpy leave `array * operand` to us

    def __init__(self, value: Tensor | float) -> None:
        value = value.detach() if isinstance(value, Tensor) else torch.as_tensor(value, dtype=torch.float64)
        self.value = value if value.is_floating_point() else value.double()

    def result(self, operation: str, value: Tensor, *edges: Edge) -> Operand:
        """What an operation returns: a Dual gets its tangent at once, a Node remembers its edges."""
        raise NotImplementedError

    def constant(self, value: Operand | Tensor | float) -> Operand:
        """A number or plain tensor in a formula, as an operand of the same kind as this one."""
        if not isinstance(value, Operand):
            return type(self)(torch.as_tensor(value, dtype=self.value.dtype, device=self.value.device))
        if type(value) is not type(self):
            raise ValueError("a Dual and a Node met in one formula: use forward or reverse mode, not both")
        return value

    def pair(self, symbol: str, other: Operand | Tensor | float) -> tuple[Operand, Operand, Tensor, Tensor]:
        """Both operands of `self symbol other`, and their values."""
        other = self.constant(other)
        check_fit(self.value, symbol, other.value)
        return self, other, self.value, other.value

    def __add__(self, other):
        a, b, x, y = self.pair("+", other)
        return self.result("+", x + y, elementwise(a, 1.0), elementwise(b, 1.0))

    def __sub__(self, other):
        a, b, x, y = self.pair("-", other)
        return self.result("-", x - y, elementwise(a, 1.0), elementwise(b, -1.0))

    def __mul__(self, other):
        a, b, x, y = self.pair("*", other)
        return self.result("*", x * y, elementwise(a, y), elementwise(b, x))

    def __truediv__(self, other):
        a, b, x, y = self.pair("/", other)
        return self.result("/", x / y, elementwise(a, 1 / y), elementwise(b, -x / y**2))

    def __pow__(self, other):
        a, b, x, y = self.pair("**", other)
        slope_x = torch.where(y == 0, 0.0, y * x ** (y - 1))  # x**0 is flat, also at x = 0
        slope_y = torch.where((x == 0) & (y >= 0), 0.0, x**y * x.log())  # nan for x < 0: no derivative there
        exponent = [elementwise(b, slope_y)] if isinstance(other, Operand) else []  # a number does not move
        return self.result("**", x**y, elementwise(a, slope_x), *exponent)

    def __matmul__(self, other):
        a, b, x, y = self.pair("@", other)
        X = x if x.ndim > 1 else x[None, :]  # a vector on the left is a row
        Y = y if y.ndim > 1 else y[:, None]  # a vector on the right is a column
        shape = (X @ Y).shape

        def pull_left(dz_dw: Tensor) -> Tensor:
            return (dz_dw.reshape(shape) @ Y.mT).sum_to_size(X.shape).reshape(x.shape)

        def pull_right(dz_dw: Tensor) -> Tensor:
            return (X.mT @ dz_dw.reshape(shape)).sum_to_size(Y.shape).reshape(y.shape)

        left, right = Edge(a, lambda dx: dx @ y, pull_left), Edge(b, lambda dy: x @ dy, pull_right)
        return self.result("@", x @ y, left, right)

    __radd__, __rmul__ = __add__, __mul__  # the order does not matter

    def __rsub__(self, other):
        return self.constant(other) - self

    def __rtruediv__(self, other):
        return self.constant(other) / self

    def __rpow__(self, other):
        return self.constant(other) ** self

    def __rmatmul__(self, other):
        return self.constant(other) @ self

    def __neg__(self):
        return self.result("neg", -self.value, elementwise(self, -1.0))

    def exp(self):
        y = self.value.exp()
        return self.result("exp", y, elementwise(self, y))

    def log(self):
        return self.result("log", self.value.log(), elementwise(self, 1 / self.value))

    def sin(self):
        return self.result("sin", self.value.sin(), elementwise(self, self.value.cos()))

    def cos(self):
        return self.result("cos", self.value.cos(), elementwise(self, -self.value.sin()))

    def tanh(self):
        y = self.value.tanh()
        return self.result("tanh", y, elementwise(self, 1 - y**2))

    def sigmoid(self):
        y = 1 / (1 + torch.exp(-self.value))
        return self.result("sigmoid", y, elementwise(self, y * (1 - y)))

    def relu(self):
        slope = (self.value > 0).to(self.value.dtype)  # 0 at 0, as on the slides and in torch
        return self.result("relu", self.value.clamp(min=0), elementwise(self, slope))

    def sum(self, dim: int | tuple[int, ...] | None = None, keepdim: bool = False):
        x = self.value
        kept = x.sum(dim, keepdim=True).shape
        push, pull = lambda dx: dx.sum(dim, keepdim), lambda dz_dw: dz_dw.reshape(kept).expand(x.shape)
        return self.result("sum", x.sum(dim, keepdim), Edge(self, push, pull))

    def mean(self, dim: int | tuple[int, ...] | None = None, keepdim: bool = False):
        total = self.sum(dim, keepdim)
        return total / (self.value.numel() / total.value.numel())

    def max(self, dim: int | tuple[int, ...] | None = None, keepdim: bool = False):
        """The largest value, as torch.amax: elements that tie for it share the derivative equally."""
        x, dims = self.value, tuple(range(self.value.ndim)) if dim is None else dim
        largest = x.amax(dims, keepdim=True)
        share = (x == largest) / (x == largest).sum(dims, keepdim=True)
        push, pull = (
            lambda dx: (share * dx).sum(dims, keepdim),
            lambda dz_dw: share * dz_dw.reshape(largest.shape),
        )
        return self.result("max", x.amax(dims, keepdim), Edge(self, push, pull))

    def __getitem__(self, index):
        x = self.value
        positions = torch.arange(x.numel(), device=x.device).reshape(x.shape)[index]  # of the elements picked

        def pull(dz_dw: Tensor) -> Tensor:  # an element picked twice collects both adjoints
            return x.new_zeros(x.numel()).index_add(0, positions.flatten(), dz_dw.flatten()).reshape(x.shape)

        return self.result("[]", x[index], Edge(self, lambda dx: dx[index], pull))


class Dual(Operand):
    """Forward mode: a value and its tangent, the derivative of the value along one direction of the inputs.

    Args:
        value: a number or tensor.
        tangent: shaped like `value`; 1 for the input to differentiate by, 0 (the default) for all others.
    """

    def __init__(self, value: Tensor | float, tangent: Tensor | float | None = None) -> None:
        super().__init__(value)
        zeros = torch.zeros_like(self.value)
        self.tangent = zeros if tangent is None else torch.as_tensor(tangent).detach().to(zeros)
        if self.tangent.shape != self.value.shape:
            shapes = f"{tuple(self.tangent.shape)} of the tangent and {tuple(self.value.shape)} of the value"
            raise ValueError(f"shapes {shapes} differ: give one tangent per element")

    def result(self, operation: str, value: Tensor, *edges: Edge) -> Dual:
        return Dual(value, sum(edge.push(edge.operand.tangent) for edge in edges))


class Node(Operand):
    """Reverse mode: a value that remembers which operands made it, so that adjoints can find their way back.

    Args:
        value: a number or tensor. Assign to `.value` to update a parameter.
        name: how messages, traces and graphs call it.
        kind: "input" or "parameter"; a "constant" and the result of an "operation" are marked by themselves.
    """

    def __init__(self, value: Tensor | float, name: str = "", kind: str = "input") -> None:
        super().__init__(value)
        self.name, self.kind = name, kind
        self.edges: tuple[Edge, ...] = ()
        self.adjoint: Tensor | None = None

    def constant(self, value: Operand | Tensor | float) -> Operand:
        node = super().constant(value)
        node.kind = node.kind if node is value else "constant"
        return node

    def result(self, operation: str, value: Tensor, *edges: Edge) -> Node:
        node = Node(value, operation, "operation")
        node.edges = edges
        return node

    @property
    def gradient(self) -> Tensor:
        """dz/d(this node), left here by the newest `z.backward()` that reached it."""
        if self.adjoint is None:
            name = f"{self.kind} {self.name}".strip()
            raise ValueError(f"{name} has no gradient: call backward() on a result that depends on it")
        return self.adjoint

    def tape(self) -> list[Node]:
        """This node and all it depends on, each after every node that uses it: the slides' order."""
        uses, found, order = Counter(), [self], [self]
        for node in found:  # grows while we walk
            for edge in node.edges:
                if edge.operand not in uses:
                    found.append(edge.operand)
                uses[edge.operand] += 1
        for node in order:  # grows too, by every operand whose uses have all been seen
            for edge in node.edges:
                uses[edge.operand] -= 1
                if uses[edge.operand] == 0:
                    order.append(edge.operand)
        return order

    def backward(self, seed: Tensor | float | None = None) -> list[Node]:
        """Give every node that z (this node) depends on its adjoint dz/dw, from the end to the beginning.

        Every call starts afresh: unlike in torch, nothing adds up over calls and there is nothing to zero.

        Args:
            seed: dL/dz where z is not the end but feeds a loss L; shaped like z. Default: 1, L is z itself.

        Returns:
            The nodes in the order in which their adjoints were complete.
        """
        shape = tuple(self.value.shape)
        if seed is None and self.value.numel() != 1:
            raise ValueError(f"backward() needs a scalar, but this has shape {shape}: give the seed dL/dz")
        seed = torch.ones_like(self.value) if seed is None else torch.as_tensor(seed).detach().to(self.value)
        if seed.shape != self.value.shape:
            raise ValueError(f"the seed has shape {tuple(seed.shape)}, but the result has shape {shape}")
        order = self.tape()
        for node in order:
            node.adjoint = torch.zeros_like(node.value)
        self.adjoint = seed
        for node in order:
            for edge in node.edges:  # the chain rule: dz/dv = sum over the uses w of v of dz/dw dw/dv
                edge.operand.adjoint = edge.operand.adjoint + edge.pull(node.adjoint)
        return order


class Jacobian(NamedTuple):
    """All derivatives of M outputs by N inputs, and what they cost."""

    matrix: Tensor  # (M, N): row j is the gradient of output j. The slides draw the transpose.
    passes: int


def check_vector(x: Tensor) -> None:
    if x.ndim != 1:
        raise ValueError(f"the point has shape {tuple(x.shape)}: flatten it to a vector of N inputs")


def jacobian_forward(function: Callable[[Dual], Dual | Iterable[Dual]], x: Tensor) -> Jacobian:
    """Forward mode asks "what does this input move?": N inputs take N passes, each gives one column.

    Args:
        function: takes a vector (N,) and returns M outputs, as one operand or as a list of operands.
        x: (N,), the point.
    """
    check_vector(x)
    columns = []
    for direction in torch.eye(len(x)).to(x):
        outputs = function(Dual(x, direction))
        outputs = [outputs] if isinstance(outputs, Dual) else outputs
        columns.append(torch.cat([output.tangent.flatten() for output in outputs]))
    return Jacobian(torch.stack(columns, dim=1), passes=len(columns))


def jacobian_reverse(function: Callable[[Node], Node | Iterable[Node]], x: Tensor) -> Jacobian:
    """Reverse mode asks "what moves this output?": M outputs take M passes back, each gives one row.

    Args: as for `jacobian_forward`.
    """
    check_vector(x)
    point, rows = Node(x, "x"), []
    outputs = function(point)
    for output in [outputs] if isinstance(outputs, Node) else outputs:
        for seed in torch.eye(output.value.numel()).to(x):
            point.adjoint = torch.zeros_like(point.value)  # the answer for an output that x does not move
            output.backward(seed.reshape(output.value.shape))
            rows.append(point.gradient)
    return Jacobian(torch.stack(rows), passes=len(rows))


if __name__ == "__main__":
    from intro_dl.scratch.trace import main

    main()
