"""Limits of the values of options, refused by the name of their flag."""

import math
from typing import Any


def at_least(options: Any, least: float, *names: str) -> None:
    """Refuse values below a limit, or that are no finite numbers; `auto` and None pass.

    Args:
        options: An options dataclass.
        least: The lowest value that is allowed.
        names: Its fields.

    Raises:
        ValueError: With the flag and the value.
    """
    for name in names:
        value = getattr(options, name)
        if not _unset(value) and not least <= value < math.inf:
            auto = "auto or " if _takes_auto(options, name) else ""
            raise ValueError(f"{flag(name)} must be {auto}at least {least:g}, got {value}")


def above_zero(options: Any, *names: str) -> None:
    """Refuse values that are not above 0, or no finite numbers; None passes.

    Raises:
        ValueError: With the flag and the value.
    """
    for name in names:
        value = getattr(options, name)
        if not _unset(value) and not 0 < value < math.inf:
            raise ValueError(f"{flag(name)} must be above 0 and finite, got {value}")


def below_one(options: Any, *names: str) -> None:
    """Refuse values that do not lie from 0 to below 1.

    Raises:
        ValueError: With the flag and the value.
    """
    for name in names:
        value = getattr(options, name)
        if not 0 <= value < 1:
            raise ValueError(f"{flag(name)} must be at least 0 and below 1, got {value}")


def flag(name: str) -> str:
    """The flag of an option on the command line."""
    return "--" + name.replace("_", "-")


def _unset(value: object) -> bool:
    return value is None or value == "auto"


def _takes_auto(options: Any, name: str) -> bool:
    return "auto" in str(type(options).__annotations__[name])
