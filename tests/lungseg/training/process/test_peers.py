"""Where one of two processes dies or stands still, the command ends soon and in one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lungseg.training.resume import checkpoint_to_resume
from shards.storage.store import open_shards
from tests.toy_training import flags, options

ROOT = Path(__file__).parents[4]


def children(pid):
    """Process ids of the children of a process that are trainings too."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            words = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and b"lungseg.fit" in words:
            found.append(int(status.parent.name))
    return found


def gone(pid):
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] in "ZX"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whose", "signum", "said"),
    [
        ("second", signal.SIGKILL, "process 2 of the training was killed by SIGKILL"),
        ("second", signal.SIGSTOP, "process 2 of the training has stood still for 10 s"),
        ("first", signal.SIGKILL, "process 1 of the training is gone"),
        ("first", signal.SIGSTOP, "process 1 of the training has stood still for 10 s"),
    ],
)
def test_the_others_end_within_seconds_and_say_why(shards, tmp_path, whose, signum, said):
    words = flags(shards, tmp_path / "out", epochs=1000, devices=2)
    with (tmp_path / "said.txt").open("w") as errors:
        command = [sys.executable, "-m", "lungseg.fit", *words]
        running = subprocess.Popen(command, cwd=ROOT, stderr=errors, start_new_session=True)
    try:
        while not (tmp_path / "out" / "last.ckpt").exists():
            assert running.poll() is None, (tmp_path / "said.txt").read_text()
            time.sleep(0.1)
        (second,) = children(running.pid)
        os.kill(second if whose == "second" else running.pid, signum)
        deadline = time.monotonic() + 15
        running.wait(timeout=60)
        while not gone(second):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        os.killpg(running.pid, signal.SIGKILL) if running.poll() is None else None
        running.wait()
    lines = (tmp_path / "said.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("epoch")][-1].startswith(said)
    assert "goes on from" in lines[-1]
    assert not [line for line in lines if "Traceback" in line or "Error" in line]
    now = options(shards, tmp_path / "out", epochs=1000, devices=1, resume=True)
    assert checkpoint_to_resume(now, open_shards(shards)) == tmp_path / "out" / "last.ckpt"
