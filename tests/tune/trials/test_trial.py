"""What ends a trial is reported with its reason, and Slurm's ranks are none of its business."""

import json
import os

import pytest
import ray.tune

from cluster.gang import Shape
from cluster.resources import Resources
from lungseg.errors import DivergedError, TrainingError
from lungseg.training import run
from lungseg.training.log.case_table import read_cases
from tests.toy_shards import make_shards
from tune.options.config import SearchOptions
from tune.options.identity import JOURNAL
from tune.trials import trial
from tune.trials.attempts import SupersededError
from tune.trials.trial import _prepare_environment, run_trial

CONFIG = {"number": 0, "values": {"loss": "dice", "lr": 0.001, "oversample": 2.0}}


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


SMALL = {"width": 4, "depth": 2, "neighbors": 1}
SMALL |= {"batch_size": 8, "num_workers": 0, "augment": "none"}


def test_a_trial_of_two_folds_reports_each_epoch_of_each_and_goes_on_where_it_was(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(trial, "_where", lambda: {"node": "here", "node_id": "a"})
    monkeypatch.setattr(trial, "_prepare_environment", lambda _: None)
    reports = []

    def report(told):
        reports.append((told["epoch"], told["folds"]))
        if reports[-1] == (3, 2) and reports.count((3, 2)) == 1:
            raise SystemExit

    monkeypatch.setattr(ray.tune, "report", report)
    out = tmp_path / "out"
    out.mkdir()
    (out / JOURNAL).touch()
    search = SearchOptions.of(
        shards=str(make_shards(tmp_path / "shards")),
        out=out,
        epochs=2,
        folds=2,
        **SMALL,
    )
    config = {"number": 0, "values": {"lr": 0.01}}
    alone = Shape(nodes=1, per_node=1, rank=Resources(cpus=1))
    with pytest.raises(SystemExit):
        run_trial(config, search=search, shape=alone)
    run_trial(config, search=search, shape=alone)
    assert reports == [*[(0, 1), (1, 1), (2, 1), (3, 2)], *[(0, 1), (3, 2), (4, 2)]]
    attempt = out / "trials" / "000" / "attempt-2"
    result = json.loads((attempt / "result.json").read_text())
    cases = [read_cases(attempt / f"fold_{k}" / "cases.csv") for k in (0, 1)]
    best = [json.loads((attempt / f"fold_{k}" / "result.json").read_text()) for k in (0, 1)]
    dice = [case.dice for k in (0, 1) for case in cases[k][best[k]["epoch"]]]
    assert result["dice_case_mean"] == pytest.approx(sum(dice) / len(dice))
    assert [fold["fold"] for fold in best] == [0, 1]
