"""A world that a launcher started equals nodes times devices, or is refused in a line."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.strategies import SingleDeviceStrategy

from cluster.ports import free_port
from lungseg.errors import TrainingError
from lungseg.options.run import RunOptions
from lungseg.training import run
from lungseg.training.callbacks import early_end
from lungseg.training.process import world as world_module
from lungseg.training.process.world import OwnProcesses, World, world_of
from tests.toy_training import flags, options, table

ROOT = Path(__file__).parents[4]
ALLOCATION = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "train",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "127.0.0.1",
    "SLURM_NNODES": "1",
}


def srun(nodes, tasks, **further):
    step = {"SLURM_STEP_NUM_NODES": str(nodes), "SLURM_STEP_NUM_TASKS": str(tasks)}
    of_tasks = {"SLURM_NTASKS": str(tasks), "SLURM_NTASKS_PER_NODE": str(tasks // nodes)}
    return ALLOCATION | {"SLURM_NNODES": str(nodes)} | of_tasks | step | further


def torchrun(nodes, processes):
    return {
        "TORCHELASTIC_RUN_ID": "none",
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes // nodes),
        "RANK": "0",
        "LOCAL_RANK": "0",
        "GROUP_RANK": "0",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "1",
    }


def run_of(nodes, devices):
    return RunOptions(out=Path("x"), nodes=nodes, devices=devices)


@pytest.fixture
def world(monkeypatch):
    """The world of `--nodes` and `--devices` in an environment."""

    def given(environment, nodes, devices):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return world_of(run_of(nodes, devices))

    return given


@pytest.mark.parametrize("tasks", [{}, {"SLURM_NTASKS": "2"}, {"SLURM_NTASKS_PER_NODE": "2"}])
def test_within_an_allocation_a_training_is_what_it_is_without(
    shards, finished, tmp_path, monkeypatch, tasks
):
    for name, value in (ALLOCATION | tasks).items():
        monkeypatch.setenv(name, value)
    run.fit(options(shards, tmp_path, epochs=1))
    assert table(tmp_path) == table(finished)


@pytest.mark.parametrize(
    ("environment", "nodes", "devices"),
    [
        (ALLOCATION, 1, 3),  # no srun: the training starts its processes
        (srun(1, 1, SLURM_JOB_NAME="interactive"), 1, 3),  # a shell
        (srun(2, 6), 2, 3),
        (torchrun(2, 6), 2, 3),
    ],
)
def test_devices_mean_as_many_processes_on_each_node(world, environment, nodes, devices):
    found = world(environment, nodes, devices)
    assert (found.nodes, found.devices, found.alone) == (nodes, devices, False)


@pytest.mark.parametrize("environment", [srun(2, 6), torchrun(2, 6)])
def test_without_devices_they_are_what_was_started(world, environment):
    assert world(environment, 2, "auto").devices == 3


@pytest.mark.parametrize(
    ("environment", "nodes", "devices", "said"),
    [
        (srun(1, 1), 1, 2, "srun started 1 .* on 1 node, .* --nodes 1 --ntasks-per-node 2"),
        (srun(2, 2), 1, 1, "srun started 2 .* on 2 nodes, .* --nodes 1 --ntasks-per-node 1"),
        (srun(2, 3), 2, 1, "srun started 3 .* on 2 nodes"),
        (torchrun(2, 2), 1, 1, "torchrun started 2 .* --nnodes 1 --nproc-per-node 1"),
        (torchrun(1, 2), 2, 1, "torchrun started 2 .* on 1 node, .* --nnodes 2"),
        ({}, 2, 1, "--nodes 2 needs who starts .* --address"),
    ],
)
def test_another_world_is_refused_in_a_line(world, environment, nodes, devices, said):
    with pytest.raises(TrainingError, match=said) as told:
        world(environment, nodes, devices)
    assert "\n" not in str(told.value)


def test_own_processes_meet_where_the_first_one_chose(monkeypatch):
    monkeypatch.delenv("MASTER_PORT", raising=False)
    monkeypatch.setattr(world_module, "free_port", iter((4711, 4712)).__next__)
    first = OwnProcesses()
    assert (first.main_port, first.main_port) == (4711, 4711)
    monkeypatch.setenv("MASTER_PORT", "5000")
    assert OwnProcesses().main_port == 5000


@pytest.mark.parametrize("validates", [False, True])
def test_ranks_that_were_launched_meet_and_watch_over_each_other(
    shards, finished, tmp_path, monkeypatch, validates
):
    happened = []

    @contextlib.contextmanager
    def watched(*, launched, advice):
        happened.append(f"watched: {launched}")
        yield

    def meet(strategy):
        happened.append("met")
        set_up(strategy)

    set_up = SingleDeviceStrategy.setup_environment
    monkeypatch.setattr(SingleDeviceStrategy, "setup_environment", meet)
    monkeypatch.setattr(early_end, "watched_ranks", watched)
    launched = World(environment=LightningEnvironment(), devices=1, launched=True)
    if validates:
        checkpoint = finished / "best.ckpt"
        run.validate(options(shards, tmp_path, epochs=1), checkpoint, world=launched)
    else:
        run.fit(options(shards, tmp_path, epochs=1), world=launched)
    assert happened[:2] == ["met", "watched: True"]


@pytest.mark.slow
def test_two_nodes_of_torchrun_learn_what_one_learns(shards, finished, tmp_path):
    started = ("--nnodes=2", "--nproc-per-node=1", f"--rdzv-endpoint=127.0.0.1:{free_port()}")
    started += ("--local-addr=127.0.0.1",)  # a host's name may mean nothing
    launcher = ["-m", "torch.distributed.run", *started, "--rdzv-backend=c10d", "-m", "lungseg.fit"]
    words = map(str, flags(shards, tmp_path, epochs=1, nodes=2, devices=1))
    command = [sys.executable, *launcher, *words]
    nodes = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=-3, text=True)
        for _ in range(2)
    ]
    try:
        said = [node.communicate(timeout=250)[1] for node in nodes]
    finally:
        for node in nodes:
            node.kill()
    assert [node.returncode for node in nodes] == [0, 0], said
    (one,), (two,) = table(finished), table(tmp_path)
    assert float(two["train/loss"]) == pytest.approx(float(one["train/loss"]), rel=1e-5)
