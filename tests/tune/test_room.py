"""A cluster without room for a trial is waited for, said at once, and not for ever."""

import pytest

from cluster.gang import Shape
from cluster.resources import Resources
from tune import room, run_trials
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.room import RoomLost

TRIAL = Resources(cpus=2, gpus=0.5)


def shape(monkeypatch, tmp_path, cluster, **given):
    monkeypatch.setattr(run_trials, "nodes", lambda: cluster)
    return run_trials._shape(SearchOptions.of(shards="/shards", out=tmp_path, **given), 2)


def test_a_trial_too_large_for_this_machine_is_refused(monkeypatch, tmp_path):
    with pytest.raises(SearchError, match=r"needs 5 CPUs and 0 GPUs, this machine has 4"):
        shape(monkeypatch, tmp_path, [Resources(cpus=4)], cpus_per_trial=5)


def test_one_too_large_for_every_node_of_a_cluster_is_waited_for_and_not_for_ever(
    tmp_path, caplog, monkeypatch
):
    """Its devices are of one node, be there as many on two."""
    cluster, far = [Resources(cpus=1)] * 2, {"devices_per_trial": 2, "address": "head:6379"}
    caplog.set_level("INFO")
    asked = []
    answers = [True, False]
    monkeypatch.setattr(
        room, "await_room", lambda job, wait_s: asked.append((job, wait_s)) or answers.pop(0)
    )
    found = shape(monkeypatch, tmp_path, cluster, **far)
    assert found == Shape(nodes=1, per_node=2, rank=Resources(cpus=1))
    assert "needs 2 CPUs and 0 GPUs of one node, and none has them: waiting 20 m" in caplog.text
    with pytest.raises(SearchError, match="none that has them came within 20 minutes: lower"):
        shape(monkeypatch, tmp_path, cluster, **far)
    assert asked == [(Resources(cpus=2), 1200)] * 2


class Cluster:
    """Its nodes, and the time, as a test has them."""

    def __init__(self):
        self.living, self.now = {"a"}, 0.0
        self._lost = RoomLost(TRIAL, lambda: self.living, clock=lambda: self.now)

    def after(self, seconds, *living):
        self.now, self.living = self.now + seconds, set(living)
        self._lost.on_step_end(0, [])


def test_when_all_nodes_are_lost_that_is_said_once_and_the_search_ends_as_one_that_finds_none(
    caplog,
):
    cluster = Cluster()
    cluster.after(9000, "a")
    assert caplog.text == ""
    cluster.after(1)
    cluster.after(1200)
    (said,) = caplog.messages
    assert said == "no node is left that has 2 CPUs and 0.5 GPUs: waiting 20 minutes for one"
    with pytest.raises(SearchError, match=r"within 20 minutes: .*; the same command goes on"):
        cluster.after(1)


def test_a_node_that_comes_back_ends_the_wait_and_a_later_loss_begins_another(caplog):
    caplog.set_level("INFO")
    cluster = Cluster()
    cluster.after(1)
    cluster.after(1199, "b")
    assert caplog.messages[1:] == ["there is a node for trials again: the search goes on"]
    cluster.after(1)
    cluster.after(1199)
    assert len(caplog.messages) == 3
