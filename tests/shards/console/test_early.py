"""A Ctrl-C or SIGTERM while a command still imports its libraries is one line and an exit code."""

import os
import signal
import subprocess
import sys
import time

import pytest

from shards.console import early

COMMANDS = ["ingest", "shards", "lungseg.fit", "lungseg.evaluate", "lungseg.predict", "tune.search"]


@pytest.mark.parametrize(
    ("command", "signum", "ended"),
    [
        *((command, signal.SIGINT, ("interrupted\n", 130)) for command in COMMANDS),
        ("lungseg.fit", signal.SIGTERM, ("ended by SIGTERM\n", 143)),
    ],
)
def test_a_signal_during_the_imports_is_one_line(command, signum, ended, tmp_path):
    """Importing tyro takes until it is interrupted."""
    (tmp_path / "tyro.py").write_text("print('imports', flush=True)\nimport time\ntime.sleep(60)\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    started = subprocess.Popen(
        [sys.executable, "-m", command, "--help"],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout.readline() == "imports\n"
    time.sleep(0.05)
    started.send_signal(signum)
    said, errors = started.communicate(timeout=120)
    assert (said, errors, started.returncode) == ("", *ended)


@pytest.mark.parametrize(
    ("signum", "usual"),
    [(signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)],
)
def test_once_a_command_begins_a_signal_is_what_it_was(signum, usual):
    signal.signal(signum, usual)
    early.watch()
    assert signal.getsignal(signum) is not usual
    early.begin()
    assert signal.getsignal(signum) is usual


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_ignored_stays_so(signum):
    signal.signal(signum, signal.SIG_IGN)  # what a test leaves is undone
    early.watch()
    early.begin()
    assert signal.getsignal(signum) is signal.SIG_IGN
