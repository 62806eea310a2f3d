"""From a config to a trained model and its result. The only module that builds things from configs."""

import inspect
import logging
import time
import warnings
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import EarlyStopping, LambdaCallback
from pytorch_lightning.loggers import TensorBoardLogger

from intro_dl.callbacks import SeedEachEpoch, StayStopped, StopWhenNotFinite
from intro_dl.command_line.arguments import check_arguments, nearest
from intro_dl.command_line.targets import class_of
from intro_dl.data.splits import TensorData
from intro_dl.doctor import Doctor
from intro_dl.running.checkpoints import MiddleOfEpoch, WholeCheckpoints
from intro_dl.running.model_size import count_parameters
from intro_dl.running.processes import all_processes
from intro_dl.running.results import git_commit, print_summary, write_history, write_result
from intro_dl.running.resume import finished_result, interruption, resumable, save_command
from intro_dl.running.speed import (
    Unprofiled,
    check_bfloat16,
    compile_step,
    lightning_arguments,
    look_for_a_gpu_once,
)
from intro_dl.tasks import Task

log = logging.getLogger(__name__)

MOST_PARAMETERS = 1_000_000_000  # 4 GB, and three times as much while they are trained

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
    started, commit = time.perf_counter(), git_commit()  # of the code that runs, not of a later edit
    quiet_known_warnings()
    check_accelerator(cfg.trainer)
    look_for_a_gpu_once()
    pl.seed_everything(cfg.seed, verbose=False)
    data = build_data(cfg)
    model = build_model(cfg, data)
    check_monitor(cfg, model, data)
    checkpoint = resumable(cfg, model, data) if cfg.resume else None
    finished = finished_result(cfg, checkpoint) if checkpoint else {}
    if finished and finished["epochs"] >= cfg.trainer.max_epochs:
        log.warning(
            "This run is finished already: %d epoch%s done, and result.json stays as it is. "
            "To train on, give it more: trainer.max_epochs=%d.",
            finished["epochs"],
            "s are" if finished["epochs"] > 1 else " is",
            2 * finished["epochs"],
        )
        return finished[cfg.monitor]
    if checkpoint and (change := data.change_since(checkpoint.get("facts", {}))):
        # Said, not refused: to go on with more images, or on another machine, is for the user to decide.
        log.warning(change)
        data.remarks = [*data.remarks, change]
    trainer = build_trainer(cfg)
    if trainer.is_global_zero:
        check_bfloat16(cfg.trainer, model, data, trainer.strategy.root_device)
    if cfg.trainer.compile:
        compile_step(model)

    log.info("Training %s on %s", type(model).__name__, type(data).__name__)
    with all_processes(trainer, cfg.run_dir):
        try:
            trainer.fit(model, data, ckpt_path=cfg.resume, weights_only=True)
        except SystemExit as stop:
            raise interruption(stop, trainer, cfg) from stop
        except Exception as error:
            measured = trainer.callback_metrics
            if measured and cfg.monitor not in measured:
                names = ", ".join(sorted(measured))
                raise ValueError(f"Nothing measures monitor={cfg.monitor}. Available: {names}.") from error
            raise
        finally:
            if trainer.is_global_zero:
                write_history(cfg.run_dir, model.history)
        if finished and trainer.global_step == checkpoint["global_step"]:
            return finished[cfg.monitor]  # it had stopped early
        try:
            result = measure(cfg, trainer, model, data) | {"commit": commit}
        except SystemExit as stop:
            raise interruption(stop, trainer, cfg) from stop
    earlier = checkpoint["history"] if checkpoint else []  # a resumed run counts what it took before
    result["seconds"] = round(time.perf_counter() - started + sum(row["seconds"] for row in earlier), 2)
    if trainer.is_global_zero:
        log_hyperparameters(cfg, trainer, model, data, result)
        write_result(cfg.run_dir, result)
        print_summary(cfg.run_dir, result)
    return result[cfg.monitor]


def build_data(cfg: DictConfig) -> TensorData:
    """The data module, with its splits read, so that its facts are known."""
    check_arguments(cfg.data, "data")
    data = instantiate(cfg.data, _convert_="all")
    data.watch_test = cfg.watch_test
    data.prepare_data()
    data.setup()
    return data


def build_model(cfg: DictConfig, data: TensorData) -> Task:
    """The model, built from the data's facts and the config, with its optimizer and schedule."""
    model_class = class_of(cfg.model, "model")
    accepted = inspect.signature(model_class).parameters
    needed = [name for name, parameter in accepted.items() if parameter.default is parameter.empty]
    if not set(needed) <= data.dims.keys() <= accepted.keys():
        model_name, data_name = model_class.__name__, type(data).__name__
        raise ValueError(
            f"{model_name} cannot read {data_name}: the data provide {', '.join(data.dims)}, "
            f"but {model_name} takes {', '.join(needed)}. Choose another data= or model=."
        )
    check_arguments(cfg.model, "model", given=data.dims)
    check_arguments(cfg.optim, "optim", given={"params": None})
    check_size(cfg.model, data.dims)
    model = instantiate(cfg.model, **data.dims, _convert_="all")
    scheduler, interval = None, "epoch"
    if cfg.scheduler is not None:
        schedule = OmegaConf.to_container(cfg.scheduler, resolve=True)
        interval = schedule.pop("interval", "epoch")
        check_arguments(OmegaConf.create(schedule), "scheduler", given={"optimizer": None})
        scheduler = instantiate(schedule, _convert_="all")
    optimizer = instantiate(cfg.optim, _convert_="all")
    if "fused" in cfg.optim and cfg.trainer.gradient_clip_val and cfg.trainer.precision != "32-true":
        optimizer = partial(optimizer, fused=False)  # Lightning refuses to clip for it in mixed precision
    check_saved_arguments(model, data)
    model.optimize_with(optimizer, scheduler, interval)
    return model


def check_saved_arguments(model: Task, data: TensorData) -> None:
    """Refuse a model that could not be loaded again, because it does not remember what it was built from."""
    if not data.dims.keys() <= model.hparams.keys():
        raise ValueError(
            f"{type(model).__name__} does not save what it is built from, so it could not be loaded again: "
            "let its __init__ call self.save_hyperparameters() after super().__init__()."
        )


def check_size(model: DictConfig, dims: dict[str, Any]) -> None:
    """Refuse a model whose weights would not fit into memory."""
    parameters = count_parameters(lambda: instantiate(model, **dims, _convert_="all"))
    if parameters > MOST_PARAMETERS:
        raise ValueError(
            f"The model would have {parameters:,} parameters, more than the {MOST_PARAMETERS:,} that this "
            "program is made for. Choose smaller layers."
        )


def build_trainer(cfg: DictConfig) -> pl.Trainer:
    """Lightning's trainer, with the config's callbacks, two guards, and a TensorBoard log in run_dir."""
    check_arguments(cfg.trainer, "trainer")
    settings = lightning_arguments(cfg.trainer)
    callbacks = []
    for name, callback in cfg.callbacks.items():
        if callback is not None:  # callbacks.early_stopping=null switches one off
            check_arguments(callback, f"callbacks.{name}")
            callbacks.append(instantiate(callback, _convert_="all"))
    patience = OmegaConf.select(cfg, "callbacks.early_stopping.patience")
    stay_stopped = StayStopped(cfg.trainer.max_epochs, patience)
    remember = LambdaCallback(on_train_start=lambda *_: save_command(cfg))  # when nothing has refused it
    always = [SeedEachEpoch(cfg.seed), MiddleOfEpoch(), remember, StopWhenNotFinite(), stay_stopped]
    logger = TensorBoardLogger(cfg.run_dir, name="", version="", default_hp_metric=False)
    return instantiate(
        settings,
        callbacks=[*always, *callbacks],
        logger=logger,
        default_root_dir=cfg.run_dir,
        plugins=[WholeCheckpoints()],
        profiler=settings.get("profiler", Unprofiled()),
        enable_model_summary=False,
        _convert_="all",
    )


def check_accelerator(trainer: DictConfig) -> None:
    """Refuse a GPU that is not there, before anything is read."""
    if trainer.accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise ValueError(
            "There is no GPU that torch can use on this machine. Choose trainer=cpu or trainer=default."
        )
    gpus = torch.cuda.device_count()
    if trainer.accelerator != "cpu" and gpus and isinstance(trainer.devices, int) and trainer.devices > gpus:
        raise ValueError(
            f"trainer.devices={trainer.devices}, but this machine has {gpus} GPU{'s' * (gpus > 1)}. Set "
            f"trainer.devices={gpus}, or trainer.accelerator=cpu for as many processes as you like."
        )


def check_monitor(cfg: DictConfig, model: Task, data: TensorData) -> None:
    """Refuse a `monitor` that nothing measures, found out by measuring two validation examples."""
    loaders = data.val_dataloader()
    batch = next(iter(loaders[0] if isinstance(loaders, list) else loaders))
    training = model.training
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        names = list(model.eval().metrics(tuple(part[:2] for part in batch)))
    model.train(training)
    splits = ("train", "val", "test") if cfg.watch_test else ("train", "val")
    known = [f"{name}/{split}" for name in names for split in splits] + ["lr"]
    if cfg.monitor not in known:
        raise ValueError(f"Nothing measures monitor={cfg.monitor}.{nearest(cfg.monitor, known)}")


def measure(cfg: DictConfig, trainer: pl.Trainer, model: Task, data: TensorData) -> dict[str, Any]:
    """The result of a finished run: the best epoch's validation, the test of its weights, and the facts."""
    # Taken down first: testing loads the best checkpoint, and with it the state that the run had then.
    history, stopped = model.history, why_it_stopped(trainer)
    best = (min if cfg.mode == "min" else max)(history, key=lambda epoch: epoch[cfg.monitor])
    result = {"status": "completed"}
    result |= {name: value for name, value in best.items() if name.endswith("/val") or name == cfg.monitor}
    if cfg.test:
        best_weights = trainer.checkpoint_callback.best_model_path if trainer.checkpoint_callback else None
        (tested,) = trainer.test(model, data, best_weights, verbose=False, weights_only=True)
        result |= tested
        model.history = history
    result |= {"best_epoch": int(best["epoch"]) + 1, "epochs": len(history), "stopped": stopped}
    result["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    result["guessing_loss"] = model.guessing_loss()
    result["seed"] = cfg.seed
    result["remarks"] = [*data.remarks, *model.remarks()]
    for callback in trainer.callbacks:
        if isinstance(callback, Doctor):
            result["diagnosis"] = callback.diagnosis
            if callback.diagnosis:
                result["remarks"] = list(data.remarks)  # of the training, the doctor says more
    result["device"] = device_name(trainer)
    result["threads"] = torch.get_num_threads()
    result["versions"] = {"torch": torch.__version__, "pytorch_lightning": pl.__version__}
    return result


def why_it_stopped(trainer: pl.Trainer) -> str:
    for callback in trainer.callbacks:
        if isinstance(callback, EarlyStopping) and callback.stopped_epoch > 0:
            return f"{callback.monitor} has not improved for {callback.patience} epochs"
    return "all epochs done"


def device_name(trainer: pl.Trainer) -> str:
    device = trainer.strategy.root_device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{trainer.world_size} x {name}" if trainer.world_size > 1 else name


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


def quiet_known_warnings() -> None:
    """Hide what a student can do nothing about."""
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings(
        "ignore", message=".*callbacks used to create the checkpoint.*"
    )  # resumed without
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")  # the tasks sum over devices themselves
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # MiddleOfEpoch does it
