"""The time of an epoch is that of its steps, of the waiting for data, and of the validation."""

import csv
import types

import pytest
from pytorch_lightning.callbacks import Callback

from lungseg.training.callbacks import throughput
from lungseg.training.run import fit
from tests.lungseg.training.test_interruptions import CutOff, CutOffError
from tests.toy_training import OFTEN, options

STEP_S, WAIT_S, VALIDATION_S = 0.1, 0.05, 1.2


class Clock(Callback):
    """Time passes in steps, between them, and in each batch of a validation, and nowhere else."""

    def __init__(self):
        self.now, self.validated = 100.0, 0

    def monotonic(self):
        return self.now

    def on_before_zero_grad(self, *_):
        self.now += STEP_S

    def on_train_batch_end(self, *_):
        self.now += WAIT_S

    def on_validation_batch_start(self, *_):
        self.now += VALIDATION_S
        self.validated += 1


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(throughput, "time", types.SimpleNamespace(monotonic=made.monotonic))
    return made


def row_of(out):
    with (out / "metrics.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def test_the_shares_are_those_of_the_time_that_passed(shards, tmp_path, clock, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(throughput, "_WORTH_A_HINT_S", 0.0)
    monkeypatch.setattr(throughput, "_peak_of", lambda _: {"train/gpu_gb": 11.25})
    fit(options(shards, tmp_path, epochs=1), callbacks=[clock])
    row = row_of(tmp_path)
    steps, validation = 6 * (STEP_S + WAIT_S), clock.validated * VALIDATION_S
    expected = {
        "train/epoch_seconds": steps + validation,
        "val/time_share": validation / (steps + validation),
        "train/slices_per_s": 6 * 8 / (steps - WAIT_S),  # said at the end of the last step
        "train/data_wait": 5 * WAIT_S / steps,
        "train/gpu_gb": 11.25,
    }
    assert {name: float(row[name]) for name in expected} == pytest.approx(expected, rel=1e-3)
    assert "28 % of the time was spent waiting for slices: raise --num-workers" in caplog.text
    assert "at most 11.2 GB" in (tmp_path / "report.html").read_text()


def test_the_speed_after_going_on_counts_from_there(shards, tmp_path, clock):
    """Two steps of six are left after a night."""

    def given(**further):
        return options(shards, tmp_path, epochs=1, **OFTEN, **further)

    with pytest.raises(CutOffError):
        fit(given(), callbacks=[clock, CutOff(4)])
    clock.now += 30_000
    fit(given(resume=True), callbacks=[clock])
    steps = 2 * (STEP_S + WAIT_S) - WAIT_S
    assert float(row_of(tmp_path)["train/slices_per_s"]) == pytest.approx(2 * 8 / steps, rel=1e-3)
