"""Automatic differentiation by hand: dual numbers go forward, a tape of nodes goes in reverse.

Both modes rest on one fact: the derivative of an operation at a point is a linear map. Forward mode pushes
tangents through that map, from the inputs to the output; reverse mode pulls adjoints back through its
transpose, from the output to the inputs. So each operation defines its value and, for each operand, the local
derivative in both directions; a `Dual` uses one direction, a `Node` the other.

Methods are named as in torch, so that one formula runs on a Dual, a Node and a torch tensor. `trace.py`
prints every number of the slides' worked example.

Source: lecture 004, from "Problem: Compute gradients of z with respect to inputs {x1, x2}" to
"For each output, can compute the gradient w.r.t. all inputs in one pass!".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Generic, NamedTuple, Self, TypeVar

import torch
from torch import Tensor

T = TypeVar("T", bound="Operand", covariant=True)  # Dual or Node: a formula of Nodes is a Node


class Edge(NamedTuple, Generic[T]):
    """One local derivative: how the result w of an operation moves with one of its operands v."""

    operand: T
    push: Callable[[Tensor], Tensor]  # tangent of v -> its term in the tangent of w, dw = (dw/dv) dv
    pull: Callable[[Tensor], Tensor]  # adjoint of w -> its term in the adjoint of v, dz/dv = dz/dw (dw/dv)


def elementwise(operand: T, slope: Tensor | float) -> Edge[T]:
    """Return the edge of an elementwise operation: multiply by its slope, in both directions."""
    shape = operand.value.shape
    # Broadcasting copied v into many elements of w: the adjoint of v is the sum over its copies.
    return Edge(operand, lambda dv: slope * dv, lambda dz_dw: (slope * dz_dw).sum_to_size(shape))


def check_fit(left: Tensor, symbol: str, right: Tensor) -> None:
    """Reject two operands whose shapes do not fit, with a clearer message than torch's."""
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

    __array_ufunc__ = None  # so that `array * operand` calls __rmul__ below

    def __init__(self, value: Tensor | float) -> None:
        value = value.detach() if isinstance(value, Tensor) else torch.as_tensor(value, dtype=torch.float64)
        self.value = value if value.is_floating_point() else value.double()

    def result(self, operation: str, value: Tensor, *edges: Edge[Self]) -> Self:
        """Return the result of an operation: a Dual computes its tangent, a Node keeps its edges."""
        raise NotImplementedError

    def constant(self, value: Operand | Tensor | float) -> Self:
        """Turn a number or plain tensor in a formula into an operand of the same class as this one."""
        if isinstance(value, type(self)):
            return value
        if isinstance(value, Operand):
            raise ValueError("a formula mixes a Dual and a Node: use forward or reverse mode, not both")
        return type(self)(torch.as_tensor(value, dtype=self.value.dtype, device=self.value.device))

    def pair(self, symbol: str, other: Operand | Tensor | float) -> tuple[Self, Self, Tensor, Tensor]:
        """Return both operands of `self symbol other`, and their values."""
        operand = self.constant(other)
        check_fit(self.value, symbol, operand.value)
        return self, operand, self.value, operand.value

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
        """Return the largest value, as torch.amax: elements that tie share the derivative equally."""
        x, dims = self.value, tuple(range(self.value.ndim)) if dim is None else dim
        largest = x.amax(dims, keepdim=True)
        slope = (x == largest) / (x == largest).sum(dims, keepdim=True)
        push, pull = (
            lambda dx: (slope * dx).sum(dims, keepdim),
            lambda dz_dw: slope * dz_dw.reshape(largest.shape),
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

    def result(self, operation: str, value: Tensor, *edges: Edge[Self]) -> Self:
        return type(self)(value, sum(edge.push(edge.operand.tangent) for edge in edges))


class Node(Operand):
    """Reverse mode: a value with edges to the operands it was computed from, for the way back.

    Args:
        value: a number or tensor. Assign to `.value` to update a parameter.
        name: its name in messages, traces and graphs.
        kind: "input" or "parameter"; a "constant" and the result of an "operation" are marked automatically.
    """

    def __init__(self, value: Tensor | float, name: str = "", kind: str = "input") -> None:
        super().__init__(value)
        self.name, self.kind = name, kind
        self.edges: tuple[Edge[Node], ...] = ()
        self.adjoint: Tensor | None = None

    def constant(self, value: Operand | Tensor | float) -> Self:
        node = super().constant(value)
        node.kind = node.kind if node is value else "constant"
        return node

    def result(self, operation: str, value: Tensor, *edges: Edge[Self]) -> Self:
        node = type(self)(value, operation, "operation")
        node.edges = edges
        return node

    @property
    def gradient(self) -> Tensor:
        """Return dz/d(this node), computed by the latest `z.backward()` that reached it."""
        if self.adjoint is None:
            name = f"{self.kind} {self.name}".strip()
            raise ValueError(f"{name} has no gradient: call backward() on a result that depends on it")
        return self.adjoint

    def tape(self) -> list[Node]:
        """List this node and all it depends on, each after every node that uses it: the slides' order."""
        uses: Counter[Node] = Counter()
        found: list[Node] = [self]
        order: list[Node] = [self]
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
        """Compute the adjoint dz/dw of every node w that z (this node) depends on, from the end on.

        Every call starts from zero: unlike in torch, gradients do not add up over calls.

        Args:
            seed: dL/dz if z is not the end but feeds a loss L; shaped like z. Default: 1, L is z itself.

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
        adjoints = {node: torch.zeros_like(node.value) for node in order}
        adjoints[self] = seed
        for node in order:
            node.adjoint = adjoints[node]
            for edge in node.edges:  # the chain rule: dz/dv = sum over the uses w of v of dz/dw dw/dv
                adjoints[edge.operand] = adjoints[edge.operand] + edge.pull(adjoints[node])
        return order


class Jacobian(NamedTuple):
    """All derivatives of M outputs by N inputs, and what they cost."""

    matrix: Tensor  # (M, N): row j is the gradient of output j. The slides draw the transpose.
    passes: int


def check_vector(x: Tensor) -> None:
    """Reject a point that is not a vector (N,)."""
    if x.ndim != 1:
        raise ValueError(f"the point has shape {tuple(x.shape)}: flatten it to a vector of N inputs")


def jacobian_forward(function: Callable[[Dual], Dual | Iterable[Dual]], x: Tensor) -> Jacobian:
    """Ask "what does this input move?" with forward mode: N inputs take N passes, each gives one column.

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
    """Ask "what moves this output?" with reverse mode: M outputs take M passes back, each gives one row.

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
