"""A Ray cluster of several nodes on this machine, in a process of its own, that grows on demand."""

import contextlib
import json
import os
import subprocess
import sys

OPEN = {"RAY_AUTH_MODE": "disabled", "RAY_worker_niceness": "0"}

_CLUSTER = """
import json, sys
from ray.cluster_utils import Cluster
store = {"object_store_memory": 80_000_000}
system_config = json.loads(sys.argv[1])
first, *others = map(int, sys.argv[2:])
head = {"num_cpus": first, "include_dashboard": False, "_system_config": system_config}
cluster = Cluster(initialize_head=True, head_node_args=head | store)
for cpus in others:
    cluster.add_node(num_cpus=cpus, **store)
cluster.wait_for_nodes()
print("address", cluster.address, flush=True)
for line in sys.stdin:
    cluster.add_node(num_cpus=int(line), **store)
cluster.shutdown()
"""


class ToyCluster:
    """A cluster that runs.

    Args:
        process: Which keeps it; a number on its input adds a node with as many CPUs.
        address: Of the head.
    """

    def __init__(self, process, address):
        self._process = process
        self.address = address

    def add_node(self, *, cpus):
        self._process.stdin.write(f"{cpus}\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def toy_cluster(*cpus, system_config=None):
    """A cluster without a token; CPUs of its head and of its other nodes, and what Ray is told."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CLUSTER, json.dumps(system_config), *map(str, cpus)],
        env=os.environ | OPEN,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout:
            if line.startswith("address "):
                yield ToyCluster(process, line.split()[1])
                break
    finally:
        process.stdin.close()
        process.wait(timeout=120)
        process.stdout.close()
