"""How far a trial is, is read from what its training left."""

import json
import os

import pytest
import ray.tune

from cluster.gang import Shape
from cluster.resources import Resources
from lungseg.errors import DivergedError, TrainingError
from lungseg.training import run
from tests.toy_shards import make_shards
from tune.options.config import SearchOptions
from tune.options.identity import JOURNAL
from tune.trials import trial
from tune.trials.attempts import SupersededError
from tune.trials.trial import _prepare_environment, reached, run_trial

CONFIG = {"number": 0, "values": {"loss": "dice", "lr": 0.001, "oversample": 2.0}}


def leave(folder, *, first_epoch, dice, best):
    rows = [f"{first_epoch + n},{value}" for n, value in enumerate(dice)]
    (folder / "metrics.csv").write_text("\n".join(["epoch,val/dice_case_mean", *rows]) + "\n")
    result = {"epoch": first_epoch + best, "dice_case_mean": dice[best], "missed": 1}
    (folder / "result.json").write_text(json.dumps(result))


def test_a_training_before_its_first_epoch_has_reached_none(tmp_path):
    assert reached(tmp_path)["epoch"] == 0


def test_epochs_are_counted_from_one_however_the_table_counts_them(tmp_path):
    for first_epoch in (0, 1):
        leave(tmp_path, first_epoch=first_epoch, dice=[0.2, 0.5, 0.4], best=1)
        assert reached(tmp_path) == {
            "epoch": 3,
            "dice_case_mean": 0.4,
            "best_dice_case_mean": 0.5,
            "best_epoch": 2,
            "missed": 1,
        }


def test_a_trial_knows_nothing_of_slurm(monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "1")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    _prepare_environment(Resources(cpus=3))
    assert not [name for name in os.environ if name.startswith("SLURM_")]
    assert os.environ["OMP_NUM_THREADS"] == "3"


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Function: an error that ends the training -> what was reported of the trial."""
    monkeypatch.setattr(trial, "_where", lambda: {"node": "here", "node_id": "a"})
    monkeypatch.setattr(trial, "_prepare_environment", lambda _: None)
    reports = []
    monkeypatch.setattr(ray.tune, "report", reports.append)
    shape = Shape(nodes=1, per_node=1, rank=Resources(cpus=1))
    out = tmp_path / "out"
    out.mkdir()
    (out / JOURNAL).touch()
    search = SearchOptions.of(shards=str(make_shards(tmp_path / "shards")), out=out)

    def tell(error):
        def fit(*_, **__):
            raise error

        monkeypatch.setattr(run, "fit", fit)
        run_trial(CONFIG, search=search, shape=shape)
        return reports

    tell.reports = reports
    return tell


def test_a_loss_that_is_no_number_is_one_attempt_and_its_settings_fault(told):
    begun, report = told(DivergedError("the loss is nan"))
    assert (begun["epoch"], begun["node"]) == (0, "here")
    assert (report["failed"], report["cause"], report["epoch"]) == (
        "the loss is nan",
        "settings",
        0,
    )


def test_damaged_shards_are_not_the_settings_fault(told):
    report = told(TrainingError("lung_001.tar is damaged"))[-1]
    assert (report["failed"], report["cause"]) == ("lung_001.tar is damaged", "trial")


def test_what_may_have_harmed_the_process_ends_it_too(told):
    with pytest.raises(RuntimeError, match="CUDA"):
        told(RuntimeError("CUDA error: an illegal memory access"))
    assert told.reports[-1]["cause"] == "process"


def test_who_is_superseded_is_silent(told):
    with pytest.raises(SupersededError):
        told(SupersededError("attempt-2"))
    assert len(told.reports) == 1
