"""Whether Ray Tune can go on from its snapshots: a killed driver may leave a torn one."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import ray.tune

_UNREADABLE = (OSError, EOFError, ValueError, pickle.UnpicklingError)


def is_whole(folder: Path) -> bool:
    """Whether a search's snapshots are there and readable.

    Tune copies them to their place every few seconds, in place. Where one was cut off in that
    moment the search starts over: the same seed suggests the same trials, which find their earlier
    attempts.

    Args:
        folder: Where Tune keeps the search.

    Returns:
        False as well when there is nothing.
    """
    if not ray.tune.Tuner.can_restore(folder) or not any(folder.glob("experiment_state-*.json")):
        return False
    try:
        for _ in _contents(folder):
            pass
    except _UNREADABLE:
        return False
    return True


def _contents(folder: Path) -> Iterator[object]:
    for path in folder.glob("experiment_state-*.json"):
        yield json.loads(path.read_text(encoding="utf-8"))
    for path in (*folder.glob("*.pkl"), *folder.glob("search_gen_state-*.json")):  # both pickles
        yield pickle.loads(path.read_bytes())
