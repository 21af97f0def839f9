"""The Slurm script runs a search and a training over two hosts, queued again, on a real Slurm."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from lungseg.training.run import fit
from tests.slurm_hosts import missing, slurm_hosts
from tests.toy_shards import make_shards
from tests.toy_training import Seen, flags, options, slices_of_steps, table
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=missing() or "there is a Slurm"),
]

ROOT = Path(__file__).parents[2]
MEETING = "tests.tune.meeting_search"
SEEN = "tests.lungseg.training.nodes.seen_ranks"
TRAINING = {"epochs": 3, "seed": 3, "norm": "instance"}  # with batch, rounding grows
SCRIPT = ROOT / "cluster" / "slurm" / "ray.sbatch"


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Two hosts with a processor each."""
    with slurm_hosts(tmp_path_factory.mktemp("slurm"), 2, cpus=1) as running:
        yield running


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Folder of a shard set of five tiny cases."""
    return make_shards(tmp_path_factory.mktemp("toy") / "shards")


def submit(slurm, said, *words):
    """Submit a command to the script; the job's number."""
    path = f"PATH={Path(sys.executable).parent}:{os.environ['PATH']}"
    of_job = ("--gpus-per-node=0", "--cpus-per-task=1", f"--output={said}", f"--chdir={ROOT}")
    return slurm.submit(*of_job, f"--export=ALL,{path}", SCRIPT, *words)


def queue_again(slurm, job):
    """Warn the job as Slurm does before its time is over, and let it begin again at once."""
    slurm.run("scancel", "--batch", "--signal=USR1", job)

    def queued():
        state = slurm.state(job)
        return state["Restarts"] != "0" and state["JobState"] == "PENDING"

    wait_until(queued, lambda: f"the job queued again: {slurm.state(job)}", every_s=0.5)
    slurm.run("scontrol", "update", f"JobId={job}", "StartTime=now")  # else 2 minutes later


def test_a_search_runs_its_trials_on_both_hosts(slurm, toy, tmp_path):
    out, said = tmp_path / "out", tmp_path / "job.log"
    words = shlex.split(
        "--width 4 --depth 3 --neighbors 1 --batch-size 8 --num-workers 0 --augment none --lr 0.01 "
        "--norm instance --transplant 0 --trials 3 --epochs 2 --cpus-per-trial 1"
    )
    (tmp_path / "meet").write_text("2")
    job = submit(slurm, said, MEETING, "--shards", toy, "--out", out, *words)
    state = slurm.ended(job, timeout=500)
    assert state["JobState"] == "COMPLETED", said.read_text()
    assert len((out / "trials.csv").read_text().splitlines()) == 1 + 3
    met = {path.read_text() for path in (tmp_path / "met").iterdir()}
    assert met == {"10.77.0.1", "10.77.0.2"}


def test_a_training_over_two_hosts_goes_on_after_its_job_was_queued_again(
    slurm, toy, unbroken, tmp_path
):
    said = tmp_path / "job.log"
    (tmp_path / "held").write_text("9")
    words = flags(toy, tmp_path / "run", nodes=2, devices=1, resume="auto", **TRAINING)
    job = submit(slurm, said, SEEN, *words)
    wait_until((tmp_path / "at-9").exists, said.read_text, seconds=240)
    queue_again(slurm, job)
    (tmp_path / "go-9").touch()
    state = slurm.ended(job, timeout=300)
    assert state["JobState"] == "COMPLETED", said.read_text()
    found, expected = (slices_of_steps(path / "seen") for path in (tmp_path, unbroken))
    assert {step: set(lines) for step, lines in found.items()} == {
        step: set(lines) for step, lines in expected.items()
    }
    hosts = {(tmp_path / f"rank-{rank}").read_text().split()[1] for rank in range(2)}
    assert hosts == {"h1", "h2"}


def test_srun_trains_on_two_hosts_what_one_process_trains(slurm, toy, unbroken, tmp_path):
    words = flags(toy, tmp_path, nodes=2, devices=1, **TRAINING)
    step = ("--nodes=2", "--ntasks-per-node=1", f"--chdir={ROOT}")
    slurm.run("srun", *step, sys.executable, "-m", "lungseg.fit", *words, timeout=300)
    one, two = (
        [float(row["train/loss"]) for row in table(folder)]
        for folder in (unbroken / "run", tmp_path)
    )
    assert two == pytest.approx(one, rel=1e-5)


@pytest.fixture(scope="module")
def unbroken(toy, tmp_path_factory):
    """Folder of a training by one process, and the slices of its steps."""
    folder = tmp_path_factory.mktemp("unbroken")
    fit(options(toy, folder / "run", **TRAINING), callbacks=[Seen(folder / "seen")])
    return folder
