"""Who goes on is what Ray's own ASHA says, and every trial has its grace."""

from types import SimpleNamespace

import numpy as np
import pytest

from tune.history.rungs import Rungs, grace_epochs, rung_epochs


def ray_asha(epochs):
    """Ray's scheduler as a function like `Rungs.goes_on`."""
    from ray.tune.schedulers import ASHAScheduler

    scheduler = ASHAScheduler(
        time_attr="epoch",
        metric="score",
        mode="max",
        max_t=epochs,
        grace_period=grace_epochs(epochs),
        reduction_factor=3,
        stop_last_trials=False,
    )
    known = {}

    def goes_on(trial, *, epoch, score):
        if trial not in known:
            known[trial] = SimpleNamespace(trial_id=str(trial))
            scheduler.on_trial_add(None, known[trial])
        result = {"epoch": epoch, "score": score}
        return scheduler.on_trial_result(None, known[trial], result) != "STOP"

    return goes_on


@pytest.mark.parametrize("epochs", [1, 3, 10, 30, 81])
def test_decisions_are_those_of_rays_asha(epochs):
    rng = np.random.default_rng(epochs)
    ours, theirs = Rungs(epochs).goes_on, ray_asha(epochs)
    at = dict.fromkeys(range(20), 0)
    best = dict.fromkeys(at, 0.0)
    stopped = 0
    while at:
        trial = int(rng.choice(list(at)))
        at[trial] += 1
        best[trial] = max(best[trial], round(rng.uniform(), 1))  # with ties
        now = {"epoch": at[trial], "score": best[trial]}
        decided = ours(trial, **now)
        assert decided == theirs(trial, **now)
        stopped += not decided
        if not decided or at[trial] == epochs:
            del at[trial]
    assert stopped > 0 or epochs == 1


def test_every_trial_has_its_grace():
    for epochs in range(1, 60):
        rungs = Rungs(epochs)
        grace = grace_epochs(epochs)
        assert 1 <= grace <= epochs
        assert grace >= min(3, epochs)
        for trial, epoch in enumerate(range(1, grace)):
            assert rungs.goes_on(trial, epoch=epoch, score=-float(trial))


def test_the_best_so_far_always_goes_on():
    rungs = Rungs(9)
    assert all(rungs.goes_on(trial, epoch=3, score=float(trial)) for trial in range(20))


def test_asking_again_changes_nothing():
    rungs = Rungs(9)
    for trial in range(9):
        rungs.goes_on(trial, epoch=3, score=float(trial))
    assert rungs.goes_on(0, epoch=3, score=0.0)
    assert not rungs.goes_on(9, epoch=3, score=1.0)


def test_where_nothing_ends_early_all_go_on():
    rungs = Rungs(30, ends_early=False)
    assert all(
        rungs.goes_on(trial, epoch=epoch, score=-trial)
        for trial in range(9)
        for epoch in range(1, 31)
    )


def test_rungs_stand_at_the_grace_period_times_powers_of_three():
    assert rung_epochs(30) == [8, 24]
    assert rung_epochs(100) == [25, 75]
    assert rung_epochs(2) == [2]


def test_after_the_first_fold_rungs_stand_at_the_ends_of_folds():
    assert rung_epochs(12, 3) == [3, 9, 36]
    assert rung_epochs(12, 10) == [3, 9, 36, 84]
    for epochs in range(1, 40):
        for folds in range(1, 9):
            rungs = rung_epochs(epochs, folds)
            assert rungs == sorted(set(rungs))
            assert all(rung <= epochs or rung % epochs == 0 for rung in rungs)
            assert [rung for rung in rungs if rung < epochs] == [
                rung for rung in rung_epochs(epochs) if rung < epochs
            ]
