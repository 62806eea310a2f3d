"""Collect the results of the lectures' experiments, with several seeds each, and write RESULTS.md.

python scripts/results.py                                       write RESULTS.md from results/*.json
python scripts/results.py outputs/sweeps/<time>                 first add the runs of a sweep to results/
python scripts/results.py runs/ machine="8 cores of a ..."      several sweeps, and the machine they ran on
python scripts/results.py runs/cifar test_images=1000           tested on fewer than all 10,000 images

Train the runs with `python scripts/train.py -m experiment=<name> seed=0,1,2,3,4`. They replace earlier runs
of the same experiment. The images may be in files: data=image_folder data.root=<folder> counts as the same
experiment.

Each experiment needs five seeds, an ablation three, a network of 56 layers one. To accept fewer, set seeds=2.

Exit code: 0, or 1 with an error message; then nothing is written.
"""

import sys

from intro_dl.runs.program import run_script

if __name__ == "__main__":
    sys.exit(run_script(__doc__, "intro_dl.results.command:main", sys.argv[1:]))
