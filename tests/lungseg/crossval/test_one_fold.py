"""A fold is trained by a process with its options, which no end of this one leaves behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lungseg.crossval.one_fold import train_fold
from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from shards.console.command import parse
from shards.console.groups import flat_values
from tests.toy_training import options
from tests.waiting import wait_until

PYTHON = sys.executable
WAITS = """
for name in TERM INT USR1; do trap "echo $name >> $LOG; exit 7" $name; done
echo begun > $LOG
while :; do sleep 0.05; done
"""
CALLS = """
import sys
from lungseg.crossval.one_fold import train_fold
from tests.toy_training import options
sys.executable = sys.argv[1]
train_fold(options("s", "out"))
"""


@pytest.fixture
def python(tmp_path, monkeypatch):
    """Function: lines of a shell script that stands in for the training."""
    monkeypatch.setenv("LOG", str(tmp_path / "log"))

    def make(script):
        path = tmp_path / "python"
        path.write_text("#!/bin/bash\n" + script)
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))
        return path

    return make


def wait_for(path, text):
    wait_until(lambda: path.exists() and text in path.read_text(), f"{path} says {text}")


def test_the_process_has_the_options_of_the_fold_secret_of_the_url_included(tmp_path, python):
    python(f'[ "$1 $2 $3" = "-m lungseg.fit --config" ] && cp "$4" {tmp_path}/seen.yaml')
    given = options("s3://user:hush@bucket/set", tmp_path / "fold_1", fold=1, resume="auto")
    train_fold(given)
    seen = parse(FitOptions, ["--config", f"{tmp_path}/seen.yaml"], prog="", description="")
    assert flat_values(seen) == flat_values(given)


def test_modules_are_found_where_this_process_finds_them(tmp_path, python, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "/elsewhere"])
    python('echo "$PYTHONSAFEPATH $PYTHONPATH" > $LOG')
    train_fold(options("s", tmp_path))
    ours = Path(__file__).parents[3]
    assert (tmp_path / "log").read_text() == f"1 {ours}:{tmp_path}:/elsewhere\n"


def test_a_training_that_failed_ends_all_with_its_folder(tmp_path, python):
    python("exit 3")
    with pytest.raises(TrainingError, match=r"fold_2 ended with exit code 3.* with --resume goes"):
        train_fold(options("s", tmp_path / "fold_2"))


@pytest.mark.parametrize(
    ("signum", "raised"),
    [
        (signal.SIGTERM, SystemExit(143)),
        (signal.SIGUSR1, SystemExit(128 + signal.SIGUSR1)),
        (signal.SIGINT, KeyboardInterrupt()),
    ],
)
def test_a_signal_goes_on_to_the_training_and_is_awaited(tmp_path, python, signum, raised):
    python(WAITS)
    before = signal.getsignal(signum)

    def send():
        wait_for(tmp_path / "log", "begun")
        wait_until(lambda: signal.getsignal(signum) != before, "the signal is heard")
        os.kill(os.getpid(), signum)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(type(raised)) as caught:
        train_fold(options("s", tmp_path))
    sender.join()
    assert caught.value.args == raised.args
    assert (tmp_path / "log").read_text().split() == ["begun", signum.name.removeprefix("SIG")]
    assert signal.getsignal(signum) == before


def test_a_kill_of_this_process_ends_the_training_in_order(tmp_path, python):
    caller = subprocess.Popen([PYTHON, "-c", CALLS, python(WAITS)])
    wait_for(tmp_path / "log", "begun")
    caller.kill()
    caller.wait()
    wait_for(tmp_path / "log", "TERM")
