"""A cluster that is being started is waited for, and what is missing is named."""

import os
import subprocess
import sys
import time

import pytest

from cluster.await_nodes import await_nodes
from tests.toy_cluster import OPEN, toy_cluster


@pytest.mark.ray
@pytest.mark.slow
def test_a_whole_cluster_passes_and_a_missing_node_is_said():
    code = (
        "from cluster import await_nodes as a; import sys; a.WAIT_S = 3; sys.exit(a.main(*{}) or 0)"
    )
    with toy_cluster(1, 1) as cluster:
        for count, said in ((2, ""), (3, "2 of 3 nodes joined the cluster at")):
            done = subprocess.run(
                [sys.executable, "-c", code.format((cluster.address, count))],
                env=os.environ | OPEN,
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
            assert done.returncode == bool(said), done.stderr
            assert said in done.stderr


def test_a_head_that_never_comes_is_given_up():
    begin = time.monotonic()
    with pytest.raises(ConnectionError, match="no Ray cluster at"):
        await_nodes("127.0.0.1:9", 2, wait_s=1.5)
    assert time.monotonic() - begin < 60
