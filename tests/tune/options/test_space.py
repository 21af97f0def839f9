"""The laws of the space: its points lie inside it, and say only what means something there."""

import optuna
import pytest

from lungseg.options.loss import LOSSES
from tune.options.space import ONLY_WITH, Space

LR, OVERSAMPLE = (1e-4, 1e-2), (1.0, 30.0)
AROUND = {"focal_gamma": 2.0, "tversky_fp": 0.3, "tversky_fn": 0.7, "tversky_gamma": 1.5}


def space(*losses, lr=LR, oversample=OVERSAMPLE):
    return Space.of_losses(losses, lr=lr, oversample=oversample, around={})


def test_the_nearest_point_to_one_inside_is_itself():
    plain = {"loss": "bce_dice", "lr": 1e-3, "oversample": 7.5}
    assert space("bce", "bce_dice").nearest(plain) == plain


@pytest.mark.parametrize("lr", [0.1, 1e-9])
def test_the_nearest_point_lies_inside_a_narrow_space(lr):
    narrow = space("dice", lr=(1e-5, 1e-4), oversample=(2.0, 4.0))
    far = {"loss": "bce_dice", "lr": lr, "oversample": 100.0}
    limit = 1e-4 if lr > 1e-4 else 1e-5
    assert narrow.nearest(far) == {"loss": "dice", "lr": limit, "oversample": 4.0}
    assert narrow.nearest({"loss": None, "lr": "auto", "oversample": None}) == {
        "loss": "dice",
        "lr": 1e-5,
        "oversample": 2.0,
    }


def test_parameters_of_a_loss_are_searched_with_their_loss_alone():
    everything = space(*LOSSES)
    assert set(everything.searched) == {"loss", "lr", "oversample", *AROUND}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = {}
    for _ in range(100):
        point = everything.suggest(study.ask())
        seen.setdefault(point["loss"], set()).add(frozenset(point) - {"loss", "lr", "oversample"})
        assert everything.nearest(point | AROUND | point) == point
        assert set(everything.distributions(point)) == set(point)
    assert seen == {
        loss: {frozenset(name for name in AROUND if loss in ONLY_WITH[name][1])} for loss in LOSSES
    }


def test_a_space_without_such_losses_has_no_parameters_of_them():
    assert set(space("bce", "dice").searched) == {"loss", "lr", "oversample"}


def test_what_depends_on_an_option_that_is_not_searched_goes_by_its_value():
    focal = space("focal").searched["focal_gamma"]
    for loss, names in (("focal", {"focal_gamma"}), ("dice", set())):
        alone = Space(searched={"focal_gamma": focal}, around={"loss": loss})
        assert set(alone.nearest({"focal_gamma": 1.0})) == names
