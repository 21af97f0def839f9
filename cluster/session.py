"""Start Ray on this machine, or join a cluster that runs."""

import contextlib
import importlib
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import ray

from cluster.temp_folder import temp_folder

LOCAL = "local"

_log = logging.getLogger(__name__)

_ENDED = 128 + signal.SIGTERM
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
        ConnectionError: If there is no such cluster, or Ray does not start.
        SystemExit: If SIGTERM came, with 143.
    """
    if ray.is_initialized():
        yield
        return
    _quiet_ray()
    before = signal.getsignal(signal.SIGTERM)
    with contextlib.ExitStack() as stack:
        if address == LOCAL:
            _start_twice(stack.enter_context(temp_folder()))
        else:
            _join(address)
        stack.callback(ray.shutdown)
        stack.enter_context(_ended_by_sigterm(before))
        yield


@contextlib.contextmanager
def _ended_by_sigterm(before: Any) -> Iterator[None]:
    """Take SIGTERM from Ray, whose answer to it is a stack trace of C++.

    Args:
        before: How it was handled before Ray came; who has a way of its own keeps it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = False

    def leave(signum: int, _: FrameType | None) -> None:
        """End the process in order; another signal of the kind ends it at once."""
        nonlocal came
        came = True
        signal.signal(signum, signal.SIG_DFL)
        sys.exit(_ENDED)

    signal.signal(signal.SIGTERM, before if callable(before) else leave)
    try:
        yield
    except SystemExit:
        if came:  # Ray makes it an exit with 1 where it waits for something
            sys.exit(_ENDED)
        raise
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _join(address: str) -> None:
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as error:
        raise ConnectionError(
            f"no Ray cluster at {address!r} ({_line(error)}): start one with `ray start --head`, "
            "or give another --address"
        ) from error


def _start_twice(folder: Path) -> None:
    """Start Ray here; on a busy machine it may need a second try."""
    try:
        _start(folder / "1")
    except Exception as first:  # noqa: BLE001 (Ray raises a bare one when it is too slow)
        ray.shutdown()
        _log.info("Ray did not start on this machine (%s): trying once more", _line(first))
        try:
            _start(folder / "2")
        except Exception as second:
            ray.shutdown()
            raise ConnectionError(
                f"Ray did not start on this machine, twice ({_line(second)}): see that it has "
                f"memory, processes and room in {folder.parent} left, and try again"
            ) from second


def _start(folder: Path) -> None:
    """Start Ray here, closed to other users of the machine by a token of its own."""
    if not os.environ.keys() & {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # with which Ray turns its check on
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's own, 15, starves beside other work
    usable = len(os.sched_getaffinity(0))
    ray.init(
        address=LOCAL,
        num_cpus=usable if usable < (os.cpu_count() or 1) else None,
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        log_to_driver=False,
        logging_level="error",
        _temp_dir=str(folder),
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _quiet_ray() -> None:
    """Keep Ray's own messages from stdout, where the result belongs.

    What befalls its processes Ray prints there with a stack trace of C++, whatever is asked of it:
    a node that was lost is found out, and said, by who had work on it.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger("ray").setLevel(logging.ERROR)
    ray_worker: Any = importlib.import_module("ray._private.worker")
    if hasattr(ray_worker, "print_to_stdstream"):
        ray_worker.print_to_stdstream = _to_log


def _to_log(message: dict[str, Any], **_: Any) -> None:
    _log.debug("%s", "\n".join(message["lines"]))


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
