"""Who is told of an epoch finds its files; an error of theirs ends the training."""

import pytest
import torch

from lungseg.training.callbacks.after_epoch import AfterEpoch
from lungseg.training.run import fit
from tests.toy_training import options, table


def test_what_is_told_of_an_epoch_is_written_by_then(shards, tmp_path):
    rows = []

    def tell():
        step = torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"]
        rows.append((len(table(tmp_path)), step))

    fit(options(shards, tmp_path, epochs=3), callbacks=[AfterEpoch(tell)])
    assert rows == [(1, 6), (2, 12), (3, 18)]


class EnoughError(Exception):
    pass


def test_an_epoch_may_be_the_last(shards, tmp_path):
    def enough():
        raise EnoughError

    with pytest.raises(EnoughError):
        fit(options(shards, tmp_path, epochs=5), callbacks=[AfterEpoch(enough)])
    assert len(table(tmp_path)) == 1
