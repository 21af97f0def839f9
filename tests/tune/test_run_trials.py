"""What a trial may use, and how many there is room for, follow the cluster as it is now."""

from types import SimpleNamespace

import pytest

from cluster.gang import Shape
from cluster.resources import Resources
from tune import run_trials as module
from tune.options.config import SearchOptions


@pytest.fixture
def cluster(monkeypatch):
    """The nodes that there are; a test may add to them."""
    nodes = [Resources(cpus=4)]
    monkeypatch.setattr(module, "nodes", lambda: nodes)
    return nodes


def options(tmp_path, **given):
    return SearchOptions.of(shards="/shards", out=tmp_path, **given)


def alone(**has):
    return Shape(nodes=1, per_node=1, rank=Resources(**has))


def test_room_grows_with_nodes_that_join(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_COUNT_AGAIN_S", 0.0)
    room = module._room(options(tmp_path), Resources(cpus=2))
    assert room() == 2
    cluster.append(Resources(cpus=7))
    assert room() == 5


def test_the_cluster_is_not_asked_all_the_time(cluster, tmp_path):
    room = module._room(options(tmp_path), Resources(cpus=2))
    assert room() == 2
    cluster.append(Resources(cpus=7))
    assert room() == 2


def test_room_is_what_was_asked_for(cluster, tmp_path):
    assert module._room(options(tmp_path, concurrent=9), Resources(cpus=2))() == 9


def test_trials_share_a_machine_evenly_but_no_more_than_are_left(cluster, tmp_path):
    assert module._shape(options(tmp_path), 20) == alone(cpus=1)
    assert module._shape(options(tmp_path), 2) == alone(cpus=2)
    assert module._shape(options(tmp_path, concurrent=1), 20) == alone(cpus=4)


def test_a_search_on_processors_takes_no_gpu(cluster, tmp_path):
    cluster[:] = [Resources(cpus=4, gpus=2)]
    assert module._shape(options(tmp_path), 2).rank.gpus == 1
    assert module._shape(options(tmp_path, accelerator="cpu"), 2).rank.gpus == 0


def test_the_ranks_of_a_trial_share_what_it_takes_of_one_node(cluster, tmp_path):
    cluster[:] = [Resources(cpus=4, gpus=1)] * 8 + [Resources(cpus=17, gpus=4)]
    shape = module._shape(options(tmp_path, gpus_per_trial=4.0), 20)
    assert shape == Shape(nodes=1, per_node=4, rank=Resources(cpus=4, gpus=1.0))
    shape = module._shape(options(tmp_path, devices_per_trial=2), 20)
    assert shape == Shape(nodes=1, per_node=2, rank=Resources(cpus=4, gpus=1.0))
    far = options(tmp_path, devices_per_trial=2, gpus_per_trial=0.0, cpus_per_trial=5)
    assert module._shape(far, 2) == Shape(nodes=1, per_node=2, rank=Resources(cpus=2))


def test_a_trial_is_placed_on_no_node_that_it_avoids():
    free = module._placement(alone(cpus=2, gpus=0.5), {"avoided": []})
    assert free.bundles == [{"CPU": 2, "GPU": 0.5}]
    assert free._bound.arguments["bundle_label_selector"] == [{}]
    shape = Shape(nodes=1, per_node=2, rank=Resources(cpus=3))
    kept = module._placement(shape, {"avoided": ["a", "b"]})
    assert (kept.bundles, kept.head_bundle_is_empty) == ([{"CPU": 6}], True)
    assert kept._bound.arguments["bundle_label_selector"] == [{"ray.io/node-id": "!in(a,b)"}]


def test_the_time_is_up_after_the_hours_or_never(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    never = module._time_is_up(options(tmp_path))
    limited = module._time_is_up(options(tmp_path, hours=0.5))
    now[0] += 1799
    assert not limited()
    now[0] += 2
    assert limited()
    assert not never()
