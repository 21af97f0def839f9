"""What decides Dice has a large share, what does not has none, and few trials say nothing."""

import dataclasses

import numpy as np
import pytest

from tests.toy_trials import outcome
from tune.results.importance import importances


def trials(folder, count, dice_of):
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        values = {"loss": str(rng.choice(["bce", "dice"])), "lr": float(rng.uniform())}
        made = outcome(folder, number, dice_of(values, rng))
        found.append(dataclasses.replace(made, values=values))
    return found


def test_the_option_that_decides_has_all_and_the_other_nothing(tmp_path):
    found = importances(
        trials(tmp_path, 60, lambda values, _: 0.1 + 0.5 * (values["loss"] == "dice"))
    )
    assert list(found) == ["loss", "lr"]
    assert found["loss"] == pytest.approx(1.0)
    assert found["lr"] < 0.1


def test_a_number_counts_by_its_thirds(tmp_path):
    found = importances(trials(tmp_path, 60, lambda values, _: values["lr"]))
    assert found["lr"] == pytest.approx(8 / 9, abs=0.05)


def test_noise_has_no_share_on_average(tmp_path):
    found = importances(trials(tmp_path, 200, lambda _, rng: rng.uniform()))
    assert max(found.values()) < 0.05


def test_few_failed_and_equal_trials_say_nothing(tmp_path):
    few = trials(tmp_path / "a", 3, lambda *_: 0.5)
    assert set(importances(few).values()) == {None}
    equal = trials(tmp_path / "b", 20, lambda *_: 0.5)
    assert set(importances(equal).values()) == {0.0}
    assert importances([outcome(tmp_path, 0, None, reason="x")])["lr"] is None
