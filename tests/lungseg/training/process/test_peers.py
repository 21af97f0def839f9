"""Where one of two processes dies or stands still, the command ends soon and in one line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lungseg.training.resume import checkpoint_to_resume
from shards.storage.store import open_shards
from tests.toy_training import flags, options
from tests.waiting import gone, wait_until

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


_WATCHES = """
import logging, os, signal, subprocess, sys, time
from pathlib import Path
from lungseg.training.process import peers
peers._SILENT_S = 4.0
logging.basicConfig(format="%(message)s")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
started = []
with peers.watched_peers(lambda: started, advice="go on"):
    if "LOCAL_RANK" not in os.environ:
        second = os.environ | {"LOCAL_RANK": "1"}
        started.append(subprocess.Popen([sys.executable, *sys.orig_argv[1:]], env=second))
    Path(sys.argv[1], os.environ.get("LOCAL_RANK", "0")).write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)
"""


@pytest.mark.parametrize(
    ("whose", "signum", "said"),
    [
        (1, signal.SIGKILL, "process 2 of the training was killed by SIGKILL"),
        (1, signal.SIGSTOP, "process 2 of the training has stood still for 4 s"),
        (0, signal.SIGKILL, "process 1 of the training is gone"),
        (0, signal.SIGSTOP, "process 1 of the training has stood still for 4 s"),
    ],
)
def test_who_dies_or_stands_still_is_named_and_the_other_one_ends(tmp_path, whose, signum, said):
    code, errors = ended_after(signum, whose, tmp_path)
    assert errors == f"{said}: the training ends; go on\n"
    assert code == (1 if whose else -signal.SIGKILL)


@pytest.mark.parametrize("whose", [0, 1])
def test_who_leaves_by_itself_has_said_why_and_ends_the_other_one(tmp_path, whose):
    assert ended_after(signal.SIGTERM, whose, tmp_path) == (143, "")


def ended_after(signum, whose, tmp_path):
    """Exit code and errors of the first of two processes after one had a signal; all are gone."""
    command = [sys.executable, "-c", _WATCHES, tmp_path]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=-1, text=True)
    paths = [tmp_path / name for name in "01"]
    wait_until(lambda: all(map(number_in, paths)), "two processes", during=running)
    pids = [number_in(path) for path in paths]
    os.kill(pids[whose], signum)
    _, errors = running.communicate(timeout=120)
    wait_until(lambda: all(map(gone, pids)), "no process is left")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]
    return running.returncode, errors


def number_in(path):
    return int(path.read_text() or 0) if path.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whose", "signum", "said"),
    [
        ("second", signal.SIGSTOP, "process 2 of the training has stood still for 10 s"),
        ("first", signal.SIGKILL, "process 1 of the training is gone"),
    ],
)
def test_a_training_whose_exchange_breaks_or_hangs_ends_so(shards, tmp_path, whose, signum, said):
    words = flags(shards, tmp_path / "out", epochs=1000, devices=2)
    with (tmp_path / "said.txt").open("w") as errors:
        command = [sys.executable, "-m", "lungseg.fit", *words]
        running = subprocess.Popen(command, cwd=ROOT, stderr=errors, start_new_session=True)
    try:
        written = (tmp_path / "out" / "last.ckpt").exists
        wait_until(written, (tmp_path / "said.txt").read_text, during=running)
        (second,) = children(running.pid)
        os.kill(second if whose == "second" else running.pid, signum)
        running.wait(timeout=120)
        wait_until(lambda: gone(second), "no process is left")
    finally:
        os.killpg(running.pid, signal.SIGKILL) if running.poll() is None else None
        running.wait()
    lines = (tmp_path / "said.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("epoch")][-1].startswith(said)
    assert "goes on from" in lines[-1]
    assert not [line for line in lines if "Traceback" in line or "Error" in line]
    now = options(shards, tmp_path / "out", epochs=1000, devices=1, resume=True)
    assert checkpoint_to_resume(now, open_shards(shards)) == tmp_path / "out" / "last.ckpt"
