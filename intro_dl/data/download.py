"""Download files so that each is complete and checked, or absent.

pooch was tried and is not used here. It has no mirrors and no limits on size or slowness, and it overwrites a
user's own file of the same name. It reports a login page or an endless answer as a wrong checksum.
"""

import gzip
import hashlib
import http.client
import io
import logging
import os
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

from rich.console import Console
from rich.progress import DownloadColumn, Progress

from intro_dl.runs.files import alone, replace

log = logging.getLogger(__name__)

SECONDS_OF_SILENCE = 30  # after this time, the next server is tried
LEAST_RATE = 2_000  # bytes per second, on average; if a server is slower, the next one is tried
MOST_BYTES = 500_000_000  # held in memory; the largest of our files has 170 million

# What can go wrong on the network, in a file or on the disk.
FAILURES = (OSError, http.client.HTTPException, ValueError, EOFError, KeyError, tarfile.TarError, zlib.error)


@dataclass(frozen=True)
class Archive:
    """A compressed file to download, and the files to extract from it.

    Args:
        urls: mirrors, tried in this order.
        md5: checksum of the archive, 32 hexadecimal digits.
        files: paths below the directory of all data sets: the one file of a .gz, or members of a .tar.gz,
            which have the same paths there. Other members of the archive are not extracted.
    """

    urls: Sequence[str]
    md5: str
    files: Sequence[str]


def fetch_archives(name: str, root: Path, archives: Sequence[Archive], instead: str) -> None:
    """Download the archives of a data set and unpack them below `root`, except files that exist.

    Every file appears completely or not at all, so several processes may call this at the same time.

    Args:
        name: name of the data set, for the message.
        root: directory of all data sets.
        archives: all archives of the set.
        instead: data that need no download, e.g. "data=digits", for the message.

    Raises:
        ValueError: if a file is missing and cannot be downloaded; it names the directory and what to do.
    """
    missing = [file for each in archives for file in each.files if not (root / file).is_file()]
    if not missing:
        return
    for file in missing:
        _check_place(root / file)
    log.warning("Downloading %s to %s.%s", name, root.resolve(), _found_elsewhere(root, missing[0]))
    with _explained(name, root, missing[0], instead), alone(_lock(root)):
        for archive in archives:
            if files := [file for file in archive.files if not (root / file).is_file()]:
                packed = _download(archive.urls, archive.md5)
                for file in files:
                    _write(root / file, _unpack(packed, archive.urls[0], file))


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
    _check_place(path)
    if path.exists():
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        if found != md5:
            raise ValueError(
                f"{path.resolve()} is not the expected file: its md5 is {found}, not {md5}. Move it away, "
                "and the next run downloads the right one."
            )
        return
    root, file = path.parent.parent, f"{path.parent.name}/{path.name}"
    with _explained(file, root, file, instead), alone(_lock(root)):
        if not path.exists():  # another process may have downloaded it meanwhile
            _write(path, _download(urls, md5))


def _lock(root: Path) -> Path:
    """Return a file with which the jobs of a sweep wait for one download; the directory may not exist yet."""
    place = root.absolute()
    return next(each for each in (place, *place.parents) if each.is_dir()) / ".intro_dl_download.lock"


def _check_place(path: Path) -> None:
    """Refuse a directory or a device where a file of a data set should be."""
    if path.exists() and not path.is_file():
        raise ValueError(
            f"{path.absolute()} is not a file. Move it away, and the next run downloads the file."
        )


def _found_elsewhere(root: Path, file: str) -> str:
    """Return a sentence if `root` is one or two levels off: a directory near it holds the data."""
    near = [root.absolute().parent, root.absolute().parent.parent, *(path for path in root.glob("*/"))]
    found = next((folder for folder in near if (folder / file).is_file()), None)
    return f" A copy is in {found.resolve()}: use it with data.root= or INTRO_DL_DATA." if found else ""


@contextmanager
def _explained(name: str, root: Path, file: str, instead: str) -> Iterator[None]:
    """Turn a failure into one sentence that says what to do."""
    try:
        yield
    except FAILURES as error:
        raise ValueError(
            f"{name} is not in {root.absolute()} (there is no {file} in it) and could not be downloaded: "
            f"{_reason(error)}.{_found_elsewhere(root, file)} Connect to a network, or name the directory "
            f"that holds {file} with data.root=<directory> or the environment variable INTRO_DL_DATA, or use "
            f"data that need no download: {instead}."
        ) from error


def _unpack(packed: bytes, url: str, member: str) -> bytes:
    """Return the content of the one file of a .gz, or of the named member of a .tar.gz."""
    if not url.endswith(".tar.gz"):
        return gzip.decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        file = archive.extractfile(member)
        if file is None:
            raise ValueError(f"{member} in {url} is not a file")
        return file.read()


def _write(path: Path, content: bytes) -> None:
    """Write a file completely or not at all; several processes may write the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # before it gets its name: a power cut leaves the complete file or none
        replace(unfinished, path)


def _download(urls: Sequence[str], md5: str) -> bytes:
    """Return the file of the first mirror that has the right one."""
    reasons = []
    for url in urls:
        try:
            return _download_from(url, md5)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reasons.append(f"{url}: {_reason(error)}")
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it is also the server's answer
            if len(reasons) < len(urls):
                log.warning("%s. Trying the next mirror.", reasons[-1])
    raise ValueError("; ".join(reasons))


def _download_from(url: str, md5: str) -> bytes:
    """Return the content of `url`, checked; show a progress bar meanwhile."""
    columns = [*Progress.get_default_columns(), DownloadColumn()]
    content, began = bytearray(), time.monotonic()
    with urllib.request.urlopen(url, timeout=SECONDS_OF_SILENCE) as response:
        if response.headers.get_content_type() == "text/html":
            raise ValueError("the server sent a web page instead of the file, perhaps a login page")
        size = int(response.headers.get("Content-Length", 0)) or None
        console = Console(stderr=True)
        console.quiet = not console.is_terminal  # older releases of rich print an empty line even if disabled
        with Progress(*columns, console=console, disable=console.quiet) as progress:
            bar = progress.add_task(f"Downloading {url.rpartition('/')[2]}", total=size)
            while chunk := response.read1(64 * 1024):
                content += chunk
                progress.advance(bar, len(chunk))
                seconds = time.monotonic() - began
                if seconds > SECONDS_OF_SILENCE and len(content) < LEAST_RATE * seconds:
                    raise ValueError(f"the server is too slow: {len(content)} bytes in {seconds:.0f} seconds")
                if len(content) > MOST_BYTES:
                    raise ValueError(f"the server sends more than {MOST_BYTES:,} bytes")
    if size is not None and len(content) < size:
        raise ValueError(f"the connection ended after {len(content):,} of {size:,} bytes")
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"the file has the md5 {found}, not {md5}")
    return bytes(content)


def _reason(error: Exception) -> str:
    reason = error.reason if type(error) is urllib.error.URLError else error
    return " ".join(str(reason).split()) or type(error).__name__
