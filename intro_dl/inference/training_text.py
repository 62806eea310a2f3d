"""The text that a language model was trained on, if it is still to be found."""

import os
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from intro_dl.data import text as texts
from intro_dl.inference.load import LoadedRun
from intro_dl.runs.folder import RunFolder


def training_text(run: LoadedRun, root: Path | None = None, path: Path | None = None) -> str:
    """The characters of the training split. Nothing is downloaded.

    Args:
        root: folder of the data sets; None for that of the training, else INTRO_DL_DATA, else data/.
        path: of a text of one's own (data=file); None for that of the training.

    Raises:
        ValueError: if the text is not there; the message says where it was looked for.
    """
    name = run.metadata["data"]
    saved = _saved_settings(run)
    data_class = getattr(texts, name, None)
    if name == "TextFile":
        path = path or (Path(saved["path"]) if "path" in saved else None)
        if path is None:
            raise ValueError("The run does not say which text it was trained on: name it with data.path=.")
        data = texts.TextFile(path=str(path), batch_size=1, window=1)
    elif isinstance(data_class, type) and issubclass(data_class, texts.DownloadedText):
        root = root or Path(saved.get("root") or os.environ.get("INTRO_DL_DATA") or "data")
        data = data_class(root=str(root), batch_size=1, window=1)
        if not data.path.is_file():
            raise ValueError(f"There is no {data.path}: name the folder of the data sets with data.root=.")
    elif name == "Pydoc":
        data = texts.Pydoc(batch_size=1, window=1)
    else:
        raise ValueError(f"intro_dl.data.text has no {name}.")
    data.setup()
    inputs, targets = data.splits["train"]
    return data.decode(inputs) + data.decode(targets[-1:])


def _saved_settings(run: LoadedRun) -> dict[str, Any]:
    """The `data` of the run's config, without what it took from its surroundings (`${...}`)."""
    try:
        config = OmegaConf.to_container(RunFolder(run.folder).read_config().data, resolve=False)
        return {str(key): value for key, value in config.items() if value and "${" not in str(value)}
    except (ValueError, AttributeError):
        return {}
