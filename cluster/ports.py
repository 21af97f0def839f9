"""A port for a process that will listen at it a moment later."""

import contextlib
import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 20_000  # above those that Ray's processes listen at
_TRIES = 100

_CHANCE = random.SystemRandom()  # no seed: two trainings of the same one must not meet


def free_port() -> int:
    """A port that nobody listens at, and that no connection to elsewhere takes meanwhile.

    The kernel takes those of connections from a range; this one is below it, if that leaves any.
    """
    first_taken = int(_RANGE.read_text(encoding="ascii").split()[0])
    below = range(_LOWEST, max(_LOWEST, first_taken))
    for port in _CHANCE.sample(below, min(_TRIES, len(below))):
        with contextlib.suppress(OSError):
            return _listened_at(port)
    return _listened_at(0)


def _listened_at(port: int) -> int:
    """Listen for a moment; at which port, where it is the kernel's choice."""
    with socket.create_server(("", port)) as door:
        return int(door.getsockname()[1])
