"""A run folder of somebody else, or a damaged one, is read safely: it is used, or refused in one sentence."""

import codecs
import json
import os
import pickle
import shutil
import time
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import pytest
import torch
import yaml

import intro_dl
from intro_dl.compare.command import main as compare_main
from intro_dl.inference.data import training_text
from intro_dl.inference.evaluate import main as evaluate_main
from intro_dl.inference.export import main as export_main
from intro_dl.inference.predict import main as predict_main
from intro_dl.inference.sample import main as sample_main
from intro_dl.runs.checkpoint import read_checkpoint
from intro_dl.runs.files import one_line, read_json, read_yaml, to_json
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.record import read_run, read_runs
from intro_dl.runs.result import Result, Status
from intro_dl.runs.sweep import SweepFolder
from intro_dl.runs.values import fits
from intro_dl.training.checkpoints import WholeCheckpoints

SMALL = ("model=softmax", "trainer=smoke")
TEXT = ("model=char_rnn", "data=pydoc", "trainer=smoke")


@pytest.fixture
def stranger(trained_run, tmp_path):
    """Copy a small run that a test may damage."""

    def copy(*overrides: str, name: str = "stranger") -> Path:
        return Path(shutil.copytree(trained_run(*(overrides or SMALL)), tmp_path / name))

    return copy


def change(folder: Path, **entries) -> None:
    """Write the best checkpoint again with other entries."""
    file = folder / "checkpoints" / "best.ckpt"
    torch.save(torch.load(file, weights_only=True) | entries, file)


def change_metadata(folder: Path, **entries) -> None:
    metadata = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)["metadata"]
    change(folder, metadata=metadata | entries)


def change_data(folder: Path, **entries) -> None:
    """Change the data in the saved config."""
    file = folder / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    config["data"] |= entries
    file.write_text(yaml.safe_dump(config))


@pytest.fixture(autouse=True)
def soon():
    """Every answer comes within seconds."""
    before = time.monotonic()
    yield
    assert time.monotonic() - before < 60


def nested(depth: int, width: int = 1):
    value: list = []
    for _ in range(depth):
        value = [value] * width
    return value


# Checkpoints


def test_a_compressed_checkpoint_is_refused_before_it_is_unpacked(stranger):
    run = stranger()
    file = run / "checkpoints" / "best.ckpt"
    bomb = run / "bomb"
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
        packed.writestr("best/data/99", bytes(50_000_000))
    bomb.replace(file)
    with pytest.raises(ValueError, match="Refused .*best.ckpt: its records are compressed"):
        intro_dl.load_run(run)


def test_records_that_claim_more_than_the_file_has_are_refused(stranger):
    run = stranger()
    file = run / "checkpoints" / "best.ckpt"
    content = bytearray(file.read_bytes())
    place = content.rindex(b"PK\x01\x02")
    content[place + 20 : place + 28] = (2**31 - 1).to_bytes(4, "little") * 2
    file.write_bytes(content)
    with pytest.raises(ValueError, match="best.ckpt"):
        intro_dl.load_run(run)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (torch.zeros(1).expand(10**9), "1,000,000,000 numbers that are not in the file"),
        (torch.zeros(1).as_strided((10**6, 10**6), (0, 0)), "numbers that are not in the file"),
        (torch.zeros(3, 3).to_sparse(), "sparse"),
        (torch.empty(10**6, 10**6, device="meta"), "more than tensors"),
        (torch.zeros(3, dtype=torch.complex64), "more than tensors"),
        (nested(40, width=2), "too many values"),
        (nested(300), "too many values"),
        (10**400, "a huge integer"),
        ({1.5: 2}, "keys that are not names"),
        (Counter("ab"), None),
        (torch.float32, "more than tensors"),
        ({1, 2}, "more than tensors"),
        (b"binary", "a bytes|more than tensors"),
    ],
)
def test_what_no_training_writes_is_refused(stranger, entry, reason):
    run = stranger()
    change(run, extra=entry)
    if reason is None:  # an odd kind of dict becomes a plain one
        assert type(read_checkpoint(run / "checkpoints" / "best.ckpt")["extra"]) is dict
    else:
        with pytest.raises(ValueError, match=rf"best.ckpt.*({reason})"):
            intro_dl.load_run(run)


class Calls:
    """A value whose pickle calls a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "gadget",
    [
        Calls(bytearray, 10**12),
        Calls(codecs.encode, "ab" * 1000, "hex"),
        Calls(torch.FloatStorage, 10**12),
        Calls(torch.FloatTensor, 3, 10**12),
        Calls(getattr, 1, "real"),
    ],
    ids=["bytearray", "codecs", "storage", "tensor", "getattr"],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_a_checkpoint_calls_nothing_that_asks_for_memory(stranger, gadget, protocol):
    run = stranger()
    file = run / "checkpoints" / "best.ckpt"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("best/data.pkl", pickle.dumps({"state_dict": gadget}, protocol=protocol))
    with pytest.raises(ValueError, match=r"best.ckpt.*(more than tensors|No code in it was executed)"):
        intro_dl.load_run(run)


def test_memory_for_a_number_in_the_pickle_is_not_reserved(stranger):
    run = stranger()
    memo = b"\x80\x02]r" + (2**31).to_bytes(4, "little") + b"."  # an empty list, kept at a huge place
    array = b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b"."
    for content in (memo, array):
        with zipfile.ZipFile(run / "checkpoints" / "best.ckpt", "w") as archive:
            archive.writestr("best/data.pkl", content)
        with pytest.raises(ValueError, match=r"best.ckpt"):
            intro_dl.load_run(run)


def test_many_names_for_one_tensor_are_refused(stranger):
    run, weight = stranger(), torch.zeros(100_000)
    change(run, extra={str(number): weight for number in range(1000)})
    with pytest.raises(ValueError, match=r"best.ckpt.*100,000 numbers that are not in the file"):
        intro_dl.load_run(run)


def test_a_list_that_holds_itself_is_refused(stranger):
    run, circle = stranger(), []
    circle.append(circle)
    change(run, extra=circle)
    with pytest.raises(ValueError, match="too many values"):
        intro_dl.load_run(run)


def test_methods_that_a_pickle_replaces_are_not_called(stranger):
    run = stranger()
    state = OrderedDict(torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"])
    state.__dict__.update(keys=5, get=5, values=5, _metadata=5)
    change(run, state_dict=state, metadata_too=state)
    assert intro_dl.load_run(run).model is not None


@pytest.mark.parametrize(
    ("model", "arguments", "reason"),
    [
        ("MLP", {"hidden": [1] * 3_000_000}, "too many values|at most 100"),
        ("MLP", {"hidden": [1] * 100_000}, "at most 100"),
        ("MLP", {"hidden": "many"}, "Invalid model.hidden=many"),
        ("MLP", {"dropout": None}, "Invalid model.dropout=null"),
        ("MLP", {"dropout": float("nan")}, "Invalid model.dropout=nan"),
        ("MLP", {"in_shape": [1, -28, 28]}, "best.ckpt"),
        ("MLP", {"in_shape": "abc"}, "Invalid model.in_shape=abc"),
        ("MLP", {"num_classes": "10"}, "Invalid model.num_classes=10"),
        ("MLP", {"self": 1}, "Unknown key model.self"),
        ("MLP", {"unknown": 1}, "Unknown key model.unknown"),
        ("ResNet", {"depth": 60_002}, "Invalid model.depth=60002"),
        ("CNN", {"kernels": [10**9] * 3}, "Invalid model.kernels"),
        ("CNN", {"widths": [4] * 100, "kernels": [10_000] * 100}, "more than the file has|at least"),
        ("CharLSTM", {"layers": 10**9}, "best.ckpt"),
        ("Torchvision", {"name": "../../evil"}, "Unknown model.name"),
    ],
)
def test_arguments_outside_of_the_signature_are_refused_before_anything_is_built(
    stranger, model, arguments, reason
):
    run = stranger()
    dims = {"in_shape": [1, 28, 28], "num_classes": 10}
    change(run, model=model, hyper_parameters=dims | arguments)
    with pytest.raises(ValueError, match=reason):
        intro_dl.load_run(run)


@pytest.mark.parametrize(
    "entries",
    [
        {"mean": [0.1, 0.2, 0.3]},
        {"mean": ["0.1"]},
        {"mean": 0.1},
        {"std": [0.0]},
        {"std": [float("inf")]},
        {"std": [float("nan")]},
        {"classes": None},
        {"classes": "0123456789"},
        {"classes": list(range(10))},
        {"classes": [["a"]] * 10},
        {"classes": ["same"] * 10},
        {"classes": ["\x1b[2J", *"123456789"]},
        {"classes": ["a\nb", *"123456789"]},
        {"classes": ["\u202egnp.exe", *"123456789"]},
        {"classes": ["a" * 100_000, *"123456789"]},
        {"background": "blue"},
        {"digit_box": 10**9},
        {"digit_box": "20"},
        {"labels": "4"},
        {"dims": None},
        {"dims": {}},
        {"dims": {"in_shape": 28, "num_classes": 10}},
        {"dims": {"in_shape": [1, 28, 28], "num_classes": "10"}},
        {"dims": {"vocab_size": 10}},
        {"kind": "text"},
        {"kind": "points"},
        {"kind": ["images"]},
        {"kind": None},
        {"data": 5},
        {"fingerprint": 7},
        {"fingerprint": {"train": 7}},
    ],
)
def test_metadata_of_wrong_types_are_refused(stranger, entries):
    run = stranger()
    change_metadata(run, **entries)
    with pytest.raises(ValueError, match="best.ckpt"):
        intro_dl.load_run(run)


def test_metadata_of_a_text_with_a_character_twice_are_refused(stranger):
    run = stranger(*TEXT)
    size = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["metadata"]["dims"]["vocab_size"]
    change_metadata(run, alphabet="a" * size)
    with pytest.raises(ValueError, match="the same"):
        intro_dl.load_run(run)


@pytest.mark.parametrize(
    "entries",
    [
        {"epoch": "1"},
        {"epoch": None},
        {"state_dict": {"a": 1}},
        {"state_dict": []},
        {"model": 5},
        {"history": 5},
        {"history": [5]},
        {"history": [{"loss/val": "low"}]},
        {"hyper_parameters": {5: 5}},
        {"metadata": [1]},
        {"seed": "x"},
    ],
)
def test_entries_of_wrong_types_are_refused(stranger, entries):
    run = stranger()
    change(run, **entries)
    with pytest.raises(ValueError, match="is not a checkpoint of intro_dl"):
        intro_dl.load_run(run)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(stranger, number):
    run = stranger()
    state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    state["logits.bias"][3] = number
    change(run, state_dict=state)
    with pytest.raises(ValueError, match=r"not finite \(logits.bias\): the training had diverged"):
        intro_dl.load_run(run)


def test_a_checkpoint_in_the_old_format_of_torch_is_refused(stranger):
    run = stranger()
    file = run / "checkpoints" / "best.ckpt"
    torch.save(torch.load(file, weights_only=True), file, _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match="is damaged or not a checkpoint"):
        intro_dl.load_run(run)


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/null", "."])
def test_a_checkpoint_that_is_no_file_is_refused(stranger, target):
    run = stranger()
    file = run / "checkpoints" / "best.ckpt"
    file.unlink()
    file.symlink_to(target)
    with pytest.raises(ValueError, match="best weights|is not a run"):
        intro_dl.load_run(run)


def test_paths_of_all_callbacks_stay_in_the_run(stranger, tmp_path):
    run = stranger()
    victim = str(tmp_path / "victim")
    states = {
        "Any": {"best_model_path": victim, "dirpath": victim, "inner": {"last_model_path": victim}},
        "Other": {"best_k_models": {victim: 1.0, f"{victim}/../x.ckpt": 2.0}},
    }
    change(run, callbacks=states)
    loaded = WholeCheckpoints().load_checkpoint(run / "checkpoints" / "best.ckpt")
    assert victim not in str(loaded["callbacks"])


@pytest.mark.parametrize(
    "damage",
    [
        {"loops": {}},
        {"loops": {"fit_loop": {"state_dict": 5}}},
        {"loops": "x"},
        {"callbacks": {"LearningRate": {"epoch": 1}}},
        {"optimizer_states": [{}]},
        {"optimizer_states": [{"state": {0: {"step": "x"}}, "param_groups": []}]},
        {"optimizer_states": []},
        {"epoch_so_far": {"metrics": 5}},
        {"global_step": "x"},
        {"metadata": {"data": 5}},
        {"optimizer": {"lr": 5}},
        {"history": [{"seconds": "x"}]},
        {"history": [{}]},
        {"state_dict": {}},
        {"middle_of_epoch": {}},
        {"extra": nested(40, width=2)},
    ],
)
def test_a_damaged_state_is_not_resumed_and_said_in_one_sentence(damage, train, stranger, tmp_path):
    run = stranger()
    file = run / "checkpoints" / "last.ckpt"
    torch.save(torch.load(file, weights_only=True) | damage, file)
    (run / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*SMALL, "trainer.accelerator=cpu"]))
    answer = train(f"resume={run}", "trainer.max_epochs=2")
    assert answer.code == 1
    lines = [line for line in answer.err.strip().splitlines() if line.startswith("Error")]
    assert len(lines) == 1 and "last.ckpt" in lines[0], answer.err


# Small files

ALIASES = "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))
MERGES = "a0: &a0 {x: 1}\n" + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [
        ALIASES,
        MERGES,
        "a: " + "[" * 100_000,
        "a: " + "[" * 200 + "]" * 200,
        "a: " + "9" * 200_000,
        "a: 1" + ":1" * 300_000,  # a number to the base 60
        "a: " + "x" * 3_000_000,
        "a: \udcff",
        "\x00\x01\x02",
        "!!python/object/apply:os.system [ls]",
        "{",
    ],
)
def test_a_yaml_file_that_would_take_memory_or_time_is_refused(tmp_path, text):
    file = tmp_path / "a.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="a.yaml is truncated or not valid YAML"):
        read_yaml(file)


WRONG_RESULTS = [
    b'{"status": "completed", "loss/val": "low"}',
    b'{"status": "completed", "loss/val": [1]}',
    b'{"status": "completed", "loss/val": true}',
    b'{"status": "completed", "loss/val": Infinity}',
    b'{"status": "completed", "loss/val": NaN}',
    b'{"status": "completed", "loss/val": 1e999}',
    b'{"status": "completed", "loss/val": 1' + b"0" * 400 + b"}",
    b'{"status": "completed", "epochs": "3"}',
    b'{"status": "completed", "epochs": ' + b"9" * 200_000 + b"}",
    b'{"status": "completed", "notes": "none"}',
    b'{"status": "completed", "notes": [1]}',
    b'{"status": "completed", "reason": null}',
    b'{"status": "completed", "seconds": {}}',
    b'{"status": "completed", "versions": {"torch": 2}}',
    b'{"status": "completed", "diagnosis": "ill"}',
    b'{"status": ["completed"]}',
    b'{"status": "wonderful"}',
    b"[]",
    b"null",
    b"",
    b"[" * 100_000,
    b'{"status": "completed", "a": ' + b"[" * 100_000,
    b"\xff\xfe\x00binary",
    '{"status": "completed"}'.encode("utf-16"),
    b'{"status": "completed", "loss/val": 1.0',
    b" " * 5_000_000,
]


@pytest.mark.parametrize("content", WRONG_RESULTS)
def test_one_wrong_value_marks_one_run_and_the_others_are_compared(stranger, run_main, tmp_path, content):
    folder = tmp_path / "runs"
    for name in ("a", "b"):
        stranger(name=f"runs/{name}")
    (folder / "b" / "result.json").write_bytes(content)
    assert [run.status for run in read_runs([folder])] == [Status.COMPLETED, Status.DAMAGED]
    code, out, err = run_main(compare_main)(folder)
    assert code == 0, err
    assert "runs/b is damaged and not compared: its result.json" in out and len(out) < 5_000


SPECIAL = ["fifo", "/dev/zero", "/dev/full", "directory", "loop", "missing"]


def make_special(file: Path, kind: str) -> None:
    if file.exists():
        file.unlink()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "directory":
        file.mkdir()
    else:
        file.symlink_to({"loop": file.name, "missing": "nowhere"}.get(kind, kind))


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize(
    "name", ["result.json", "history.csv", ".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml"]
)
def test_a_special_file_in_place_of_a_small_one_is_not_waited_for(stranger, name, kind):
    run = stranger()
    make_special(run / name, kind)
    read = read_run(run)
    assert read.status in (Status.COMPLETED, Status.DAMAGED, Status.UNFINISHED)
    assert isinstance(read.reason, str) and read.history is not None
    assert intro_dl.load_run(run).model is not None


@pytest.mark.pictures
@pytest.mark.parametrize(
    "history",
    [
        b"epoch,loss/val\n1,low\n",
        b"epoch\n" + b"9" * 200_000 + b"\n",
        b"a,a\n1,2,3,4\n",
        b"\x00\x01",
        b"epoch,loss/val\n1,nan\n2,inf\n3,1e999\n",
        b"x" * 60_000_000,
        "epoch\n1\n".encode("utf-16"),
        b"\x1b[2J\n1\n",
    ],
)
def test_a_strange_history_does_not_end_a_comparison(stranger, run_main, tmp_path, history):
    stranger(name="runs/a")
    run = stranger(name="runs/b")
    (run / "history.csv").write_bytes(history)
    code, out, err = run_main(compare_main)(tmp_path / "runs")
    assert code == 0 and "\x1b[2J" not in out, err


@pytest.mark.parametrize(
    "sweep",
    [
        {"task": ["seed=range(0,1e9,1e-9)"]},
        {"task": ["seed=range(0,1,0)"]},
        {"task": ["seed=range(0,1000000000000)"]},
        {"task": ["seed=shuffle(range(0,1000000000000))"]},
        {"task": ["seed=sort(range(0,1000000000000))"]},
        {"task": [f"k{n}=1,2" for n in range(100)]},
        {"task": ["seed=((("]},
        {"task": [5]},
        {"task": "seed=1"},
        {"task": {"seed": 1}},
        {},
    ],
)
def test_a_sweep_of_any_size_is_counted_at_once_and_not_resumed(stranger, run_main, tmp_path, sweep):
    stranger(name="sweep/0")
    overrides = {"hydra": []} | sweep
    saved = {"overrides": overrides, "sweeper": {"_target_": "x.BasicSweeper", "params": None}}
    (tmp_path / "sweep" / "multirun.yaml").write_text(yaml.safe_dump({"hydra": saved}))
    code, _, err = run_main(compare_main)(tmp_path / "sweep")
    assert code == 0, err
    jobs = SweepFolder(tmp_path / "sweep").planned_jobs()
    if not fits(sweep.get("task"), list[str]) or (jobs and jobs > 10**6):
        with pytest.raises(ValueError, match="Cannot resume"):
            SweepFolder(tmp_path / "sweep").read_overrides()


@pytest.mark.pictures
@pytest.mark.parametrize(
    "config",
    [
        {"a": "${b}${b}", "b": "${c}${c}", "c": "x"},
        {"a": "${oc.env:HOME}"},
        {"a": "${a}", "b": "${c}", "c": "${b}"},
        {"a": "${oc.decode:[1]}", "x": "${" * 1_000},
        {1: 2, None: 3},
        {"a": [[[{"b": 1}]]]},
        {"a": {"b": None}, "seed": [1, 2]},
        {"optim": "adam", "data": 5},
        {"a": float("inf"), "b": float("nan"), "c": 10**300},
        {"a": "x" * 9_000},
    ],
)
def test_settings_of_any_kind_are_shown_and_no_interpolation_is_resolved(
    stranger, run_main, tmp_path, config, monkeypatch
):
    monkeypatch.setenv("HOME", "/secret/place")
    stranger(name="runs/a")
    file = stranger(name="runs/b") / ".hydra" / "config.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | config))
    code, out, err = run_main(compare_main)(tmp_path / "runs")
    written = (tmp_path / "runs" / "compare.csv").read_text() if code == 0 else err
    assert code == 0 or "Error: " in err
    assert "/secret/place" not in out + written


def test_what_a_reference_names_is_shown(stranger):
    assert read_run(stranger()).settings["data.seed"] == 0


@pytest.mark.pictures
@pytest.mark.parametrize(
    "text", ["\x1b[2J\x1b]0;title\x07", "<script>alert(1)</script>", "a\nb\r\u202ec", "a|b", "$\\frac$"]
)
def test_text_of_a_stranger_neither_controls_the_terminal_nor_the_page(stranger, run_main, tmp_path, text):
    stranger(name="runs/a")
    for name, key in (("b", "reason"), ("c", None)):
        run = stranger(name=f"runs/{name}")
        if key:
            saved = {"status": "failed", "reason": text, "notes": [text]}
            (run / "result.json").write_text(json.dumps(saved))
        else:
            file = run / ".hydra" / "config.yaml"
            config = yaml.safe_load(file.read_text())
            config["regularization"]["dropout"] = text
            file.write_text(yaml.safe_dump(config))
    code, out, err = run_main(compare_main)(tmp_path / "runs")
    page = (tmp_path / "runs" / "compare.md").read_text()
    assert code == 0, err
    assert not set("\x1b\x07\r\u202e") & set(out + page)
    assert "<script>" not in page and len({line.count("|") for line in page.splitlines() if "|" in line}) > 0


def test_json_has_no_word_that_browsers_refuse(tmp_path):
    file = tmp_path / "a.json"
    file.write_text(to_json({"a": [float("nan"), (float("inf"), 1.5)], "b": "caf\u00e9 \udcff"}))
    assert json.loads(file.read_text(), parse_constant=pytest.fail)["a"] == [None, [None, 1.5]]
    result = Result(Status.COMPLETED, metrics={"loss/val": float("nan"), "loss/test": 1.0})
    file.write_text(result.to_json())
    assert Result.from_saved(read_json(file)).metrics == {"loss/test": 1.0}


# Whose data, and where results are written


def save_images(folder: Path, side: int = 28) -> None:
    from PIL import Image

    for name in "0123456789":
        (folder / name).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (side, side), 20 * number).save(folder / name / f"{number}.png")


@pytest.fixture
def photos_run(trained_run, tmp_path_factory):
    """Train on images in a folder, with a cache of its own."""
    folder = tmp_path_factory.mktemp("photos")
    save_images(folder / "images")
    run = trained_run(
        *("model=softmax", "trainer=smoke", "data=image_folder", f"data.root={folder / 'images'}"),
        *(
            "data.channels=1",
            "data.image_size=28",
            f"data.cache={folder / 'cache'}",
            "data.in_memory_limit=0",
        ),
    )
    shutil.rmtree(folder / "cache")
    return run, folder


def test_own_run_is_evaluated_with_one_word_and_fills_no_cache_that_it_names(
    photos_run, run_main, monkeypatch, tmp_path
):
    run, folder = photos_run
    monkeypatch.setenv("INTRO_DL_DATA", str(tmp_path / "data"))
    code, _, err = run_main(evaluate_main)(run)
    assert code == 0, err
    assert f"Reading data.root={folder / 'images'}, which the run names." in err
    assert not (folder / "cache").exists() and list((tmp_path / "data" / "cache").iterdir())


def test_nothing_is_downloaded_to_a_place_that_a_run_names(stranger, run_main, tmp_path, monkeypatch):
    monkeypatch.setattr("intro_dl.data.download._download", lambda *_: pytest.fail("downloaded"))
    run = stranger()
    target = "intro_dl.data.mnist.MNIST"
    for place in (tmp_path / "elsewhere", tmp_path):
        (tmp_path / "elsewhere").mkdir(exist_ok=True) if place == tmp_path else None
        file = run / ".hydra" / "config.yaml"
        config = yaml.safe_load(file.read_text())
        config["data"] = {"_target_": target, "root": str(place)}
        file.write_text(yaml.safe_dump(config))
        code, _, err = run_main(evaluate_main)(run)
        assert code == 1 and "nothing is downloaded there. Name their place with data.root=" in err
        assert not (place / "MNIST").exists()


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"_target_": "os.system"}, "Refused data._target_=os.system"),
        ({"_target_": "intro_dl.data.text.TextFile", "path": "/etc/passwd"}, "Unknown key data."),
        (
            {"_target_": "intro_dl.data.image_folder.ImageFolder", "root": "/", "image_size": 4096},
            "choose other",
        ),
        ({"seed": "${oc.env:HOME}"}, "only training looks up"),
        ({"seed": "${data.seed}${data.seed}"}, "only training looks up"),
        ({"extra": {"_target_": "os.system"}}, "Refused data.extra._target_"),
        ({"batch_size": "many"}, "Invalid data.batch_size=many"),
        ({5: 5}, "does not name its data"),
        ({"_target_": None}, "_target_ is missing"),
    ],
)
def test_a_config_of_a_stranger_builds_only_data_of_the_run(stranger, run_main, entries, reason):
    run = stranger()
    change_data(run, **{str(key): value for key, value in entries.items() if isinstance(key, str)})
    if 5 in entries:
        file = run / ".hydra" / "config.yaml"
        config = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump(config | {"data": {5: 5}}))
    code, _, err = run_main(evaluate_main)(run)
    assert code == 1 and reason in err


def test_the_training_text_of_a_stranger_is_a_text(stranger):
    run = stranger(*TEXT)
    change_data(run, _target_="intro_dl.data.images.Digits")
    with pytest.raises(ValueError):
        training_text(intro_dl.load_run(run))


@pytest.mark.parametrize("kind", ["/dev/zero", "fifo"])
def test_a_text_that_never_ends_is_not_read(stranger, tmp_path, kind):
    run = stranger(*TEXT)
    file = tmp_path / "text"
    make_special(file, kind)
    change_data(run, _target_="intro_dl.data.text.TextFile", path=str(file))
    with pytest.raises(ValueError, match="not a regular file"):
        training_text(intro_dl.load_run(run))


@pytest.mark.parametrize(
    ("main", "name", "words"),
    [(evaluate_main, "evaluation", ()), (export_main, "export", ("format=safetensors",))],
)
def test_results_are_not_written_through_a_link_out_of_the_run(
    stranger, run_main, tmp_path, main, name, words
):
    run, elsewhere = stranger(), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (run / name).symlink_to(elsewhere)
    code, _, err = run_main(main)(run, *words)
    assert code == 1 and "is a link out of the run" in err and "out=" in err
    assert not list(elsewhere.iterdir())


def test_a_sampled_character_cannot_control_the_terminal(stranger, run_main, monkeypatch):
    run = stranger(*TEXT)
    metadata = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["metadata"]
    size = len(metadata["alphabet"])
    change_metadata(run, alphabet="\x1b" + "".join(map(chr, range(0x80, 0x80 + size - 1))))
    code, out, err = run_main(sample_main)(run, "length=50", "prompt=\x1b")
    assert code == 0 and "\x1b" not in out and "\\u001b" in out, err


def test_a_class_called_like_a_formula_is_drawn_and_predicted(stranger, run_main, tmp_path):
    run = stranger()
    change_metadata(run, classes=["$\\frac$", "<b>", "a|b", "=1+1", *"456789"])
    save_images(tmp_path / "images")
    code, out, err = run_main(predict_main)(run, tmp_path / "images" / "0" / "0.png", "format=json")
    assert code == 0 and json.loads(out), err


def test_a_deleted_sweep_is_no_success(train, tmp_path, monkeypatch):

    write = RunFolder.write_result

    def write_and_delete(folder, result):
        write(folder, result)
        shutil.rmtree(folder.path.parent)

    monkeypatch.setattr(RunFolder, "write_result", write_and_delete)
    answer = train("-m", *SMALL, "trainer.accelerator=cpu", "seed=1,2", "hydra.sweep.dir=sweep")
    assert answer.code == 1
    assert "2 of 2 results are missing in sweep" in answer.err


def test_a_line_of_text_shows_what_it_replaces():
    assert one_line("caf\u00e9 \u732b\x1b[0m\n\udcff") == "caf\u00e9 \u732b\\x1b[0m\\n\\udcff"
    assert len(one_line("a" * 10_000)) < 3_000
