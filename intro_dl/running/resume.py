"""Going on with a saved run: what must be the same, what is finished already, and what a stopped one says."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import SIGTERMException

from intro_dl.data.splits import TensorData
from intro_dl.load import read_checkpoint
from intro_dl.running.checkpoints import LastCheckpoint
from intro_dl.running.files import write_whole
from intro_dl.running.interrupts import Terminated
from intro_dl.running.results import go_on, read_result
from intro_dl.tasks import Task


def save_command(cfg: DictConfig) -> None:
    """Let the run folder remember the command that it now goes on with; a refused one never gets here."""
    folder = Path(cfg.run_dir) / ".hydra"
    running = HydraConfig.initialized() and HydraConfig.get().mode == RunMode.RUN
    if rank_zero_only.rank == 0 and folder.is_dir() and running:
        write_whole(folder / "config.yaml", OmegaConf.to_yaml(cfg))
        write_whole(folder / "overrides.yaml", OmegaConf.to_yaml(HydraConfig.get().overrides.task))


def resumable(cfg: DictConfig, model: Task, data: TensorData) -> dict[str, Any]:
    """What the checkpoint `cfg.resume` holds, if training can go on from it with these."""
    path = Path(cfg.resume)
    try:
        checkpoint = read_checkpoint(path)
    except ValueError as error:
        raise ValueError(
            f"Cannot resume {path}: it is damaged, or no checkpoint of a run; best.ckpt may be whole: "
            "copied over last.ckpt, it goes on from the best epoch."
        ) from error
    saved, hyperparameters = checkpoint["model"], checkpoint["hyper_parameters"]
    name = type(model).__name__
    if saved != name:
        raise ValueError(
            f"Cannot resume {path}: it holds a {saved}, but model= names a {name}. Leave out model=."
        )
    facts, now = checkpoint.get("facts") or {}, data.facts()
    same = facts.get("fingerprint") == now["fingerprint"]  # in another form, perhaps: images in files
    if facts.get("data", now["data"]) != now["data"] and not same:
        raise ValueError(
            f"Cannot resume {path}: it was trained on {facts['data']}, and data= names {now['data']}: its "
            "numbers would be of both. Leave out data=."
        )
    changed = {} if checkpoint.get("seed", cfg.seed) == cfg.seed else {"seed": checkpoint["seed"]}
    changed |= {
        f"model.{key}": hyperparameters.get(key)
        for key, value in model.hparams.items()
        if _plain(hyperparameters.get(key)) != _plain(value)
    }
    optimizer, now = checkpoint.get("optimizer", {}), model.optimizer_facts()
    if optimizer.get("optim", now["optim"]) != now["optim"]:
        raise ValueError(
            f"Cannot resume {path}: it was trained with {optimizer['optim']}, whose state {now['optim']} "
            "cannot take over. Leave out optim=."
        )
    changed |= {f"optim.{key}": value for key, value in optimizer.items() if now.get(key) != value}
    if changed:
        was = ", ".join(f"{key}={value}" for key, value in changed.items())
        typed = keys_beside_resume()
        groups = {key.partition(".")[0] for key in changed if key not in typed}
        blamed = [f"{key}=" for key in typed if key in groups]
        out = f"Leave out {' and '.join(blamed)}." if blamed else "Leave these keys out."
        raise ValueError(f"Cannot resume {path}: it was trained with {was}. {out}")
    return checkpoint


def keys_beside_resume() -> list[str]:
    """What the user has typed to change the resumed run; before resume= stands the saved command."""
    task = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    place = next((number for number, text in enumerate(task) if text.startswith("resume=")), len(task))
    return [text.lstrip("+~").partition("=")[0] for text in task[place + 1 :]]


def finished_result(cfg: DictConfig, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The result of the resumed run, if it is that of all epochs in `checkpoint`; else nothing.

    Raises:
        ValueError: if it is not, and the checkpoint has more epochs than the run may take.
    """
    result, epochs = read_result(cfg.run_dir), len(checkpoint["history"])
    tested = not cfg.test or any(name.endswith("/test") for name in result)
    if (
        tested
        and result.get("status") == "completed"
        and result.get("epochs") == epochs
        and cfg.monitor in result
    ):
        return result
    if epochs > cfg.trainer.max_epochs:
        raise ValueError(
            f"Cannot resume {cfg.resume}: {epochs} epochs are done, more than "
            f"trainer.max_epochs={cfg.trainer.max_epochs}. Leave it out, or give it more."
        )
    return {}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def interruption(stop: SystemExit, trainer: pl.Trainer, cfg: DictConfig) -> KeyboardInterrupt:
    """What Ctrl-C or SIGTERM, of which Lightning has made a SystemExit, leaves behind."""
    told = isinstance(stop, SIGTERMException) or isinstance(stop.__context__, Terminated)
    kind = Terminated if told else KeyboardInterrupt
    what = "Told to end" if kind is Terminated else "Interrupted"
    if not (Path(cfg.run_dir) / "checkpoints" / "last.ckpt").is_file():
        return kind(f"{what} before the first epoch was finished; nothing was saved.")
    if trainer.state.fn == "test":
        return kind(f"{what} while testing; the training is finished. Test with: {go_on(cfg.run_dir)}")
    kept, epoch = "All finished epochs are kept", trainer.current_epoch
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, LastCheckpoint) and callback.within and callback.within[0] == epoch:
            kept += f", and {callback.within[1]} of the {callback.within[2]} batches of this one"
    return kind(f"{what} in epoch {epoch + 1}. {kept}; go on with: {go_on(cfg.run_dir)}")
