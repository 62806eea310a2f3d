"""Report a finished run: measure it, log it to TensorBoard, print a summary."""

import subprocess
from pathlib import Path

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

from intro_dl.data.dataset import TensorData
from intro_dl.data.toy import Ring
from intro_dl.runs.files import shown_path, typed
from intro_dl.runs.folder import RunFolder
from intro_dl.runs.result import FAR_ABOVE_CHANCE, Result, Status
from intro_dl.tasks import Adversarial, Classifier, Task
from intro_dl.training.callbacks import Limits, stopped
from intro_dl.training.doctor import FEW_STEPS, Doctor, majority

NEAR = 0.25  # of the way from the chance level to a perfect accuracy: a model below it learned little
CURVES = {
    "train and validation": {
        "loss": ["Multiline", ["loss/train", "loss/val"]],
        "accuracy": ["Multiline", ["accuracy/train", "accuracy/val"]],
    }
}


def measure(cfg: DictConfig, trainer: pl.Trainer, model: Task, data: TensorData) -> Result:
    """Return the result of a finished training: the best epoch's validation, and a test of its weights."""
    # Taken first: testing loads the best checkpoint, and with it the history that the run had then.
    history, stopped = model.history, why_it_stopped(cfg, trainer)
    best = best_epoch(cfg, history)
    assert best is not None  # the last epoch is always validated
    metrics = {name: value for name, value in best.items() if name.endswith("/val") or name == cfg.monitor}
    callbacks: list[pl.Callback] = trainer.callbacks  # pyrefly: ignore[missing-attribute]  set when it is built
    if cfg.test:
        checkpoint = trainer.checkpoint_callback
        best_weights = checkpoint.best_model_path if isinstance(checkpoint, ModelCheckpoint) else None
        (tested,) = trainer.test(model, data, best_weights, verbose=False, weights_only=True)
        metrics |= tested
        model.history = history
    diagnosis = next((each.diagnosis for each in callbacks if isinstance(each, Doctor)), None)
    notes = [*data.notes, *model.notes()]
    if not diagnosis and (note := far_above_chance(model)):  # the doctor says more
        notes.append(note)
    elif not diagnosis and (note := near_chance(model, data, trainer.global_step)):
        notes.append(note)
    return Result(
        Status.COMPLETED,
        metrics=metrics,
        leading=model.leading,
        rivals=measure_rivals(model, data) if cfg.test and trainer.is_global_zero else {},
        best_epoch=int(best["epoch"]) + 1,
        epochs=len(history),
        stopped=stopped,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        chance_loss=model.chance_loss(),
        data=data.description(),
        fingerprint=data.fingerprint,
        seed=cfg.seed,
        notes=notes,
        diagnosis=diagnosis,
        device=device_name(trainer),
        threads=torch.get_num_threads(),
        precision=trainer.precision,
        versions={"torch": torch.__version__, "pytorch_lightning": pl.__version__},
    )


@torch.no_grad()
def measure_rivals(model: Task, data: TensorData, split: str = "test") -> dict[str, float]:
    """Return what simple methods reach on a split, and what the draws of a GAN reach on the ring.

    See `Task.rivals` and `TensorData.rivals`.
    """
    known = data.rivals(split) if isinstance(model, Classifier) else {}
    if isinstance(model, Adversarial) and isinstance(data, Ring):  # the distance does not tell these
        drawn = model.draw(5_000, torch.Generator(model.device).manual_seed(0)).cpu() * data.std + data.mean
        clouds, near = data.coverage(drawn)
        known |= {"clouds covered": float(clouds), "draws within 3 standard deviations": near}
    if type(model).rivals is Task.rivals:
        return known  # without reading the whole training split
    return known | model.rivals(data.whole("train"), data.whole(split))


def best_epoch(cfg: DictConfig, history: list[dict[str, float]]) -> dict[str, float] | None:
    """Return the row of the best epoch by `cfg.monitor`, or None before the first measurement."""
    measured = [row for row in history if cfg.monitor in row]
    return (min if cfg.mode == "min" else max)(measured, key=lambda row: row[cfg.monitor], default=None)


def far_above_chance(model: Task) -> str | None:
    """Return a sentence if the loss ended far above the chance level, else None."""
    chance, last = model.chance_loss(), model.history[-1] if model.history else {}
    losses = [last[name] for name in ("loss/train", "loss/val") if name in last]
    if not chance or len(losses) < 2 or min(losses) <= FAR_ABOVE_CHANCE * chance:
        return None  # overfitting raises only the validation loss
    return (
        f"The loss ended at {losses[0]:.3g} on the training split, far above the chance level of "
        f"{chance:.3g}: the steps overshoot, or the initial weights are too large. Try a smaller optim.lr."
    )


def near_chance(model: Task, data: TensorData, steps: int) -> str | None:
    """Return a sentence if always answering the most frequent class is almost as good as the model."""
    measured = [row["accuracy/val"] for row in model.history if "accuracy/val" in row]
    if not isinstance(model, Classifier) or not measured or steps < FEW_STEPS:
        return None
    name, chance = majority(model, data)
    if measured[-1] - chance >= NEAR * (1 - chance):
        return None
    return (
        f"The accuracy on the validation split ended at {measured[-1]:.1%}; always answering {name!r} gives "
        f"{chance:.1%}. The model learned little: callbacks=doctor looks for the cause."
    )


def why_it_stopped(cfg: DictConfig, trainer: pl.Trainer) -> str:
    """Return why training ended, in a few words."""
    if cfg.trainer.fast_dev_run:
        return f"stopped by fast_dev_run={int(cfg.trainer.fast_dev_run)}"
    callbacks: list[pl.Callback] = trainer.callbacks  # pyrefly: ignore[missing-attribute]  set when it is built
    for callback in callbacks:
        if isinstance(callback, EarlyStopping) and stopped(callback):
            epochs = f"{callback.patience} epoch{'s' * (callback.patience != 1)}"
            return f"{callback.monitor} has not improved for {epochs}"
        if isinstance(callback, Limits) and callback.reached:
            return callback.reached
    return "all epochs done"


def device_name(trainer: pl.Trainer) -> str:
    """Return e.g. "cpu" or "2 x NVIDIA H100"."""
    device = trainer.strategy.root_device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{trainer.world_size} x {name}" if trainer.world_size > 1 else name


def git_commit() -> str | None:
    """Return the commit of this checkout, or None: an installed package may lie in a user's repository."""
    file = Path(__file__)
    command = ["git", "-C", str(file.parent), "rev-parse", "HEAD", f"HEAD:./{file.name}"]
    try:
        answer = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.split()[0] if answer.returncode == 0 else None


def log_hyperparameters(
    cfg: DictConfig, trainer: pl.Trainer, model: Task, data: TensorData, result: Result
) -> None:
    """Give the loggers the few columns in which runs differ: a row of TensorBoard's HPARAMS page."""
    columns = {
        "model": type(model).__name__,
        "data": type(data).__name__,
        "optim": cfg.optim._target_.rpartition(".")[-1],
        "lr": cfg.optim.lr,
        "scheduler": "none" if cfg.scheduler is None else cfg.scheduler._target_.rpartition(".")[-1],
        "batch_size": str(cfg.data.batch_size),
        "dropout": cfg.regularization.dropout,
        "weight_decay": cfg.regularization.weight_decay,
        "l1": cfg.regularization.get("l1", 0.0),
        "seed": cfg.seed,
    }
    measured = {
        f"best/{name}": value for name, value in result.metrics.items() if name.endswith(("/val", "/test"))
    }
    for logger in trainer.loggers:
        if isinstance(logger, pl.loggers.TensorBoardLogger):
            logger.log_hyperparams(columns, measured)
            logger.experiment.add_custom_scalars(CURVES)
        else:
            logger.log_hyperparams(columns)
        logger.finalize("success")


def print_summary(folder: RunFolder, result: Result) -> None:
    """Print the summary of a run: its numbers, its folder, and its notes."""
    leading = f"{result.leading}/test"
    shown = str(folder)
    logs = typed("outputs" if shown.startswith("outputs") else shown)
    board = any(folder.path.glob("events.out.tfevents*"))
    measured = dict.fromkeys((leading, "accuracy/test", "loss/test", "loss/val"))
    known = [name for name in measured if name in result.metrics]
    rows = [(name, f"{result.metrics[name]:.4f}") for name in known or result.metrics]
    rows[1:1] = [(f"  {name}", f"{value:.4f}") for name, value in result.rivals.items()]
    rows += [
        ("epochs", f"{result.epochs} ({result.stopped}; best: epoch {result.best_epoch})"),
        ("seconds", f"{result.seconds:.1f} on {result.device}"),
        ("parameters", f"{result.parameters:,}"),
        ("folder", shown),
        ("curves", f"tensorboard --logdir {logs}" if board else shown_path(folder.history_file)),
        *(("note", note) for note in result.notes),
        *(("doctor", finding["sentence"]) for finding in result.diagnosis or []),
    ]
    if result.diagnosis == []:
        rows.append(("doctor", "found nothing wrong"))
    for name, value in rows:
        print(f"{name:<20} {value}")
