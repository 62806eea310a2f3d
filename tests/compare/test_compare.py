"""What comparing runs promises: rows, seeds, reasons, plots, and a sentence for each mistake."""

import csv
import io
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from matplotlib.figure import Figure
from rich.console import Console

from intro_dl.compare.command import main
from intro_dl.compare.plots import choose_plot, draw_grid, draw_learning_curves, draw_over_number, plot
from intro_dl.compare.table import brief, compare, screen
from intro_dl.runs.record import read_runs
from tests.conftest import ROOT

pytestmark = pytest.mark.pictures

LOG_10 = 2.302585
OPTIMIZERS = {
    "sgd": {"_target_": "torch.optim.SGD", "lr": 0.1},
    "adam": {"_target_": "torch.optim.Adam", "lr": 0.001, "betas": [0.9, 0.999]},
}


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    """Write a run folder as training leaves it: make_run("a", loss=0.5, lr=0.1, seed=3)."""
    monkeypatch.chdir(tmp_path)

    def make(name: str, loss=0.5, lr=None, seed=0, optim="sgd", dropout=0.0, status="completed", **more):
        model = more.pop("model", "lenet")
        folder = tmp_path / "runs" / name
        (folder / ".hydra").mkdir(parents=True)
        config = {
            "data": {"_target_": "intro_dl.data.images.Digits", "batch_size": 32, "seed": "${seed}"},
            "model": {"_target_": f"models.{model}", "dropout": "${regularization.dropout}"},
            "optim": dict(OPTIMIZERS[optim]),
            "scheduler": None,
            "regularization": {"dropout": dropout},
            "trainer": {"max_epochs": more.pop("epochs", 20)},
            "seed": seed,
            "run_dir": "${hydra:runtime.output_dir}",
        }
        config["optim"]["lr"] = lr or config["optim"]["lr"]
        config["data"] |= more.pop("data", {})
        (folder / ".hydra" / "config.yaml").write_text(yaml.safe_dump(config))
        choices = {"data": "digits", "model": model, "optim": optim, "scheduler": None}
        choices |= more.pop("choices", {})
        saved = {"hydra": {"runtime": {"choices": choices}}}
        (folder / ".hydra" / "hydra.yaml").write_text(yaml.safe_dump(saved))
        result = {"status": status, "reason": more.pop("reason", "")}
        if status == "completed":
            result |= {"loss/val": loss, "accuracy/val": 1 - loss / 3, "accuracy/test": 0.9 - loss / 3}
            result |= {"epochs": 3, "seconds": 1.5, "chance_loss": LOG_10}
        (folder / "result.json").write_text(json.dumps(result | more))
        lines = [f"{epoch},{loss * 3 / epoch},{loss * 3 / epoch},0.5" for epoch in (1, 2, 3)]
        (folder / "history.csv").write_text("\n".join(["epoch,loss/train,loss/val,seconds", *lines]) + "\n")
        return folder

    return make


@pytest.fixture
def answer(run_main):
    """Compare folders the way a user does: exit code, what was printed, and the table that was written."""

    def run(*words):
        path = Path("runs/compare.csv")
        code, out, err = run_main(main)(*words)
        return (
            code,
            out,
            err,
            list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) if path.is_file() else [],
        )

    return run


def compared(*arguments):
    return compare(read_runs([Path("runs")]), *arguments)


def test_rows_are_sorted_by_validation_loss_and_show_what_differs(make_run, answer):
    make_run("a", loss=0.5, lr=0.01)
    make_run("b", loss=0.2, lr=0.1)
    code, out, _, table = answer("runs")
    assert code == 0
    assert [row["optim.lr"] for row in table] == ["0.1", "0.01"]
    assert table[0]["loss/val"] == "0.2" and table[0]["runs"] == "runs/b"
    assert list(table[0])[0] == "optim.lr"  # and not the model, the data, the folder or what they share
    assert {"data.seed", "run_dir", "optim", "model.dropout"}.isdisjoint(table[0])
    assert "0.2000" in out and "Written to runs" in out
    assert "| 0.1 | 0.2000 |" in Path("runs/compare.md").read_text(encoding="utf-8")
    assert Path("runs/compare.png").read_bytes()[1:4] == b"PNG"


def test_metric_decides_the_order(make_run):
    make_run("a", loss=0.5, lr=0.01, **{"accuracy/test": 0.99})
    make_run("b", loss=0.2, lr=0.1, **{"accuracy/test": 0.90})
    assert list(compared("accuracy/test").rows["optim.lr"]) == [0.01, 0.1]


def test_runs_that_differ_only_in_their_seed_become_mean_deviation_and_n(make_run, answer):
    for seed, loss in enumerate((0.1, 0.2, 0.3)):
        make_run(f"a{seed}", loss=loss, lr=0.1, seed=seed)
    make_run("b", loss=0.05, lr=1, seed=7)
    _, out, _, table = answer("runs")
    assert [row["n"] for row in table] == ["1", "3"]
    assert float(table[1]["loss/val"]) == pytest.approx(0.2)
    assert float(table[1]["loss/val std"]) == pytest.approx(0.1)  # n - 1 in the denominator
    assert table[0]["loss/val std"] == ""  # one run has no deviation
    assert "0.2000 ± 0.1000" in out


def test_diverged_seed_is_counted_beside_the_mean_of_the_others(make_run, answer):
    make_run("a", loss=0.1, seed=0)
    make_run("b", seed=1, status="diverged", reason="The training loss became nan at step 3")
    _, out, _, (row,) = answer("runs")
    assert row["n"] == "1" and row["status"] == "1 of 2 diverged"
    assert "nan at step 3" in out


def test_repeated_run_counts_once_and_is_named(make_run, answer):
    make_run("a", loss=0.1)
    make_run("b", loss=0.1)
    _, out, _, (row,) = answer("runs")
    assert row["n"] == "1" and "repeats the settings and the seed" in out


def test_optimizers_differ_in_their_name_and_rate_but_not_in_what_only_one_has(make_run):
    make_run("a", optim="sgd")
    make_run("b", optim="adam")
    assert compared().columns == ["optim", "optim.lr"]


def test_unfinished_failed_and_damaged_runs_are_listed_with_the_reason(make_run, answer):
    make_run("a", loss=0.1)
    make_run("b", status="failed", reason="optim.lr=-1 does not make sense")
    (make_run("c") / "result.json").unlink()
    damaged = make_run("d") / "result.json"
    damaged.write_text(damaged.read_text()[:30])
    (make_run("e") / ".hydra" / "config.yaml").write_text("seed: [")
    code, out, _, table = answer("runs")
    assert code == 0
    for words in (
        "b is failed and not compared: optim.lr=-1",
        "c is unfinished and not compared: it has no result.json",
        "d is damaged and not compared: its result.json is truncated or not valid JSON",
        "e is damaged and not compared: .hydra/config.yaml is truncated",
    ):
        assert words in out
    assert sorted(row["status"] for row in table) == [
        "completed", "damaged", "damaged", "failed", "unfinished",
    ]  # fmt: skip
    assert "truncated" in Path("runs/compare.md").read_text(encoding="utf-8")


def test_loss_that_ends_far_above_chance_counts_as_diverged(make_run):
    make_run("good", loss=0.1, lr=0.1)
    make_run("slow", loss=1.01 * LOG_10, lr=0.001)
    make_run("gone", loss=2.01 * LOG_10, lr=10)
    assert list(compared().rows["status"]) == ["completed", "completed", "diverged"]


def test_overfitting_is_not_taken_for_divergence(make_run):
    folder = make_run("a", loss=0.1)
    (folder / "history.csv").write_text("epoch,loss/train,loss/val,seconds\n1,0.01,40,1\n")
    assert list(compared().rows["status"]) == ["completed"]


PLOTS = {
    "a number": ([{"lr": 0.1}, {"lr": 1}, {"lr": 10}], ("line", ["optim.lr"])),
    "two numbers": (
        [{"lr": lr, "dropout": dropout} for lr in (0.1, 1) for dropout in (0.1, 0.5)],
        ("grid", ["optim.lr", "regularization.dropout"]),
    ),
    "a choice and the rate that follows from it": ([{"optim": "sgd"}, {"optim": "adam"}], ("curves", [])),
    "the seed": ([{"seed": 0}, {"seed": 1}], ("curves", [])),
    "a number for each choice": (
        [{"lr": lr, "optim": optim} for lr in (0.1, 1, 10) for optim in ("sgd", "adam")],
        ("line", ["optim.lr"]),
    ),
    "another number for each model": (
        [
            {"model": "lenet", "optim": "adam", "epochs": 20},
            {"model": "mlp", "optim": "sgd", "epochs": 5},
            {"model": "lenet", "optim": "adam", "epochs": 1},
        ],
        ("curves", []),
    ),
}


@pytest.mark.parametrize("varied", PLOTS)
def test_plot_fits_what_varies(varied, make_run):
    settings, expected = PLOTS[varied]
    for number, setting in enumerate(settings):
        make_run(str(number), **setting)
    assert choose_plot(compared(), []) == expected


def words_of(draw, *arguments):
    axes = Figure().add_subplot()
    draw(compared(), axes, *arguments)
    texts = [text.get_text() for text in axes.texts] + [axes.get_title(loc="left"), axes.get_xlabel()]
    legend = axes.get_legend()
    return axes, " | ".join(texts + [text.get_text() for text in legend.get_texts()] if legend else texts)


def test_no_line_leads_from_one_model_to_another(make_run):
    make_run("a", model="lenet", optim="adam", epochs=20)
    make_run("b", model="mlp", optim="sgd", epochs=5)
    make_run("c", model="lenet", optim="adam", epochs=1)
    axes, words = words_of(draw_over_number, "trainer.max_epochs")
    lines = [list(line.get_xdata()) for line in axes.lines]
    assert lines[:2] == [[1, 20], [5]]
    assert "lenet, adam" in words and "mlp, sgd" in words
    assert "varied: digits" in words
    _, words = words_of(draw_over_number, "optim.lr")
    assert "lenet, adam, max_epochs=20" in words and "mlp, sgd, max_epochs=5" in words


def test_one_run_is_a_curve_without_a_legend_in_which_nothing_varied(make_run, answer):
    make_run("a")
    axes, words = words_of(draw_learning_curves)
    assert axes.get_title(loc="left") == "lenet on digits" and axes.get_legend() is None
    assert answer("runs")[0] == 0 and "varied" not in Path("runs/compare.md").read_text(encoding="utf-8")


def test_rates_lie_on_a_log_axis_with_the_diverged_marked(make_run):
    for rate, loss in ((0.0001, 2.29), (0.01, 0.5), (0.1, 0.1), (10, 99)):
        make_run(f"{rate}", loss=loss, lr=rate)
    axes, words = words_of(draw_over_number, "optim.lr")
    assert axes.get_xscale() == "log" and axes.get_ylabel() == "validation cross-entropy loss (nats)"
    assert axes.xaxis.get_major_formatter()(0.001) == "0.001"  # `plot` draws $10^{-3}$ as it is written
    assert words.count("diverged") == 1
    assert "best: 0.1" in words and "log 10 = 2.3" in words and "learning rate" in words
    assert "optim.lr varied: lenet on digits" in words
    assert axes.lines[0].get_xdata().max() == 0.1  # 99 is no value of this axis


@pytest.mark.parametrize("optimizers", [("sgd",), ("sgd", "adam")])
def test_line_without_a_completed_run_shows_only_its_crosses(optimizers, make_run):
    for optim in optimizers:
        for rate in (0.1, 1, 10):
            make_run(
                f"{optim}{rate}", lr=rate, optim=optim, status="diverged" if optim == "sgd" else "completed"
            )
    axes, words = words_of(draw_over_number, "optim.lr")
    assert "diverged" in words
    assert ("adam" in words, "sgd" in words.split(" | ")) == (len(optimizers) > 1, False)
    (crosses,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert sorted(crosses.get_xdata()) == [0.1, 1, 10]


def test_learning_curves_differ_in_more_than_their_color(make_run):
    make_run("a", optim="sgd")
    make_run("b", optim="adam")
    axes, words = words_of(draw_learning_curves)
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines}
    assert all(len(set(part)) == 2 for part in zip(*looks, strict=True))
    assert "sgd, lr=0.1" in words and "adam, lr=0.001" in words and "epoch" in words


def test_grid_says_the_value_of_each_cell_and_which_diverged(make_run):
    make_run("a", loss=0.1, lr=0.1, dropout=0.1)
    make_run("b", loss=0.2, lr=0.1, dropout=0.5)
    make_run("c", loss=99, lr=1.0, dropout=0.1)
    _, words = words_of(draw_grid, "optim.lr", "regularization.dropout")
    assert all(word in words for word in ("0.1", "0.2", "diverged", "not run"))


def test_table_in_a_pipe_breaks_no_word(make_run, answer):
    names = [f"a_setting_with_a_long_name_{number}" for number in range(8)]
    for seed in (0, 1):
        make_run(f"a{seed}", seed=seed, data=dict.fromkeys(names, 1))
    make_run("b", data=dict.fromkeys(names, 2.5), status="diverged")
    _, out, _, _ = answer("runs")
    (head,) = [line for line in out.splitlines() if names[0] in line]
    assert head.split()[:8] == [f"data.{name}" for name in names]
    assert "0.5000 ± 0.0000" in out and " completed " in out and " diverged " in out


@pytest.fixture
def afternoon(make_run):
    """Twelve runs of an afternoon, in which many settings vary."""
    for number, (model, optim) in enumerate(itertools.product(("mlp", "lenet", "cnn"), ("sgd", "adam"))):
        data = {"batch_size": 32, "limit_train": None, "label_noise": 0.0, "augment": "none"}
        choices = {"trainer": "default"}
        make_run(f"a{number}", 0.1 + number / 100, model=model, optim=optim, data=data, choices=choices)
        data = {"batch_size": 2**number, "limit_train": 100 * number, "label_noise": number / 10}
        changed = {"choices": {"trainer": "smoke"}, "epochs": 1, "dropout": 0.1 * number}
        data["augment"] = "affine" if number % 2 else "none"
        make_run(f"b{number}", 0.2 + number / 100, model=model, lr=0.01, data=data, **changed)


@pytest.mark.parametrize("width", [80, 120])
def test_many_settings_become_one_column_that_fits_the_terminal(afternoon, width):
    comparison = compared()
    table, notes = screen(comparison, width)
    console = Console(width=width, file=io.StringIO())
    console.print(table)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width and len(lines) <= 12 * 3 + 6
    head = next(line.split() for line in lines if "accuracy/val" in line)
    assert head[:2] == ["settings", "loss/val"]
    assert "mlp, adam, lr=0.001" in brief(comparison.rows, comparison.settings)
    (more,) = [note for note in notes if "in compare.csv" in note]
    hidden = set(comparison.columns) - set(comparison.settings)
    assert "trainer.max_epochs" in hidden and any(key in more for key in hidden)


def test_csv_has_every_column_also_those_that_the_screen_hides(afternoon, answer):
    code, out, err, table = answer("runs")
    assert code == 0 and "Warning" not in err
    assert set(compared().columns) <= set(table[0])
    assert "trainer.max_epochs" in table[0] and "Unless the settings say otherwise: " in out


def test_picture_of_many_settings_has_short_labels_beside_the_axes(afternoon, recwarn):
    comparison = compared()
    assert plot(comparison, Path("many.png"), []) and not recwarn.list
    figure = Figure()
    axes = figure.add_subplot()
    draw_learning_curves(comparison, axes)
    legend = axes.get_legend()
    assert all(len(line) <= 45 for text in legend.get_texts() for line in text.get_text().splitlines())
    assert legend.get_bbox_to_anchor().x0 > axes.bbox.x1 - 1


def test_value_that_an_option_implies_is_hidden_and_one_that_varies_beside_it_is_shown(make_run):
    for number, (regularization, dropout) in enumerate((("none", 0.0), ("dropout", 0.5))):
        make_run(f"a{number}", dropout=dropout, choices={"regularization": regularization})
    assert compared().settings == ["regularization"]
    make_run("b", dropout=0.2, choices={"regularization": "dropout"})
    assert compared().settings == ["regularization", "regularization.dropout"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"choices": {"data": "mnist"}}, "data=digits or mnist"),
        ({"data": {"labels": [4]}}, "data.labels=[4] or null"),
        ({"fingerprint": {"test": "1"}, "data": {"batch_size": 8}}, "the files or the versions of libraries"),
    ],
)
def test_runs_on_different_data_are_not_ranked_in_silence(make_run, other, said):
    make_run("a", fingerprint={"test": "0"})
    make_run("b", loss=0.4, lr=0.3, fingerprint={"test": "0"})
    assert not any("same examples" in note for note in compared().notes)
    make_run("c", loss=0.3, **{"fingerprint": {"test": "0"}} | other)
    (note,) = [note for note in compared().notes if "not evaluated on the same examples" in note]
    assert said in note


def test_by_chooses_the_axis(make_run, answer):
    make_run("a", lr=0.1, dropout=0.1)
    make_run("b", lr=1, dropout=0.5)
    assert choose_plot(compared(), ["regularization.dropout"]) == ("line", ["regularization.dropout"])
    code, _, err, _ = answer("runs", "by=model.depth")
    assert code == 1 and "do not differ in by=model.depth" in err and "optim.lr" in err


def test_out_names_another_folder(make_run, answer):
    make_run("a")
    assert answer("runs", "out=elsewhere/here")[0] == 0
    assert {path.name for path in Path("elsewhere/here").iterdir()} == {
        "compare.csv", "compare.md", "compare.png",
    }  # fmt: skip
    assert not Path("runs/compare.csv").exists()


def test_run_folder_with_an_equal_sign_in_its_name_is_a_folder(make_run, answer):
    make_run("0_optim.lr=0.1", loss=0.1)
    code, out, err, _ = answer("runs/0_optim.lr=0.1", "out=here")
    assert code == 0, err


MISTAKES = {
    "": (1, "There is no directory outputs"),
    "runs metrik=loss/val": (1, "Unknown key metrik. Did you mean metric?"),
    "runs by=": (1, "by= needs a value"),
    "runs by=a,b,c": (1, "Invalid by=a,b,c: choose a non-empty list of at most 2 strings"),
    "nowhere": (1, "There is no directory nowhere"),
    "empty": (1, "There are no runs under empty"),
    "runs metric=accuracy/tst": (1, "Did you mean accuracy/test? Available: accuracy/test, accuracy/val"),
}


@pytest.mark.parametrize("command", MISTAKES)
def test_mistake_is_said_in_one_sentence(command, make_run, answer):
    make_run("a")
    Path("empty").mkdir()
    code, _, err, _ = answer(*command.split())
    (line,) = err.strip().splitlines()
    assert code == MISTAKES[command][0]
    assert line.startswith("Error: ") and MISTAKES[command][1] in line


def test_different_tasks_are_not_compared(make_run, answer):
    make_run("a")
    make_run("b", **{"bits_per_char/val": 2.0})
    code, _, err, _ = answer("runs")
    assert code == 1
    assert "different tasks" in err and "runs/a measured accuracy, loss" in err and "bits_per_char" in err


def save_sweep(seeds: str) -> None:
    sweeper = {"_target_": "x.BasicSweeper", "params": {"seed": seeds}}
    saved = {"sweeper": sweeper, "overrides": {"task": ["sweep=seeds"], "hydra": []}}
    Path("runs/multirun.yaml").write_text(yaml.safe_dump({"hydra": saved}), encoding="utf-8")


def test_sweep_that_was_stopped_says_how_to_resume(make_run, answer):
    make_run("0_seed=0")
    (make_run("1_seed=1", seed=1) / "result.json").unlink()
    save_sweep("0,1,2,3,4")
    _, out, _, _ = answer("runs")
    assert "The sweep of 5 jobs is incomplete: 1 not finished, 3 not started" in out
    assert "intro-dl train resume=runs" in out


def test_jobs_that_were_refused_advise_another_sweep_first(make_run, answer):
    make_run("0_seed=0")
    job = make_run("1_seed=1", seed=1, status="failed", reason="No space is left.")
    save_sweep("0,1")
    assert "1 not finished. Resume with: intro-dl train resume=runs" in answer("runs")[1]
    (job / "result.json").write_text('{"status": "failed", "reason": "seed=1 is wrong.", "refused": true}')
    out = answer("runs")[1]
    assert "1 refused before training. Correct the command and start a new sweep" in out


def test_nothing_finished_says_why(make_run, answer):
    make_run("a", status="failed", reason="optim.lr=abc does not make sense.")
    code, _, err, _ = answer("runs")
    assert code == 1 and "The only run has not finished; runs/a is failed: optim.lr=abc" in err
    make_run("b", status="failed", reason="optim.lr=-1 does not make sense.")
    assert "None of the 2 runs has finished" in answer("runs")[2]


def test_all_diverged_names_the_smallest_rate_tried(make_run, answer):
    make_run("a", lr=10, status="diverged", reason="nan")
    make_run("b", lr=3, loss=99)
    code, out, err, _ = answer("runs")
    assert code == 1
    assert "All 2 runs diverged; the smallest optim.lr tried was 3" in err and "optim.lr=0.3" in err
    assert "runs/a diverged: nan" in out  # the table is there all the same


def test_argument_errors_import_no_large_library():
    program = (
        "import sys; from intro_dl.compare.command import main\n"
        "from intro_dl.runs.program import run_script\n"
        "assert run_script('', main, ['nowhere']) == 1\n"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "import intro_dl.compare.plots\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
