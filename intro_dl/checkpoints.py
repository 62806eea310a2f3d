"""Checkpoints that survive a crash, in the middle of writing one too."""

import io
from pathlib import Path, PureWindowsPath
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from intro_dl.files import write_whole


class WholeCheckpoints(TorchCheckpointIO):
    """How Lightning reads and writes checkpoints: whole files only, in a folder that may have been moved."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str, storage_options: Any = None) -> None:
        content = io.BytesIO()
        torch.save(checkpoint, content)
        path = Path(path)
        path.parent.mkdir(exist_ok=True)  # not its parents: a run folder that was deleted stays so
        write_whole(path, content.getbuffer())

    def load_checkpoint(self, path: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        checkpoint = super().load_checkpoint(path, *arguments, **options)
        folder = Path(path).resolve().parent
        for state in checkpoint.get("callbacks", {}).values():
            if "best_k_models" in state:
                _move(state, folder)
        return checkpoint


def _move(state: dict[str, Any], folder: Path) -> None:
    """Let what a ModelCheckpoint remembers be in `folder`, where its files are now; else it starts anew."""

    def moved(path: str) -> str:
        return path and str(folder / PureWindowsPath(path).name)  # which knows both kinds of slashes

    state["dirpath"] = str(folder)
    state["best_k_models"] = {moved(path): score for path, score in state["best_k_models"].items()}
    for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
        state[name] = moved(state[name])
