"""Find the images of a directory: which subdirectories are splits and classes, and what is not used."""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from intro_dl.data.image_file import SUFFIXES, shown_name

SPLITS = ("train", "val", "test")
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "development"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "evaluation", "eval"), "test"),
}
# What systems and programs leave behind. Names that begin with a dot are hidden, and not read either.
JUNK_FOLDERS = {"__MACOSX", "__pycache__", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"}
JUNK_FOLDERS |= {"lightning_logs", "mlruns", "wandb"}
JUNK_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
# A directory with one of these holds a run or a sweep of this program, or a virtual environment.
NOT_DATA = (".hydra", "result.json", "multirun.yaml", "pyvenv.cfg")
# Not classes but what is stored for each image, e.g. for segmentation.
CONTENTS = {"images", "imgs", "masks", "labels", "annotations", "ground_truth"}
LAYOUT = (
    "Put the images into <directory>/<class>/, or into <directory>/train/<class>/ with val/ or test/ beside "
    "train/, and name this directory with data.root=."
)


@dataclass
class Found:
    """What lies in and below a directory. Each real file counts once, even if links lead to it."""

    images: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)  # files that are not read, by kind
    direct: int = 0  # images in the directory itself
    own: bool = False  # whether it holds runs or files of this program


def find_images(folder: Path, elsewhere: Collection[str] = ()) -> Found:
    """Return the images in and below a directory, sorted, and what else it holds.

    Args:
        folder: the directory.
        elsewhere: real paths of directories that are read by themselves. A link to one of them, or to a
            directory around `folder`, is not followed: it would repeat images.
    """
    found, top = Found(), os.path.realpath(folder)
    seen_folders, seen_files = {top}, set()
    for parent, names, files in os.walk(
        folder, followlinks=True, onerror=lambda error: found.others.update(["directory without permission"])
    ):
        entered = []
        for name in sorted(names, key=lambda name: (os.path.islink(os.path.join(parent, name)), name)):
            path = os.path.join(parent, name)
            real = os.path.realpath(path)
            if holds_runs(path):
                found.own = True
            elif os.path.islink(path) and _overlaps(real, {top, *elsewhere}):
                found.others["link to a directory that is read anyway"] += 1
            elif not is_junk(name) and real not in seen_folders:
                seen_folders.add(real)
                entered.append(name)
        names[:] = entered
        if any(name.endswith(".uint8") for name in files):  # decoded images, of data/pixel_file.py
            found.own = True
            continue
        for name in sorted(files):
            if name.startswith(".") or name.lower() in JUNK_FILES:
                continue
            path, suffix = Path(parent, name), os.path.splitext(name)[1].lower()
            try:
                status = os.stat(path)
            except OSError:
                found.others["broken link" if os.path.islink(path) else "file without permission"] += 1
                continue
            if not stat.S_ISREG(status.st_mode):
                found.others["special file"] += 1
            elif suffix not in SUFFIXES:
                found.others[shown_name(suffix) or "no suffix"] += 1
            elif (status.st_dev, status.st_ino) not in seen_files:
                seen_files.add((status.st_dev, status.st_ino))
                found.images.append(path)
                found.direct += parent == str(folder)
    found.images.sort()
    return found


def not_images(others: Counter[str]) -> str | None:
    """Return in a few words how many files are not read as images, and why; None if there are none."""
    if not others:
        return None
    kinds = ", ".join(f"{count} {kind}" for kind, count in others.most_common())
    advice = " (convert HEIC to JPEG)" if {".heic", ".heif"} & others.keys() else ""
    files = "1 file that is" if others.total() == 1 else f"{others.total()} files that are"
    return f"{files} not read as images: {kinds}{advice}"


def read_layout(root: Path) -> tuple[dict[str, dict[str, list[Path]]], list[str]]:
    """Return the images of a directory by split ("train", and "val" and "test" if it has them) and class.

    Returns:
        The images, and what is not used and why, in a few words each.

    Raises:
        ValueError: if `root` has another layout than the documented ones; the message says what was found.
    """
    if not root.is_dir():
        advice = " Unpack it first, and name the directory." if root.is_file() else ""
        raise ValueError(
            f"data.root={root} is not a directory. Name one with a subdirectory per class.{advice}"
        )
    left_out: list[str] = []
    places = _split_folders(root, left_out)
    found = {split: _classes(folder, left_out) for split, folder in places.items()}
    names = list(found["train"])
    if len(names) < 2:
        raise ValueError(_too_few_classes(places["train"], found["train"]))
    if CONTENTS >= {name.lower() for name in names}:
        raise ValueError(
            f"{_listed(map(Path, names))} in {places['train']} are not names of classes. {LAYOUT}"
        )
    for split, folder in places.items():
        if only := set(names) ^ set(found[split]):
            raise ValueError(
                f"The classes in {places['train']} and {folder} differ: only one of them has "
                f"{', '.join(map(shown_name, sorted(only)))}. Give both the same subdirectories."
            )
        _check_classes(folder, found[split])
        if loose := _images_in(folder):
            left_out.append(
                f"{loose} images directly in {shown_name(folder)}, outside of the class directories"
            )
    others = sum((each.others for classes in found.values() for each in classes.values()), Counter())
    left_out += filter(None, [not_images(others)])
    images = {split: {name: classes[name].images for name in names} for split, classes in found.items()}
    return images, left_out


def _split_folders(root: Path, left_out: list[str]) -> dict[str, Path]:
    """Return the directories of the splits, or {"train": root} if `root` holds classes."""
    folders = _subfolders(root)
    named = {folder: split for folder in folders if (split := _split_name(folder.name))}
    loose = [folder for folder in named if _images_in(folder)]
    splits = {
        folder: split for folder, split in named.items() if len(_subfolders(folder)) > (folder in loose)
    }
    if not splits:
        # A train may be the vehicle, beside bus/ and car/.
        if loose and (len(folders) == 1 or any(folder.name.lower() != "train" for folder in loose)):
            raise ValueError(
                f"{_listed(loose)} in {root} means a split, so it should hold a directory per class, but it "
                f"holds images. {LAYOUT}"
            )
        return {"train": root}
    rest = [folder for folder in folders if folder not in splits]
    classes = [folder for folder in rest if folder not in named and _images_in(folder)]
    if len(splits) == 1 and classes:
        raise ValueError(
            f"The name {_listed(splits)} in {root} means a split, but {_listed(classes)} beside it could be "
            f"classes. {LAYOUT}"
        )
    for split in SPLITS:
        twice = [folder for folder, its in splits.items() if its == split]
        if len(twice) > 1:
            raise ValueError(f"{_listed(twice)} in {root} are both the {split} split: keep one of them.")
    if "train" not in splits.values():
        raise ValueError(f"{root} has {_listed(splits)}, but no train/. {LAYOUT}")
    for folder in rest:
        found = find_images(folder)
        if not found.images or _is_own(folder.name, found):
            continue
        why = "has no class directories" if folder in named else "is beside the splits"
        left_out.append(f"{len(found.images)} images in {shown_name(folder.name)}/, which {why}")
    return {split: folder for split in SPLITS for folder, its in splits.items() if its == split}


def _split_name(name: str) -> str | None:
    """Return "train", "val" or "test" for a name such as Training, valid, test_set or val2017, else None."""
    word = re.sub(r"[\W_]+", "", name.casefold())
    return SPLIT_NAMES.get(re.sub(r"(set|data|images|split)?(\d{4}|1)?$", "", word))


def _classes(folder: Path, left_out: list[str]) -> dict[str, Found]:
    """Return what is in each class directory, by its name."""
    folders = _subfolders(folder, left_out)
    real = {os.path.realpath(each) for each in folders}
    found: dict[str, Found] = {}
    for each in folders:
        name = unicodedata.normalize("NFC", each.name)  # macOS and Linux may write one name in two ways
        found[each.name if name in found else name] = find_images(each, real)
    return {name: each for name, each in found.items() if not _is_own(name, each)}


def _is_own(name: str, found: Found) -> bool:
    """Return whether a directory was written by this program: by default, runs are in outputs/."""
    return found.own and (name == "outputs" or not found.images and not found.others)


def _too_few_classes(folder: Path, classes: dict[str, Found]) -> str:
    advice = "Put the images of at least two classes into a subdirectory each."
    if not classes:
        loose = _images_in(folder)
        return f"There is no class in {folder}{f', only {loose} images' if loose else ''}. {advice}"
    ((name, found),) = classes.items()
    if not found.direct and len(inside := _subfolders(folder / name)) > 1:
        advice = f"If you mean {_listed(inside)} in it, choose data.root={folder / name}."
    return f"There is only one class, {shown_name(name)}, in {folder}. {advice}"


def _check_classes(folder: Path, classes: dict[str, Found]) -> None:
    empty = [name for name, found in classes.items() if not found.images]
    if empty:
        holds = [f"It has {said}. " for name in empty if (said := not_images(classes[name].others))]
        raise ValueError(
            f"There are no images in {', '.join(shown_name(folder / name) for name in empty)}. "
            f"{''.join(holds)}Add some (such as .jpg or .png), or remove the directory."
        )
    if not any(found.direct for found in classes.values()):
        raise ValueError(
            f"The subdirectories of {folder} hold only directories, no images: "
            f"{_listed(map(Path, classes))}. {LAYOUT}"
        )


def _subfolders(folder: Path, left_out: list[str] | None = None) -> list[Path]:
    """Return the subdirectories that may hold data, sorted, without links to what is read anyway."""
    children = [child for child in sorted(folder.iterdir()) if child.is_dir()]
    usable = [child for child in children if not is_junk(child.name) and not holds_runs(child)]
    kept = [child for child in usable if not child.is_symlink()]
    real = {os.path.realpath(child) for child in kept}
    for link in (child for child in usable if child.is_symlink()):
        target = os.path.realpath(link)
        if not _overlaps(target, real | {os.path.realpath(folder)}):
            kept.append(link)
            real.add(target)
        elif left_out is not None:
            left_out.append(f"the link {shown_name(link.name)} to a directory that is read anyway")
    return sorted(kept)


def _images_in(folder: Path) -> int:
    """Return the number of images directly in a directory."""
    return sum(
        child.suffix.lower() in SUFFIXES and not child.name.startswith(".") and child.is_file()
        for child in folder.iterdir()
    )


def is_junk(name: str) -> bool:
    """Return whether a directory is hidden, or one that systems leave behind."""
    return name.startswith(".") or name in JUNK_FOLDERS


def holds_runs(folder: str | Path) -> bool:
    """Return whether a directory is a run or a sweep of this program, or a virtual environment."""
    return any(os.path.lexists(os.path.join(folder, name)) for name in NOT_DATA)


def _overlaps(path: str, others: Iterable[str]) -> bool:
    """Return whether one of the real paths is `path`, contains it, or is inside it."""
    ends = [(os.path.join(path, ""), os.path.join(other, "")) for other in others]
    return any(one.startswith(other) or other.startswith(one) for one, other in ends)


def _listed(folders: Iterable[Path]) -> str:
    return ", ".join(f"{shown_name(folder.name)}/" for folder in folders)
