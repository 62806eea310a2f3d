"""What RESULTS.md promises: numbers from committed files, honest statistics, no run dropped silently."""

import json
import statistics
import subprocess
import sys

import pytest
import yaml

from intro_dl.results import evidence
from intro_dl.results.command import main
from intro_dl.results.experiments import ABLATIONS, ALL_TRICKS, CIFAR10, EXPERIMENTS, needed_seeds
from intro_dl.results.page import (
    HEADER,
    MEASURED,
    WITH_TABLES,
    header_line,
    page,
    read_summaries,
    standard_error,
    with_tables,
)
from intro_dl.results.systems import COMMANDS, TABLES, holds, in_words, read_systems, system_of, table
from tests.conftest import ROOT

# Test and validation accuracies of three epochs: the first has the best test, the second the best validation.
EPOCHS, VALIDATION = (0.97, 0.95, 0.96), (0.92, 0.94, 0.94)


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    """Write a finished run as training leaves it: make_run("sweep/0", seed=0)."""
    monkeypatch.chdir(tmp_path)

    def make(
        name: str, seed=0, experiment="mnist_mlp", changes=(), test=EPOCHS, rate=0.1, root="data", **result
    ):
        folder = tmp_path / name
        (folder / ".hydra").mkdir(parents=True)
        config = {"data": {"root": root}, "optim": {"lr": rate}, "seed": seed}
        hydra = {"hydra": {"runtime": {"choices": {"experiment": experiment, "model": "mlp"}}}}
        overrides = [
            *([f"experiment={experiment}"] if experiment else []),
            *changes,
            f"seed={seed}",
            *([f"data.root={root}"] if root else []),
            "resume=sweep",
        ]
        for file, content in (("config", config), ("hydra", hydra), ("overrides", overrides)):
            (folder / ".hydra" / f"{file}.yaml").write_text(yaml.safe_dump(content))
        lines = ["epoch,accuracy/val,accuracy/train" + ",accuracy/test" * bool(test)]
        for epoch, (accuracy, val) in enumerate(zip(test or EPOCHS, VALIDATION, strict=False), start=1):
            lines.append(f"{epoch},{val},0.9{epoch}" + f",{accuracy + seed / 1000}" * bool(test))
        (folder / "history.csv").write_text("\n".join(lines) + "\n")
        metadata = {
            "status": "completed",
            "best_epoch": 1,
            "epochs": 3,
            "parameters": 185300,
            "seconds": 10.0 + seed,
        }
        metadata |= {"device": "cpu", "threads": 1, "commit": "0123456789ab"}
        metadata |= {"versions": {"torch": "2.15.0", "pytorch_lightning": "2.6.6"}} | result
        (folder / "result.json").write_text(json.dumps(metadata))
        return folder

    return make


@pytest.fixture
def answer(tmp_path, run_main):
    """Run the command with results/ in an empty folder."""
    return run_main(lambda words: main(words, tmp_path / "results"))


def row(name: str, text: str) -> list[str]:
    """Return the cells of the first table row that begins with `name`."""
    (line, *_) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


# The page that is committed --------------------------------------------------------------------------------


def test_results_page_is_what_the_committed_files_say():
    kept = read_summaries(ROOT / "results"), read_systems(ROOT / "results")
    assert (ROOT / "RESULTS.md").read_text() == page(*kept), "run python scripts/results.py"


def test_tables_in_the_docs_are_those_of_the_committed_files():
    marked = []
    for name in WITH_TABLES:
        text = (ROOT / "docs" / name).read_text()
        assert text == with_tables(text, read_systems(ROOT / "results")), "run python scripts/results.py"
        marked += [found[2] for found in MEASURED.finditer(text)]
    assert marked == list(TABLES)


def test_the_head_of_each_experiment_says_what_was_measured():
    kept = read_summaries(ROOT / "results")
    for name in EXPERIMENTS:
        text = (ROOT / "configs" / "experiment" / f"{name}.yaml").read_text()
        assert HEADER.search(text)[0] == header_line(kept.get(name)), "run python scripts/results.py"


def test_every_committed_file_is_on_the_page_and_names_no_place_of_a_machine():
    files = {str(path.relative_to(ROOT / "results")) for path in (ROOT / "results").rglob("*.json")}
    files = {name for name in files if not name.startswith("figures/")}  # read by the scripts of figures
    systems = {f"systems/{name}": each for name, each in read_systems(ROOT / "results").items()}
    kept = read_summaries(ROOT / "results") | systems
    assert files == {f"{name}.json" for name in kept}
    for name, summary in kept.items():
        option = "" if name in systems else "experiment="
        assert summary["command"].startswith(f"python scripts/train.py -m {option}")
        assert " /" not in summary["command"] and "=/" not in summary["command"]


def test_every_file_is_evidence_for_the_claims():
    for name in read_summaries(ROOT / "results"):
        for metric in ("accuracy/test", "accuracy/train"):
            values = evidence.read_runs(name, metric)
            assert len(values) >= needed_seeds(name) and 0 < min(values) <= max(values) <= 1


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_experiment_composes_and_watches_the_test_set(experiment, make_config):
    assert make_config(f"experiment={experiment}").watch_test


@pytest.mark.parametrize("ablation", [each for each in ABLATIONS if each.changes], ids=lambda each: each.name)
def test_ablation_changes_one_thing(ablation, make_config):
    whole = make_config(f"experiment={ALL_TRICKS}")
    less = make_config(f"experiment={ALL_TRICKS}", *ablation.changes)
    changed = {key for key in whole if whole[key] != less[key]}
    assert changed and changed <= {"regularization", "scheduler", "model"} and len(changed - {"model"}) <= 1


def test_tricks_without_batch_normalization_are_an_ablation(make_config):
    whole, less = make_config(f"experiment={ALL_TRICKS}"), make_config("experiment=mnist_tricks")
    less.model.batch_norm = True
    assert whole == less


# The systems of the decks ----------------------------------------------------------------------------------


def test_each_system_has_a_row_and_each_row_a_command():
    rows = [row for rows in TABLES.values() for row in rows]
    rivals = {row.rival for row in rows}
    assert {row.system for row in rows} | rivals.intersection(COMMANDS) == set(COMMANDS)
    for row in rows:
        assert not row.bound or isinstance(holds(row.bound, 1.0, 1.0), bool)


def test_a_bound_is_what_it_says():
    assert holds("≤ 0.65 rival", 0.65, 1) and not holds("≤ 0.65 rival", 0.66, 1)
    assert holds("≥ rival - 0.03", 0.88, 0.9) and not holds("≥ rival - 0.03", 0.86, 0.9)
    assert holds("≥ rival + 0.15", 0.9, 0.7) and not holds("≥ rival + 0.15", 0.8, 0.7)
    assert holds("= 8", 8, 0) and not holds("= 8", 7, 0)
    assert holds("< rival", 1, 2) and not holds("< rival", 2, 2) and not holds("> rival", 2, 2)


def test_a_mean_has_two_digits_of_its_standard_error():
    assert in_words([1.0, 2.0, 3.0]) == "2.00 ± 0.58" and in_words([300.0, 340.0]) == "320 ± 20"
    assert in_words([0.5, 0.5]) == "0.5"


def test_a_bound_must_hold_with_each_seed():
    runs = [{"seed": seed, "loss/test": loss, "rivals": {"PCA": 1.0}} for seed, loss in enumerate((0.6, 0.7))]
    shown = row("error, 2 numbers, linear", table("Autoencoder", {"autoencoder_linear": {"runs": runs}}))
    assert shown[-2:] == ["≤ 1.01 rival", "yes"]
    runs[1]["loss/test"] = 1.1
    shown = row("error, 2 numbers, linear", table("Autoencoder", {"autoencoder_linear": {"runs": runs}}))
    held = "**no** (holds with 1 of 2 seeds)"
    assert shown[1:] == ["0.85 ± 0.25", "2 (0, 1)", "PCA", "1", "≤ 1.01 rival", held]


def test_a_sweep_is_recognized_by_its_words_however_they_are_written():
    words = "trainer.max_epochs=80 scheduler=cosine optim.lr=0.01 model.hidden=[] model=autoencoder"
    assert system_of(words.split()) == "autoencoder_linear"
    assert system_of(["model=gcn", "model.neighbors=False"]) == "gcn_alone"
    assert system_of(["model=gcn", "optim.lr=1"]) is None


def test_runs_of_a_system_become_a_file_with_its_measures_and_rivals(make_run, answer, tmp_path):
    measures = {"loss/test": 310.1715612345, "divergence/test": 5.0, "rivals": {"independent pixels": 355.7}}
    fast = {"accuracy/test": 0.8, "seconds": 120.0}
    for seed in range(3):
        words = ("model=vae", "logger=none", "trainer=cpu")
        make_run(f"system/{seed}", seed, None, words, root=None, **measures)
        make_run(f"files/{seed}", seed, "cifar10_2min", ("data=image_folder",), root="cifar10", **fast)
    for seed in range(5):
        make_run(f"sweep/{seed}", seed)
    code, _, err = answer("system", "files", "sweep", "machine=an abacus")
    assert code == 0, err
    kept = json.loads((tmp_path / "results" / "systems" / "vae.json").read_text())
    assert kept["command"] == "python scripts/train.py -m model=vae seed=0,1,2"
    assert kept["runs"][0]["loss/test"] == 310.171561 and kept["runs"][0]["rivals"] == measures["rivals"]
    kept = json.loads((tmp_path / "results" / "systems" / "cifar10_2min.json").read_text())
    words = "-m experiment=cifar10_2min data=image_folder data.root=cifar10 seed=0,1,2"
    assert kept["command"] == f"python scripts/train.py {words}"
    text = (tmp_path / "RESULTS.md").read_text()
    assert row("nats per image", text)[-2:] == ["≤ rival - 40", "yes"]
    assert "Not measured yet: `model=dcgan`." in text


# Adding runs -----------------------------------------------------------------------------------------------


def test_each_rule_chooses_its_own_epoch(make_run, answer, tmp_path):
    for seed in range(5):
        make_run(f"sweep/{seed}", seed)
    assert answer("sweep")[0] == 0
    kept = json.loads((tmp_path / "results" / "mnist_mlp.json").read_text())
    first = kept["runs"][0]
    assert [first[f"accuracy/test{rule}"] for rule in ("", "/last", "/highest")] == [0.95, 0.96, 0.97]
    assert first["accuracy/test/least_loss"] == 0.97  # of the epoch that the run itself calls best
    assert first["accuracy/train"] == 0.93  # of the last epoch
    assert kept["recipe"] == {"optim.lr": 0.1}
    assert [run["seed"] for run in kept["runs"]] == [0, 1, 2, 3, 4]


def test_page_shows_mean_and_deviation_of_the_sample(make_run, answer, tmp_path):
    for seed in range(5):
        make_run(f"sweep/{seed}", seed)
    answer("sweep", "machine=an abacus")
    text = (tmp_path / "RESULTS.md").read_text()
    spread = statistics.stdev([0.0, 0.1, 0.2, 0.3, 0.4])  # with n - 1
    assert f"{spread:.2f}" == "0.16"
    rules = ["**95.20 ± 0.16**", "96.20 ± 0.16", "97.20 ± 0.16", "97.20 ± 0.16"]
    expected = ["98.2 ≠", *rules, "5", "3", "185,300", "12"]
    assert row("`mnist_mlp`", text)[2:] == expected
    assert "2.00 to 2.00 points higher" in text and "an abacus (cpu, 1 thread)" in text
    assert "Not measured yet: `mnist_softmax`, " in text
    assert f"Not measured yet: {', '.join(f'`{each.name}`' for each in CIFAR10)}." in text


@pytest.mark.parametrize(("test", "slide"), [(EPOCHS, "98.2 ≠"), ((0.97, 0.979, 0.96), "98.2")])
def test_a_slide_far_above_the_mean_is_not_reproduced(test, slide, make_run, answer, tmp_path):
    for seed in range(5):  # from 97.9 to 98.3 %: the slide is 1.4 standard errors above the mean
        make_run(f"sweep/{seed}", seed, test=test)
    answer("sweep")
    assert row("`mnist_mlp`", (tmp_path / "RESULTS.md").read_text())[2] == slide


def test_experiments_get_their_numbers_and_others_are_left_alone(make_run, answer, tmp_path):
    folder = tmp_path / "configs" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mnist_mlp.yaml").write_text("# The MLP.\n# Not measured yet; see RESULTS.md.\nseed: 0\n")
    (folder / "mine.yaml").write_text("# Mine.\n")
    for seed in range(5):
        make_run(f"sweep/{seed}", seed)
    assert "mnist_mlp.yaml" in answer("sweep", "machine=an abacus")[1]
    measured = (
        "95.20 ± 0.16 % on 10,000 test images, mean over 5 seeds; 12 s per run on an abacus. See RESULTS.md."
    )
    assert (folder / "mnist_mlp.yaml").read_text() == f"# The MLP.\n# Measured: {measured}\nseed: 0\n"
    assert (folder / "mine.yaml").read_text() == "# Mine.\n"


def test_command_is_kept_without_the_places_of_a_machine(make_run, answer, tmp_path):
    for seed in range(5):
        make_run(f"sweep/{seed}", seed, root=f"/home/ada/{seed}/my data")
    assert answer("sweep")[0] == 0  # the same images, wherever they lie
    kept = json.loads((tmp_path / "results" / "mnist_mlp.json").read_text())
    command = "python scripts/train.py -m experiment=mnist_mlp 'data.root=my data' seed=0,1,2,3,4"
    assert kept["command"] == command
    assert str(tmp_path) not in json.dumps(kept) and "/home" not in json.dumps(kept)


def test_images_in_files_are_the_same_experiment_and_its_command_says_so(make_run, answer, tmp_path):
    for seed in range(5):
        make_run(f"sweep/{seed}", seed, "cifar10_plain20", ("data=image_folder",), root="cifar10")
    assert answer("sweep")[0] == 0
    kept = json.loads((tmp_path / "results" / "cifar10_plain20.json").read_text())
    assert "experiment=cifar10_plain20 data=image_folder data.root=cifar10 seed=" in kept["command"]


def test_tricks_are_removed_one_at_a_time(make_run, answer, tmp_path):
    for seed in range(5):
        make_run(f"whole/{seed}", seed, ALL_TRICKS)
        make_run(f"plain/{seed}", seed, "mnist_tricks", test=[value - 0.02 for value in EPOCHS])
    changes = ("model.widths=[4,8,12]", "model.kernels=[5,5,4]")
    for seed in range(3):
        make_run(f"fewer/{seed}", seed, ALL_TRICKS, changes, test=[value - 0.01 for value in EPOCHS])
    assert answer("whole", "plain", "fewer")[0] == 0
    text = (tmp_path / "RESULTS.md").read_text()
    assert row("batch normalization", text)[1:] == ["93.20 ± 0.16", "94.20 ± 0.16", "5", "+2.00 ± 0.10"]
    assert row(ABLATIONS[-1].without, text)[3:] == ["3", "+1.10 ± 0.09"]
    kept = json.loads((tmp_path / "results" / "ablation" / "fewer_maps.json").read_text())
    assert kept["changes"] == ["model.kernels=[5,5,4]", "model.widths=[4,8,12]"]


def test_one_run_has_no_deviation_and_is_enough_for_the_deepest_networks_only(make_run, answer, tmp_path):
    make_run("deep", 0, "cifar10_plain56")
    make_run("shallow", 0, "cifar10_plain20")
    assert "cifar10_plain20 has 1 of 5 seeds" in answer("shallow")[2]
    assert answer("deep")[0] == 0
    cells = row("`cifar10_plain56`", (tmp_path / "RESULTS.md").read_text())
    assert cells[2:4] == ["93.00", "**95.00**"] and cells[-4] == "1"


def test_few_test_images_are_mentioned(make_run, answer, tmp_path):
    for seed in range(5):
        make_run(f"sweep/{seed}", seed, "cifar10_plain20", test=[0.2, 0.5, 0.4])
    answer("sweep", "test_images=1000")
    text = (tmp_path / "RESULTS.md").read_text()
    assert (
        "first 1,000 of the 10,000 test images" in text
        and "standard error of an accuracy is 1.6 points" in text
    )
    assert row("`cifar10_plain20`", text)[2] == "93.00 ± 0.00"  # of the training images


def test_standard_errors_are_those_of_the_binomial_and_of_a_difference():
    assert standard_error(50, 10_000) == pytest.approx(0.5)
    gain = evidence.Mean.of([1.0, 2.0, 3.0]) - evidence.Mean.of([0.0, 1.0, 2.0])
    assert gain.value == 1 and gain.error == pytest.approx((1 / 3 + 1 / 3) ** 0.5)


def test_page_is_written_again_without_the_runs(make_run, answer, tmp_path):
    for seed in range(5):
        make_run(f"sweep/{seed}", seed)
    answer("sweep")
    written = (tmp_path / "RESULTS.md").read_text()
    (tmp_path / "RESULTS.md").unlink()
    assert answer()[0] == 0
    assert (tmp_path / "RESULTS.md").read_text() == written


# Mistakes --------------------------------------------------------------------------------------------------


def break_history(folder):
    (folder / "history.csv").write_text("\n".join((folder / "history.csv").read_text().splitlines()[:2]))


MISTAKES = {  # what is wrong with the fifth run, and what is said
    "few": (None, "mnist_mlp has 4 of 5 seeds (0, 1, 2, 3): train the others, or set seeds=4."),
    "unfinished": (lambda make: (make("sweep/4", 4) / "result.json").unlink(), "sweep/4 is unfinished"),
    "diverged": (
        lambda make: make("sweep/4", 4, status="diverged", reason="nan"),
        "sweep/4 is diverged: nan.",
    ),
    "unwatched": (
        lambda make: make("sweep/4", 4, test=()),
        "sweep/4 needs 3 epochs with accuracy/test in its history.csv",
    ),
    "cut": (
        lambda make: break_history(make("sweep/4", 4)),
        "sweep/4 needs 3 epochs with accuracy/test in its history.csv",
    ),
    "twice": (lambda make: make("sweep/4", 3), "mnist_mlp has seed 3 twice, in sweep/3 and sweep/4"),
    "unlike": (lambda make: make("sweep/4", 4, rate=0.5), "optim.lr is 0.1 in sweep/3 and 0.5 in sweep/4"),
    "unknown": (
        lambda make: make("sweep/4", 4, "mnist_mpl"),
        "no row for experiment=mnist_mpl. Did you mean",
    ),
    "none": (lambda make: make("sweep/4", 4, None), "sweep/4 was trained without experiment=..."),
    "changed": (
        lambda make: make("sweep/4", 4, changes=("optim.lr=1",)),
        "changed by optim.lr=1, and RESULTS.md has no row",
    ),
    "other": (lambda make: make("sweep/4", 4, "mnist_cnn"), "mnist_cnn has 1 of 5 seeds"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_runs_that_would_mislead_are_refused_in_a_sentence(mistake, make_run, answer, tmp_path):
    for seed in range(4):
        make_run(f"sweep/{seed}", seed)
    spoil, said = MISTAKES[mistake]
    if spoil:
        spoil(make_run)
        for seed in range(5, 6):
            make_run(f"sweep/{seed}", seed)
    code, _, err = answer("sweep")
    (line,) = err.splitlines()
    assert code == 1 and line.startswith("Error: ") and said in line
    assert not (tmp_path / "results").exists() and not (tmp_path / "RESULTS.md").exists()


def test_fewer_seeds_are_accepted_if_that_is_said(make_run, answer):
    make_run("sweep/0", 0), make_run("sweep/1", 1)
    assert answer("sweep", "seeds=2")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "There is no directory nowhere"),
        (["."], "There are no runs under ."),
        (["seed=3"], "Unknown key seed. Did you mean seeds?"),
        (["seeds=1"], "Invalid seeds=1: choose an integer of at least 2"),
        (["machine=abacus"], "machine= describes runs: name their folders too."),
        ([], "There are no results yet"),
    ],
)
def test_mistake_is_said_in_one_sentence(arguments, said, answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = answer(*arguments)
    assert code == 1 and said in err and len(err.splitlines()) == 1


def test_damaged_result_file_is_named(answer, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mnist_cnn.json").write_text('{"experiment": "mnist_cnn", "runs": [')
    code, _, err = answer()
    assert code == 1 and "results/mnist_cnn.json is truncated" in err


def test_writing_the_page_does_not_wait_for_torch():
    program = "import sys; from intro_dl.results import command; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "False"


def test_claims_find_the_experiments_they_read():
    assert {"cifar10_plain20", "cifar10_resnet20", "cifar10_plain56", "cifar10_resnet56"} <= set(EXPERIMENTS)
