"""Export a trained model for other programs, with a description of its inputs: `intro-dl export`."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from intro_dl.config.options import one_of, path, read_options, several_of
from intro_dl.inference.tables import inside, make_directory
from intro_dl.runs.files import shown_path, to_json, write_whole
from intro_dl.runs.folder import find_checkpoint, named_run
from intro_dl.runs.program import say_loading

if TYPE_CHECKING:  # it needs torch; a mistyped option is reported before torch is imported
    from intro_dl.inference.portable import Portable

FILES = {"onnx": "model.onnx", "safetensors": "model.safetensors"}
OPTIONS = {
    "format": several_of(*FILES, default=["onnx"]),
    "weights": one_of("best", "last"),
    "out": path(),
}
FORMULAS = {
    "images": "(pixels / 255 - mean) / std for pixels 0 to 255, a mean and a std for each channel",
    "points": "(value - mean) / std, a mean and a std for each feature",
}


def main(arguments: Sequence[str]) -> int:
    """Export a run and return 0; raise ValueError with a message for the user."""
    words, options = read_options(arguments, OPTIONS)
    if len(words) != 1:
        raise ValueError("Name one run, e.g. intro-dl export outputs/lenet/<time> format=onnx.")
    source, last = named_run(words[0]), "/last" * (options["weights"] == "last")
    folder = options["out"] or inside(source, f"export{last}")
    find_checkpoint(source, options["weights"])
    say_loading()

    from intro_dl.inference.load import load_run  # torch loads here
    from intro_dl.inference.portable import Portable, write

    run = load_run(source, options["weights"])
    portable = Portable(run)
    if portable.part:
        print(f"Of {type(run.model).__name__}, the {portable.part} is exported. Draw with intro-dl sample.")
    make_directory(folder, [*FILES.values(), "model.json"], "model.json")
    if (folder / "model.json").exists() and '"intro_dl"' not in (folder / "model.json").read_text("utf-8"):
        raise ValueError(f"{folder}/model.json is not from this program: name another directory with out=.")
    entries = {}
    for name in options["format"]:
        file = folder / FILES[name]
        difference, checked_with = write(name, portable, file)
        entries[name] = {
            "file": file.name,
            "largest_difference": difference,
            "checked_with": checked_with,
        }
        same = f"the same numbers to {difference:.1e}" if difference else "exactly the same numbers"
        print(f"{shown_path(file):<40} {same} ({checked_with})")
    description = folder / "model.json"
    content = describe(portable, entries)
    write_whole(description, to_json(content))
    print(f"{shown_path(description):<40} how to use the model: its inputs, outputs and normalization")
    return 0


def describe(portable: "Portable", files: dict[str, Any]) -> dict[str, Any]:
    """Return the content of model.json: plain values that a program needs to use the exported files."""
    from intro_dl.data.dataset import plain

    run, metadata = portable.run, portable.run.metadata
    content: dict[str, Any] = {
        "model": type(run.model).__name__,
        "arguments": plain(dict(run.model.hparams)),
        "weights": f"{run.weights} (epoch {run.epoch})",
        "intro_dl": version("intro-dl"),
        "files": files,
        "inputs": portable.inputs,
        "outputs": portable.outputs,
    }
    if run.kind in FORMULAS:
        values = {name: metadata[name] for name in ("mean", "std")}
        content["normalization"] = {"formula": FORMULAS[run.kind]} | values
    if portable.part:
        content["part"] = portable.part
    names = ("features", "classes", "target", "alphabet", "background", "digit_box")
    content |= {name: metadata[name] for name in names if metadata.get(name) is not None}
    return content | {"data": metadata["data"]}
