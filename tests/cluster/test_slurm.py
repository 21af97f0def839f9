"""The Slurm script runs a search on a real Slurm of two hosts, through a requeue."""

import csv
import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from tests.slurm_hosts import missing, slurm_hosts
from tests.toy_shards import make_shards

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(missing()), reason=missing() or "there is a Slurm"),
]

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "cluster" / "slurm" / "ray.sbatch"


def test_a_search_goes_on_after_its_job_was_queued_again(tmp_path):
    shards, out, said = make_shards(tmp_path / "shards"), tmp_path / "out", tmp_path / "job.log"
    words = shlex.split(
        "--width 4 --depth 3 --batch-size 8 --num-workers 0 --augment none --lr 0.01 "
        "--trials 3 --epochs 10 --cpus-per-trial 1"
    )
    path = f"PATH={Path(sys.executable).parent}:{os.environ['PATH']}"
    with slurm_hosts(tmp_path, 2, cpus=1) as slurm:
        job = slurm.submit(
            *("--gpus-per-node=0", "--cpus-per-task=1", f"--output={said}", f"--chdir={ROOT}"),
            *(
                f"--export=ALL,{path}",
                SCRIPT,
                "tune.search",
                "--shards",
                shards,
                "--out",
                out,
                *words,
            ),
        )
        until = time.monotonic() + 120
        while not (out / "trials.csv").exists():
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.5)
        finished = (out / "trials.csv").read_text().splitlines()[1]
        slurm.run("scancel", "--batch", "--signal=USR1", job)
        while slurm.state(job)["Restarts"] == "0" or slurm.state(job)["JobState"] != "PENDING":
            time.sleep(0.5)
        slurm.run("scontrol", "update", f"JobId={job}", "StartTime=now")  # else 2 minutes later
        state = slurm.ended(job, timeout=200)
    assert state["JobState"] == "COMPLETED", said.read_text()
    lines = (out / "trials.csv").read_text().splitlines()
    assert finished in lines, "a finished trial was trained again"
    rows = list(csv.DictReader(lines))
    assert len(rows) == 3
    assert {row["node"].partition("/")[0] for row in rows} == {"10.77.0.1", "10.77.0.2"}
