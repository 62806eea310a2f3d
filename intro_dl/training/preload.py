"""Import what every run needs. A sweep imports this module once, and forks its jobs from that process:

    multiprocessing.get_context("forkserver").set_forkserver_preload(["intro_dl.training.preload"])

A job then starts without the seconds of these imports. Their objects are not searched for garbage again,
which would take 0.1 s in each job and copy the memory that the jobs share. Nothing is computed with torch:
its threads would not survive the fork.
"""

import gc
import logging
from importlib import import_module

from PIL import Image

from intro_dl.data.images import read_digits
from intro_dl.visualize.curves import learning_curves
from intro_dl.visualize.style import pixels

EVERY_RUN = (  # modules that no other one imports at its top, e.g. those that configs/every_run.yaml names
    "fsspec.implementations.chained",
    "intro_dl.models.layers",
    "intro_dl.training.progress",
    "intro_dl.training.train",
    "intro_dl.visualize.images",
    "intro_dl.visualize.mistakes",
    "intro_dl.visualize.regions",
    "intro_dl.visualize.sentences",
    "rich._emoji_codes",
    "tensorboard.plugins.hparams.metadata",
    "torch.utils.serialization.config",
)

for name in EVERY_RUN:
    import_module(name)
# Lightning prints its messages by itself if it is imported before Hydra has set up the logging.
for library in map(logging.getLogger, ("pytorch_lightning", "lightning_fabric")):
    library.handlers, library.propagate = [], True
read_digits()  # with scikit-learn
Image.preinit()  # the formats that Pillow tries
pixels(learning_curves([{"epoch": 1, "loss/train": 1.0, "loss/val": 1.0}], 1))  # matplotlib caches its fonts
gc.collect()
gc.freeze()
