"""Slurm's variables change nothing of a training, but several tasks of one step are refused."""

import pytest

from lungseg.errors import TrainingError
from lungseg.training.run import fit
from tests.toy_training import options, table

ALLOCATION = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "train",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "127.0.0.1",
    "SLURM_NNODES": "1",
}


@pytest.mark.parametrize("tasks", [{}, {"SLURM_NTASKS": "2"}, {"SLURM_NTASKS_PER_NODE": "2"}])
def test_within_an_allocation_a_training_is_what_it_is_without(
    shards, finished, tmp_path, monkeypatch, tasks
):
    for name, value in (ALLOCATION | tasks).items():
        monkeypatch.setenv(name, value)
    fit(options(shards, tmp_path, epochs=1))
    assert table(tmp_path) == table(finished)


def test_several_tasks_of_a_step_are_refused(shards, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    with pytest.raises(TrainingError, match=r"srun started 2 .* use srun --ntasks 1"):
        fit(options(shards, tmp_path, epochs=1))
