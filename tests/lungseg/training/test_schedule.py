"""The learning rate follows its closed form at every step, whatever the length of a training."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lungseg.training.schedule import factor

KINDS = ("cosine", "poly", "constant", "one_cycle")
lengths = st.integers(1, 3000)
shares = st.floats(0, 0.9)


def rates(kind, num_steps, warm_up=0.05):
    steps = range(num_steps)
    return [factor(step, kind=kind, num_steps=num_steps, warm_up=warm_up) for step in steps]


@given(st.sampled_from(KINDS), lengths, shares)
def test_rates_lie_between_0_and_1_and_reach_1(kind, num_steps, warm_up):
    found = rates(kind, num_steps, warm_up)
    assert all(0 < rate <= 1 for rate in found)
    assert max(found) == 1 or (kind == "one_cycle" and max(found) > 0.9) or num_steps < 10


@given(st.sampled_from(["cosine", "poly", "constant"]), lengths, shares)
def test_warm_up_rises_in_equal_steps_to_the_highest(kind, num_steps, warm_up):
    rising = max(1, round(warm_up * num_steps))
    found = rates(kind, num_steps, warm_up)[:rising]
    assert found == pytest.approx([(step + 1) / rising for step in range(len(found))])


def test_by_default_a_twentieth_of_the_steps_warms_up_and_the_rest_is_half_a_cosine_to_0():
    found = rates("cosine", 1000)
    assert found[49] == found[50] == 1
    for step in range(50, 1000):
        assert found[step] == pytest.approx(math.cos(math.pi * (step - 50) / 950 / 2) ** 2)
    assert factor(1000, kind="cosine", num_steps=1000, warm_up=0.05) == pytest.approx(0, abs=1e-15)


def test_poly_falls_by_the_power_0_9():
    found = rates("poly", 1000, 0)
    assert found == pytest.approx([(1 - max(0, step - 1) / 999) ** 0.9 for step in range(1000)])


def test_constant_stays():
    assert set(rates("constant", 100, 0)) == {1.0}


@pytest.mark.parametrize("num_steps", [10, 57, 400])
def test_one_cycle_is_that_of_torch(num_steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1)
    oracle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=num_steps, cycle_momentum=False
    )
    for rate in rates("one_cycle", num_steps):
        assert rate == pytest.approx(oracle.get_last_lr()[0])
        optimizer.step()
        if oracle.last_epoch < num_steps - 1:
            oracle.step()
