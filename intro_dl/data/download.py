"""Downloads that leave either a complete, checked file or nothing.

pooch was tried and is not used here. It has no mirrors and no limits on size or slowness, it overwrites a
user's own file of the same name, and it reports a login page or an endless answer as a wrong checksum.
"""

import gzip
import hashlib
import http.client
import logging
import os
import shutil
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import DownloadColumn, Progress

log = logging.getLogger(__name__)

SECONDS_OF_SILENCE = 30  # after which a server is given up
LEAST_RATE = 2_000  # bytes per second, on average; a slower server is given up
MOST_BYTES = 1_000_000_000  # none of our files is as large

# What can go wrong on the network, in a file or on the disk.
FAILURES = (OSError, http.client.HTTPException, ValueError, EOFError, KeyError, tarfile.TarError, zlib.error)


@dataclass(frozen=True)
class Archive:
    """A compressed file to download, and the files to extract from it.

    Args:
        urls: mirrors, tried in this order.
        md5: checksum of the archive, 32 hexadecimal digits.
        files: paths below the directory of all data sets: the one file of a .gz, or members of a .tar.gz,
            which have the same paths there. Nothing else is extracted, whatever the archive holds.
    """

    urls: Sequence[str]
    md5: str
    files: Sequence[str]


def fetch_archives(name: str, root: Path, archives: Sequence[Archive], instead: str) -> None:
    """Download the archives of a data set and unpack them below `root`, except files that exist.

    Every file appears completely or not at all: several processes may do the same at once.

    Args:
        name: name of the data set, for the message.
        root: directory of all data sets.
        archives: all archives of the set.
        instead: data that need no download, e.g. "data=digits", for the message.

    Raises:
        ValueError: if a file is missing and cannot be downloaded; it names the directory and what to do.
    """
    incomplete = [each for each in archives if not all((root / file).is_file() for file in each.files)]
    if incomplete:
        log.warning("Downloading %s to %s", name, root.resolve())
    for archive in incomplete:
        with _unfinished(name, root, instead) as folder:
            packed = folder / archive.urls[0].rpartition("/")[2]
            _download(archive.urls, packed, archive.md5)
            for file in archive.files:
                if not (root / file).is_file():
                    _unpack(packed, file, folder / "unpacked")
                    _put(folder / "unpacked", root / file)


def fetch(urls: Sequence[str], path: Path, md5: str, instead: str) -> None:
    """Download one file to `<root>/<folder>/<name>`, unless it exists; check its checksum in both cases.

    An existing file with another checksum is never changed.

    Args:
        urls: mirrors, tried in this order.
        path: where to put the file.
        md5: checksum of the file, 32 hexadecimal digits.
        instead: data that need no download, e.g. "data=pydoc", for the message.

    Raises:
        ValueError: if the file has another checksum, or is missing and cannot be downloaded.
    """
    if path.exists():
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        if found != md5:
            raise ValueError(
                f"{path.resolve()} is not the expected file: its md5 is {found}, not {md5}. Move it away, "
                "and the next run downloads the right one."
            )
        return
    with _unfinished(f"{path.parent.name}/{path.name}", path.parent.parent, instead) as folder:
        _download(urls, folder / path.name, md5)
        _put(folder / path.name, path)


@contextmanager
def _unfinished(name: str, root: Path, instead: str) -> Iterator[Path]:
    """Provide a directory for unfinished files on the disk of `root`; explain a failure in one sentence."""
    root = root.absolute()
    try:
        existing = next(folder for folder in [root, *root.parents] if folder.is_dir())
        with tempfile.TemporaryDirectory(prefix=".download-", dir=existing) as folder:
            yield Path(folder)
    except FAILURES as error:
        raise ValueError(
            f"{name} is not in {root} and could not be downloaded: {_reason(error)}. Connect to a network, "
            "or name the directory that holds it with data.root=<directory> or the environment variable "
            f"INTRO_DL_DATA, or use data that need no download: {instead}."
        ) from error


def _put(file: Path, path: Path) -> None:
    """Move a complete file to its place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file.replace(path)


def _unpack(packed: Path, member: str, path: Path) -> None:
    """Write the one file of a .gz, or the named member of a .tar.gz, to `path`."""
    if not packed.name.endswith(".tar.gz"):
        with gzip.open(packed) as content:
            _write(content, path)
        return
    with tarfile.open(packed) as archive:
        content = archive.extractfile(member)
        if content is None:
            raise ValueError(f"{member} in {packed.name} is not a file")
        _write(content, path)


def _write(content: IO[bytes] | gzip.GzipFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)
        _flush(file)


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())  # before it gets its name: a power cut leaves the complete file or none


def _download(urls: Sequence[str], path: Path, md5: str) -> None:
    """Write the file of the first mirror that has the right one to `path`."""
    reasons = []
    for url in urls:
        try:
            return _download_from(url, path, md5)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reasons.append(f"{url}: {_reason(error)}")
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it is also the server's answer
            if len(reasons) < len(urls):
                log.warning("%s. Trying the next mirror.", reasons[-1])
    raise ValueError("; ".join(reasons))


def _download_from(url: str, path: Path, md5: str) -> None:
    """Write the content of `url` to `path` with a progress bar, and check it."""
    digest = hashlib.md5(usedforsecurity=False)
    columns = [*Progress.get_default_columns(), DownloadColumn()]
    began, received = time.monotonic(), 0
    with urllib.request.urlopen(url, timeout=SECONDS_OF_SILENCE) as response, path.open("wb") as file:
        if response.headers.get_content_type() == "text/html":
            raise ValueError("the server sent a web page instead of the file, perhaps a login page")
        size = int(response.headers.get("Content-Length", 0)) or None
        console = Console(stderr=True)
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task(f"Downloading {path.name}", total=size)
            while chunk := response.read1(64 * 1024):
                file.write(chunk)
                digest.update(chunk)
                received += len(chunk)
                progress.advance(bar, len(chunk))
                seconds = time.monotonic() - began
                if seconds > SECONDS_OF_SILENCE and received < LEAST_RATE * seconds:
                    raise ValueError(f"the server is too slow: {received:,} bytes in {seconds:.0f} seconds")
                if received > MOST_BYTES:
                    raise ValueError(f"the server sends more than {MOST_BYTES:,} bytes")
        _flush(file)
    if size is not None and received < size:
        raise ValueError(f"the connection ended after {received:,} of {size:,} bytes")
    if digest.hexdigest() != md5:
        raise ValueError(f"the file has the md5 {digest.hexdigest()}, not {md5}")


def _reason(error: Exception) -> str:
    reason = error.reason if type(error) is urllib.error.URLError else error
    return " ".join(str(reason).split()) or type(error).__name__
