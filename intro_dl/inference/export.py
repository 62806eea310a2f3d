"""The command `python scripts/export.py`: a trained model for other programs, and how to feed it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intro_dl.config.options import one_of, path, read_options, several_of
from intro_dl.runs.files import shown_path

FILES = {"onnx": "model.onnx", "torch_export": "model.pt2", "safetensors": "model.safetensors"}
OPTIONS = {
    "format": several_of(*FILES, default=["onnx"]),
    "weights": one_of("best", "last"),
    "out": path(),
}


def main(arguments: Sequence[str]) -> int:
    """Export a run; 0, or ValueError with a sentence."""
    words, options = read_options(arguments, OPTIONS)
    if len(words) != 1:
        raise ValueError("Name one run, e.g. python scripts/export.py outputs/lenet/<time> format=onnx.")
    folder = options["out"] or Path(words[0]) / "export"
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"out={folder} is a file: name a folder.")

    from intro_dl.inference.load import load_run  # torch loads here
    from intro_dl.inference.portable import Portable, write

    run = load_run(words[0], options["weights"])
    portable = Portable(run)
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name in options["format"]:
        file = folder / FILES[name]
        difference, checked_with = write(name, portable, file)
        entries[name] = {
            "file": file.name,
            "sha256": _sha256(file),
            "largest_difference": difference,
            "checked_with": checked_with,
        }
        same = f"the same numbers to {difference:.1e}" if difference else "exactly the same numbers"
        print(f"{shown_path(str(file)):<40} {same} ({checked_with})")
    description = folder / "model.json"
    entries = _still_there(description) | entries
    content = describe(portable, entries)
    description.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{shown_path(str(description)):<40} how to feed it: {_in_words(content)}")
    return 0


def describe(portable: Any, files: dict[str, Any]) -> dict[str, Any]:
    """What a program has to know to use the exported files, in plain values."""
    from intro_dl import __version__
    from intro_dl.data.dataset import plain

    run = portable.run
    metadata = run.metadata
    content: dict[str, Any] = {
        "model": type(run.model).__name__,
        "arguments": plain(dict(run.model.hparams)),
        "weights": f"{run.weights} (epoch {run.epoch})",
        "intro_dl": __version__,
        "files": files,
        "inputs": portable.inputs,
        "outputs": portable.outputs,
    }
    if metadata["kind"] == "images":
        formula = "(pixels / 255 - mean) / std for pixels 0 to 255, a mean and a std for each channel"
        content["normalization"] = {"formula": formula, "mean": metadata["mean"], "std": metadata["std"]}
    elif metadata["kind"] == "points":
        formula = "(value - mean) / std, a mean and a std for each feature"
        content["normalization"] = {"formula": formula, "mean": metadata["mean"], "std": metadata["std"]}
        content["features"] = metadata["features"]
    for name in ("classes", "target", "alphabet", "background", "digit_box"):
        if metadata.get(name) is not None:
            content[name] = metadata[name]
    return content | {"data": metadata["data"]}


def _in_words(content: dict[str, Any]) -> str:
    shapes = [f"{entry['name']} {'x'.join(map(str, entry['shape']))}" for entry in content["inputs"]]
    extra = [name for name in ("normalization", "classes", "target", "alphabet") if name in content]
    return ", ".join([*shapes, *extra])


def _still_there(description: Path) -> dict[str, Any]:
    """What an earlier export says of files that are as it left them."""
    try:
        files = json.loads(description.read_text(encoding="utf-8"))["files"]
        return {
            name: entry
            for name, entry in files.items()
            if name in FILES and _sha256(description.with_name(FILES[name])) == entry["sha256"]
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
