"""Other services get the values of each step too, in one run for a training and what follows it."""

import importlib.util
import json
import types
from pathlib import Path

import pytest

from lungseg.errors import TrainingError
from lungseg.training.log import loggers
from lungseg.training.log.loggers import further_loggers, tensorboard
from lungseg.training.run import fit
from tests.toy_training import options

OF_ITS_OWN = pytest.mark.filterwarnings("default")  # what a service warns of is not ours


@pytest.fixture
def service(monkeypatch):
    """The runs that a service without a network was asked for: (folder, run before or None)."""
    asked = []

    def make(out, run):
        asked.append((out.name, run))
        number = f"run-{len(asked)}"
        return types.SimpleNamespace(experiment=object(), version=run or number)

    monkeypatch.setitem(loggers._MAKERS, "wandb", make)
    return asked


def begun(out, *, goes_on):
    return further_loggers(options("s", out, logger=["wandb"]), goes_on=goes_on)


def test_without_the_option_there_is_tensorboard_alone(tmp_path):
    assert further_loggers(options("s", tmp_path), goes_on=False) == []
    assert not (tmp_path / loggers.KNOWN).exists()
    assert Path(tensorboard(tmp_path).log_dir) == tmp_path / "tensorboard"


def test_a_training_that_goes_on_goes_on_in_its_run_and_a_new_one_does_not(tmp_path, service):
    begun(tmp_path / "a", goes_on=False)
    begun(tmp_path / "a", goes_on=True)
    begun(tmp_path / "a", goes_on=False)
    assert service == [("a", None), ("a", "run-1"), ("a", None)]
    assert json.loads((tmp_path / "a" / loggers.KNOWN).read_text()) == {"wandb": "run-3"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("no wandb"), r"--logger wandb needs .*pip install 'lungseg\[wandb\]'"),
        (RuntimeError("no api\nkey"), r"--logger wandb cannot begin \(no api key\): run `wandb lo"),
    ],
)
def test_what_is_missing_is_said_before_the_training(shards, tmp_path, monkeypatch, error, said):
    def fails(out, run):
        raise error

    monkeypatch.setitem(loggers._MAKERS, "wandb", fails)
    with pytest.raises(TrainingError, match=said):
        fit(options(shards, tmp_path, epochs=1, logger=["wandb"]))
    assert not (tmp_path / "last.ckpt").exists()


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
@pytest.mark.skipif(
    bool(importlib.util.find_spec("wandb") or importlib.util.find_spec("mlflow")),
    reason="the packages are there",
)
def test_a_package_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(TrainingError, match=rf"pip install 'lungseg\[{name}\]'"):
        further_loggers(options("s", tmp_path, logger=[name]), goes_on=False)


@OF_ITS_OWN
def test_mlflow_has_all_steps_in_one_run_also_after_more_epochs(shards, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    given = {"logger": ["mlflow"], "lr": 0.125}
    fit(options(shards, tmp_path / "run", epochs=1, **given))
    fit(options(shards, tmp_path / "run", epochs=2, resume=True, **given))
    client = MlflowClient(f"sqlite:///{tmp_path}/run/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("lungseg").experiment_id])
    assert (run.info.status, run.data.params["lr"]) == ("FINISHED", "0.125")
    assert run.info.run_name.endswith("/run")
    steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "lr")]
    assert steps == list(range(12))
    assert 0 <= run.data.metrics["val/dice_case_mean"] <= 1


@OF_ITS_OWN
def test_wandb_keeps_a_run_without_a_network(shards, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    fit(options(shards, tmp_path / "run", epochs=1, logger=["wandb"]))
    known = json.loads((tmp_path / "run" / loggers.KNOWN).read_text())
    (kept,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    assert kept.name.endswith(known["wandb"])
