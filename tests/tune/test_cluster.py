"""A search joins a Ray cluster of two nodes, and its trials run on both."""

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
