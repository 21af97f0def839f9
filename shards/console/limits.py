"""What an option's numbers must be, stated beside its type and held when the options are made."""

import functools
import math
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Where the numbers of a field lie, as in `epochs: Annotated[int, Limits(least=1)] = 30`.

    Infinite numbers, and those that are none (NaN), lie nowhere.

    Attributes:
        least: Lowest value.
        most: Highest value.
        above: Highest value that is too low.
        below: Lowest value that is too high.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def hold(self, number: float) -> bool:
        """Whether a number lies within the limits."""
        return (
            math.isfinite(number)
            and (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def __str__(self) -> str:
        named = {
            "at least": self.least,
            "above": self.above,
            "at most": self.most,
            "below": self.below,
        }
        said = [f"{words} {_short(value)}" for words, value in named.items() if value is not None]
        return " and ".join(said) or "a finite number"


SEED = Limits(least=0, most=2**32 - 1)
"""What all our sources of randomness take."""


@dataclass(frozen=True, kw_only=True)
class Limited:
    """Options, or a group of them, that refuse what cannot be meant.

    Attributes:
        EXCLUDING: Names of fields that exclude each other: of each tuple one at most may differ
            from its default.
    """

    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __post_init__(self) -> None:
        """Hold the values against what the class says of its fields.

        Raises:
            ValueError: With the flag, the rule and the value.
        """
        for name, (limits, auto) in _limits_of(type(self)).items():  # type: ignore[arg-type]
            value = getattr(self, name)
            if not all(map(limits.hold, _numbers(value))):
                shown = " ".join(map(str, value)) if isinstance(value, tuple | list) else value
                raise ValueError(f"{flag(name)} must be {auto}{limits}, got {shown}")
        for names in self.EXCLUDING:
            given = [flag(name) for name in names if getattr(self, name) != _default(self, name)]
            if len(given) > 1:
                raise ValueError(f"{' and '.join(given)} exclude each other: leave one of them out")


def flag(name: str) -> str:
    """How a field is called on the command line."""
    return "--" + name.replace("_", "-")


@functools.cache
def _limits_of(options: type[Any]) -> dict[str, tuple[Limits, str]]:
    """The limits of each field, and what to say before them where a word may be given too."""
    found = {}
    for name, kind in typing.get_type_hints(options, include_extras=True).items():
        stated = [extra for extra in getattr(kind, "__metadata__", ()) if type(extra) is Limits]
        found[name] = (stated[0] if stated else Limits(), "auto or " if "auto" in str(kind) else "")
    return {name: found[name] for name in options.__dataclass_fields__ if name in found}


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, tuple | list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _default(options: Any, name: str) -> Any:
    return type(options).__dataclass_fields__[name].default


def _short(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)
