"""Counts, lists and what others said, as people write them: in a line."""

from collections.abc import Sequence

_SHOWN = 4
_LONGEST = 200


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 shard`, `2 shards`, `1,200 shards`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(texts: Sequence[str], separator: str = ", ") -> str:
    """The first of many texts, and how many more there are."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return separator.join(texts[:_SHOWN]) + more


def in_a_line(said: object) -> str:
    """What a library said, in one line of at most 200 characters."""
    return " ".join(str(said).split())[:_LONGEST]


def on_one_line(name: str) -> str:
    """A name as it is, or in quotes with escapes where it would break a line of text."""
    return name if name.isprintable() else repr(name)


def encodable(text: str) -> str:
    """A text as UTF-8 holds it: bytes of a file's name that are no text are escaped."""
    return text.encode(errors="backslashreplace").decode()
