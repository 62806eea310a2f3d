"""Prepare what every job of a sweep needs: the server of `cli/launcher.py` imports this module.

Nothing here computes with torch: the threads that it would start do not exist in a fork.
"""

import gc

from hydra.core.plugins import Plugins

from intro_dl.config.compose import composed

Plugins.instance()  # Hydra looks for all its plugins
composed("optim.lr=0.1")  # and prepares its grammar
gc.freeze()  # the jobs share this memory as long as they do not collect it
