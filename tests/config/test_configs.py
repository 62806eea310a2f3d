"""Every option composes, and composing does not wait for torch."""

import subprocess
import sys
from itertools import groupby, permutations, zip_longest

import pytest
from hydra._internal import config_loader_impl
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import OmegaConf

from intro_dl.config.compose import composed
from tests import composing
from tests.conftest import ROOT

OPTIONS = sorted(
    f"{path.parent.name}={path.stem}"
    for path in (ROOT / "configs").glob("*/*.yaml")
    if path.stem != "__init__"
)
GROUPS = [list(options) for _, options in groupby(OPTIONS, lambda option: option.partition("=")[0])]
TOGETHER = [[option for option in row if option] for row in zip_longest(*GROUPS)]  # one of each group


@pytest.mark.parametrize("options", TOGETHER, ids=" ".join)
def test_options_compose(options, make_config):
    make_config(*options)
    chosen = {group: name for group, name in (option.split("=") for option in options)}
    if "model" in chosen:  # a copied yaml that still names the old class would train that
        assert make_config(*options).model._target_.startswith(f"intro_dl.models.{chosen['model']}.")


@pytest.mark.parametrize("option", OPTIONS)
def test_option_says_what_it_is_in_its_first_line(option):
    group, name = option.split("=")
    lines = (ROOT / "configs" / group / f"{name}.yaml").read_text().splitlines()
    assert next(line for line in lines if "@package" not in line).startswith("# ")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("model=mlp seed=1 data.batch_size=7", "model=mlp seed=2 model.hidden=[5]"),
        ("experiment=mnist_tricks optim=sgd", "experiment=mnist_tricks optim=sgd optim.lr=2"),
        ("callbacks=doctor", "callbacks=[doctor,no_early_stopping] ~callbacks.doctor"),
    ],
)
def test_configs_that_the_tests_compose_of_kept_parts_are_those_of_hydra(first, second, monkeypatch):
    def composed_as_yaml(words):
        return OmegaConf.to_yaml(composed.__wrapped__(*words.split()))

    kept = [composed_as_yaml(words) for words in (first, second)]
    monkeypatch.setattr(config_loader_impl, "create_defaults_list", composing.find_files)
    monkeypatch.setattr(ConfigLoaderImpl, "_compose_config_from_defaults_list", composing.merge_files)
    assert kept == [composed_as_yaml(words) for words in (first, second)]


def test_composing_does_not_import_torch_pandas_or_matplotlib():
    program = (
        "import runpy, sys; sys.argv = ['scripts/train.py', '--cfg', 'job']\n"
        "try: runpy.run_path('scripts/train.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "intro_dl.models.lenet.LeNet" in done.stdout


def test_command_line_wins_over_experiment_and_experiment_over_options(make_config, tmp_path):
    assert make_config("optim=gd").data.batch_size is None
    assert make_config("optim=gd", "data.batch_size=7").data.batch_size == 7


def test_no_schedule_can_be_swept_beside_others(train, tmp_path):
    assert train("-m", "scheduler=null,cosine", "model=softmax", "trainer=smoke").code == 0
    table = next(tmp_path.glob("outputs/sweeps/*/compare.md")).read_text()
    assert "none" in table and "cosine" in table


def test_null_takes_back_what_an_experiment_chose(train):
    answer = train("experiment=mnist_tricks", "scheduler=null", "sweep=null", "--cfg", "job")
    assert answer.code == 0 and "\nscheduler: null\n" in answer.out


CALLBACKS = [option.partition("=")[2] for option in OPTIONS if option.startswith("callbacks=")]


ORDERS = [
    *(pytest.param(each) for each in permutations(CALLBACKS, 2)),
    *(pytest.param(each, marks=pytest.mark.slow) for each in permutations(CALLBACKS, 3)),
]


@pytest.mark.parametrize("chosen", ORDERS, ids="+".join)
def test_options_of_callbacks_combine_in_any_order(chosen, make_config):
    callbacks = make_config(f"callbacks=[{','.join(chosen)}]").callbacks
    assert {"best_checkpoint", "last_checkpoint", "learning_rate", "progress"} <= callbacks.keys()
    assert (callbacks.early_stopping is None) == ("no_early_stopping" in chosen)
    assert ("doctor" in callbacks) == ("doctor" in chosen)
    assert ("filters" in callbacks) == ("visualize" in chosen)
    assert ("lookahead" in callbacks) == ("lookahead" in chosen)
    assert callbacks.decision_regions.every_n_epochs == (1 if "visualize" in chosen else None)


def test_help_lists_every_option_with_what_it_is(train):
    answer = train("--help")
    assert answer.code == 0
    for option in OPTIONS:
        group, name = option.split("=")
        assert f"{group}=..." in answer.out and f"    {name} " in answer.out
    assert max(map(len, answer.out.splitlines())) <= 100
    for key in ("seed", "monitor", "mode", "test", "watch_test", "resume", "run_dir"):
        assert f"    {key} " in answer.out


def test_history_trains_each_idea_on_the_same_digits_for_as_many_epochs(make_config):
    paths = sorted((ROOT / "configs" / "experiment" / "history").glob("*.yaml"))
    configs = [make_config(f"experiment=history/{path.stem}") for path in paths]
    assert [path.stem[:4] for path in paths] == ["1952", "1958", "1986", "1995"]
    for cfg in configs:
        assert cfg.data._target_ == "intro_dl.data.images.Digits" and cfg.trainer.max_epochs == 20
        assert cfg.callbacks.early_stopping is None and cfg.scheduler is None
    targets = [cfg.model._target_.rpartition(".")[-1] for cfg in configs]
    assert targets == ["SoftmaxRegression", "Rosenblatt", "MLP", "LeNet"]
