"""Write files completely or not at all, read them up to a limit, and explain disk errors."""

import csv
import errno
import html
import io
import json
import math
import os
import re
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import yaml

MOST_BYTES = 200_000_000  # limit for a text or a table; a text takes about ten times as much memory
MOST_SMALL = 2_000_000  # limit for a JSON or YAML file of a run: they have a few thousand bytes
MOST_DEPTH = 50  # of lists and mappings inside of each other
MOST_CHARACTERS = 10_000  # of one value in a YAML file: a number of a million digits takes minutes to read
# Control characters, line ends, and marks that change the direction of the text after them.
NOT_PRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def write_whole(path: Path, content: bytes | memoryview | str) -> None:
    """Write `content` to the file `path`, completely or not at all, even if the power fails.

    The content is written to a temporary file, which replaces the file when it is safe on the disk. After a
    power failure the file is the old or the new one. A killed process leaves a `<name>.tmp` behind, which is
    never read.

    Raises:
        OSError: if the directory cannot be written or the disk is full; the file is unchanged.
        ValueError: if `path` is a directory or a device.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"Cannot write {path}: it is not a regular file. Name another one.")
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        unfinished.unlink(missing_ok=True)  # left by a killed process; or a link, which must not be followed
        with unfinished.open("xb") as file:
            # A name that is not UTF-8 has surrogates; JSON reads them back.
            file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        replace(unfinished, path)
    except BaseException:
        with suppress(OSError):  # the first error says why
            unfinished.unlink(missing_ok=True)  # a full disk needs the space
        raise


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let one process enter at a time, e.g. of several that need the same download.

    Args:
        lock: a file for this purpose; it is removed.
    """
    from filelock import FileLock

    held = FileLock(lock)
    with suppress(OSError, NotImplementedError):  # a directory that cannot be written, or locked
        lock.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    try:
        yield
    finally:
        held.release()
        with suppress(OSError):
            lock.unlink()


def require_writable(folder: Path, given: str, kind: str) -> None:
    """Make a directory and try to write there, before anything is computed.

    Args:
        given: the argument as it was typed, e.g. "out=figures".
        kind: what to choose instead: "file" or "directory".

    Raises:
        ValueError: if nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(f"Cannot write {given}: {error.strerror}. Choose another {kind}.") from error


def replace(unfinished: Path, path: Path) -> None:
    """Give a file its final name, also on Windows, where a virus scanner may have opened it for a moment."""
    for _ in range(20 if os.name == "nt" else 0):
        with suppress(PermissionError):
            unfinished.replace(path)
            return
        time.sleep(0.1)
    unfinished.replace(path)


def read_limited(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a file that a user names, or that a run folder holds.

    Raises:
        OSError: if it is missing, or cannot be read.
        ValueError: if it has more than `most` bytes, which could fill the memory, or is not a regular file:
            a pipe or a device may never end.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError(f"{shown_path(path)} is not a regular file: copy its content into one.")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{shown_path(path)} has more than {most:,} bytes: use a part of it.")
    return content


def read_json(path: Path) -> Any:
    """Return the content of a JSON file that somebody else may have written; its texts are printable.

    Raises:
        OSError: if it is missing, or cannot be read.
        ValueError: if it is too large or not valid JSON, or holds a number that is not finite.
    """
    numbers: Any = {"parse_constant": _finite, "parse_float": _finite, "parse_int": _integer}
    try:
        return _printable(json.loads(read_limited(path, MOST_SMALL).decode(), **numbers))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is truncated or not valid JSON") from error


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is not finite")
    return value


def _integer(text: str) -> int:
    if len(text) > 19:
        raise ValueError("an integer of more than 64 bits")
    return int(text)


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {one_line(key): _printable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_printable(entry) for entry in value]
    return one_line(value) if isinstance(value, str) else value


def to_json(value: Any) -> str:
    """Return the text of a JSON file. Numbers that are not finite become null: JSON has no word for them."""
    text = json.dumps(_without_infinity(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return re.sub("[\ud800-\udfff]", lambda part: f"\\u{ord(part[0]):04x}", text)  # of a file name, perhaps


def to_csv(columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return a table as CSV. A spreadsheet reads no cell of it as a formula."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(columns))
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"'{text}" if text[:1] in set("=+-@") else text for key, text in row.items()})
    return file.getvalue()


def _without_infinity(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_infinity(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinity(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file of a run.

    Raises:
        ValueError: if it is missing, damaged, or would take much memory or time: a few lines can expand to
            millions of values with anchors, which this program never writes.
    """
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the loader in C is ten times as fast
    try:
        text = read_limited(path, MOST_SMALL).decode()
        depth = 0
        for event in yaml.parse(text, loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            too_long = isinstance(event, yaml.ScalarEvent) and len(event.value) > MOST_CHARACTERS
            if depth > MOST_DEPTH or too_long or isinstance(event, yaml.AliasEvent):
                raise ValueError
        return yaml.load(text, loader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(f"{shown_path(path)} is truncated or not valid YAML.") from error


def typed_path(text: str | Path) -> Path:
    """Return the path that a user typed, with `~` expanded.

    Raises:
        ValueError: if it begins with the home directory of an unknown user.
    """
    path = os.path.expanduser(text)
    if path.startswith("~"):
        raise ValueError(f"Unknown user in {path}. For a file or directory of this name, write ./{path}.")
    if "\0" in path:
        raise ValueError(f"Invalid path {path!r}: a path cannot contain a NUL character.")
    return Path(path)


def one_line(text: str, most: int = 2_000) -> str:
    """Return text from a run folder on one line of at most `most` characters, with escapes for controls."""
    text = text if len(text) <= most else f"{text[:most]}..."
    return NOT_PRINTABLE.sub(lambda part: ascii(part[0])[1:-1], text)


def in_markdown(text: str) -> str:
    """Return text for a cell of a Markdown table: no HTML, no further columns, no images or links."""
    return html.escape(one_line(text), quote=False).replace("|", "\\|").replace("](", "]\\(")


def explain_os_error(error: BaseException | None) -> str | None:
    """Return an explanation of a disk error and what to do; None for any other error."""
    while error is not None and not isinstance(error, OSError):
        if isinstance(error, ValueError) and not str(error).startswith("Unable to configure handler"):
            return None  # one of our sentences; logging raises this one if it cannot open its file
        error = error.__cause__
    if error is None or not error.strerror:
        return None
    file = f" ({str(error.filename).removesuffix('.tmp')})" if error.filename else ""
    what, advice = REASONS.get(error.errno or 0, (error.strerror, ""))
    return f"{what}{file}. {advice}".rstrip()


OTHER = "Choose another directory, e.g. with run_dir=, out= or data.root=."
FULL = "The disk or your quota is full", "Free some space, or choose another disk with run_dir= or out=."
FORBIDDEN = "Permission denied", OTHER
if os.name == "nt":
    FORBIDDEN = FORBIDDEN[0], f"Close the programs that have it open. {OTHER}"
NO_FOLDER = "There is a file where a directory should be", "Move it, or choose another run_dir= or out=."
REASONS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: ("The file would be larger than the limit of this system", FULL[1]),
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
    errno.EROFS: ("The disk is read-only", OTHER),
    errno.ENOTDIR: NO_FOLDER,
    errno.EEXIST: NO_FOLDER,
    errno.EISDIR: ("There is a directory where a file should be", "Move it, or choose another one."),
    errno.ENAMETOOLONG: ("A name is too long for this system", "Choose a shorter one."),
    errno.ENOENT: ("A file or directory is missing", "If it was deleted during the run, start it again."),
}


def shown_path(path: str | Path) -> str:
    """Return a path as short as it can be typed from the current directory."""
    absolute = Path(os.path.realpath(path))  # unlike Path.resolve, it answers for a link to itself
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def typed(word: str) -> str:
    """Return a word as a user types it in a shell: in quotes if it needs them."""
    if os.name == "nt":  # cmd only knows double quotes, and PowerShell splits at commas
        return word if re.fullmatch(r"[\w.:/=-]+", word) else f'"{word}"'
    return shlex.quote(word)
