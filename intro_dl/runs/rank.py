"""Which process of a run on several devices this one is."""

import os

LAUNCHER = "INTRO_DL_LAUNCHER"  # process id and run folder of the launcher, for the processes that it starts
TORCHRUN = "TORCHELASTIC_RUN_ID"  # set by torch's launcher, here and in torchrun


def in_torchrun() -> bool:
    """Return whether torch's launcher has started this process, as one of several.

    Variables of a cluster, such as SLURM_NTASKS in the shell of `salloc`, or RANK alone, do not count.
    """
    return {TORCHRUN, "RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()


def rank() -> int:
    """Return the number of this process among those of its run."""
    return int(os.environ["RANK"]) if in_torchrun() else 0


def is_worker() -> bool:
    """Return whether this process was started by `launch` of training/devices.py."""
    return LAUNCHER in os.environ and in_torchrun()
