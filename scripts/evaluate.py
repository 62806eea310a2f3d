"""Judge a trained run: loss and accuracy, each class, the confusion matrix, calibration, the surest mistakes.

python scripts/evaluate.py outputs/lenet/<time>                   the best weights on the test split
python scripts/evaluate.py outputs/lenet/<time> split=val         or on the validation split
python scripts/evaluate.py outputs/lenet/<time> data=mnist        on other data of the same classes and sizes
python scripts/evaluate.py outputs/lenet/<time> data.root=/data   its own data, which are elsewhere by now
python scripts/evaluate.py outputs/lenet/<time> weights=last out=<folder>

Inputs are always prepared with the mean and the standard deviation of the run. A regression gets the errors
in the unit of its target, a text model the bits of each character. Tables (CSV), pictures (PNG) and
evaluation.json go to <run>/evaluation/; those of other data, splits or weights to a folder below it.

Exit code: 0, or 1 with a sentence about what is wrong.
"""

import sys

from intro_dl.config.options import run_script
from intro_dl.inference.evaluate import main

if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
