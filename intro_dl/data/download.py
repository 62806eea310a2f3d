"""Downloads that leave either a whole, checked file or nothing."""

import contextlib
import logging
import re
import shutil
import sys
import tempfile
from pathlib import Path

log = logging.getLogger(__name__)


def download_torchvision(dataset: str, root: Path, files: list[str]) -> None:
    """Let torchvision download a data set, unless its files are there.

    torchvision shows the progress and compares checksums. It downloads into a folder of its own beside the data,
    from where only whole files are moved into place.

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
            "Connect to a network, or name the folder that holds it with data.root=<folder> or the environment "
            "variable INTRO_DL_DATA, or take data that needs no download: data=digits."
        )
