"""Evaluate a trained run: loss, accuracy, each class, the confusion matrix, calibration and mistakes.

python scripts/evaluate.py outputs/lenet/<time>                   the best weights on the test split
python scripts/evaluate.py outputs/lenet/<time> split=val         on the validation split
python scripts/evaluate.py outputs/lenet/<time> data=mnist        on other data of the same classes and sizes
python scripts/evaluate.py outputs/lenet/<time> data.root=/data   on its own data in another directory
python scripts/evaluate.py outputs/lenet/<time> weights=last out=<directory>

Inputs are always normalized with the mean and the standard deviation of the run. For a
regression, errors are in the unit of the target; for a text model, there are bits for each character.
Tables (CSV), pictures (PNG) and evaluation.json go to <run>/evaluation/, or to a directory below it for
other data, splits or weights.

Exit code: 0, or 1 with an error message.
"""

import sys

from intro_dl.runs.program import run_script

if __name__ == "__main__":
    sys.exit(run_script(__doc__, "intro_dl.inference.evaluate:main", sys.argv[1:]))
