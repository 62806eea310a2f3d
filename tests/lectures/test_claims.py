"""What the slides say holds, every claim can fail, and no id is left out."""

import json
import os
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from torch import nn

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine import claims, demo
from intro_dl.lectures.engine.claims import (
    Check,
    Claim,
    MissingResult,
    Outcome,
    all_claims,
    claim,
    in_slide_order,
    within,
)
from intro_dl.lectures.engine.command import main
from intro_dl.lectures.engine.hall import all_steps, steps_of
from intro_dl.lectures.engine.page import to_markdown
from intro_dl.lectures.engine.report import show_check, to_json
from intro_dl.lectures.engine.trainings import Training
from intro_dl.lectures.lecture_001 import multilayer_perceptron, recurrent_cell
from intro_dl.lectures.lecture_004 import convolution as convolution_004
from intro_dl.models.perceptron import Perceptron
from intro_dl.results import evidence
from intro_dl.scratch import autodiff, backprop, layers, losses, optimizers, recurrent
from tests.conftest import ROOT
from tests.lectures.sentences import computed, numbers

CLAIMS = {each.id: each for each in all_claims()}
MEASURED = ("measured", "not reproduced")  # such a claim may wait for its results


@cache
def result_of(id: str):
    """Compute a claim once for all tests that do not change the code behind it."""
    return CLAIMS[id].run()


@pytest.fixture(scope="module", autouse=True)
def results_for_the_site():
    """Write all results to the file that INTRO_DL_CLAIMS names, so that docs/build.py takes these."""
    yield
    file = os.environ.get("INTRO_DL_CLAIMS")
    if file and result_of.cache_info().currsize == len(CLAIMS):
        Path(file).write_text(to_json([result_of(id) for id in CLAIMS], None), encoding="utf-8")


@pytest.mark.lectures
@pytest.mark.parametrize("id", CLAIMS)
def test_claim(id):
    result = result_of(id)
    failing = [show_check(check) for check in result.outcome.checks if not check.holds]
    allowed = (result.claim.kind, "waiting") if result.claim.kind in MEASURED else (result.claim.kind,)
    assert result.verdict in allowed, result.error or failing


@pytest.mark.parametrize("id", all_steps())
def test_the_claim_computes_every_number_that_one_sees(id):
    result = result_of(id)
    if result.waiting:  # e.g. for the files of MNIST
        pytest.skip(result.waiting)
    values = computed(result.outcome)
    unknown = [
        number
        for number, half in numbers(all_steps()[id].see)
        if not any(abs(abs(value) - abs(number)) <= half * 1.001 for value in values)
    ]
    assert not unknown, f"{id}: the claim computes none of {unknown}"


@pytest.mark.parametrize("columns", ["60", "80"])
@pytest.mark.parametrize("lecture", LECTURES)
def test_every_lectures_demo_runs_to_its_end(lecture, columns, monkeypatch, capsys):
    """The claims are computed, the trainings are not: the tests below run them."""
    commands: list[str] = []

    def event(training, folder):
        return next(event for extra, event in training.runs.items() if commands[-1].endswith(f" {extra}"))

    computed = {claim.id: result_of(claim.id) for claim, _ in steps_of(lecture)}
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(Claim, "run", lambda self: computed[self.id])
    monkeypatch.setattr(demo, "run_training", lambda command, folder: commands.append(command))
    monkeypatch.setattr(Training, "event", event)
    assert main(["format=demo", f"lecture={lecture}", "wait=false"]) == 0
    out = capsys.readouterr().out
    count = len(demo.scenes_of(lecture))
    assert f"Step {count} of {count}" in out and f"That was lecture {lecture}." in out
    assert max(map(cell_len, out.splitlines())) <= int(columns)


# The list --------------------------------------------------------------------------------------------------


def test_the_ids_of_each_letter_have_no_gaps():
    numbers = {}
    for id in sorted(CLAIMS):
        numbers.setdefault(id[0], set()).add(int(id[1:]))
    assert {letter: len(found) for letter, found in numbers.items()} == {
        "A": 30, "N": 30, "F": 41, "P": 9, "H": 9, "R": 11, "S": 11, "E": 32
    }  # fmt: skip
    assert all(found == set(range(1, len(found) + 1)) for found in numbers.values())


@pytest.mark.parametrize("lecture", LECTURES)
def test_every_part_of_a_lecture_is_listed_and_holds_its_claims(lecture):
    package = f"intro_dl.lectures.lecture_{lecture}"
    files = {path.stem for path in (ROOT / package.replace(".", "/")).glob("*.py")}
    parts = [each.module for each in CLAIMS.values() if min(each.lectures) == lecture]
    assert {module.removeprefix(f"{package}.") for module in parts} == files - {"__init__", "quiz"}


@pytest.mark.parametrize("lecture", LECTURES)
def test_the_slide_order_of_a_lecture_has_each_of_its_claims_once(lecture):
    order = import_module(f"intro_dl.lectures.lecture_{lecture}").CLAIMS
    assert sorted(order) == sorted(each.id for each in CLAIMS.values() if lecture in each.lectures)
    assert [each.id for each in in_slide_order(CLAIMS.values(), lecture)] == order


def test_claims_come_lecture_by_lecture():
    first_decks = [min(each.lectures) for each in all_claims()]
    assert first_decks == sorted(first_decks)


def test_the_order_does_not_depend_on_what_was_imported_first(monkeypatch):
    modules = list(dict.fromkeys(each.module for each in CLAIMS.values()))
    reverse = sorted(claims._REGISTRY.items(), key=lambda item: -modules.index(item[1].module))
    monkeypatch.setattr(claims, "_REGISTRY", dict(reverse))  # as if the last module had come first
    assert list(claims._REGISTRY) != list(CLAIMS)
    page = (ROOT / "docs" / "LECTURES.md").read_text()
    assert [each.id for each in all_claims()] == re.findall(r"^\| ([A-Z]\d+) \|", page, re.MULTILINE)


def test_every_cited_claim_says_why_it_is_not_computed():
    for each in CLAIMS.values():
        if each.kind == "cited":
            assert len(" ".join(each.run().outcome.working)) > 30, each.id


def test_every_erratum_shows_the_slide_the_right_and_that_they_differ():
    for each in CLAIMS.values():
        if each.kind == "erratum":
            checks = result_of(each.id).outcome.checks
            assert any(check.differ for check in checks), each.id
            assert any(not check.differ for check in checks), f"{each.id} confirms nothing in another way"


def test_the_page_in_docs_is_current():
    """Compare the columns that do not depend on the CPU; N30 waits where the files of MNIST are missing."""

    def rows(markdown: str) -> list[list[str]]:
        cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in markdown.splitlines() if line[:2] == "| "]
        kept = [[cell.strip() for cell in row[:4] + row[5:]] for row in cells]
        return [row[:-1] + ["measured or waiting"] if row[0] == "N30" else row for row in kept]

    page = (ROOT / "docs" / "LECTURES.md").read_text()
    current = to_markdown([result_of(id) for id in CLAIMS], None)
    command = "python scripts/lectures.py format=markdown out=docs/LECTURES.md"
    assert rows(page) == rows(current), f"run {command}"
    assert page.partition("## 000")[0] == current.partition("## 000")[0], f"run {command}"


# A claim can fail: perturb the computation behind it, and its verdict changes ------------------------------


def scaled(function, factor=1.01):
    """Return the same function, 1 % off."""

    def off(*arguments, **keywords):
        result = function(*arguments, **keywords)
        if isinstance(result, tuple):
            parts = [part * factor for part in result]
            return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
        return result * factor

    return off


def one_percent_off(owner, name):
    return lambda patch: patch.setattr(owner, name, scaled(getattr(owner, name)))


def leaves_out_the_bias_correction(patch):
    def update(self, w, g, state, group):
        state["m"] = 0.9 * state.get("m", torch.zeros_like(w)) + 0.1 * g
        state["v"] = 0.999 * state.get("v", torch.zeros_like(w)) + 0.001 * g**2
        w -= group["lr"] * state["m"] / (state["v"].sqrt() + group["eps"])

    patch.setattr(optimizers.Adam, "update", update)


def tanh_for_sigmoid(patch):
    patch.setitem(backprop.ACTIVATIONS, "sigmoid", backprop.ACTIVATIONS["tanh"])


def an_mlp_of_34_million(patch):
    patch.setattr(multilayer_perceptron, "count", lambda model: 34_000_000)


def cross_entropy_without_its_minus(patch):
    right = losses.binary_cross_entropy
    patch.setattr(losses, "binary_cross_entropy", lambda f, y: -right(f, y))


def a_cell_as_on_the_slide(patch):
    def elementwise(self, x, h):
        h = torch.tanh(self.W_hh * h + self.W_xh * x)
        return self.W_hy * h, h

    patch.setattr(recurrent_cell.MyRNNCell, "forward", elementwise)


def gates_in_torchs_order(patch):
    def unsorted(weight_ih, weight_hh, bias_ih, bias_hh):
        return weight_ih, weight_hh, bias_ih + bias_hh

    patch.setattr(recurrent, "slide_order", unsorted)


def a_wrong_slope_of_the_sine(patch):
    def sin(self):
        return self.result("sin", self.value.sin(), autodiff.elementwise(self, 1.01 * self.value.cos()))

    patch.setattr(autodiff.Operand, "sin", sin)


def a_wrong_slope_of_the_tanh(patch):
    def tanh(self):
        y = self.value.tanh()
        return self.result("tanh", y, autodiff.elementwise(self, 1.01 * (1 - y**2)))

    patch.setattr(autodiff.Operand, "tanh", tanh)


def dropout_that_drops_less(patch):
    right = layers.dropout
    patch.setattr(layers, "dropout", lambda x, p, *rest, **named: right(x, 0.9 * p, *rest, **named))


def a_trainer_that_ignores_dropout(patch):
    patch.setattr(nn.Dropout, "forward", lambda self, x: x)


def a_perceptron_that_leans(patch):
    right = Perceptron.weighted_sum
    patch.setattr(Perceptron, "weighted_sum", lambda self, x: right(self, x) + 0.05)


PERTURBATIONS = [
    ("N1", a_perceptron_that_leans),
    ("N2", a_perceptron_that_leans),
    ("N4", one_percent_off(losses, "binary_cross_entropy")),
    ("N5", one_percent_off(losses, "mean_squared_error")),
    ("N12", one_percent_off(layers, "conv2d_loop")),
    ("N13", one_percent_off(layers, "conv2d")),
    ("N14", one_percent_off(convolution_004, "conv1d_loop")),
    ("N20", a_wrong_slope_of_the_sine),
    ("N24", leaves_out_the_bias_correction),
    ("F1", one_percent_off(layers, "dense_loop")),
    ("F2", tanh_for_sigmoid),
    ("F6", a_wrong_slope_of_the_tanh),
    ("F8", leaves_out_the_bias_correction),
    ("F11", dropout_that_drops_less),
    ("F16", one_percent_off(backprop, "case_2_backward")),
    ("F35", one_percent_off(convolution_004, "max_pool2d")),
    ("F38", one_percent_off(layers, "batch_norm_train")),
    ("F39", one_percent_off(recurrent, "rnn_backward")),
    ("F40", gates_in_torchs_order),
    ("S1", one_percent_off(backprop, "sigmoid")),
    ("S4", a_trainer_that_ignores_dropout),
    ("S10", one_percent_off(recurrent, "rnn")),
    ("E1", cross_entropy_without_its_minus),
    ("E2", an_mlp_of_34_million),
    ("E5", one_percent_off(backprop, "softmax_cross_entropy_delta")),
    ("E12", a_cell_as_on_the_slide),
]


@pytest.mark.parametrize(
    ("id", "perturb"),
    [pytest.param(*pair, id=f"{pair[0]}-{index}") for index, pair in enumerate(PERTURBATIONS)],
)
def test_a_wrong_computation_turns_the_verdict(id, perturb, monkeypatch):
    assert result_of(id).verdict == CLAIMS[id].kind
    perturb(monkeypatch)
    result = CLAIMS[id].run()
    assert result.error is None, "it broke instead of coming out wrong"
    assert result.verdict == "fails"


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ([0.921, 0.922, 0.923, 0.924, 0.925], "measured"),
        ([0.991, 0.992, 0.993, 0.994, 0.995], "fails"),
        ([0.921, float("nan"), 0.923, 0.924, 0.925], "fails"),
        ([0.921, 0.922, 0.923, 0.924], "waiting"),
        ([], "fails"),
        (None, "waiting"),
    ],
)
def test_a_headline_number_is_judged_by_the_mean_of_at_least_five_runs(
    accuracies, verdict, tmp_path, monkeypatch
):
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    if accuracies is not None:
        runs = [{"seed": seed, "accuracy/test": value} for seed, value in enumerate(accuracies)]
        saved = json.loads((ROOT / "results" / "mnist_softmax.json").read_text()) | {"runs": runs}
        (tmp_path / "mnist_softmax.json").write_text(json.dumps(saved))
    assert CLAIMS["H1"].run().verdict == verdict


def test_a_damaged_result_fails_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    (tmp_path / "mnist_softmax.json").write_text('{"recipe": "mnist_softmax", "runs": [{"seed": 0}]}')
    result = CLAIMS["H1"].run()
    assert result.verdict == "fails" and "results/mnist_softmax.json" in result.error


# What a check and a claim are ------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 10))
def test_a_check_holds_within_its_tolerance_and_differs_beyond_it(measured, expected, tolerance):
    close = abs(measured - expected) <= tolerance
    assert Check("", measured, expected, tolerance).holds == close
    assert Check("", measured, expected, tolerance, differ=True).holds == (not close)


@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (float("nan"), 1.0),
        (float("nan"), float("nan")),
        (torch.tensor([1.0, float("nan")]), torch.zeros(2)),
        (torch.zeros(2), torch.zeros(3)),
        (torch.zeros(0), torch.zeros(0)),
        ("588", 588),
        (None, 1.0),
    ],
    ids=["nan", "two nans", "one nan", "shapes", "empty", "types", "nothing"],
)
def test_what_cannot_be_compared_neither_holds_nor_differs(measured, expected, differ):
    assert not Check("", measured, expected, 100.0, differ).holds


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_within_its_bounds_or_not(value):
    assert within("", value, -1.0, 2.0).holds == (-1.0 <= value <= 2.0)


def make(kind, function):
    return Claim("N1", ("000",), "a slide", "something", kind, function)


def raises():
    raise RuntimeError("the layer is missing")


def waits():
    raise MissingResult("results/x.json")


@pytest.mark.parametrize(
    ("kind", "function", "error"),
    [
        ("holds", raises, "RuntimeError: the layer is missing"),
        ("holds", lambda: Outcome([]), "the claim compares nothing"),
        ("holds", lambda: None, "the claim returned NoneType, not an Outcome"),
        ("holds", waits, "a claim of kind holds cannot wait for a result"),
        ("erratum", lambda: Outcome([Check("", 1, 1)]), "an erratum must show that"),
    ],
    ids=["exception", "no check", "no outcome", "waiting", "no difference"],
)
def test_a_claim_that_proves_nothing_fails(kind, function, error):
    result = make(kind, function).run()
    assert result.verdict == "fails"
    assert result.error.startswith(error)


def test_running_a_claim_repeats_and_leaves_the_random_state_alone():
    draw = make("holds", lambda: Outcome([Check("", torch.rand(3), torch.rand(3))]))
    torch.manual_seed(7)
    first, ours, second = draw.run(), torch.rand(3), draw.run()
    torch.testing.assert_close(first.outcome.checks[0].measured, second.outcome.checks[0].measured)
    torch.manual_seed(7)
    torch.testing.assert_close(ours, torch.rand(3))


@pytest.mark.parametrize(
    ("id", "lectures", "kind", "says"),
    [
        ("N1", ["005"], "holds", "choose from 000, 001, 002, 003, 004"),
        ("N1", [], "holds", "choose from 000, 001, 002, 003, 004"),
        ("N1", ["000"], "true", "choose from holds, erratum, measured, not reproduced, cited"),
        ("N1", ["000"], "holds", "Duplicate claim N1"),
        ("E1", ["000"], "erratum", "Invalid right='' of claim E1: an erratum needs it"),
    ],
)
def test_a_claim_is_registered_once_under_known_names(id, lectures, kind, says, monkeypatch):
    monkeypatch.setattr(claims, "_REGISTRY", dict(claims._REGISTRY))
    with pytest.raises(ValueError, match=says):
        claim(id, lectures=lectures, slide="a slide", says="something", kind=kind)(lambda: Outcome([]))


def test_every_lecture_has_claims():
    assert {lecture for each in CLAIMS.values() for lecture in each.lectures} == set(LECTURES)
