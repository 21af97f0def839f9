"""A trial is ended between folds where it is clearly worse on the same cases, and else never."""

import numpy as np
import pytest

from tune.history.pairs import Pairs

EASE = np.linspace(0.1, 0.9, 12)  # cases differ far more than settings do


def dices(values):
    return {f"case-{number}": float(value) for number, value in enumerate(values)}


def worse(*trials, epoch=3):
    """What is said of each trial, in turn."""
    pairs = Pairs()
    return [pairs.worse(n, epoch=epoch, cases=dices(values)) for n, values in enumerate(trials)]


def test_a_small_difference_that_every_case_shows_is_clear_and_one_in_the_mean_alone_is_not():
    wobble = 0.01 * np.sin(np.arange(12))
    assert worse(EASE, EASE - 0.05 + wobble)[1].startswith("worse than trial 0 on the same 12 ")
    mixed = EASE - 0.05 + 0.4 * np.cos(np.pi * np.arange(12))
    assert mixed.mean() == pytest.approx(EASE.mean() - 0.05)
    assert worse(EASE, mixed) == ["", ""]


def test_the_interval_is_students_of_the_differences():
    less = np.array([0.1, 0.3, 0.2, 0.4])
    t_of_3 = 3.182446  # 97.5 %
    reach = t_of_3 * less.std(ddof=1) / 2
    said = worse(np.full(4, 0.8), 0.8 - less)[1]
    assert said.endswith(f"4 cases, by 0.250 ({0.25 - reach:.3f} to {0.25 + reach:.3f})")


def test_who_is_as_good_or_better_goes_on_and_is_who_others_are_compared_with():
    assert worse(EASE, EASE, EASE + 0.05) == [""] * 3
    assert "trial 2" in worse(EASE, EASE - 0.001, EASE + 0.05, EASE - 0.002)[3]


def test_one_case_is_no_evidence():
    assert worse([0.9], [0.1]) == ["", ""]


def test_only_trials_that_came_as_far_are_compared_and_within_a_fold_none():
    pairs = Pairs()
    assert not pairs.worse(0, epoch=3, cases=dices(EASE))
    assert not pairs.worse(1, epoch=6, cases=dices(EASE - 0.05))
    assert not pairs.worse(1, epoch=3, cases={})
    assert pairs.worse(1, epoch=3, cases=dices(EASE - 0.05))


def test_asking_again_changes_nothing():
    pairs = Pairs()
    assert not pairs.worse(0, epoch=3, cases=dices(EASE))
    assert not pairs.worse(0, epoch=3, cases=dices(EASE - 0.5))
    assert "trial 0" in pairs.worse(1, epoch=3, cases=dices(EASE - 0.05))


def test_chance_seldom_ends_one_of_two_equal_trials():
    rng = np.random.default_rng(0)
    ended = sum(
        bool(worse(EASE + rng.normal(0, 0.1, 12), EASE + rng.normal(0, 0.1, 12))[1])
        for _ in range(400)
    )
    assert 0.01 <= ended / 400 <= 0.04  # a fortieth: 95 % two-sided, and one side ends
