"""result.json is that of the best epoch, the first of equal ones, also after a break."""

import json
import types

import pytest

from lungseg.training.callbacks.best_score import BestScore


def after(path, dices, *, state=None, start=0):
    best = BestScore(path, {"fold": 2})
    if state is not None:
        best.load_state_dict(state)
    for epoch, dice in enumerate(dices, start=start):
        trainer = types.SimpleNamespace(current_epoch=epoch, is_global_zero=True)
        module = types.SimpleNamespace(scores={"dice_case_mean": 1 - dice, "dice_guarded": dice})
        best.on_validation_end(trainer, module)
    return best


@pytest.mark.parametrize(
    ("dices", "epoch"), [([0.0], 1), ([0.1, 0.5, 0.3], 2), ([0.4, 0.4], 1), ([0.1, 0.2, 0.3], 3)]
)
def test_the_result_is_the_first_best_epoch(tmp_path, dices, epoch):
    best = after(tmp_path / "result.json", dices)
    expected = {
        "dice_case_mean": 1 - max(dices),
        "dice_guarded": max(dices),
        "epoch": epoch,
        "fold": 2,
    }
    assert best.best == expected
    assert json.loads((tmp_path / "result.json").read_text()) == expected


def test_a_break_keeps_what_is_to_beat(tmp_path):
    first = after(tmp_path / "result.json", [0.2, 0.6])
    second = after(tmp_path / "result.json", [0.5], state=first.state_dict(), start=2)
    assert second.best == first.best


def test_of_a_training_before_the_guard_dice_is_to_beat(tmp_path):
    old = {"best": {"dice_case_mean": 0.6, "epoch": 1}}
    assert after(tmp_path / "result.json", [0.5], state=old, start=1).best["epoch"] == 1
    assert after(tmp_path / "result.json", [0.7], state=old, start=1).best["epoch"] == 2
