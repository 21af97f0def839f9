"""The laws of the fan-out on Ray: every task has one result, and every node that joins works."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.toy_cluster import OPEN, toy_cluster

pytestmark = [pytest.mark.ray, pytest.mark.slow]

MEMORY = {"memory_bytes": 1 << 20}
HEAD = json.loads((Path(__file__).parents[2] / "cluster" / "head.json").read_text())


@pytest.fixture(scope="module")
def cluster():
    """A cluster whose head has no CPU, and is told what `cluster/` tells each head."""
    with pytest.MonkeyPatch.context() as patch, toy_cluster(0, system_config=HEAD) as running:
        for name, value in OPEN.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def address(cluster):
    """Of the cluster, with a node that can work."""
    cluster.add_node(cpus=2)
    return cluster.address


def meet(task):
    """Whether as many tasks as were called for ran at one time."""
    number, count, folder = task
    (folder / str(number)).touch()
    deadline = time.monotonic() + 120
    while len(list(folder.iterdir())) < count:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


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


def test_a_node_that_joins_late_works_with_all_its_processors(cluster, tmp_path):
    from cluster.fanout import fan_out

    joining = threading.Timer(4, cluster.add_node, kwargs={"cpus": 6})
    joining.start()
    tasks = [(number, 6, tmp_path) for number in range(6)]
    results = list(fan_out(meet, tasks, address=cluster.address, **MEMORY))
    joining.join()
    assert sorted(results) == [(number, True) for number in range(6)]


def test_killed_workers_cost_a_retry_and_a_deadly_task_is_told(address, tmp_path):
    from cluster.fanout import Lost, fan_out

    fates = ["", "once", "", "always", "", ""]
    tasks = [(number, str(tmp_path), fate) for number, fate in enumerate(fates)]
    results = dict(fan_out(die, tasks, address=address, **MEMORY))
    assert isinstance(results.pop(3), Lost)
    assert results == {number: number for number in (0, 1, 2, 4, 5)}
    assert (tmp_path / "3").stat().st_size == 4


def settings(names):
    """What Ray goes by in this process, as far as it tells."""
    from ray._raylet import Config

    return {name: getattr(Config, name)() for name in names if hasattr(Config, name)}


def test_what_the_head_is_told_reaches_every_node(address):
    from cluster.fanout import fan_out

    ((_, there),) = fan_out(settings, [list(HEAD)], address=address, **MEMORY)
    assert there == {name: HEAD[name] for name in there}
    assert {"grpc_client_keepalive_time_ms", "health_check_timeout_ms"} <= there.keys()


def test_an_error_in_the_function_is_raised_as_it_was(address):
    from cluster.fanout import fan_out

    with pytest.raises(OSError, match=r"^the disk is full$"):
        list(fan_out(fail, [1, 2], address=address, **MEMORY))
