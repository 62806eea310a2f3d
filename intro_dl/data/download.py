"""Downloads that leave either a whole, checked file or nothing."""

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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import DownloadColumn, Progress

log = logging.getLogger(__name__)

SECONDS_OF_SILENCE = 30  # after which a server is given up
LEAST_RATE = 2_000  # bytes a second, on average; a slower server is given up
MOST_BYTES = 1_000_000_000  # no file of ours is as large

# What can happen between here and a server, or on the disk.
FAILURES = (OSError, http.client.HTTPException, ValueError, EOFError, KeyError, tarfile.TarError, zlib.error)


@dataclass(frozen=True)
class Archive:
    """A compressed file to download, and what is taken out of it.

    Args:
        urls: where it is; the next one is asked where one fails.
        md5: checksum of the whole archive, 32 hexadecimal digits.
        files: paths below the folder of all data sets: of the one file of a .gz, or of members of a .tar.gz,
            which have the same paths there. Nothing else is taken out, whatever the archive holds.
    """

    urls: Sequence[str]
    md5: str
    files: Sequence[str]


def fetch_archives(name: str, root: Path, archives: Sequence[Archive], instead: str) -> None:
    """Download the archives of a data set and unpack them below `root`, but for the files that are there.

    Every file appears whole or not at all: several processes may do the same at once.

    Args:
        name: of the data set; for the message.
        root: folder of all data sets.
        archives: what the set consists of.
        instead: data that need no download, e.g. "data=digits"; for the message.

    Raises:
        ValueError: if the files are neither there nor to be had; it names the folder and what to do.
    """
    if not all((root / file).is_file() for archive in archives for file in archive.files):
        log.warning("Downloading %s to %s", name, root.resolve())
    for archive in archives:
        missing = [file for file in archive.files if not (root / file).is_file()]
        if not missing:
            continue
        try:
            with _folder_beside(root) as folder:
                packed = folder / archive.urls[0].rpartition("/")[2]
                _download(archive.urls, packed, archive.md5)
                for file in missing:
                    _unpack(packed, file, folder / "unpacked")
                    _put(folder / "unpacked", root / file)
        except FAILURES as error:
            raise ValueError(
                f"{name} is not in {root.resolve()} and could not be downloaded: {_reason(error)}. "
                "Connect to a network, or name the folder that holds it with data.root=<folder> or the "
                f"environment variable INTRO_DL_DATA, or take data that need no download: {instead}."
            ) from error


def fetch(urls: Sequence[str], path: Path, md5: str, instead: str) -> None:
    """Download one file, unless it is there; either way its checksum must match.

    A file that is there with another checksum is left as it is.

    Args:
        urls: where the file is; the next one is asked where one fails.
        path: where it goes; the folder is made if need be.
        md5: checksum of the whole file, 32 hexadecimal digits.
        instead: data that need no download, e.g. "data=pydoc"; for the message.

    Raises:
        ValueError: if the file has another checksum, or is neither there nor to be had.
    """
    if path.exists():
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        if found != md5:
            raise ValueError(
                f"{path.resolve()} is not the file that belongs there: its md5 is {found}, not {md5}. "
                "Move it away, and the next run downloads the right one."
            )
        return
    try:
        with _folder_beside(path.parent) as folder:
            _download(urls, folder / path.name, md5)
            _put(folder / path.name, path)
    except FAILURES as error:
        raise ValueError(
            f"{path.name} is not in {path.parent.resolve()} and could not be downloaded: {_reason(error)}. "
            f"Connect to a network, or name the folder that holds {path.parent.name}/{path.name} with "
            "data.root=<folder> or the environment variable INTRO_DL_DATA, or take data that need no "
            f"download: {instead}."
        ) from error


class _folder_beside(tempfile.TemporaryDirectory):
    """A folder for what is not whole yet, on the disk of `place`, which need not exist."""

    def __init__(self, place: Path) -> None:
        place = place.absolute()
        existing = next(parent for parent in [place, *place.parents] if parent.is_dir())
        super().__init__(prefix=".download-", dir=existing)

    def __enter__(self) -> Path:
        return Path(super().__enter__())


def _put(file: Path, path: Path) -> None:
    """Move a whole file to its place, at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file.replace(path)


def _unpack(packed: Path, member: str, path: Path) -> None:
    """Write to `path` the one file of a .gz, or the member of that name of a .tar.gz."""
    if packed.name.endswith(".tar.gz"):
        with tarfile.open(packed) as tar:
            content = tar.extractfile(member)
            if content is None:
                raise ValueError(f"{member} in {packed.name} is no file")
            _write(content, path)
    else:
        with gzip.open(packed) as content:
            _write(content, path)


def _write(content: BinaryIO, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)
        _flush(file)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())  # before it gets its name: a power cut leaves the whole file, or none


def _download(urls: Sequence[str], path: Path, md5: str) -> None:
    """Write to `path` what the first of `urls` holds that has the right file."""
    reasons = []
    for url in urls:
        try:
            _download_from(url, path, md5)
            return
        except (OSError, http.client.HTTPException, ValueError) as error:
            reasons.append(f"{url}: {_reason(error)}")
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it is the server's answer, too
            if len(reasons) < len(urls):
                log.warning("%s. Trying the next mirror.", reasons[-1])
    raise ValueError("; ".join(reasons))


def _download_from(url: str, path: Path, md5: str) -> None:
    """Write what `url` holds to `path`, showing progress, and compare its checksum."""
    digest = hashlib.md5(usedforsecurity=False)
    columns = [*Progress.get_default_columns(), DownloadColumn()]
    began, received = time.monotonic(), 0
    with urllib.request.urlopen(url, timeout=SECONDS_OF_SILENCE) as response, path.open("wb") as file:
        if response.headers.get_content_type() == "text/html":
            raise ValueError("a web page came instead of the file; a login page, perhaps")
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
        raise ValueError(f"what came has the md5 {digest.hexdigest()}, not {md5}")


def _reason(error: Exception) -> str:
    reason = error.reason if type(error) is urllib.error.URLError else error
    return " ".join(str(reason).split()) or type(error).__name__
