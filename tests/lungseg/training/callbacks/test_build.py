"""What happens beside a training happens in an order: averages first, the end last."""

import pytest

from lungseg.training.callbacks.best_score import BestScore
from lungseg.training.callbacks.build import build_callbacks
from lungseg.training.data import SliceData
from lungseg.training.process.world import world_of
from shards.storage.store import open_shards
from tests.toy_training import options


def names(shards, tmp_path, **given):
    told = options(shards, tmp_path, **given)
    data = SliceData(open_shards(shards), told)
    best = BestScore(tmp_path / "result.json", {})
    built = build_callbacks(told, data, best, world_of(told.run))
    return [type(callback).__name__ for callback in built]


def test_averages_come_first_and_what_ends_a_training_last(shards, tmp_path):
    built = names(shards, tmp_path, ema=0.9, patience=2)
    assert (built[0], built[-1]) == ("MovingAverage", "EndTogether")
    tables = [
        built.index(name) for name in ("EpochTable", "CaseTable", "SlicePictures", "BestScore")
    ]
    assert max(tables) < built.index("RunPage") < built.index("LastCheckpoint")


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        ({"fold": "none"}, {"CaseTable", "SlicePictures", "BestCheckpoint", "EarlyStopping"}),
        ({}, {"EarlyStopping", "MovingAverage"}),
    ],
)
def test_what_is_not_asked_for_is_not_there(shards, tmp_path, given, absent):
    assert not absent & set(names(shards, tmp_path, **given))
