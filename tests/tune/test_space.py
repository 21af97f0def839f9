"""The laws of the space: suggestions lie inside it, the first one is what a plain training does."""

import pickle

import optuna
import pytest

from tune.space import Space

SPACE = Space(losses=("bce", "dice", "bce_dice"), lr=(1e-4, 1e-2), oversample=(1.0, 30.0))


def suggestions(space, count, seed=0):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    for _ in range(count):
        trial = study.ask()
        extra = space(trial)
        yield trial.params | extra


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_suggestions_lie_inside_and_have_numbers():
    found = list(suggestions(SPACE, 60))
    assert [values["number"] for values in found] == list(range(60))
    assert {values["loss"] for values in found} == set(SPACE.losses)
    assert all(1e-4 <= values["lr"] <= 1e-2 for values in found)
    assert all(1 <= values["oversample"] <= 30 for values in found)


def test_learning_rates_are_spread_by_their_logarithm():
    found = [values["lr"] for values in suggestions(SPACE, 200)]
    assert 0.35 < sum(lr < 1e-3 for lr in found) / len(found) < 0.65


def test_same_seed_same_suggestions():
    assert list(suggestions(SPACE, 20, seed=3)) == list(suggestions(SPACE, 20, seed=3))


def test_the_nearest_point_to_one_inside_is_itself():
    plain = {"loss": "bce_dice", "lr": 1e-3, "oversample": 7.5}
    assert SPACE.nearest(plain) == plain


def test_the_nearest_point_lies_inside_a_narrow_space():
    narrow = Space(losses=("dice",), lr=(1e-5, 1e-4), oversample=(2.0, 4.0))
    far = {"loss": "bce_dice", "lr": 1e-3, "oversample": 100.0}
    assert narrow.nearest(far) == {"loss": "dice", "lr": 1e-4, "oversample": 4.0}


def test_the_searcher_can_pickle_it():
    assert pickle.loads(pickle.dumps(SPACE)) == SPACE
