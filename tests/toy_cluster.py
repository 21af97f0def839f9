"""Ray for tests: a cluster of several nodes on this machine that grows on demand, or a node."""

import contextlib
import json
import os
import subprocess
import sys

_TRIES = 3
"""How often Ray is started, which gives itself a minute for it, on a busy machine too little."""

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
    words = [json.dumps(system_config), *map(str, cpus)]
    running = next(filter(None, (_started(words) for _ in range(_TRIES))), None)
    assert running, f"Ray did not start in {_TRIES} tries"
    process, address = running
    try:
        yield ToyCluster(process, address)
    finally:
        _end(process)


def _started(words):
    """The process that keeps a cluster, and its address; nothing where Ray did not start."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CLUSTER, *words],
        env=os.environ | OPEN,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("address "):
            return process, line.split()[1]
    _end(process)
    return None


def _end(process):
    process.stdin.close()
    process.wait(timeout=120)
    process.stdout.close()


@contextlib.contextmanager
def ray_here(*, cpus):
    """Ray as part of this process, on this machine alone."""
    import ray

    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    for left in reversed(range(_TRIES)):
        try:
            ray.init("local", num_cpus=cpus, **quiet)  # whatever else runs on this machine
            break
        except Exception:
            ray.shutdown()
            if not left:
                raise
    try:
        yield
    finally:
        ray.shutdown()
