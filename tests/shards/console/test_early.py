"""A Ctrl-C while a command still imports its libraries is one line and exit code 130."""

import os
import signal
import subprocess
import sys
import time

import pytest

from shards.console import early

COMMANDS = ["ingest", "shards", "lungseg.fit", "lungseg.evaluate", "lungseg.predict", "tune.search"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_ctrl_c_during_the_imports_is_one_line(command, tmp_path):
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
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=120) == ("", "interrupted\n")
    assert started.returncode == 130


def test_once_a_command_begins_a_ctrl_c_can_be_caught():
    early.watch()
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    early.begin()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        early.watch()
        early.begin()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
