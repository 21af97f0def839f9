"""`python -m cluster.await_nodes HOST:PORT N`: wait for a cluster that is being started."""

import sys
import time

import ray

from cluster.session import session

WAIT_S = 120.0


def await_nodes(address: str, num_nodes: int, *, wait_s: float) -> list[str]:
    """Wait until so many nodes have joined a cluster.

    Args:
        address: `host:port` of its head, which need not listen yet.
        num_nodes: Nodes that it is to have, the head included.
        wait_s: Longest wait in seconds, for the head and for the others together.

    Returns:
        Host names of the living nodes, sorted; fewer than `num_nodes` where the wait was over.

    Raises:
        ConnectionError: If the head does not answer.
    """
    until = time.monotonic() + wait_s
    while True:
        try:
            with session(address):
                return _await_others(num_nodes, until)
        except ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(1)


def _await_others(num_nodes: int, until: float) -> list[str]:
    while True:
        living = sorted(node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"])
        if len(living) >= num_nodes or time.monotonic() > until:
            return living
        time.sleep(1)


def main(address: str, num_nodes: int) -> str:
    """Wait, and say in a line what is missing; nothing where the cluster is whole."""
    try:
        living = await_nodes(address, num_nodes, wait_s=WAIT_S)
    except ConnectionError as error:
        return str(error)
    if len(living) >= num_nodes:
        return ""
    return (
        f"{len(living)} of {num_nodes} nodes joined the cluster at {address} within {WAIT_S:.0f} s "
        f"({', '.join(living)}): see that the others reach that address, and their ray start's log"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])) or 0)
