"""The time of an epoch is that of its steps, of the waiting for data, and of the validation."""

import csv
import time

import pytest
from pytorch_lightning.callbacks import Callback

from lungseg.training.callbacks import throughput
from lungseg.training.run import fit
from tests.toy_training import options


class Sleep(Callback):
    """Makes steps, or the validation, take longer."""

    def on_before_zero_grad(self, *_):
        time.sleep(0.1)

    def on_validation_batch_start(self, *_):
        time.sleep(1.2)


def test_the_shares_are_those_of_what_was_slept(shards, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(throughput, "_WORTH_A_HINT_S", 0.0)
    monkeypatch.setattr(throughput, "_MUCH", -1.0)
    monkeypatch.setattr(throughput, "_peak_of", lambda _: {"train/gpu_gb": 11.25})
    fit(options(shards, tmp_path, epochs=1), callbacks=[Sleep()])
    with (tmp_path / "metrics.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    seconds = float(row["train/epoch_seconds"])
    steps = 6 * 8 / float(row["train/slices_per_s"])
    assert seconds > 1.8
    assert steps > 0.6
    assert float(row["val/time_share"]) == pytest.approx((seconds - steps) / seconds, abs=0.05)
    assert float(row["train/data_wait"]) < 0.4
    assert "waiting for slices: raise --num-workers" in caplog.text
    assert float(row["train/gpu_gb"]) == 11.25
    assert "at most 11.2 GB" in (tmp_path / "report.html").read_text()
