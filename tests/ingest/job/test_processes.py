"""The laws of the engine: every task has one result, whatever happens to a worker."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.job.processes import Died, Overdue, run
from shards.errors import StoreError
from tests.waiting import gone, wait_until


def square(number):
    return number * number


def die(task):
    """Kill the own process on some tasks; remember each attempt."""
    number, folder, deadly = task
    with (Path(folder) / "attempts").open("a") as file:
        file.write(f"{number} {os.getpid()}\n")
    if number in deadly and (deadly[number] == "always" or _attempts(folder, number) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _attempts(folder, number):
    lines = (Path(folder) / "attempts").read_text().splitlines()
    return sum(line.split()[0] == str(number) for line in lines)


def leave(_task):
    os._exit(3)


def fail(_task):
    raise StoreError("the disk is full")


def sleep(task):
    Path(task).write_text(str(os.getpid()))
    time.sleep(60)


@pytest.mark.parametrize("workers", [1, 3])
def test_every_task_has_one_result(workers):
    assert dict(run(square, range(7), workers=workers, minutes=1)) == {n: n * n for n in range(7)}


def test_workers_start_where_tmpdir_is_long(tmp_path):
    """Their server is reached by a socket, whose path may have 107 bytes."""
    long = tmp_path / ("long" * 25)
    long.mkdir()
    words = (
        "from ingest.job.processes import run; print(list(run(abs, [-1], workers=1, minutes=1)))"
    )
    environment = os.environ | {"TMPDIR": str(long)}
    ended = subprocess.run([sys.executable, "-c", words], env=environment, capture_output=True)
    assert (ended.stdout, ended.stderr) == (b"[(0, 1)]\n", b"")


def test_no_task_is_no_result():
    assert list(run(square, [], workers=2, minutes=1)) == []


def test_a_task_whose_worker_was_killed_is_tried_once_more(tmp_path):
    tasks = [(number, str(tmp_path), {2: "once"}) for number in range(5)]
    assert dict(run(die, tasks, workers=2, minutes=1)) == {number: number for number in range(5)}
    assert _attempts(tmp_path, 2) == 2


def test_a_task_that_kills_every_worker_is_told_and_the_others_are_done(tmp_path):
    tasks = [(number, str(tmp_path), {0: "always", 3: "always"}) for number in range(6)]
    results = dict(run(die, tasks, workers=2, minutes=1))
    assert results[0] == results[3] == Died(exit_code=-signal.SIGKILL)
    assert str(results[0]) == "its worker was killed (SIGKILL, as when memory runs out), twice"
    assert {number for number, result in results.items() if result == number} == {1, 2, 4, 5}
    assert _attempts(tmp_path, 0) == _attempts(tmp_path, 3) == 2


def test_a_worker_that_leaves_is_told_with_its_exit_code():
    assert [str(result) for _, result in run(leave, [0], workers=1, minutes=1)] == [
        "its worker left with exit code 3, twice"
    ]


def test_an_error_in_the_function_ends_the_run_and_is_raised():
    with pytest.raises(StoreError, match="the disk is full"):
        list(run(fail, [1, 2, 3], workers=2, minutes=1))


def hang(task):
    """Never answer on some tasks, or only the first time, as a worker that the kernel stopped."""
    number, folder, hanging = task
    with (Path(folder) / "attempts").open("a") as file:
        file.write(f"{number} {os.getpid()}\n")
    if number in hanging and (hanging[number] == "always" or _attempts(folder, number) == 1):
        os.kill(os.getpid(), signal.SIGSTOP)
    return number


def test_a_task_that_hangs_is_stopped_said_and_tried_once_more(tmp_path, caplog):
    tasks = [(number, str(tmp_path), {1: "once", 2: "always"}) for number in range(5)]
    results = dict(run(hang, tasks, workers=2, minutes=0.05))
    overdue = results.pop(2)
    assert overdue == Overdue(minutes=0.05)
    assert str(overdue).startswith("it took over 0.05 minutes, twice: look whether its files can")
    assert results == {number: number for number in (0, 1, 3, 4)}
    assert _attempts(tmp_path, 1) == _attempts(tmp_path, 2) == 2
    said = [text for text in caplog.messages if "it is tried once more after all others" in text]
    assert sum("it took over 0.05 minutes and was stopped" in text for text in said) >= 2
    for line in (tmp_path / "attempts").read_text().splitlines():
        assert not is_stopped(int(line.split()[1]))


def is_stopped(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] in "Tt"
    return False


def nap(seconds):
    time.sleep(seconds)


def test_a_limit_is_for_one_task_and_not_for_all_of_a_worker():
    seconds = 1.0
    results = dict(run(nap, [seconds] * 5, workers=1, minutes=3 * seconds / 60))
    assert results == dict.fromkeys(range(5))


def test_workers_do_not_outlive_a_killed_parent(tmp_path):
    script = (
        "from pathlib import Path\n"
        "import sys\n"
        f"sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[3])!r}]\n"
        "from test_processes import run, sleep\n"
        "if __name__ == '__main__':\n"
        f"    list(run(sleep, [{str(tmp_path / 'pid')!r}], workers=1, minutes=1))\n"
    )
    (tmp_path / "parent.py").write_text(script)
    parent = subprocess.Popen([sys.executable, tmp_path / "parent.py"])
    told = tmp_path / "pid"
    worker = int(wait_until(lambda: told.exists() and told.read_text(), "a worker"))
    assert not gone(worker)
    parent.kill()
    parent.wait()
    wait_until(lambda: gone(worker), "the worker ends too")
