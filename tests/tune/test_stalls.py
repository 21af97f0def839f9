"""A trial that stands still is ended; one that is slow from the start is not."""

from types import SimpleNamespace

import pytest

from tune import stalls as module
from tune.stalls import Stalls


@pytest.fixture
def killed(monkeypatch):
    actors = []
    monkeypatch.setattr(module.ray, "kill", actors.append)
    return actors


class World:
    def __init__(self, minutes):
        self.now = 0.0
        self.stalls = Stalls(minutes, clock=lambda: self.now)
        state = SimpleNamespace(ray_actor="actor")
        self.trial = SimpleNamespace(trial_id="t", temporary_state=state)
        self.stalls.on_trial_start(0, [], self.trial)

    def heard(self, after, **result):
        self.now += after
        self.stalls.on_trial_result(0, [], self.trial, {"epoch": 1, **result})

    def pass_(self, seconds):
        self.now += seconds
        self.stalls.on_step_end(0, [self.trial])


def test_a_trial_without_an_epoch_within_the_limit_is_ended_once(killed):
    world = World(minutes=2)
    world.heard(1)
    world.pass_(119)
    assert killed == []
    assert world.stalls.reason(world.trial) is None
    world.pass_(2)
    world.pass_(200)
    assert killed == ["actor"]
    assert world.stalls.reason(world.trial) == "no epoch within 2 minutes"


@pytest.mark.parametrize(("epoch_s", "limit_s"), [(5, 600), (100, 1000)])
def test_the_limit_goes_by_the_longest_epoch(killed, epoch_s, limit_s):
    world = World(minutes="auto")
    world.heard(400)  # it has begun, which is no epoch
    world.heard(epoch_s)
    world.heard(1)
    world.pass_(limit_s - 1)
    assert killed == []
    world.pass_(2)
    assert killed == ["actor"]


def test_before_any_epoch_the_limit_is_a_day(killed):
    world = World(minutes="auto")
    world.heard(1)
    world.pass_(86_000)
    assert killed == []
    world.pass_(1000)
    assert killed == ["actor"]


@pytest.mark.parametrize("over", ["on_trial_complete", "on_trial_error"])
def test_a_trial_that_is_over_is_not_ended(killed, over):
    world = World(minutes=1)
    getattr(world.stalls, over)(0, [], world.trial)
    world.pass_(1000)
    assert killed == []
