"""Train one lecture model.

python scripts/train.py model=lenet optim=adam
python scripts/train.py -m model=lenet optim.lr=1e-4,1e-3,1e-2
python scripts/train.py sweep=lr model=lenet optim=sgd
python scripts/train.py resume=outputs/lenet/<run>
python scripts/train.py resume=outputs/sweeps/<time>
"""

import sys

from intro_dl.runs.program import run_script

if __name__ == "__main__":
    sys.exit(run_script(None, "intro_dl.cli.train:main", sys.argv[1:]))
