"""Put the results of the lectures' recipes into a table, with several seeds each.

python scripts/results.py                                       write RESULTS.md from results/*.json
python scripts/results.py outputs/sweeps/<time>                 first add the runs of a sweep to results/
python scripts/results.py runs/ machine="8 cores of a ..."      several sweeps at once, and what they ran on
python scripts/results.py runs/cifar test_images=1000           tested on fewer than all 10,000 images

The images of a recipe may lie in files: data=image_folder data.root=<folder> is no change of it.

Runs are those of `python scripts/train.py -m experiment=<recipe> seed=0,1,2,3,4`; they take the place of
earlier ones of the same recipe. Five seeds are wanted, three where a trick is removed, one of the nets of 56
layers: seeds=2 is content with less.

Exit code: 0, or 1 with a sentence about what is wrong; then nothing is written.
"""

import sys

from intro_dl.config.options import run_script
from intro_dl.results.command import main

if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
