"""Whatever a student hands in, the check answers with a sentence, and passes only what computes."""

import pytest
import torch

from intro_dl.exercises.engine.check import check, difference
from intro_dl.exercises.engine.exercise import find

SIGMOID = find("sigmoid")
RIGHT = "return 1 / (1 + torch.exp(-z))"
FIRST = SIGMOID.cases(0)[0].args[0]  # the input that the message shows


def edited(old: str, new: str) -> str:
    assert old in SIGMOID.solution
    return SIGMOID.solution.replace(old, new, 1)


def body(*lines: str) -> str:
    return edited(RIGHT, "\n    ".join(lines))


REFUSED = {
    "an empty file": ("", "The file is empty"),
    "a syntax error": ("def sigmoid(z:", "Line 1 is not valid Python"),
    "a null byte": ("x = 1\0", "is not valid Python"),
    "a deep expression": ("x = " + "(" * 5000 + "1" + ")" * 5000, "is not valid Python"),
    "a missing function": (edited("def sigmoid(", "def sigmoids("), "The function sigmoid is missing"),
    "another signature": (edited("def sigmoid(z: Tensor)", "def sigmoid()"), "raises TypeError"),
    "an endless loop": (body("while True: pass"), "did not end within 1 seconds"),
    "an endless loop at the top": ("while True: pass\n" + SIGMOID.solution, "did not end within 1 seconds"),
    "a memory hog": (body("return torch.ones(1 << 31)"), "needs more than 2,000 MB"),
    "endless recursion": (body("return sigmoid(z)"), "raises RecursionError"),
    "our own solution": ("import intro_dl\n" + SIGMOID.solution, "import intro_dl is not allowed"),
    "our own package by name": (body('return __import__("intro_dl")'), "__import__ is not allowed"),
    "the function of torch": (body("return torch.sigmoid(z)"), ".sigmoid is not allowed in this exercise"),
    "the function under another name": (
        "from torch import sigmoid as g\n" + SIGMOID.solution,
        "sigmoid is not allowed in this exercise",
    ),
    "the function as a string": (body('return getattr(torch, "sigm" + "oid")(z)'), "getattr is not allowed"),
    "files": (body('open("x")'), "open is not allowed"),
    "the modules of torch": (body("torch.os.abort()"), ".os is not allowed"),
    "an exit": (body("raise SystemExit(0)"), "raises SystemExit"),
    "printing": (body("print(1 / (1 + torch.exp(-z)))"), "prints its result and returns nothing"),
    "no return": (body("1 / (1 + torch.exp(-z))"), "returns None. Does every path"),
    "a path without return": (body("if z.ndim == 1:", f"    {RIGHT}"), "returns None. Does every path"),
    "an error outside of the functions": ("a = b\n" + SIGMOID.solution, "Your file raises NameError in line"),
    "an escape sequence": (body(r"raise ValueError('\x1b[31mred')"), "ValueError in line 15: \\u001b[31mred"),
    "the input changed": (body("z.neg_()", "return 1 / (1 + z.exp())"), "changes its input in place"),
    "a part of the input changed": (body("z[z < 0] = 0", RIGHT), "Work on a copy: z = z.clone()."),
    "an object": (body("return object()"), "returns an object of type object"),
    "an object that is equal to everything": (
        "class Same(float):\n    def __eq__(self, other): return True\n"
        + body("return Same(0.0)"),
        "returns an object of type Same",
    ),
    "an integer": (body("return 1"), "returns an integer, but a tensor of shape (3,) is expected"),
    "another shape": (body("return z[:, None]"), "returns the shape (3, 1), but (3,) is expected"),
    "float32": (
        body("return (1 / (1 + torch.exp(-z))).float()"),
        "returns torch.float32, but torch.float64 is expected. Make new tensors with dtype=x.dtype",
    ),
    "not a number": (body("return z / 0 - z / 0"), "is nan at [0]"),
    "the numbers that the message shows": (
        body(f"return torch.tensor({(1 / (1 + torch.exp(-FIRST))).tolist()})"),
        "is expected",
    ),
    "an answer for each input that was seen": (
        body(
            f"if z.shape == (3,): return torch.tensor({(1 / (1 + torch.exp(-FIRST))).tolist()})",
            RIGHT,
        ),
        "is expected",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_a_sentence(text, sentence, monkeypatch):
    if "did not end" in sentence:
        monkeypatch.setattr(SIGMOID.module, "SECONDS", 1.0, raising=False)
    verdict = check(SIGMOID, text)
    assert not verdict.passed
    assert sentence in verdict.message, verdict.message
    assert verdict.message.endswith((".", "?", "expected.")) or "raises" in verdict.message


def test_the_message_shows_the_first_wrong_number_beside_the_right_one():
    verdict = check(SIGMOID, body("return 1 / (1 + torch.exp(-2 * z))"))
    shown = "sigmoid([1.541, -0.293429, -2.17879]) is 0.956144 at [0], but 0.823609 is expected."
    assert verdict.message == shown
    assert not verdict.hint  # nobody has foreseen this mistake


@pytest.mark.parametrize(
    "text",
    [
        body("return torch.exp(z) / (1 + torch.exp(z))"),
        body("return (1 + (-z).exp()).reciprocal()"),
        body("return torch.stack([1 / (1 + torch.exp(-x)) for x in z.flatten()]).reshape(z.shape)"),
        body("print('z is', z)", RIGHT),
        "import torch\nclass G(torch.nn.Module):\n    def __init__(self): super().__init__()\n"
        "    def forward(self, z): return 1 / (1 + torch.exp(-z))\n" + body("return G()(z)"),
        body("vars, input = z, 1", "return 1 / (input + torch.exp(-vars))"),
        edited(
            "def sigmoid(z: Tensor) -> Tensor:", "sigmoid = lambda z: 1 / (1 + torch.exp(-z))\ndef other(z):"
        ),
        SIGMOID.solution + '\nif __name__ == "__main__":\n    print(sigmoid(torch.zeros(1)))\n',
    ],
)
def test_another_way_to_write_the_right_function_passes(text):
    assert check(SIGMOID, text).passed


def test_results_are_compared_in_depth():
    one = torch.ones(2, dtype=torch.float64)
    assert difference((one, 3), (one, 3), 1e-9) is None
    assert difference([one, 3], (one, 3), 1e-9) is None
    assert difference(torch.tensor(3.0), 3.0, 1e-9) is None
    assert "(the 2nd result)" in (difference((one, 4), (one, 3), 1e-9) or "")
    assert "2 values are expected" in (difference(one, (one, 3), 1e-9) or "")
    assert "(key b)" in (difference({"b": 1.0}, {"b": 2.0}, 1e-9) or "")
    assert "keys a" in (difference({"b": 1.0}, {"a": 1.0}, 1e-9) or "")
    assert "'x'" in (difference("x", "y", 1e-9) or "")


def test_a_python_float_has_the_digits_of_float64():
    third = torch.tensor(1 / 3, dtype=torch.float64)
    assert difference(1 / 3, third, 1e-9) is None
    assert "is 0.33333334, but 0.3333333333333333 " in (difference(0.33333334, third, 1e-9) or "")


def test_an_error_draws_the_hint_of_a_mistake_only_if_it_is_the_same_error():
    """A prediction before the loop raises a RuntimeError; not every RuntimeError comes from it."""
    training = find("train_logistic_regression")
    text = training.solution.replace(
        "w = torch.zeros", 'raise RuntimeError("Shapes differ.")\n    w = torch.zeros'
    )
    verdict = check(training, text)
    assert "raises RuntimeError in line" in verdict.message and not verdict.hint


def hint_of(name: str, *changes: tuple[str, str]) -> str:
    """Return the mistake that is named for a solution with these changes."""
    text = find(name).solution
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    verdict = check(find(name), text)
    assert not verdict.passed
    return verdict.mistake


def test_a_mistake_is_named_beside_a_second_one():
    """The first value is wrong for two reasons, the second and third each for one."""
    sums = ("(1 - beta1) * g", "g"), ("(1 - beta2) * g**2", "(1 - beta2) * g")
    assert hint_of("adam_step", *sums) == "sums_for_averages"


def test_a_mistake_is_named_that_some_inputs_do_not_show():
    """The minus is missing where z is negative; elsewhere the sigmoid is right."""
    changed = "return 1 / (1 + torch.exp(-z.abs()))"
    assert hint_of("sigmoid", (RIGHT, changed)) == "without_the_minus"


def test_right_values_in_another_order_are_recognized():
    assert (
        hint_of("adam_step", ("(v_hat.sqrt() + eps), m, v", "(v_hat.sqrt() + eps), v, m")) == "another_order"
    )


def test_a_mistake_is_not_named_if_a_wrong_number_is_not_its_own():
    wrong = "e = torch.exp(2 * z)\n    return (e - 1) / (e + 1.001)"
    assert not hint_of("activations", ("return 2 / (1 + torch.exp(-2 * z)) - 1", wrong))


def test_one_whole_number_is_not_enough_to_name_a_mistake():
    """A constant 1 at h = 0 agrees with a mistake of ReLU's derivative there, but it is another one."""
    wrong = "return torch.where(h > 0, h.new_ones(()), h.sum() * 0 + (len(h) == 5))"
    assert not hint_of("activations", ("return (h > 0).to(h.dtype)", wrong))


def test_an_answer_of_one_half_is_not_right_yet():
    assert hint_of("squared_error_or_cross_entropy", ("abs() >= 0.5", "abs() > 0.5")) == "half_is_right"
