"""Compare runs: a table of their different settings and their results, and a plot.

python scripts/compare.py outputs/lenet                           every run at or below a folder
python scripts/compare.py outputs/sweeps/<time> by=optim.lr       choose the horizontal axis of the plot
python scripts/compare.py outputs/sweeps/<time> by=optim.lr,data.batch_size     a heat map over two settings
python scripts/compare.py outputs/lenet outputs/mlp metric=accuracy/test out=outputs/compare

Runs that differ only in their seed become one row: mean, standard deviation and number of runs n. Rows are
sorted by `metric` (default: loss/val), best first. compare.csv, compare.md and compare.png are written to
`out` (default: the folder, or outputs/compare for several folders). Runs without a result are listed with
the reason.

Exit code: 0, or 1 with an error message, also if every run diverged.
"""

import sys

from intro_dl.runs.program import run_script

if __name__ == "__main__":
    sys.exit(run_script(__doc__, "intro_dl.compare.command:main", sys.argv[1:]))
