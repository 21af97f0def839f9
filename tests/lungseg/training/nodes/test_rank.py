"""To Lightning each rank of a gang is a node of one device."""

import logging

import pytest
from lightning_utilities.core.rank_zero import rank_zero_only

from cluster.rank import Place, Rank
from lungseg.errors import TrainingError
from lungseg.training.nodes import rank as ranks
from lungseg.training.nodes.rank import KEPT, STEPPED, GangEnvironment, train
from shards.storage.remote import Remote
from tests.toy_training import equal, options, weights


def place_of(number, size):
    return Place(number=number, size=size, per_node=1, address="10.0.0.7", port=4711)


def test_lightning_is_told_the_place_of():
    environment = GangEnvironment(place_of(3, 5))
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
    rank = Rank(place=place_of(0, 1), tell=told.append, asked=lambda: 0)
    result = train(options(shards, tmp_path, epochs=1), rank)
    assert result["checkpoint"] == str(tmp_path / "best.ckpt")
    assert equal(weights(tmp_path / "last.ckpt"), weights(finished / "last.ckpt"))
    assert told.count(STEPPED) == 1
    assert logging.INFO in {level for level, _ in told[: told.index(STEPPED)]}
    assert not [h for h in logging.getLogger().handlers if type(h) is ranks._Telling]


def test_a_rank_keeps_a_run_at_a_url_and_one_in_its_place_goes_on_from_there(
    shards, finished, tmp_path
):
    place = f"memory://{tmp_path.name}/run"
    told = []
    rank = Rank(place=place_of(0, 1), tell=told.append, asked=lambda: 0)
    ended = Rank(place=place_of(0, 1), tell=told.append, asked=lambda: 15)
    given = options(shards, place, epochs=1, resume="auto")
    assert train(given, ended) == {"signal": 15}
    with pytest.raises(TrainingError, match=rf"^{place} holds a training already"):
        train(options(shards, place, epochs=1), rank)
    told.clear()
    assert train(given, rank)["checkpoint"] == f"{place}/best.ckpt"
    assert told.index(STEPPED) < told.index(KEPT)
    remote = Remote(url=place)
    remote.download("last.ckpt", tmp_path / "last.ckpt", sha256=None)
    assert equal(weights(tmp_path / "last.ckpt"), weights(finished / "last.ckpt"))


def test_what_the_gang_is_asked_for_ends_the_training_with_a_checkpoint(shards, tmp_path):
    rank = Rank(place=place_of(0, 1), tell=lambda _: None, asked=lambda: 15)
    assert train(options(shards, tmp_path, epochs=9), rank) == {"signal": 15}
    assert (tmp_path / "last.ckpt").exists()
    assert ranks.train is train
