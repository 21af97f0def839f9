"""A search joins a Ray cluster of two nodes, and its trials run on both."""

import contextlib
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TWO_NODES = """
import sys
from ray.cluster_utils import Cluster
node = {"num_cpus": 1, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
cluster.add_node(**node)
cluster.wait_for_nodes()
print("address", cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
OPEN = {"RAY_AUTH_MODE": "disabled"}


@contextlib.contextmanager
def two_nodes():
    """The address of a cluster of two nodes with one CPU each."""
    process = subprocess.Popen(
        [sys.executable, "-c", TWO_NODES],
        env=os.environ | OPEN,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout:
            if line.startswith("address "):
                yield line.split()[1]
                break
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()


def test_trials_run_on_both_nodes(search, toy, tmp_path):
    with two_nodes() as address:
        command = search(
            *(toy, tmp_path / "out", "--trials", 4, "--epochs", 12, "--address", address),
            environment=OPEN,
        )
        done = command.run()
    assert done.returncode == 0, done.stderr
    rows = command.table()
    assert len(rows) == 4
    assert {row["status"] for row in rows} <= {"finished", "ended early"}
    assert len({row["node"] for row in rows}) == 2
