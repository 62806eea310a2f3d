"""Downloads that leave either a whole, checked file or nothing."""

import contextlib
import hashlib
import http.client
import logging
import re
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.progress import DownloadColumn, Progress

log = logging.getLogger(__name__)

SECONDS_OF_SILENCE = 30  # after which a server is given up


def download_torchvision(dataset: str, root: Path, files: list[str]) -> None:
    """Let torchvision download a data set, unless its files are there.

    torchvision shows the progress and compares checksums. It downloads into a folder of its own beside the
    data, from where only whole files are moved into place.

    Args:
        dataset: name of the class in torchvision.datasets.
        root: folder of all data sets.
        files: paths below `root` that the data set needs.

    Raises:
        ValueError: if the files are neither there nor to be had; it names the folder and what to do.
    """
    if all((root / file).is_file() for file in files):
        return
    import torchvision  # here, because only a download needs it

    reason = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as folder:
            log.warning("Downloading %s to %s", dataset, root.resolve())
            with contextlib.redirect_stdout(sys.stderr):
                getattr(torchvision.datasets, dataset)(folder, download=True)
            for file in files:
                if not (root / file).is_file():
                    (root / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(Path(folder) / file, root / file)
    except (OSError, RuntimeError) as error:
        reason = re.findall(r"<urlopen error (.*?)>", str(error))[-1:] or [str(error).split("\n")[0]]
    if reason:
        raise ValueError(
            f"{dataset} is not in {root.resolve()} and could not be downloaded: {reason[0].strip()}. "
            "Connect to a network, or name the folder that holds it with data.root=<folder> or the "
            "environment variable INTRO_DL_DATA, or take data that needs no download: data=digits."
        )


def fetch(url: str, path: Path, md5: str, instead: str) -> None:
    """Download one file, unless it is there; either way its checksum must match.

    A file that is there with another checksum is left as it is.

    Args:
        url: where the file is.
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
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=path.parent) as folder:
            partial = Path(folder) / path.name
            _download(url, partial, md5)
            partial.replace(path)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if type(error) is urllib.error.URLError else error
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the server's answer, too
        raise ValueError(
            f"{path.name} is not in {path.parent.resolve()} and could not be downloaded from {url}: "
            f"{' '.join(str(reason).split())}. Connect to a network, or name the folder that holds "
            f"{path.parent.name}/{path.name} with data.root=<folder> or the environment variable "
            f"INTRO_DL_DATA, or take data that need no download: {instead}."
        ) from error


def _download(url: str, path: Path, md5: str) -> None:
    """Write what `url` holds to `path`, showing progress, and compare its checksum."""
    digest = hashlib.md5(usedforsecurity=False)
    columns = [*Progress.get_default_columns(), DownloadColumn()]
    with urllib.request.urlopen(url, timeout=SECONDS_OF_SILENCE) as response, path.open("wb") as file:
        size = int(response.headers.get("Content-Length", 0)) or None
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task(f"Downloading {path.name}", total=size)
            while chunk := response.read(64 * 1024):
                file.write(chunk)
                digest.update(chunk)
                progress.advance(bar, len(chunk))
    received = path.stat().st_size
    if size is not None and received < size:
        raise ValueError(f"the connection ended after {received:,} of {size:,} bytes")
    if digest.hexdigest() != md5:
        raise ValueError(f"what came has the md5 {digest.hexdigest()}, not {md5}; a login page, perhaps")
