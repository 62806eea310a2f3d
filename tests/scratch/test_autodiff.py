"""What intro_dl.scratch.autodiff promises: both modes by hand equal torch, and count their passes."""

import ast
import math
import re
import runpy
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intro_dl.scratch import autodiff, trace
from intro_dl.scratch.autodiff import Dual, Node, Operand, jacobian_forward, jacobian_reverse

# torch.func.jvp decomposes operations with torch.jit.script, which torch itself has since deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")

quick = settings(max_examples=25, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**31)


def largest(x, *dim):
    return x.max(*dim) if isinstance(x, Operand) else x.amax(*dim)


def size(x):
    return (x.value if isinstance(x, Operand) else x).shape[1]


# Formulas of x and y with shapes that broadcast; each line runs on Dual, Node and torch tensors alike.
ELEMENTWISE = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / (y * y + 1.0),
    "x ** y": lambda x, y: (x * x + 0.5) ** y,
    "x ** number": lambda x, y: x**3 + y**2 + x**0,
    "numbers on the left": lambda x, y: 2.0 - x + 3.0 / (y * y + 1.0) + 2.0**x + 1.0 + 4.0 * y,
    "tensors on the left": lambda x, y: torch.ones(2, 1, 1).double() * x - y,
    "-x": lambda x, y: -x,
    "exp": lambda x, y: x.exp() * y,
    "log": lambda x, y: (x * x + 0.5).log() + y,
    "sin": lambda x, y: (x + y).sin(),
    "cos": lambda x, y: (x * y).cos(),
    "tanh": lambda x, y: (x - y).tanh(),
    "sigmoid": lambda x, y: (x + y).sigmoid(),
    "relu": lambda x, y: x.relu() * y.relu(),
    "sum": lambda x, y: (x * y).sum() * x,
    "mean": lambda x, y: (x * y).mean() * y,
    "max": lambda x, y: largest(x * y) * x,
    "x x x": lambda x, y: x * x * x + y.sin() * y.sin(),
}

# Formulas of x (B, M, K) and y (B, K, N).
ARRAYS = {
    "matrix @ matrix": lambda x, y: x @ y,
    "matrix @ vector": lambda x, y: x @ y[0, :, 0],
    "vector @ matrix": lambda x, y: x[0, 0] @ y,
    "vector @ vector": lambda x, y: x[0, 0] @ y[0, :, 0],
    "one matrix for a batch": lambda x, y: x @ y[0],
    "sum over an axis": lambda x, y: x.sum(1) + y.sum((0, 2)),
    "sum with keepdim": lambda x, y: x / (x * x).sum(-1, keepdim=True) + y.sum((1, 2), keepdim=True),
    "mean over an axis": lambda x, y: x.mean(0) @ y.mean((0,), True),
    "max over an axis": lambda x, y: largest(x, 1) + largest(y, (0, 2)),
    "max with keepdim": lambda x, y: x - largest(x, -1, True) + largest(y, (1, 2), True),
    "picked by a mask": lambda x, y: x[:, [n % 2 == 0 for n in range(size(x))]] @ y,
    "slices": lambda x, y: x[:, ::2, -1] * y[0, 0, 0] + x[..., :1, 0],
    "picked twice": lambda x, y: x[:, [0, 0, -1]] @ y,
}


@st.composite
def broadcastable(draw):
    """Two random tensors whose shapes broadcast, of 0 to 3 dimensions."""
    shape = draw(st.lists(st.integers(1, 3), max_size=3))
    torch.manual_seed(draw(SEEDS))
    shapes = []
    for _ in range(2):
        ones = [draw(st.booleans()) for _ in shape]
        shapes.append(
            [1 if one else size for one, size in zip(ones, shape, strict=True)][
                draw(st.integers(0, len(shape))) :
            ]
        )
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


@st.composite
def matrices(draw):
    """x (B, M, K) and y (B, K, N)."""
    batch, rows, inner, columns = [draw(st.integers(1, 4)) for _ in range(4)]
    torch.manual_seed(draw(SEEDS))
    return [torch.randn(s, dtype=torch.float64) for s in [(batch, rows, inner), (batch, inner, columns)]]


def assert_forward_mode_equals_jvp(formula, point):
    directions = [torch.randn_like(x) for x in point]
    value, tangent = torch.func.jvp(formula, tuple(point), tuple(directions))
    result = formula(*[Dual(x, dx) for x, dx in zip(point, directions, strict=True)])
    torch.testing.assert_close(result.value, value, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(result.tangent, tangent, rtol=1e-8, atol=1e-8)


def assert_reverse_mode_equals_autograd(formula, point):
    leaves = [x.clone().requires_grad_() for x in point]
    expected = formula(*leaves)
    seed = torch.randn_like(expected)
    expected_gradients = torch.autograd.grad(expected, leaves, seed, allow_unused=True)
    nodes = [Node(x) for x in point]
    result = formula(*nodes)
    result.backward(seed)
    torch.testing.assert_close(result.value, expected.detach(), rtol=1e-10, atol=1e-10)
    for node, gradient in zip(nodes, expected_gradients, strict=True):
        if gradient is not None:
            torch.testing.assert_close(node.gradient, gradient, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("formula", ELEMENTWISE.values(), ids=ELEMENTWISE)
@quick
@given(point=broadcastable())
def test_forward_mode_equals_torch_jvp_whatever_broadcasts(formula, point):
    assert_forward_mode_equals_jvp(formula, point)


@pytest.mark.parametrize("formula", ELEMENTWISE.values(), ids=ELEMENTWISE)
@quick
@given(point=broadcastable())
def test_reverse_mode_equals_torch_autograd_whatever_broadcasts(formula, point):
    assert_reverse_mode_equals_autograd(formula, point)


@pytest.mark.parametrize("formula", ARRAYS.values(), ids=ARRAYS)
@quick
@given(point=matrices())
def test_forward_mode_equals_torch_jvp_for_matrices_sums_and_indexing(formula, point):
    assert_forward_mode_equals_jvp(formula, point)


@pytest.mark.parametrize("formula", ARRAYS.values(), ids=ARRAYS)
@quick
@given(point=matrices())
def test_reverse_mode_equals_torch_autograd_for_matrices_sums_and_indexing(formula, point):
    assert_reverse_mode_equals_autograd(formula, point)


def network(x):
    """Evaluate a small deep formula of x (4,): two dense layers, every activation, a log-likelihood."""
    U = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)
    hidden = (U @ x + 0.1).tanh()  # (3,)
    return (1 + (hidden * hidden.sigmoid()).exp()).log().sum() / (x**2).mean() + (x[1] * x[3]).sin()


@quick
@given(seed=SEEDS)
def test_finite_differences_agree_with_both_modes(seed):
    x = torch.rand(4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.5
    steps = 1e-6 * torch.eye(4, dtype=torch.float64)
    differences = torch.stack([(network(x + step) - network(x - step)) / 2e-6 for step in steps])
    torch.testing.assert_close(jacobian_forward(network, x).matrix[0], differences, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(jacobian_reverse(network, x).matrix[0], differences, rtol=1e-6, atol=1e-7)


@quick
@given(inputs=st.integers(1, 5), outputs=st.integers(1, 5), seed=SEEDS)
def test_both_jacobians_equal_torch_jacobian(inputs, outputs, seed):
    torch.manual_seed(seed)
    W, x = torch.randn(outputs, inputs, dtype=torch.float64), torch.randn(inputs, dtype=torch.float64)
    expected = torch.func.jacrev(lambda x: (W @ x).sin())(x)
    torch.testing.assert_close(jacobian_forward(lambda x: (W @ x).sin(), x).matrix, expected)
    torch.testing.assert_close(jacobian_reverse(lambda x: (W @ x).sin(), x).matrix, expected)


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 1), (5, 1), (1, 4), (3, 7)])
def test_forward_mode_takes_a_pass_per_input_and_reverse_mode_a_pass_per_output(inputs, outputs, monkeypatch):
    backward_passes = []
    monkeypatch.setattr(Node, "backward", lambda *a, plain=Node.backward: backward_passes.append(plain(*a)))
    forward_passes = []

    def function(x):
        forward_passes.append(x)
        return torch.ones(outputs, inputs).double() @ x

    assert jacobian_forward(function, torch.ones(inputs)).passes == len(forward_passes) == inputs
    assert jacobian_reverse(function, torch.ones(inputs)).passes == len(backward_passes) == outputs


def test_a_jacobian_takes_a_list_of_scalars_and_an_output_that_no_input_moves():
    def function(x):
        return [x[0] * x[1], x[1].sin(), (x * 0.0)[0], x[0] ** 2]

    expected = torch.tensor([[3.0, 2.0], [0.0, math.cos(3)], [0.0, 0.0], [4.0, 0.0]]).double()
    x = torch.tensor([2.0, 3.0]).double()
    torch.testing.assert_close(jacobian_forward(function, x).matrix, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(jacobian_reverse(function, x).matrix, expected, rtol=0, atol=1e-6)


# The conventions where a derivative does not exist, or two formulas for it disagree


def test_relu_has_slope_zero_at_zero():
    x = Node(torch.tensor([-1.0, 0.0, 1.0]))
    x.relu().sum().backward()
    assert x.gradient.tolist() == [0.0, 0.0, 1.0]


def test_elements_that_tie_for_the_maximum_share_its_derivative_as_in_torch_amax():
    values = torch.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    leaf, node = values.clone().requires_grad_(), Node(values)
    leaf.amax(1).sum().backward()
    node.max(1).sum().backward()
    assert torch.equal(node.gradient, leaf.grad)


@pytest.mark.parametrize(("base", "exponent"), [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (-2.0, 3.0), (2.0, 0.0)])
def test_powers_of_zero_and_of_negative_numbers_have_torchs_derivative(base, exponent):
    leaves = [torch.tensor(v).double().requires_grad_() for v in (base, exponent)]
    (leaves[0] ** leaves[1]).backward()
    nodes = Node(base), Node(exponent)
    (nodes[0] ** nodes[1]).backward()
    for node, leaf in zip(nodes, leaves, strict=True):
        torch.testing.assert_close(node.gradient, leaf.grad, equal_nan=True)


def test_sigmoid_survives_a_thousand_in_both_directions():
    x = Node(torch.tensor([-1000.0, 1000.0]))
    y = x.sigmoid()
    y.sum().backward()
    assert y.value.tolist() == [0.0, 1.0]
    assert x.gradient.tolist() == [0.0, 0.0]


def test_float32_stays_float32_and_numbers_are_float64():
    assert (2.5 * Node(torch.ones(3)) + 1).value.dtype == torch.float32
    assert Node(2).value.dtype == Dual(2.5).value.dtype == torch.float64


def test_values_and_gradients_never_carry_torch_autograd():
    x = Node(torch.ones(3, requires_grad=True))
    z = (x * torch.ones(3, requires_grad=True)).sum()
    z.backward()
    assert not z.value.requires_grad and not x.gradient.requires_grad


def test_a_second_backward_starts_afresh():
    x = Node(3.0, "x")
    z = x * x
    z.backward()
    z.backward()
    assert x.gradient == 6.0


def test_a_chain_of_three_thousand_operations_needs_no_recursion():
    x = Node(1.0, "x")
    z = x
    for _ in range(3_000):
        z = z + x / 3_000
    z.backward()
    assert x.gradient.item() == pytest.approx(2.0)


# Bad input, answered in the user's words


@pytest.mark.parametrize("kind", [Dual, Node])
def test_operands_that_do_not_fit_are_refused_with_both_shapes(kind):
    a, b, c = kind(torch.ones(3, 4)), kind(torch.ones(2)), kind(torch.ones(2, 4, 5))
    for operate in (a.__add__, a.__sub__, a.__mul__, a.__truediv__, a.__pow__):
        with pytest.raises(ValueError, match=r"\(3, 4\) .+ \(2,\) does not fit"):
            operate(b)
    with pytest.raises(ValueError, match=r"\(3, 4\) @ \(2,\) does not fit: columns on the left"):
        a @ b
    with pytest.raises(ValueError, match=r"\(2, 4, 5\) @ \(3, 5, 1\) does not fit"):
        c @ torch.ones(3, 5, 1)
    with pytest.raises(ValueError, match=r"\(\) @ \(3, 4\) does not fit"):
        2.0 @ a


def test_a_leaf_that_backward_did_not_reach_is_refused_by_name():
    x, other = Node(2.0, "x"), Node(3.0, "w", "parameter")
    with pytest.raises(ValueError, match=r"input x has no gradient: call backward\(\)"):
        _ = x.gradient
    (x * x).backward()
    assert x.gradient == 4.0
    with pytest.raises(ValueError, match="parameter w has no gradient"):
        _ = other.gradient


def test_backward_from_a_non_scalar_without_a_seed_is_refused():
    with pytest.raises(ValueError, match=r"needs a scalar, but this has shape \(3,\): give the seed"):
        (Node(torch.ones(3)) * 2).backward()


def test_a_seed_or_tangent_of_another_shape_is_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"seed has shape \(2,\), but the result has shape \(3,\)"):
        (Node(torch.ones(3)) * 2).backward(torch.ones(2))
    with pytest.raises(ValueError, match=r"\(2,\) of the tangent and \(3,\) of the value"):
        Dual(torch.ones(3), torch.ones(2))


def test_a_dual_and_a_node_in_one_formula_are_refused():
    with pytest.raises(ValueError, match="mixes a Dual and a Node"):
        Dual(2.0) + Node(2.0)


@pytest.mark.parametrize("jacobian", [jacobian_forward, jacobian_reverse])
def test_a_jacobian_at_a_point_that_is_no_vector_is_refused(jacobian):
    with pytest.raises(ValueError, match=r"shape \(2, 2\).+flatten"):
        jacobian(lambda x: x, torch.ones(2, 2))


# The trace of lecture 004


@pytest.fixture
def lecture():
    return trace.trace(trace.slide_example, x1=2.0, x2=3.0)


def test_the_values_of_the_trace_are_those_of_the_slide(lecture):
    assert [step.name for step in lecture.steps] == ["w1", "w2", "w3", "w4", "w5"]
    assert [step.formula for step in lecture.steps] == ["x1", "x2", "w1 w2", "sin(w1)", "w3 + w4"]
    expected = [2, 3, 6, math.sin(2), 6 + math.sin(2)]
    assert [step.value for step in lecture.steps] == pytest.approx(expected, abs=1e-12)


def test_the_local_derivatives_of_the_trace_are_those_of_the_slide(lecture):
    local = [derivative for step in lecture.steps for derivative in step.local]
    formulas = {"x1": "1", "x2": "1"}
    assert [(d.operand, d.formula) for d in local] == [
        *formulas.items(), ("w1", "w2"), ("w2", "w1"), ("w1", "cos(w1)"), ("w3", "1"), ("w4", "1"),
    ]  # fmt: skip
    assert [d.value for d in local] == pytest.approx([1, 1, 3, 2, math.cos(2), 1, 1])


def test_forward_mode_gives_the_slides_dz_dx2_equals_2(lecture):
    assert lecture.tangents["x2"]["w5"] == 2.0
    assert lecture.tangents["x1"]["w5"] == pytest.approx(math.cos(2) + 3)


def test_the_adjoints_come_in_the_order_of_the_slides_and_end_at_2_58(lecture):
    assert list(lecture.adjoints) == ["w5", "w3", "w4", "w2", "w1"]
    assert list(lecture.adjoints.values()) == pytest.approx([1, 1, 1, 2, math.cos(2) + 3])


def test_the_module_prints_the_trace(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["trace.py", *words])
        runpy.run_path(trace.__file__, run_name="__main__")
        return capsys.readouterr().out

    printed = run()
    adjoints = re.findall(r"^  dz/dw(\d)(?: = .*)? = (\S+)$", printed, re.MULTILINE)
    assert adjoints == [("5", "1"), ("3", "1"), ("4", "1"), ("2", "2"), ("1", "2.583853")]
    assert "  dz/dx2 = 2\n" in printed
    assert "dz/dw1 = dz/dw4 dw4/dw1 + dz/dw3 dw3/dw1" in printed  # the slide's chain rule
    assert run("graph").strip() == trace.to_dot(trace.neuron())


SCALARS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "**": lambda a, b: a**b, "neg": lambda a, b: -a, "exp": lambda a, b: a.exp(), "log": lambda a, b: a.log(),
    "sin": lambda a, b: a.sin(), "cos": lambda a, b: a.cos(), "tanh": lambda a, b: a.tanh(),
    "sigmoid": lambda a, b: a.sigmoid(), "relu": lambda a, b: a.relu(),
    "sum": lambda a, b: a.sum(), "max": lambda a, b: a.max(),
}  # fmt: skip


@pytest.mark.parametrize("operation", trace.NOTATION)
def test_the_printed_local_derivative_of_every_operation_is_its_value(operation):
    working = trace.trace(lambda a, b: [a, b, SCALARS[operation](a, b)], a=1.5, b=0.7)
    result = working.steps[-1]
    values = {"w1": "(1.5)", "w2": "(0.7)", "w3": f"({result.value})"}
    for _, formula, value in result.local:
        python = re.sub(r"w\d", lambda w: values[w[0]], formula).replace("^", "**")
        python = re.sub(r"\) (\(|log)", r")*\1", python)  # the slides write a product without a sign
        names = {"log": math.log, "sin": math.sin, "cos": math.cos, "step": lambda x: float(x > 0)}
        assert eval(python, names) == pytest.approx(value), formula


def test_a_trace_of_a_formula_with_a_hidden_step_or_a_vector_is_refused():
    with pytest.raises(ValueError, match=r"w2 uses a step, \*, that the function does not return"):
        trace.trace(lambda x: [x, x * x + 1], x=2.0)
    with pytest.raises(ValueError, match=r"w2 has shape \(2,\): a trace needs scalars"):
        trace.trace(lambda x: [x, x * torch.ones(2), (x * torch.ones(2)).sum()], x=2.0)


def test_numbers_in_a_formula_are_shown_but_not_differentiated():
    working = trace.trace(lambda x: [x, x * 4.0], x=2.0)
    assert working.steps[1].formula == "w1 4"
    assert [derivative.operand for derivative in working.steps[1].local] == ["w1"]
    assert list(working.adjoints) == ["w2", "w1"]


def test_the_graph_has_white_inputs_red_parameters_and_blue_operations():
    lines = trace.to_dot(trace.neuron()).splitlines()
    labels = {"white": ["x"], "tomato": ["w", "b"], "lightblue": ["@", "+", "sigmoid"]}
    for color, expected in labels.items():
        found = [re.search(r'label="([^"\\]+)', line)[1] for line in lines if f'fillcolor="{color}"' in line]
        assert sorted(found) == sorted(expected)
    assert sum("->" in line for line in lines) == 5
    assert lines[0].startswith("digraph") and lines[-1] == "}"


# Short enough to be read


def code_lines(node: ast.AST) -> int:
    """Lines that hold code, without docstrings."""
    docstrings = [
        n.body[0]
        for n in ast.walk(node)
        if isinstance(n, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(n)
    ]
    text = {line for d in docstrings for line in range(d.lineno, d.end_lineno + 1)}
    lines = {
        line for n in ast.walk(node) if hasattr(n, "lineno") for line in range(n.lineno, n.end_lineno + 1)
    }
    source = Path(autodiff.__file__).read_text(encoding="utf-8").splitlines()
    return sum(
        1
        for line in lines - text
        if source[line - 1].strip() and not source[line - 1].strip().startswith("#")
    )


def test_the_engine_fits_on_two_pages():
    tree = ast.parse(Path(autodiff.__file__).read_text(encoding="utf-8"))
    engine = [
        n
        for n in tree.body
        if getattr(n, "name", "") in ("Edge", "elementwise", "check_fit", "Operand", "Dual", "Node")
    ]
    assert len(engine) == 6
    assert sum(map(code_lines, engine)) <= 2 * 88
