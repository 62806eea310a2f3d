"""Train one lecture model.

python scripts/train.py model=lenet optim=adam
python scripts/train.py -m model=lenet optim.lr=1e-4,1e-3,1e-2
python scripts/train.py sweep=lr model=lenet optim=sgd
python scripts/train.py resume=outputs/lenet/<run>
python scripts/train.py resume=outputs/sweeps/<time>
"""

import math
import sys

import hydra
from omegaconf import DictConfig

from intro_dl.cli.app import report_errors, run
from intro_dl.config.validate import check_values
from intro_dl.runs.sweep import earlier_result


@hydra.main(version_base="1.3", config_path="../configs", config_name="train")
def main(cfg: DictConfig) -> float:
    worst = math.inf if cfg.mode == "min" else -math.inf  # what a search gets for a run without a result
    with report_errors(cfg):
        check_values(cfg)
        if earlier := earlier_result(cfg):  # the result of this job, in a sweep that is resumed
            return earlier.metrics.get(cfg.monitor, worst)
        from intro_dl.training.train import (
            train,  # here, so that mistakes are reported before torch is imported
        )

        return train(cfg)
    return worst


if __name__ == "__main__":
    sys.exit(run(main))
