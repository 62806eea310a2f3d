"""From a config to a trained model and its result. The only module that builds things from configs."""

import inspect
import logging
import subprocess
import time
import types
import typing
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import get_class, get_object, instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console
from rich.table import Table

from intro_dl.callbacks import SeedEachEpoch, StopWhenNotFinite
from intro_dl.cli import nearest
from intro_dl.data.splits import TensorData
from intro_dl.sweep import write_result
from intro_dl.tasks import Task

log = logging.getLogger(__name__)

CURVES = {
    "train and validation": {
        "loss": ["Multiline", ["loss/train", "loss/val"]],
        "accuracy": ["Multiline", ["accuracy/train", "accuracy/val"]],
    }
}


def train(cfg: DictConfig) -> float:
    """Train, test and write down what came out.

    Returns:
        The best value of `cfg.monitor`, for a sweeper to compare.

    Raises:
        ValueError: if parts do not fit together; the message says which, and what to change.
    """
    started = time.perf_counter()
    quiet_known_warnings()
    check_accelerator(cfg.trainer)
    pl.seed_everything(cfg.seed, verbose=False)
    data = build_data(cfg)
    model = build_model(cfg, data)
    checkpoint = read_checkpoint(Path(cfg.resume), model) if cfg.resume else None
    trainer = build_trainer(cfg)

    log.info("Training %s on %s", type(model).__name__, type(data).__name__)
    try:
        trainer.fit(model, data, ckpt_path=cfg.resume, weights_only=True)
    except SystemExit as stop:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt(how_to_go_on(trainer, cfg)) from stop
    except pl.utilities.exceptions.MisconfigurationException as error:
        raise ValueError(str(error)) from error
    result = measure(cfg, trainer, model, data)
    result["seconds"] = round(time.perf_counter() - started, 2)
    if checkpoint is not None:
        result["resumed_from_epoch"] = checkpoint["epoch"] + 1
    if trainer.is_global_zero:
        log_hyperparameters(cfg, trainer, model, data, result)
        write_result(cfg.run_dir, result)
        print_summary(cfg, result)
    return result[cfg.monitor]


def build_data(cfg: DictConfig) -> TensorData:
    """The data module, with its splits read, so that its facts are known."""
    check_arguments(cfg.data, "data")
    data = instantiate(cfg.data, _convert_="all")
    data.prepare_data()
    data.setup()
    return data


def build_model(cfg: DictConfig, data: TensorData) -> Task:
    """The model, built from the data's facts and the config, with its optimizer and schedule."""
    model_class = get_class(cfg.model._target_)
    accepted = inspect.signature(model_class).parameters
    if not data.dims.keys() <= accepted.keys():
        model_name, data_name = model_class.__name__, type(data).__name__
        needed = [name for name, parameter in accepted.items() if parameter.default is parameter.empty]
        raise ValueError(
            f"{model_name} cannot read {data_name}: the data provide {', '.join(data.dims)}, "
            f"but {model_name} takes {', '.join(needed)}. Choose another data= or model=."
        )
    check_arguments(cfg.model, "model", given=data.dims)
    check_arguments(cfg.optim, "optim", given={"params": None})
    model = instantiate(cfg.model, **data.dims, _convert_="all")
    scheduler, interval = None, "epoch"
    if cfg.scheduler is not None:
        schedule = OmegaConf.to_container(cfg.scheduler, resolve=True)
        interval = schedule.pop("interval")
        check_arguments(OmegaConf.create(schedule), "scheduler", given={"optimizer": None})
        scheduler = instantiate(schedule, _convert_="all")
    model.optimize_with(instantiate(cfg.optim, _convert_="all"), scheduler, interval)
    return model


def build_trainer(cfg: DictConfig) -> pl.Trainer:
    """Lightning's trainer, with the callbacks of the config, two guards and a TensorBoard log in the run's folder."""
    check_arguments(cfg.trainer, "trainer")
    for name, callback in cfg.callbacks.items():
        check_arguments(callback, f"callbacks.{name}")
    callbacks = list(instantiate(cfg.callbacks, _convert_="all").values())
    logger = TensorBoardLogger(cfg.run_dir, name="", version="", default_hp_metric=False)
    return instantiate(
        cfg.trainer,
        callbacks=[SeedEachEpoch(cfg.seed), StopWhenNotFinite(), *callbacks],
        logger=logger,
        enable_model_summary=False,
        _convert_="all",
    )


def check_arguments(node: DictConfig, group: str, given: dict[str, Any] | None = None) -> None:
    """Refuse keys that the node's class does not take, and values of the wrong type.

    Args:
        node: a config with a `_target_`.
        group: where the node stands in the config, e.g. "model"; for the message.
        given: arguments that the code adds.
    """
    target = get_object(node._target_)
    parameters = dict(inspect.signature(target).parameters)
    hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    names = [name for name in parameters if name not in (given or {})]
    for key, value in OmegaConf.to_container(node, resolve=True).items():
        if key.startswith("_"):
            continue
        if key not in parameters and not open_ended:
            raise ValueError(f"There is no key {group}.{key}.{nearest(key, names)}")
        if key in hints and not fits(value, hints[key]):
            shown = "null" if value is None else value
            raise ValueError(f"{group}.{key}={shown} has the wrong type: it must be {describe(hints[key])}.")


def fits(value: Any, hint: Any) -> bool:
    """Whether a plain config value can be passed where `hint` is asked for; unknown hints accept everything."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return value in arguments
    if hint is type(None):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is str or hint is Path:
        return isinstance(value, str)
    if isinstance(origin, type) and issubclass(origin, typing.Sequence):
        elements = [argument for argument in arguments if argument is not Ellipsis]
        return isinstance(value, list | tuple) and all(
            any(fits(item, element) for element in elements) for item in value
        )
    return True


def describe(hint: Any) -> str:
    """A type hint in words."""
    words = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        type(None): "null",
    }
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(describe(argument) for argument in arguments)
    if typing.get_origin(hint) is typing.Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if arguments:
        return f"a list like [1, 2], each {describe(arguments[0])}"
    return words.get(hint, getattr(hint, "__name__", str(hint)))


def check_accelerator(trainer: DictConfig) -> None:
    """Refuse a GPU that is not there, before anything is read."""
    if trainer.accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise ValueError(
            "There is no GPU that torch can use on this machine. Choose trainer=cpu or trainer=default."
        )


def read_checkpoint(path: Path, model: Task) -> dict[str, Any]:
    """What `path` holds, if it can go on with this model."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        saved, hyperparameters = checkpoint["model"], checkpoint["hyper_parameters"]
    except Exception as error:
        raise ValueError(
            f"Cannot resume {path}: it is damaged, or no checkpoint of a run ({error})."
        ) from error
    name = type(model).__name__
    if saved != name:
        raise ValueError(
            f"Cannot resume {path}: it holds a {saved}, but model= names a {name}. Leave out model=."
        )
    changed = [
        key for key, value in model.hparams.items() if _plain(hyperparameters.get(key)) != _plain(value)
    ]
    if changed:
        was = ", ".join(f"model.{key}={hyperparameters.get(key)}" for key in changed)
        raise ValueError(f"Cannot resume {path}: it was trained with {was}. Leave these keys out.")
    return checkpoint


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def how_to_go_on(trainer: pl.Trainer, cfg: DictConfig) -> str:
    """What an interrupted run leaves behind."""
    last = Path(cfg.run_dir) / "checkpoints" / "last.ckpt"
    if not last.is_file():
        return "Interrupted before the first epoch was finished; nothing was saved."
    return (
        f"Interrupted in epoch {trainer.current_epoch + 1}. All finished epochs are kept; go on with: "
        f"python scripts/train.py resume={_shown(cfg.run_dir)}"
    )


def measure(cfg: DictConfig, trainer: pl.Trainer, model: Task, data: TensorData) -> dict[str, Any]:
    """The result of a finished run: the best epoch's validation, the test split on its weights, and the facts."""
    history = (
        model.history
    )  # kept here: testing loads the best checkpoint, and with it the history up to there
    best = (min if cfg.mode == "min" else max)(history, key=lambda epoch: epoch[cfg.monitor])
    result = {"status": "completed"}
    result |= {name: value for name, value in best.items() if name.endswith("/val")}
    if cfg.test:
        checkpoints = [callback for callback in trainer.callbacks if isinstance(callback, ModelCheckpoint)]
        weights = "best" if checkpoints and checkpoints[0].best_model_path else None
        (tested,) = trainer.test(model, data, ckpt_path=weights, weights_only=True, verbose=False)
        result |= tested
    result["best_epoch"] = int(best["epoch"]) + 1
    model.history = history
    result["epochs"] = len(history)
    result["stopped"] = why_it_stopped(cfg, trainer)
    result["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    result["seed"] = cfg.seed
    result["device"] = device_name(trainer)
    result["threads"] = torch.get_num_threads()
    result["versions"] = {"torch": torch.__version__, "pytorch_lightning": pl.__version__}
    result["commit"] = git_commit()
    return result


def why_it_stopped(cfg: DictConfig, trainer: pl.Trainer) -> str:
    for callback in trainer.callbacks:
        if isinstance(callback, EarlyStopping) and callback.stopped_epoch > 0:
            return f"{callback.monitor} has not improved for {callback.patience} epochs"
    return "all epochs done"


def device_name(trainer: pl.Trainer) -> str:
    device = trainer.strategy.root_device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def git_commit() -> str | None:
    """The commit of this checkout; None where there is none."""
    folder = Path(__file__).parent
    try:
        answer = subprocess.run(
            ["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def log_hyperparameters(
    cfg: DictConfig, trainer: pl.Trainer, model: Task, data: TensorData, result: dict[str, Any]
) -> None:
    """One row of TensorBoard's HPARAMS page: a few flat columns that runs differ in."""
    columns = {
        "model": type(model).__name__,
        "data": type(data).__name__,
        "optim": cfg.optim._target_.rpartition(".")[-1],
        "lr": cfg.optim.lr,
        "scheduler": "none" if cfg.scheduler is None else cfg.scheduler._target_.rpartition(".")[-1],
        "batch_size": str(cfg.data.batch_size),
        "dropout": cfg.regularization.dropout,
        "weight_decay": cfg.regularization.weight_decay,
        "seed": cfg.seed,
    }
    measured = {f"best/{name}": value for name, value in result.items() if name.endswith(("/val", "/test"))}
    trainer.logger.log_hyperparams(columns, measured)
    trainer.logger.experiment.add_custom_scalars(CURVES)
    trainer.logger.finalize("success")


def print_summary(cfg: DictConfig, result: dict[str, Any]) -> None:
    """The end of a run on the screen."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name in ("accuracy/test", "loss/test", "loss/val"):
        if name in result:
            table.add_row(name, f"{result[name]:.4f}")
    table.add_row("epochs", f"{result['epochs']} ({result['stopped']}; best: epoch {result['best_epoch']})")
    table.add_row("seconds", f"{result['seconds']:.1f} on {result['device']}")
    table.add_row("parameters", f"{result['parameters']:,}")
    table.add_row("folder", _shown(cfg.run_dir))
    table.add_row("curves", "tensorboard --logdir outputs")
    Console().print(table)


def _shown(path: str) -> str:
    """A path as short as it can be typed from where the user stands."""
    absolute = Path(path).resolve()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def quiet_known_warnings() -> None:
    """Hide what a student can do nothing about."""
    warnings.filterwarnings("ignore", message=".*treespec.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
