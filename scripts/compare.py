"""Set runs side by side: what differs between them, what came out, and a plot of it.

python scripts/compare.py outputs/lenet                           every run at or below a folder
python scripts/compare.py outputs/sweeps/<time> by=optim.lr       the plot's horizontal axis
python scripts/compare.py outputs/lenet outputs/mlp metric=accuracy/test out=outputs/compare
python scripts/compare.py outputs/sweeps/<time> by=optim.lr,data.batch_size     a grid of two

Runs that differ only in their seed become one row: mean, standard deviation, and their number n. Rows are
sorted by `metric` (loss/val). compare.csv, compare.md and compare.png are written to `out`: the folder, or
outputs/compare for several folders. Runs without a result are listed with the reason.

Exit code: 0, or 1 with a sentence about what is wrong, also if every run diverged.
"""

import sys

from intro_dl.compare.command import main
from intro_dl.config.options import run_script

if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
