"""Search over a sweep's values with Optuna, as a Hydra sweeper: `sweep=optuna`."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

TARGET = "hydra_plugins.intro_dl.OptunaSweeper"  # Hydra accepts plugins under this prefix only


def register_sweeper() -> None:
    """Tell Hydra which class configs/hydra/sweeper/optuna.yaml names. Call it before Hydra's main."""
    Plugins.instance().class_name_to_class[TARGET] = OptunaSweeper


class OptunaSweeper(Sweeper):
    """Choose the values of each trial from the results of those before it (TPE, Bergstra et al. 2011).

    Args:
        n_trials: number of runs.
        n_jobs: runs side by side; they do not see each other's results.
        n_startup_trials: runs with random values before the search begins.
        seed: the seed. The same seed and results give the same trials, so a stopped search can resume.
        params: key -> values, e.g. {"optim.lr": "tag(log, interval(1e-4, 1))"}; the command line adds more.
    """

    def __init__(
        self, n_trials: int, n_jobs: int, n_startup_trials: int, seed: int, params: Mapping[str, str] | None
    ) -> None:
        for name, value in ("n_trials", n_trials), ("n_jobs", n_jobs):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"Invalid hydra.sweeper.{name}={value}: choose an integer of at least 1.")
        self.n_trials, self.n_jobs = n_trials, n_jobs
        self.n_startup_trials, self.seed = n_startup_trials, seed
        self.params = params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.mode, self.config_loader = config.mode, hydra_context.config_loader
        self.launch = Plugins.instance().instantiate_launcher(hydra_context, task_function, config).launch

    def sweep(self, arguments: Sequence[str]) -> None:
        try:
            import optuna
        except ImportError as error:
            raise ValueError('A search needs an extra: run pip install -e ".[sweep]".') from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        parser = OverridesParser.create(config_loader=self.config_loader)
        lines = [f"{key}={values}" for key, values in self.params.items()]
        overrides = {each.get_key_element(): each for each in parser.parse_overrides([*lines, *arguments])}
        fixed = [each.input_line or "" for each in overrides.values() if not each.is_sweep_override()]
        space = {key: _values(each) for key, each in overrides.items() if each.is_sweep_override()}
        if not space:
            raise ValueError("Nothing to search: add a range, e.g. 'optim.lr=tag(log,interval(1e-4,1))'.")
        sampler = optuna.samplers.TPESampler(seed=self.seed, n_startup_trials=self.n_startup_trials)
        direction = "maximize" if self.mode == "max" else "minimize"
        study = optuna.create_study(direction=direction, sampler=sampler)
        for first in range(0, self.n_trials, self.n_jobs):
            trials = [study.ask(space) for _ in range(first, min(first + self.n_jobs, self.n_trials))]
            jobs = [[*fixed, *(f"{key}={value}" for key, value in each.params.items())] for each in trials]
            for trial, job in zip(trials, self.launch(jobs, initial_job_idx=first), strict=True):
                study.tell(trial, job.return_value)  # a diverged run returned the worst value, an infinity


def _values(override: Override) -> Any:
    """Return Optuna's distribution of the values that an override lists, or of its interval."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    values = override.value()
    if not isinstance(values, IntervalSweep):
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    start, end, log = values.start, values.end, "log" in values.tags
    if isinstance(start, int) and isinstance(end, int):  # int(interval(1,9))
        return IntDistribution(start, end, log)
    assert start is not None and end is not None
    return FloatDistribution(start, end, log)
