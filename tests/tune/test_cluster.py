"""A search joins a Ray cluster, and its trials run on all nodes that can run them."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toy_cluster import OPEN, toy_cluster

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


@contextlib.contextmanager
def node_without(folder, address):
    """A third node of a cluster, on which a folder is empty."""
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
    start = f'mount -t tmpfs none "{folder}" && exec "$@"'
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", start, "sh", *ray, f"--address={address}"],
        env=os.environ | OPEN,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        there = [sys.executable, "-m", "cluster.await_nodes", address, "3"]
        subprocess.run(there, cwd=ROOT, env=os.environ | OPEN, check=True, timeout=200)
        yield
    finally:
        process.terminate()
        process.wait(timeout=120)


def test_trials_run_on_both_nodes_and_one_without_the_shards_is_set_aside(search, toy, tmp_path):
    """The third node is there where root can take a folder from it."""
    root = os.getuid() == 0
    with toy_cluster(1, 1) as cluster, contextlib.ExitStack() as stack:
        (tmp_path / "meet").write_text("3" if root else "2")
        if root:
            stack.enter_context(node_without(toy, cluster.address))
        command = search(
            *(toy, tmp_path / "out", "--trials", 3, "--epochs", 2),
            *("--address", cluster.address),
            environment=OPEN,
            module="tests.tune.meeting_search",
        )
        done = command.run()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is set aside") == root
    rows = command.table()
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    assert {row["status"] for row in rows} <= {"finished", "ended early"}
    assert len({row["node"] for row in rows}) == 2
