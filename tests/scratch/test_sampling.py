"""What intro_dl.scratch.sampling promises: temperature, top-k and nucleus do what their names say."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical

from intro_dl.scratch.sampling import (
    divide_by_temperature,
    keep_nucleus,
    keep_top_k,
    probabilities,
    sample,
)

pytestmark = pytest.mark.quick

quick = settings(max_examples=25, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**31)
SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=3)


def random_logits(shape, seed):
    return 3 * torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@quick
@given(shape=SHAPES, seed=SEEDS)
def test_probabilities_equal_torch_softmax(shape, seed):
    z = random_logits(shape, seed)
    torch.testing.assert_close(probabilities(z), torch.softmax(z, dim=-1), rtol=1e-10, atol=1e-10)


@quick
@given(shape=SHAPES, seed=SEEDS, temperature=st.floats(0.05, 20))
def test_temperature_divides_the_logits(shape, seed, temperature):
    z = random_logits(shape, seed)
    expected = torch.softmax(z / temperature, dim=-1)
    torch.testing.assert_close(
        probabilities(divide_by_temperature(z, temperature)), expected, rtol=1e-10, atol=1e-10
    )


@quick
@given(seed=SEEDS)
def test_a_lower_temperature_is_less_uncertain(seed):
    z = random_logits((7,), seed)
    entropies = [
        Categorical(logits=divide_by_temperature(z, T)).entropy().item() for T in (0.3, 0.7, 1, 2, 5)
    ]
    assert entropies == sorted(entropies)


def test_the_smallest_temperature_picks_the_largest_logit_and_the_largest_is_uniform():
    z = torch.tensor([1.0, 3.0, -math.inf, 2.0], dtype=torch.float64)
    assert probabilities(divide_by_temperature(z, 5e-324)).tolist() == [0.0, 1.0, 0.0, 0.0]
    uniform = probabilities(divide_by_temperature(z, 1e300))
    torch.testing.assert_close(uniform, torch.tensor([1, 1, 0, 1]).double() / 3)


@quick
@given(shape=SHAPES, seed=SEEDS, top_k=st.integers(1, 8))
def test_top_k_keeps_exactly_the_k_largest_logits_as_they_are(shape, seed, top_k):
    z = random_logits(shape, seed)
    result = keep_top_k(z, top_k)
    threshold = z.topk(min(top_k, shape[-1]), dim=-1).values[..., -1:]
    assert torch.equal(result, torch.where(z >= threshold, z, -math.inf))


def test_top_k_keeps_k_tokens_also_where_all_tie():
    kept = keep_top_k(torch.zeros(4, 10), 3).isfinite()
    assert kept.sum(dim=-1).tolist() == [3, 3, 3, 3]


@quick
@given(shape=SHAPES, seed=SEEDS, top_p=st.floats(0.01, 1))
def test_the_nucleus_reaches_p_and_would_not_without_its_least_likely_token(shape, seed, top_p):
    z = random_logits(shape, seed)
    result, p = keep_nucleus(z, top_p), torch.softmax(z, dim=-1)
    kept = result.isfinite()
    total = (p * kept).sum(dim=-1)
    least_likely = p.masked_fill(~kept, math.inf).amin(dim=-1)
    assert (total >= top_p - 1e-12).all()
    assert (total - least_likely < top_p + 1e-12).all()
    assert (
        p.masked_fill(kept, -math.inf).amax(dim=-1) <= least_likely
    ).all()  # nothing likelier was ruled out
    assert torch.equal(result, torch.where(kept, z, -math.inf))


def test_the_nucleus_adapts_to_how_sure_the_model_is():
    p = torch.tensor([[0.97, 0.01, 0.01, 0.01], [0.25, 0.25, 0.25, 0.25]]).double()
    assert keep_nucleus(p.log(), 0.9).isfinite().sum(dim=-1).tolist() == [1, 4]


def test_a_nucleus_that_is_reached_exactly_takes_no_further_token():
    p = torch.tensor([0.25, 0.5, 0.125, 0.125]).double()
    assert keep_nucleus(p.log(), 0.75).isfinite().tolist() == [True, True, False, False]


def test_top_p_1_keeps_even_the_most_unlikely_token():
    z = torch.tensor([100.0, 0.0, -100.0])
    assert torch.equal(keep_nucleus(z, 1.0), z)


@pytest.mark.parametrize("setting", [{}, {"temperature": 0.5}, {"top_k": 3}, {"top_p": 0.8}])
def test_tokens_come_as_often_as_their_probability_says(setting):
    z, throws = random_logits((6,), seed=0), 20_000
    p = z / setting.get("temperature", 1)
    p = keep_top_k(p, setting["top_k"]) if "top_k" in setting else p
    p = torch.softmax(keep_nucleus(p, setting["top_p"]) if "top_p" in setting else p, dim=-1)
    tokens = sample(z.expand(throws, 6), **setting, generator=torch.Generator().manual_seed(0))
    frequencies = tokens.bincount(minlength=6) / throws
    sigma = (p * (1 - p) / throws).sqrt()
    assert ((frequencies - p).abs() <= 4 * sigma).all()


def test_temperature_acts_before_top_k_and_top_k_before_the_nucleus():
    # Of the two most likely tokens the first has 4/7 > .55: the nucleus of what remains is one token.
    z = torch.tensor([0.4, 0.3, 0.2, 0.1]).double().log().expand(1000, 4)
    generator = torch.Generator().manual_seed(0)
    assert sample(z, top_k=2, top_p=0.55, generator=generator).unique().tolist() == [0]
    assert sample(z, top_p=0.55, generator=generator).unique().tolist() == [0, 1]
    # At T = 1/4 the first token has p = .72.
    assert sample(z, temperature=0.25, top_p=0.7, generator=generator).unique().tolist() == [0]


@quick
@given(shape=SHAPES, seed=SEEDS)
def test_one_token_is_drawn_for_each_row_of_any_batch_and_top_k_1_is_the_largest(shape, seed):
    z = random_logits(shape, seed)
    tokens = sample(z, top_k=1)
    assert tokens.dtype == torch.int64
    assert torch.equal(tokens, z.argmax(dim=-1))


def test_the_same_generator_seed_gives_the_same_tokens():
    z = torch.zeros(50, 100)
    draws = [sample(z, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


def test_a_token_whose_logit_is_minus_infinity_never_comes():
    z = torch.tensor([0.0, -math.inf, 0.0]).expand(1000, 3)
    assert sample(z, temperature=2.0, top_k=3, top_p=1.0).unique().tolist() == [0, 2]


def test_the_logits_are_left_as_they_were():
    z = random_logits((3, 5), seed=0)
    before = z.clone()
    sample(z, temperature=0.5, top_k=2, top_p=0.5)
    assert torch.equal(z, before)


# Bad input, answered in the user's words


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_is_not_positive_is_refused_with_a_way_out(temperature):
    with pytest.raises(ValueError, match=rf"temperature={temperature} must be .+top_k=1"):
        sample(torch.zeros(3), temperature=temperature)


@pytest.mark.parametrize("top_k", [0, -2])
def test_a_top_k_that_keeps_nothing_is_refused(top_k):
    with pytest.raises(ValueError, match=f"top_k={top_k} keeps no token: choose at least 1"):
        sample(torch.zeros(3), top_k=top_k)


@pytest.mark.parametrize("top_p", [0.0, -0.5, 1.1, math.nan])
def test_a_top_p_outside_0_to_1_is_refused(top_p):
    with pytest.raises(ValueError, match=rf"top_p={top_p} is outside \(0, 1\]"):
        sample(torch.zeros(3), top_p=top_p)


@pytest.mark.parametrize("row", [[math.nan, 0.0], [math.inf, 0.0], [-math.inf, -math.inf]])
def test_logits_without_a_likeliest_token_are_refused(row):
    with pytest.raises(ValueError, match="no finite maximum"):
        sample(torch.tensor([[0.0, 1.0], row]))
