"""What tests of a search share: toy shards, and the command as a process of its own."""

import contextlib
import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.toy_shards import make_shards
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
TINY = [
    *("--width", 4, "--depth", 3, "--neighbors", 1),
    *("--batch-size", 8, "--num-workers", 0, "--augment", "none"),
    *("--norm", "instance", "--transplant", 0),  # which learns in a dozen steps
    *("--cpus-per-trial", 1),  # two threads that wait for each other are slow on a busy machine
]


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """Folder of a shard set of five tiny cases."""
    return make_shards(tmp_path_factory.mktemp("toy"))


class Command:
    """`python -m tune.search` on some shards into some folder.

    Args:
        shards: The shards.
        out: `--out`.
        words: Further arguments.
        environment: Further environment variables.
        module: Which is run.
    """

    def __init__(self, shards, out, *words, environment=None, module="tune.search"):
        given = ["--shards", shards, "--out", out, *TINY, *words]
        self.out = Path(out)
        self._words = [sys.executable, "-m", module, *map(str, given)]
        self._environment = os.environ | {"PYTHONPATH": str(ROOT)} | (environment or {})

    def run(self, *further, timeout=400):
        """Let it end; the finished process, with texts."""
        return subprocess.run(
            [*self._words, *map(str, further)],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def interrupted(self, when, how, *, timeout=400):
        """Start it, do something to it at a line of its output, and wait for its end.

        Args:
            when: Text of the line.
            how: Called with the process.
            timeout: Seconds until the test gives up.

        Returns:
            Exit code and all lines.
        """
        process = subprocess.Popen(
            self._words, cwd=ROOT, env=self._environment, stderr=subprocess.PIPE, text=True
        )
        lines, deadline, done = [], time.monotonic() + timeout, False
        try:
            for line in process.stderr:
                lines.append(line)
                if when in line and not done:
                    done = True
                    how(process)
                assert time.monotonic() < deadline, lines
            return process.wait(timeout=PATIENCE_S), lines
        finally:
            process.kill()
            process.wait()
            process.stderr.close()

    def table(self):
        """Rows of trials.csv."""
        with (self.out / "trials.csv").open(newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def search():
    """The class `Command`."""
    return Command


class Held:
    """Where a search is told which trial stands still, once it has so many epochs."""

    def __init__(self, folder):
        folder.mkdir()
        self._folder = folder
        self.how = {"module": "tests.tune.held_search", "environment": {"HELD": str(folder)}}

    def hold(self, trial, *, epoch):
        (self._folder / str(trial)).write_text(str(epoch))

    def stands(self, trial):
        return (self._folder / f"{trial}.stands").exists()

    def let_go(self, trial):
        (self._folder / str(trial)).unlink()


@pytest.fixture
def held(tmp_path):
    """An instance of `Held`; what `Command` needs for it is `held.how`."""
    return Held(tmp_path / "held")


def descendants(pid):
    """Process ids of the children of a process, and of theirs."""
    children = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(status.parent.name))
    found, unseen = [], [pid]
    while unseen:
        below = children.get(unseen.pop(), [])
        found += below
        unseen += below
    return found


def trials_of(process):
    """Ids of the processes in which a search's trials run."""
    found = []
    for pid in descendants(process.pid):
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
            found += [pid] if name.startswith("ray::ImplicitFunc") else []
    assert found
    return found


def kill_trials(process):
    """SIGKILL the processes in which a search's trials run."""
    for pid in trials_of(process):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(name="trials_of", scope="session")
def fixture_trials_of():
    """The function that finds a search's trials."""
    return trials_of


@pytest.fixture(name="kill_trials", scope="session")
def fixture_kill_trials():
    """The function that kills a search's trials."""
    return kill_trials
