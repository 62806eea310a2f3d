"""Files that are whole or not there, whatever happens while they are written. Free of torch."""

import errno
import os
from pathlib import Path

MOST_BYTES = 200_000_000  # of a text or a table; a text takes about ten times as much memory


def write_whole(path: Path, content: bytes | memoryview | str) -> None:
    """Put `content` into the file `path`, whole or not at all, even if the power fails meanwhile.

    It is written beside the file and takes its place when it is safe on the disk; until then, the file from
    before stays. What a killed process leaves behind is called `<name>.tmp`, and nothing reads it.

    Raises:
        OSError: if the folder is gone or cannot be written, or the disk is full; the file is as it was.
    """
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        try:
            unfinished.unlink(missing_ok=True)  # on a full disk, its room is needed
        except OSError:
            pass  # a disk that cannot be written: the first error says so
        raise
    if os.name == "posix":  # the new name is safe when the folder is; elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_limited(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file that a user names.

    Raises:
        ValueError: if it has more than `most` bytes: read whole, it would fill the memory.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path} has more than {most:,} bytes: take a part of it.")
    return content


def explain_os_error(error: BaseException | None) -> str | None:
    """What a disk or a folder did not allow, and what to do; None if `error` is about something else."""
    while error is not None and not isinstance(error, OSError):
        if isinstance(error, ValueError) and not str(error).startswith("Unable to configure handler"):
            return None  # a sentence of ours; the exception is how logging says that it has no file
        error = error.__cause__
    if error is None or error.errno not in REASONS:
        return None
    file = f" ({str(error.filename).removesuffix('.tmp')})" if error.filename else ""
    what, advice = REASONS[error.errno]
    return f"{what}{file}. {advice}"


FULL = "The disk is full, or your share of it", "Make room, or choose another disk with run_dir=."
FORBIDDEN = "This cannot be written or read by you", "Choose another folder, e.g. with run_dir=."
REASONS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: ("The file would be larger than is allowed here", FULL[1]),
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
    errno.EROFS: FORBIDDEN,
    errno.ENOTDIR: ("A file stands where a folder should be", "Move it, or choose another run_dir=."),
    errno.EEXIST: ("A file stands where a folder should be", "Move it, or choose another run_dir=."),
    errno.ENOENT: ("A file or folder is gone", "Was it deleted while the run used it? Begin again."),
}


def shown_path(path: str | Path) -> str:
    """Return a path as short as it can be typed from the current directory."""
    absolute = Path(path).resolve()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)
