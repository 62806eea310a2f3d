"""Set runs side by side: what differs between them, what came out, and a plot of it.

python scripts/compare.py outputs/lenet                           every run at or below a folder
python scripts/compare.py outputs/sweeps/<time> by=optim.lr       the plot's horizontal axis
python scripts/compare.py outputs/lenet outputs/mlp metric=accuracy/test out=outputs/compare
python scripts/compare.py outputs/sweeps/<time> by=optim.lr,data.batch_size     a grid of two

Runs that differ only in their seed become one row: mean, standard deviation, and their number n. Rows are
sorted by `metric` (loss/val). compare.csv, compare.md and compare.png are written to `out`: the folder, or
outputs/compare for several folders. Runs without a result are listed with the reason.

Exit code: 0; 1 if there is nothing to compare or every run diverged; 2 if an argument is wrong.
"""

import sys

from intro_dl.compare.command import main

if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__.strip())
        sys.exit(0)
    sys.exit(main(sys.argv[1:]))
