"""Start Ray on this machine, or join a cluster that runs."""

import contextlib
import logging
import os
import secrets
import socket
from collections.abc import Iterator

import ray

LOCAL = "local"

_KNOCK_S = 5
_OBJECT_STORE_BYTES = 100_000_000  # tasks and trials read and write storage themselves
# HTTP/2: a client's greeting with an empty SETTINGS frame; a gRPC server answers by SETTINGS
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS_TYPE = 4


@contextlib.contextmanager
def session(address: str = LOCAL) -> Iterator[None]:
    """Be part of a cluster; one that the process has joined already stays joined.

    Args:
        address: `local` starts Ray on this machine, for this process alone; `auto` is the cluster
            that this machine belongs to; else the `host:port` of a cluster's head.

    Raises:
        ConnectionError: If there is no such cluster.
    """
    if ray.is_initialized():
        yield
        return
    _quiet_ray()
    try:
        if address == LOCAL:
            _start()
        else:
            _knock(address)
            ray.init(address=address, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as error:
        what = " ".join(str(error).split())
        raise ConnectionError(
            f"no Ray cluster at {address!r} ({what}): start one with `ray start --head`, or give "
            "another --address"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _start() -> None:
    """Start Ray here, closed to other users of the machine by a token of its own."""
    if not os.environ.keys() & {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # with which Ray turns its check on
    usable = len(os.sched_getaffinity(0))
    ray.init(
        address=LOCAL,
        num_cpus=usable if usable < (os.cpu_count() or 1) else None,
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        log_to_driver=False,
        logging_level="error",
    )


def _quiet_ray() -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger("ray").setLevel(logging.ERROR)


def _knock(address: str) -> None:
    """Fail at once where no Ray listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        return
    with socket.create_connection((host, int(port)), timeout=_KNOCK_S) as door:
        door.sendall(_GREETING)
        answer = door.recv(9)
    if len(answer) < 4 or answer[3] != _SETTINGS_TYPE:
        raise ConnectionError("who listens there is no Ray head")
