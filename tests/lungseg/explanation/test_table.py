"""The table of definitions and controls equals closed forms on phantoms, to 1e-9."""

import numpy as np
import pytest

from ingest.recipe import Recipe
from ingest.slices.field import Field
from lungseg.explanation.case_sums import CaseSums
from lungseg.explanation.definitions import DEFINITIONS
from lungseg.explanation.table import COLUMNS, explain

SIZE, NUM_SLICES = 16, 10


def phantom(tumor, called, *, at=4):
    """A case with boxes of 4 rows on slice `at`: pixels of tumor and those called so, in a row."""
    truth = np.zeros((SIZE, SIZE, NUM_SLICES), np.uint8)
    probability = np.zeros((NUM_SLICES, SIZE, SIZE), np.float32)
    truth[:tumor, :4, at] = 1
    probability[at, :4, :called] = 0.75
    recipe = Recipe(size=SIZE, drop_slices=0)
    sums = CaseSums(truth, recipe, Field.whole((SIZE, SIZE), SIZE), threshold=0.5)
    for z in range(NUM_SLICES):
        sums.add(z, probability[z])
    return sums


def table():
    """Tumors of 8 and 4 pixels a row, of which 4 and 2 are called; and a case without."""
    cases = [phantom(8, 4), phantom(4, 2), phantom(0, 0)]
    return explain(cases, [2 * 16 / 48, 2 * 8 / 24, None])


def close(value):
    return pytest.approx(value, abs=1e-9)


def test_predictions_by_each_definition():
    model = {name: row["model"] for name, row in table()["scores"].items()}
    assert model == {
        "soft_pooled": close(2 * 0.75 * 24 / (0.75 * 24 + 48)),
        "hard_pooled": close(2 * 24 / (24 + 48)),
        "slice_mean": close((28 + 2 * 2 / 3) / 30),
        "slice_mean_not_empty": close(2 / 3),
        "case_mean_model_grid": close(2 / 3),
        "case_mean": close(2 / 3),
    }


def test_controls_that_know_nothing():
    scores = table()["scores"]
    assert {name: row["nothing"] for name, row in scores.items()} == {
        **dict.fromkeys(DEFINITIONS, 0.0),
        "slice_mean": close(28 / 30),
    }
    volume = SIZE * SIZE * NUM_SLICES
    each = [2 * n / (volume + n) for n in (32, 16)]
    in_slice = [2 * n / (SIZE * SIZE + n) for n in (32, 16)]
    assert {name: row["everything"] for name, row in scores.items()} == {
        "soft_pooled": close(2 * 48 / (3 * volume + 48)),
        "hard_pooled": close(2 * 48 / (3 * volume + 48)),
        "slice_mean": close(sum(in_slice) / 30),
        "slice_mean_not_empty": close(sum(in_slice) / 30),
        "case_mean_model_grid": close(sum(each) / 2),
        "case_mean": close(sum(each) / 2),
    }
    assert {row["ceiling"] for row in scores.values()} == {1.0}


def test_shuffled_cases_have_the_prediction_of_the_next_one():
    shuffled = {name: row["shuffled"] for name, row in table()["scores"].items()}
    # of the first the 8 pixels of the second, of the second none, of the empty one 16 false ones
    assert shuffled["hard_pooled"] == close(2 * 8 / (24 + 48))
    assert shuffled["case_mean_model_grid"] == close((16 / 40 + 0) / 2)
    assert shuffled["slice_mean_not_empty"] == close((16 / 40 + 0 + 0) / 3)
    assert shuffled["case_mean"] is None


def test_one_case_alone_is_not_shuffled_and_all_is_explained():
    alone = explain([phantom(8, 4)], [0.5])
    assert "shuffled" not in alone["columns"]
    assert alone["scores"]["case_mean"]["model"] == 0.5
    whole = table()
    assert list(whole["columns"]) == list(COLUMNS)
    assert list(whole["scores"]) == list(whole["definitions"]) == list(DEFINITIONS)
    assert list(whole["ci95"]) == list(DEFINITIONS)
    low, high = whole["ci95"]["slice_mean"]
    assert low < whole["scores"]["slice_mean"]["model"] < high
    assert whole["ci95"]["case_mean"] is None  # of two cases with tumor
