"""The laws of the fan-out on Ray: every task has one result, whatever happens to a worker."""

import os
import signal
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def two_cpus():
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


def die(task):
    """Kill the own process at the first attempt, or at every one; remember each attempt."""
    number, folder, deadly = task
    with (Path(folder) / str(number)).open("a") as file:
        file.write("x")
    if deadly == "always" or (
        deadly == "once" and (Path(folder) / str(number)).stat().st_size == 1
    ):
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail(_task):
    raise OSError("the disk is full")


def test_killed_workers_cost_a_retry_and_a_deadly_task_is_told(two_cpus, tmp_path):
    from cluster.fanout import Lost, fan_out

    fates = ["", "once", "", "always", "", ""]
    tasks = [(number, str(tmp_path), fate) for number, fate in enumerate(fates)]
    results = dict(fan_out(die, tasks, address="auto", memory_bytes=1 << 20))
    assert isinstance(results.pop(3), Lost)
    assert results == {number: number for number in (0, 1, 2, 4, 5)}
    assert (tmp_path / "3").stat().st_size == 4


def test_an_error_in_the_function_is_raised_as_it_was(two_cpus):
    from cluster.fanout import fan_out

    with pytest.raises(OSError, match=r"^the disk is full$"):
        list(fan_out(fail, [1, 2], address="auto", memory_bytes=1 << 20))
