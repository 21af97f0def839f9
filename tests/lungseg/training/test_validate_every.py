"""A rhythm of validations leaves no stale score, and never leaves out the last epoch."""

import pytest
import torch

from lungseg.training.run import fit
from tests.toy_training import options, table


def test_every_second_epoch_and_the_last_are_validated(shards, tmp_path, caplog):
    """Epochs in between have no score of an earlier one."""
    caplog.set_level("INFO")
    result = fit(options(shards, tmp_path, epochs=5, validate_every=2, lr=0.02))
    rows = table(tmp_path)
    for name in ("val/dice_case_mean", "val/loss", "val/dice_missed", "val/false_volume_ml"):
        assert [bool(row[name]) for row in rows] == [False, True, False, True, True], name
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        f"epoch-{epoch:03d}" for epoch in (2, 4, 5)
    ]
    scores = {int(row["epoch"]): float(row["val/dice_case_mean"] or -1) for row in rows}
    assert scores[result["epoch"]] == pytest.approx(max(scores.values()))
    best = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert best["epoch"] + 1 == result["epoch"]
    lines = [record.message for record in caplog.records if ": loss " in record.message]
    assert ["Dice" in line for line in lines if ", step " not in line] == [
        bool(row["val/loss"]) for row in rows
    ]


def test_patience_counts_validations(shards, tmp_path):
    fit(options(shards, tmp_path, epochs=9, patience=1, validate_every=2, lr=1e-9))
    assert len(table(tmp_path)) == 4
