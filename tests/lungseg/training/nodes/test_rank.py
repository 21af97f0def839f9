"""To Lightning each rank of a gang is a node of one device."""

import logging

import pytest
from lightning_utilities.core.rank_zero import rank_zero_only

from cluster.rank import Place, Rank
from lungseg.training.nodes import rank as ranks
from lungseg.training.nodes.rank import STEPPED, GangEnvironment, train
from tests.toy_training import equal, options, weights


@pytest.fixture(autouse=True)
def first(monkeypatch):
    """Who is first is remembered for the whole process."""
    monkeypatch.setattr(rank_zero_only, "rank", 0)


def place(number, size):
    return Place(number=number, size=size, per_node=1, address="10.0.0.7", port=4711)


def test_lightning_is_told_the_place():
    environment = GangEnvironment(place(3, 5))
    environment.set_global_rank(0)
    assert environment.creates_processes_externally
    assert (environment.main_address, environment.main_port) == ("10.0.0.7", 4711)
    assert (environment.global_rank(), environment.world_size(), environment.node_rank()) == (
        3,
        5,
        3,
    )
    assert (environment.local_rank(), rank_zero_only.rank) == (0, 3)


def test_a_gang_of_one_trains_as_a_command_does_and_tells_of_it(shards, finished, tmp_path):
    told = []
    rank = Rank(place=place(0, 1), tell=told.append, asked=lambda: 0)
    result = train(options(shards, tmp_path, epochs=1), rank)
    assert result["checkpoint"] == str(tmp_path / "best.ckpt")
    assert equal(weights(tmp_path / "last.ckpt"), weights(finished / "last.ckpt"))
    assert told.count(STEPPED) == 1
    assert logging.INFO in {level for level, _ in told[: told.index(STEPPED)]}
    assert not logging.getLogger("lungseg").handlers


def test_what_the_gang_is_asked_for_ends_the_training_with_a_checkpoint(shards, tmp_path):
    rank = Rank(place=place(0, 1), tell=lambda _: None, asked=lambda: 15)
    assert train(options(shards, tmp_path, epochs=9), rank) == {"signal": 15}
    assert (tmp_path / "last.ckpt").exists()
    assert ranks.train is train
