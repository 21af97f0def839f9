"""Whether a rank of a gang still answers, and what Ray says of one that does not."""

from typing import Any

import ray

SILENT_S = 10.0
"""After which a rank that does not answer is lost; it has ended itself by then, if it could."""

_GUESSES = ("Some common causes include", "The task may or may not have been executed")


class LostRankError(Exception):
    """A rank died or fell silent, and the others were ended."""


def answer_of(reference: Any, number: int, host: str) -> Any:
    """The answer of a rank.

    Raises:
        LostRankError: If it died.
        ray.exceptions.RayTaskError: If what was called raised.
    """
    try:
        return ray.get(reference, timeout=SILENT_S)
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        raise LostRankError(f"rank {number} on {host} died ({said_of_loss(error)})") from error


def said_of_loss(error: Exception) -> str:
    """What Ray says of a lost process, without the table in its middle."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith("\t")]
    return without_guesses(" ".join(lines[-1:]))[:200] or type(error).__name__


def without_guesses(said: str) -> str:
    """What Ray says of a process that ended, without what it often is, and may or may not be."""
    for guess in _GUESSES:
        said = said.partition(guess)[0]
    return " ".join(said.split()).rstrip(".")
