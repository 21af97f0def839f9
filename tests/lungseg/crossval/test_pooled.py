"""The scores of all folds are those of one set of cases, from integer counts."""

import json

import numpy as np
import pytest

from lungseg.crossval.pooled import FoldScores, has_ended, pooled
from lungseg.scores.case_counts import CaseCounts
from lungseg.scores.intervals import bootstrap_interval
from lungseg.training.log.case_table import COLUMNS, row_of, write_rows

RNG = np.random.default_rng(0)
CASES = [
    CaseCounts(case=f"c{k}", tp=tp, fp=fp, fn=fn, false_volume_ml=fp / 8)
    for k, (tp, fp, fn) in enumerate(RNG.integers(0, 9, (7, 3)).tolist())
] + [CaseCounts(case="free", tp=0, fp=4, fn=0, false_volume_ml=0.5)]


def left(folder, cases, *, epoch=2):
    """What a training leaves, whose epoch 3 is not its best."""
    folder.mkdir()
    known = {1: CASES, epoch: cases, 3: CASES}
    rows = [{"epoch": k, **row_of(case)} for k, of in sorted(known.items()) for case in of]
    write_rows(folder / "cases.csv", ("epoch", *COLUMNS), rows)
    dice = [case.dice for case in cases if case.has_tumor]
    result = {
        "epoch": epoch, "dice_case_mean": float(np.mean(dice)), "n": len(dice), "missed": 0,
        "tumor_free": len(cases) - len(dice), "false_volume_ml": 0.0, "grid": "the grid",
        "threshold": 0.4, "folds_from": "seed 0",
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result))
    return folder


@pytest.mark.parametrize("cuts", [(), (3,), (1, 2, 5)])
def test_however_cases_are_cut_into_folds_their_scores_are_the_same(tmp_path, cuts):
    parts = [part.tolist() for part in np.split(np.array(CASES, object), cuts)]
    folds = [FoldScores.read(k, left(tmp_path / str(k), part)) for k, part in enumerate(parts)]
    result = pooled(folds)
    dice = [case.dice for case in CASES if case.has_tumor]
    assert result["dice_case_mean"] == float(np.mean(dice))
    assert result["dice_case_mean_ci95"] == bootstrap_interval(dice)
    assert (result["n"], result["tumor_free"], result["false_alarms"]) == (7, 1, 1)
    guarded = [case.dice if case.has_tumor else 1 / (1 + case.false_volume_ml) for case in CASES]
    assert result["dice_guarded"] == pytest.approx(np.mean(guarded), rel=1e-12)
    volumes = [case.false_volume_ml for case in CASES]
    assert result["false_volume_ml"] == pytest.approx(np.mean(volumes), rel=1e-12)
    assert (result["grid"], result["threshold"], result["folds_from"]) == (
        *("the grid", 0.4, "seed 0"),
    )
    assert [row["fold"] for row in result["folds"]] == list(range(len(parts)))
    assert all(row["checkpoint"].endswith("best.ckpt") for row in result["folds"])


@pytest.mark.parametrize(
    ("result", "ended"),
    [
        (None, False),
        ({"epoch": 5}, False),
        ({"epoch": 3, "epochs": 5, "ended_early": False}, True),
        ({"epoch": 3, "epochs": 4, "ended_early": False}, False),
        ({"epoch": 3, "epochs": 4, "ended_early": True}, True),
    ],
)
def test_a_training_has_ended_with_its_epochs_or_by_itself(tmp_path, result, ended):
    if result is not None:
        (tmp_path / "result.json").write_text(json.dumps(result))
    assert has_ended(tmp_path, epochs=5) == ended
