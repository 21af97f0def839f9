"""A search joins a Ray cluster of two nodes, and its trials run on both, or on the one that can."""

import contextlib
import os
import subprocess
import sys

import pytest

from tests.toy_cluster import OPEN, toy_cluster

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_trials_run_on_both_nodes(search, toy, tmp_path):
    with toy_cluster(1, 1) as cluster:
        command = search(
            *(toy, tmp_path / "out", "--trials", 4, "--epochs", 12),
            *("--address", cluster.address),
            environment=OPEN,
        )
        done = command.run()
    assert done.returncode == 0, done.stderr
    rows = command.table()
    assert len(rows) == 4
    assert {row["status"] for row in rows} <= {"finished", "ended early"}
    assert len({row["node"] for row in rows}) == 2


@contextlib.contextmanager
def node_without(folder, address):
    """A further node of a cluster, on which a folder is empty."""
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
    start = f'mount -t tmpfs none "{folder}" && exec "$@"'
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", start, "sh", *ray, f"--address={address}"],
        env=os.environ | OPEN,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can take a folder from a node")
def test_a_node_without_the_shards_is_set_aside_and_no_trial_is_lost(search, toy, tmp_path):
    with toy_cluster(1) as cluster, node_without(toy, cluster.address):
        command = search(
            *(toy, tmp_path / "out", "--trials", 4, "--epochs", 20, "--width", 8),
            *("--address", cluster.address),
            environment=OPEN,
        )
        done = command.run()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is set aside") == 1
    rows = command.table()
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert {row["status"] for row in rows} <= {"finished", "ended early"}
    assert len({row["node"] for row in rows}) == 1
