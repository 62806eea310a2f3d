"""The tab Autodiff: the numbers of the slides, torch's derivatives, and the walk through the graph."""

import math

import pytest
import torch

from intro_dl.scratch.trace import forward_lines, reverse_lines, slide_example, trace

FORMULAS = {  # in the page's notation, then in torch's if it differs
    "sin(x1) + x1*x2": "torch.sin(x1) + x1*x2",
    "x1": None,
    "-x^2": "-x**2",
    "2^-x": "2**-x",
    "x^y^2": "x**y**2",
    "x*x*x": None,
    "1 - x/y/2": None,
    "x - (y - x)": None,
    "a*b + b*c + c*a": None,
    "cos(x)*exp(-x/3)": "torch.cos(x)*torch.exp(-x/3)",
    "tan(x) + log(y)": "torch.tan(x) + torch.log(y)",
    "sqrt(x^2 + y^2)": "torch.sqrt(x**2 + y**2)",
    "(sigmoid(w*x + b) - y)^2": "(torch.sigmoid(w*x + b) - y)**2",
    "log(1 + exp(-y*(w*x + b)))": "torch.log(1 + torch.exp(-y*(w*x + b)))",
    "tanh(tanh(tanh(x)))": "torch.tanh(torch.tanh(torch.tanh(x)))",
    "relu(x - 5) + relu(5 - x)": "torch.relu(x - 5) + torch.relu(5 - x)",
    "sin(pi*x) + e^x": "torch.sin(math.pi*x) + math.e**x",
    "exp(-(x^2 + y^2)/2)/(2*pi)": "torch.exp(-(x**2 + y**2)/2)/(2*math.pi)",
    "(1 - a)^2 + 100*(b - a^2)^2": "(1 - a)**2 + 100*(b - a**2)**2",
    "(x + y)^3 / (x - 2*y)": "(x + y)**3 / (x - 2*y)",
    "1.5e-3*x**2 - .5*y": None,
    "\u2212x\u00b7y": "-x*y",
}
MISTAKES = {
    "x1 x2": "At character 4: write a product with *",
    "2(x)": "At character 2: write a product with *",
    "sin x": "At character 1: write sin with parentheses",
    "(x + 1": "At character 1: this parenthesis is not closed",
    "x)": "At character 2: this ) closes nothing",
    "x +": "At character 4: the formula ends",
    "x + * 2": 'At character 5: "*" stands',
    "foo(x)": 'At character 1: unknown name "foo"',
    "x $ y": 'At character 3: "$" is not part of a formula',
    "w1*2": "At character 1: w1 is the name of a result",
    "3 + 4": "The formula has only numbers",
    "a + b + c + d + f": "The formula has the variables a, b, c, d, f: use at most 4",
    "": "Write a formula",
    "x" + "+x" * 45: "The formula has 46 steps: write one of at most 40",
}
PASSES = """([text, at]) => {
  const {tree, variables} = readForTrace(text);
  const point = Object.fromEntries(variables.map((name, index) => [name, at[index]]));
  const steps = traceSteps(tree, variables, point);
  const last = steps.length - 1;
  const {adjoints, order} = reverseAdjoints(steps);
  const tangents = variables.map((_, index) => forwardTangents(steps, index));
  return {
    variables, z: steps[last].value, names: steps.map(({name}) => name), steps,
    forward: tangents.map((each) => each[last]), reverse: variables.map((_, index) => adjoints[index]),
    forwardLines: variables.map((name, v) =>
      steps.map((_, index) => forwardLine(steps, tangents[v], index, name))),
    reverseLines: order.map((index) => reverseLine(steps, adjoints, index)),
    command: torchCommand(tree, variables, point),
  };
}"""


@pytest.fixture(scope="module")
def tab(page_with):
    return page_with(address="#autodiff")


def rounded(line: str) -> str:
    """Return a line of scratch/trace.py with four digits and in the page's notation."""
    words = [f"{float(word):.4g}" if "." in word else word for word in line.split()]
    text = " ".join(f"({word})" if word.startswith("-") and "*" in words else word for word in words)
    first, equals, result = text.rpartition(" = ")
    return first + equals + result.strip("()")


def test_the_slides_example_has_the_numbers_and_lines_of_the_lecture(tab):
    found = tab.evaluate(PASSES, ["sin(x1) + x1*x2", [2, 3]])
    expected = trace(slide_example, x1=2.0, x2=3.0)
    assert [round(step["value"], 1) for step in found["steps"]] == [2, 3, 6, 0.9, 6.9]
    assert [(step["name"], step["formula"]) for step in found["steps"]] == [
        (step.name, step.formula) for step in expected.steps
    ]
    assert [step["value"] for step in found["steps"]] == pytest.approx([s.value for s in expected.steps])
    assert [round(value, 2) for value in found["reverse"]] == [2.58, 2]
    for lines, variable in zip(found["forwardLines"], ("x1", "x2"), strict=True):
        assert lines == [rounded(line) for line in forward_lines(expected, variable)[:-1]]
    assert found["reverseLines"] == [rounded(line) for line in reverse_lines(expected)]


@pytest.mark.parametrize("formula", FORMULAS)
def test_both_modes_agree_with_torch(tab, formula):
    at = [0.7, 2.3, -1.1, 0.4]
    found = tab.evaluate(PASSES, [formula, at])
    inputs = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in zip(found["variables"], at, strict=False)
    }
    z = eval(FORMULAS[formula] or formula, {"torch": torch, "math": math, **inputs})
    gradient = [float(each) for each in torch.autograd.grad(z, list(inputs.values()))]
    assert found["z"] == pytest.approx(z.item(), rel=1e-12, abs=1e-12)
    assert found["forward"] == pytest.approx(gradient, rel=1e-12, abs=1e-12)
    assert found["reverse"] == pytest.approx(gradient, rel=1e-12, abs=1e-12)


def test_the_command_prints_the_same_derivatives(tab, capsys):
    found = tab.evaluate(PASSES, ["-(x - 2)^2 / sigmoid(-x*y) + 2^(3*y)", [0.7, 2.3]])
    program = found["command"].removeprefix('python -c "').removesuffix('"')
    exec(program, {})
    assert [float(word) for word in capsys.readouterr().out.split()] == pytest.approx(
        [found["z"], *found["reverse"]], rel=1e-12
    )


@pytest.mark.parametrize("formula", MISTAKES)
def test_a_mistake_is_one_sentence_with_its_place(tab, formula):
    tab.get_by_label("Formula").fill(formula)
    sentence = tab.locator("#panel-autodiff .notice:visible").inner_text()
    assert sentence.startswith(MISTAKES[formula])
    assert sentence.endswith(".")


def test_a_value_that_is_no_number_is_named(tab):
    tab.get_by_label("Formula").fill("log(x1) + x2")
    tab.get_by_label("x1", exact=True).fill("-1")
    tab.get_by_label("x1", exact=True).press("Enter")
    assert (
        tab.locator("#panel-autodiff .notice:visible").inner_text().startswith("w3 = log(w1) is not a number")
    )


def test_stepping_by_keyboard_fills_the_graph_and_the_address(page_with):
    tab = page_with(address="#autodiff", reduced_motion="reduce")
    tab.get_by_role("button", name="Next").focus()
    for _ in range(5):
        tab.keyboard.press("Enter")
    assert "w5 = w3 + w4 = 6 + 0.9093 = 6.909" in tab.locator("#announcer").inner_text()
    assert tab.locator(".trace-box.known").count() == 5
    assert tab.locator(".trace-box.reverse").count() == 0
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
    assert "step=10" in tab.url
    assert tab.locator(".trace-box.reverse").count() == 5
    assert (
        tab.locator(".trace-found").inner_text()
        == "One pass back gave all derivatives: dz/dx1 = 2.584, dz/dx2 = 2."
    )
    tab.keyboard.press("ArrowLeft")
    assert tab.locator(".trace-box.reverse").count() == 4


def test_an_address_opens_its_moment(page_with):
    tab = page_with(address="#autodiff?formula=a*b&at=4,5&mode=b&step=3")
    shown = tab.locator(".trace-sentence").inner_text()
    assert shown.endswith("dw3/db = dw3/dw1 dw1/db + dw3/dw2 dw2/db = 5 * 0 + 4 * 1 = 4")
    tab.goto(tab.url.split("#")[0] + "#autodiff?formula=a+b&step=3")
    tab.wait_for_selector(".notice:visible")
    assert tab.locator("#panel-autodiff .notice:visible").count() == 1
