"""What a command writes is whole, replaces nothing that is not its own, and a bad name is one sentence."""

import errno
import os
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from intro_dl.compare.command import main as compare
from intro_dl.inference import evaluate as evaluate_module
from intro_dl.inference import sample as sample_module
from intro_dl.inference.evaluate import main as evaluate
from intro_dl.inference.export import main as export
from intro_dl.inference.predict import main as predict
from intro_dl.inference.sample import main as sample
from intro_dl.lectures.engine.command import main as lectures
from intro_dl.results.command import main as results
from intro_dl.runs.files import write_whole
from intro_dl.runs.signals import Terminated
from tests.conftest import ROOT

LONG = "x" * 300


@pytest.fixture
def here(tmp_path, monkeypatch, trained_run):
    """Stand in an empty folder with copies of two runs, `run` and `text`, and a picture."""
    monkeypatch.chdir(tmp_path)
    small = ("model=char_rnn", "model.hidden_size=8", "trainer=smoke")
    shutil.copytree(trained_run("model=softmax", "trainer=smoke"), "run")
    shutil.copytree(trained_run(*small), "text")
    Image.new("L", (8, 8)).save("a.png")
    (tmp_path / "file").write_text("", encoding="utf-8")
    return tmp_path


WRITING = {
    "evaluate": (evaluate, "run", "out=out"),
    "predict": (predict, "run", "a.png", "out=out/old.json"),
    "export": (export, "run", "format=safetensors", "out=out"),
    "compare": (compare, "run", "out=out"),
    "sample": (sample, "text", "length=5", "out=out"),
    "lectures": (lectures, "id=N18", "out=out/old.json"),
}


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_full_or_read_only_disk_is_said_and_the_old_files_stay(name, number, here, run_main, monkeypatch):
    main, *words = WRITING[name]
    if name != "sample":  # it wants a new directory
        assert run_main(main)(*words)[0] == 0
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}

    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    code, _, err = run_main(main)(*words)
    (line,) = err.splitlines()
    wanted = "The disk or your quota is full" if number == errno.ENOSPC else "The disk is read-only"
    assert code == 1 and line.startswith(f"Error: {wanted}")
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_output_is_never_one_of_the_inputs(here, run_main):
    for words in (["a.png", "out=a.png"], [".", "out=./a.png"]):
        code, _, err = run_main(predict)("run", *words)
        assert code == 1 and "a.png is also an input: name another file." in err
    with Image.open("a.png") as image:
        assert image.size == (8, 8)


@pytest.mark.parametrize(
    ("main", "words", "file"),
    [
        (evaluate, ["run"], "predictions.csv"),
        (evaluate, ["run"], "mistakes.png"),
        (export, ["run", "format=safetensors"], "model.json"),
        (export, ["run", "format=safetensors"], "model.onnx"),
        (sample, ["text"], "poem.txt"),
    ],
)
def test_files_from_elsewhere_are_not_replaced(main, words, file, here, run_main):
    (here / "mine").mkdir()
    (here / "mine" / file).write_text('{"mine": 1}', encoding="utf-8")
    code, _, err = run_main(main)(*words, "out=mine")
    assert code == 1 and "mine" in err and "name a" in err
    assert [path.name for path in (here / "mine").iterdir()] == [file]
    assert (here / "mine" / file).read_text(encoding="utf-8") == '{"mine": 1}'


def test_a_device_is_not_replaced_by_a_file(here, run_main):
    os.mkfifo("pipe")
    code, _, err = run_main(predict)("run", "a.png", "out=pipe")
    assert code == 1 and "Cannot write pipe: it is not a regular file." in err
    with pytest.raises(ValueError, match="not a regular file"):
        write_whole(here, "text")


def test_evaluations_of_data_in_two_places_do_not_replace_each_other():
    folders = {
        evaluate_module._folder(evaluate_module.Path("run"), defaults(), {"root": root})
        for root in ("/x1/data", "/x2/data", "..", f"/{LONG}/{LONG}", f"/{LONG}")
    }
    assert len(folders) == 5 and all(len(folder.name) < 100 for folder in folders)


def defaults():
    return {key: option.default for key, option in evaluate_module.OPTIONS.items()}


COMMANDS = {
    "evaluate": (evaluate, []),
    "predict": (predict, ["a.png"]),
    "export": (export, []),
    "sample": (sample, []),
    "compare": (compare, []),
    "results": (results, []),
}


@pytest.mark.parametrize("place", [LONG, f"{LONG}/run", "~nosuchuser/x", "file", "file/x", "nowhere", "a\0b"])
@pytest.mark.parametrize("name", COMMANDS)
def test_name_of_a_run_that_the_system_refuses_is_one_sentence(name, place, here, run_main):
    main, words = COMMANDS[name]
    code, out, err = run_main(main)(place, *words)
    (line,) = err.splitlines()
    assert code == 1 and not out and line.startswith("Error: ") and "HYDRA_FULL_ERROR" not in line


@pytest.mark.parametrize("place", [LONG, "~nosuchuser/x", "file/x", "a\0b"])
@pytest.mark.parametrize("name", WRITING)
def test_name_of_an_output_that_the_system_refuses_is_one_sentence(name, place, here, run_main):
    main, *words = WRITING[name]
    code, _, err = run_main(main)(*words[:-1], f"out={place}")
    (line,) = err.splitlines()
    assert code == 1 and line.startswith("Error: ") and "HYDRA_FULL_ERROR" not in line


@pytest.mark.parametrize("place", [f"{LONG}/run", "~nosuchuser/x", "file", "file/x"])
@pytest.mark.parametrize("key", ["run_dir", "resume", "data.root", "data.path", "data.cache"])
def test_path_of_a_training_that_the_system_refuses_is_one_sentence(key, place, train, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    data = {"data.root": ["data=image_folder"], "data.path": ["data=file", "model=char_rnn"]}
    if key == "data.cache":
        for name in ("cat", "dog"):
            (tmp_path / "photos" / name).mkdir(parents=True)
            for number in range(10):
                Image.new("RGB", (8, 8), (number, 9, 9)).save(tmp_path / "photos" / name / f"{number}.png")
        data[key] = ["data=image_folder", "data.root=photos", "data.in_memory_limit=0"]
    answer = train("trainer=smoke", "model=softmax", *data.get(key, []), f"{key}={place}")
    (line,) = answer.err.splitlines()
    assert answer.code == 1 and line.startswith("Error: ") and "HYDRA_FULL_ERROR" not in line
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "photos"}


def test_file_names_that_are_not_utf8_or_steer_the_terminal_are_predicted(here, run_main):
    for name in (b"bad\xff.png", b"a\x1b[2Jb.png"):
        shutil.copy("a.png", name)
    code, out, err = run_main(predict)("run", ".", "top=1")
    assert code == 0 and "Error" not in err and "\\udcff.png" in out and "a\\u001b[2Jb.png" in out
    for form in ("json", "csv"):
        code, out, err = run_main(predict)("run", ".", "top=1", f"format={form}", f"out=found.{form}")
        assert code == 0 and not err
        assert "bad\\udcff.png" in (here / f"found.{form}").read_text(encoding="utf-8")


def test_interrupted_sampling_keeps_what_was_sampled(here, run_main, monkeypatch):
    real = sample_module.write_texts

    def interrupted(*arguments, on_text, **settings):
        shown = []

        def show(text):
            shown.append(text)
            if len(shown) > 10:
                raise Terminated

        return real(*arguments, on_text=show, **settings)

    monkeypatch.setattr(sample_module, "write_texts", interrupted)
    code, _, err = run_main(sample)("text", "samples=2", "out=texts")
    assert code == 143 and err == "Received SIGTERM. What was sampled is in texts.\n"
    assert sorted(path.name for path in (here / "texts").iterdir()) == ["001.txt", "002.txt"]
    assert len((here / "texts" / "001.txt").read_text(encoding="utf-8")) > 5


def test_wrong_folder_is_reported_before_torch_is_imported(here):
    program = """
import sys
from importlib import import_module
for name in ("evaluate", "predict", "export", "sample"):
    try: import_module(f"intro_dl.inference.{name}").main(["nowhere"] + ["x.png"] * (name == "predict"))
    except ValueError as error: print(error)
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines() == [
        *["There is no directory nowhere. Name a run, e.g. outputs/lenet/<time>."] * 4,
        "False",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m", "intro_dl"], "python scripts/train.py model=lenet"),
        (["-m", "intro_dl.train", "model=mlp"], "intro_dl.train is not a program. Type"),
        (["-m", "intro_dl.training.train"], "python scripts/train.py model=lenet"),
        (["-m", "intro_dl.lectures", "x"], "python scripts/lectures.py"),
        ([str(ROOT / "intro_dl" / "inference" / "evaluate.py")], "python scripts/evaluate.py"),
    ],
)
def test_module_that_is_not_a_program_says_what_to_type(words, said, tmp_path):
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and not done.stdout and said in done.stderr
    assert "Traceback" not in done.stderr


CLUSTERS = {
    "salloc": {"SLURM_NTASKS": "8", "SLURM_JOB_ID": "1", "SLURM_PROCID": "3", "SLURM_LOCALID": "3"},
    "left by torchrun": {"RANK": "2", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "other"},
    "elastic": {"TORCHELASTIC_RUN_ID": "x", "GROUP_RANK": "1", "NODE_RANK": "1"},
    "LSF": {"LSB_JOBID": "1", "LSB_DJOB_RANKFILE": "/nowhere", "JSM_NAMESPACE_RANK": "1"},
    "Kubernetes": {"KUBERNETES_PORT": "tcp://10.0.0.1:443", "MASTER_ADDR": "other", "MASTER_PORT": "1"},
    "PBS": {"PBS_JOBID": "1", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2"},
}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_shell_of_a_cluster_does_not_change_a_run_on_one_device(cluster, train, monkeypatch):
    for name, value in CLUSTERS[cluster].items():
        monkeypatch.setenv(name, value)
    answer = train("model=softmax", "trainer=smoke")
    assert answer.code == 0 and not answer.err
    (run,) = answer.runs
    assert (run / "checkpoints" / "last.ckpt").is_file() and answer.result["status"] == "completed"
