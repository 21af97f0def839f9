"""A table of weights is read whole or refused in one line."""

import numpy as np
import pytest

from ingest.case import BadCaseError
from lungseg.errors import TrainingError
from lungseg.training.data import SliceData
from lungseg.training.slice_weights import fingerprint, weights_of
from shards.storage.store import open_shards
from tests.toy_training import options


@pytest.fixture
def index(shards):
    return open_shards(shards).index


def table(tmp_path, *rows):
    (tmp_path / "w.csv").write_text("case,z,weight\n" + "".join(f"{row}\n" for row in rows))
    return tmp_path / "w.csv"


def test_slices_that_are_named_have_their_weight_and_others_1(index, tmp_path):
    weights = weights_of(index, table(tmp_path, "lung_002,4,2.5", "lung_000,12,7", "lung_000,99,3"))
    expected = np.ones(len(index))
    expected[index.rows_of(2).start + 4], expected[12] = 2.5, 7
    np.testing.assert_array_equal(weights, expected)
    assert weights_of(index, None) is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["lung_009,1,2"], "names lung_009, which is no case"),
        (["lung_001,1,2", "lung_001,1,3"], "slice 1 of lung_001 twice"),
        (["lung_001,1.5,2"], "a z that is no whole number: '1.5'"),
        (["lung_001,1,often"], "a weight that is no number: 'often'"),
        (["lung_001,1,nan"], "a weight that is no number: 'nan'"),
        (["lung_001,1,0"], "weights above 0 and at most 1e"),
        (["lung_001,1,-1"], "weights above 0"),
        (["lung_001,1,1e7"], "at most 1e"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(index, tmp_path, rows, said):
    with pytest.raises(TrainingError, match=said):
        weights_of(index, table(tmp_path, *rows))


def test_a_file_that_is_no_table_is_refused(index, tmp_path):
    with pytest.raises(BadCaseError, match=r"--slice-weights: .* cannot be read"):
        weights_of(index, tmp_path / "nowhere.csv")


def test_weights_are_told_apart_by_what_they_are(index, tmp_path):
    one, same, other = (
        fingerprint(weights_of(index, table(tmp_path, row)))
        for row in ("lung_001,1,2", "lung_001,1,2.0", "lung_001,2,2")
    )
    assert one == same != other
    assert fingerprint(None) is None


def test_a_training_draws_slices_by_their_weights(shards, index, tmp_path):
    """The tenth slice of case 2 has no tumor and is drawn 50 times as often as others."""
    file = table(tmp_path, "lung_002,10,50")
    plain, data = (
        SliceData(open_shards(shards), options(shards, tmp_path, **given))
        for given in ({}, {"slice_weights": file})
    )
    row = index.rows_of(2).start + 10
    share = [
        np.mean([np.mean(each.plan.order(epoch) == row) for epoch in range(400)])
        for each in (plain, data)
    ]
    without = np.count_nonzero(~plain.plan.tumor)
    assert share[0] == pytest.approx(0.5 / without, rel=0.25)
    assert share[1] == pytest.approx(0.5 * 50 / (without + 49), rel=0.1)
