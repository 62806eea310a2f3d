"""The optimizers written by hand take the same path as torch's, for a thousand steps, in float64."""

import inspect
import re
from functools import partial
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch.optim.lr_scheduler import LambdaLR

from intro_dl.scratch import optimizers

CONFIGS = Path(__file__).parents[2] / "configs" / "optim"

TWINS = {
    "sgd": (partial(optimizers.GradientDescent, lr=0.1), partial(torch.optim.SGD, lr=0.1)),
    "momentum": (
        partial(optimizers.Momentum, lr=0.05, momentum=0.9),
        partial(torch.optim.SGD, lr=0.05, momentum=0.9),
    ),
    "adagrad": (partial(optimizers.Adagrad, lr=0.1), partial(torch.optim.Adagrad, lr=0.1)),
    "adadelta": (partial(optimizers.Adadelta, lr=1.0), partial(torch.optim.Adadelta, lr=1.0)),
    "rmsprop": (
        partial(optimizers.RMSProp, lr=0.01, alpha=0.95),
        partial(torch.optim.RMSprop, lr=0.01, alpha=0.95),
    ),
    "adam": (
        partial(optimizers.Adam, lr=0.01, betas=(0.8, 0.99)),
        partial(torch.optim.Adam, lr=0.01, betas=(0.8, 0.99)),
    ),
}
each_optimizer = pytest.mark.parametrize(("mine", "theirs"), TWINS.values(), ids=TWINS)
# Shrinking a failure would repeat its thousand steps for minutes.
few = settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])


def decay(step: int) -> float:
    return (step + 1) ** -0.5  # the schedule of lecture 002, "Learning Rates"


class Problem:
    """Logistic regression on mini-batches of 4: noisy gradients, written by hand to be fast."""

    def __init__(self, seed: int, features: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(40, features, generator=generator, dtype=torch.float64)
        self.y = torch.randint(0, 2, (40, 1), generator=generator).double()
        self.start = torch.randn(features, 1, generator=generator, dtype=torch.float64)

    def gradient(self, w: torch.Tensor, step: int) -> torch.Tensor:
        rows = slice(4 * step % 40, 4 * step % 40 + 4)
        return self.x[rows].T @ (torch.sigmoid(self.x[rows] @ w) - self.y[rows]) / 4

    def path(self, make_optimizer, steps: int, schedule=None) -> torch.Tensor:
        w = self.start.clone().requires_grad_()
        optimizer = make_optimizer([w])
        scheduler = LambdaLR(optimizer, schedule) if schedule else None
        points = []
        for step in range(steps):
            w.grad = self.gradient(w.detach(), step)
            optimizer.step()
            if scheduler:
                scheduler.step()
            points.append(w.detach().clone())
        return torch.stack(points)


@few
@given(seed=st.integers(0, 10_000), features=st.integers(1, 5))
@each_optimizer
def test_a_thousand_steps_equal_torch(mine, theirs, seed, features):
    problem = Problem(seed, features)
    path = problem.path(mine, 1000)
    torch.testing.assert_close(path, problem.path(theirs, 1000), rtol=0, atol=1e-10)
    assert not torch.allclose(path[-1], problem.start, atol=1e-3)  # it went somewhere


@few
@given(seed=st.integers(0, 10_000), features=st.integers(1, 5), weight_decay=st.sampled_from([1e-3, 0.1]))
@each_optimizer
def test_a_thousand_steps_equal_torch_with_weight_decay_and_a_schedule(
    mine, theirs, seed, features, weight_decay
):
    problem = Problem(seed, features)
    path = problem.path(partial(mine, weight_decay=weight_decay), 1000, decay)
    twin_path = problem.path(partial(theirs, weight_decay=weight_decay), 1000, decay)
    torch.testing.assert_close(path, twin_path, rtol=0, atol=1e-10)


def slide_and_torch_momentum(schedule=None) -> tuple[torch.Tensor, torch.Tensor]:
    problem = Problem(seed=0, features=3)
    slide = partial(optimizers.SlideMomentum, lr=0.05, momentum=0.9)
    return problem.path(slide, 1000, schedule), problem.path(TWINS["momentum"][1], 1000, schedule)


def test_the_slides_momentum_is_torchs_as_long_as_the_rate_is_constant():
    slide, twin = slide_and_torch_momentum()
    torch.testing.assert_close(slide, twin, rtol=0, atol=1e-10)


def test_the_slides_momentum_differs_from_torchs_from_the_step_at_which_the_rate_changes():
    slide, twin = slide_and_torch_momentum(lambda step: 1.0 if step < 10 else 0.1)
    torch.testing.assert_close(slide[:10], twin[:10], rtol=0, atol=1e-12)
    assert ((slide - twin)[10].abs() > 1e-3).all()


def test_rescaling_the_slides_velocity_at_each_change_of_rate_gives_torchs_path():
    problem = Problem(seed=0, features=3)
    w = problem.start.clone().requires_grad_()
    optimizer = optimizers.SlideMomentum([w], lr=0.05, momentum=0.9)
    scheduler = LambdaLR(optimizer, decay)
    for step in range(1000):
        w.grad = problem.gradient(w.detach(), step)
        rate = scheduler.get_last_lr()[0]
        optimizer.step()
        scheduler.step()
        optimizer.state[w]["v"] *= scheduler.get_last_lr()[0] / rate
    twin = problem.path(TWINS["momentum"][1], 1000, decay)
    torch.testing.assert_close(w.detach(), twin[-1], rtol=0, atol=1e-10)


def test_adams_first_step_is_the_rate_times_the_sign_of_the_gradient():
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    w.grad = torch.tensor([1e-3, -5.0, 200.0], dtype=torch.float64)
    optimizers.Adam([w], lr=0.001).step()
    torch.testing.assert_close(w.detach(), -0.001 * w.grad.sign(), rtol=1e-4, atol=0)


@each_optimizer
def test_a_resumed_run_goes_on_as_if_never_stopped(mine, theirs):
    problem = Problem(seed=1, features=2)
    uninterrupted = problem.path(mine, 20)

    w = problem.start.clone().requires_grad_()
    optimizer = mine([w])
    for step in range(20):
        if step == 10:
            saved = optimizer.state_dict()
            optimizer = mine([w])
            optimizer.load_state_dict(saved)
        w.grad = problem.gradient(w.detach(), step)
        optimizer.step()
    assert torch.equal(w.detach(), uninterrupted[-1])


@each_optimizer
def test_keywords_and_their_defaults_are_those_of_the_twin(mine, theirs):
    twin = inspect.signature(theirs.func).parameters
    for name, parameter in inspect.signature(mine.func).parameters.items():
        assert name in twin
        assert parameter.default == twin[name].default


def test_each_group_of_parameters_has_its_own_rate_and_a_parameter_without_gradient_stays():
    fast, slow, frozen = (torch.ones(1, requires_grad=True) for _ in range(3))
    optimizer = optimizers.GradientDescent(
        [{"params": [fast, frozen], "lr": 0.5}, {"params": [slow]}], lr=0.1
    )
    (fast + slow).sum().backward()
    optimizer.step()
    assert (fast.item(), slow.item(), frozen.item()) == pytest.approx((0.5, 0.9, 1.0))


def test_step_recomputes_the_loss_when_given_a_closure():
    w = torch.tensor([3.0], requires_grad=True)
    optimizer = optimizers.GradientDescent([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    assert w.item() == pytest.approx(3 - 0.1 * 6)


@each_optimizer
def test_the_config_file_builds_it_with_the_weight_decay_of_the_run(mine, theirs, request):
    name = request.node.callspec.id
    file = CONFIGS / f"scratch_{name}.yaml"
    assert file.read_text().startswith("# ")
    config = OmegaConf.create({"optim": OmegaConf.load(file), "regularization": {"weight_decay": 0.25}})
    optimizer = instantiate(config.optim)([torch.zeros(2, requires_grad=True)])
    assert type(optimizer) is mine.func
    assert optimizer.param_groups[0]["weight_decay"] == 0.25


@pytest.mark.parametrize("name", TWINS)
def test_the_config_file_has_the_settings_of_its_twin(name):
    mine, theirs = (
        OmegaConf.to_container(OmegaConf.load(CONFIGS / f"{n}.yaml")) for n in (f"scratch_{name}", name)
    )
    assert mine.pop("_target_") != theirs.pop("_target_")
    assert mine == {key: theirs[key] for key in mine}  # a twin may know more, e.g. nesterov


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (partial(optimizers.GradientDescent, lr=-0.1), "lr=-0.1 is negative"),
        (partial(optimizers.Adam, weight_decay=-1), "weight_decay=-1 is negative"),
        (partial(optimizers.Momentum, momentum=1.0), "momentum=1.0 is not in [0, 1)"),
        (partial(optimizers.SlideMomentum, momentum=-0.5), "momentum=-0.5 is not in [0, 1)"),
        (partial(optimizers.Adam, betas=(0.9, 1.5)), "betas=1.5 is not in [0, 1)"),
        (partial(optimizers.RMSProp, alpha=1.0), "alpha=1.0 is not in [0, 1)"),
        (partial(optimizers.Adadelta, rho=-1), "rho=-1 is not in [0, 1)"),
        (partial(optimizers.Adagrad, eps=-1e-8), "eps=-1e-08 is negative"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_setting_out_of_range_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make([torch.zeros(1, requires_grad=True)])
