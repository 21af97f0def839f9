"""Searched options and their values in the words of the report."""

from typing import Any


def words_of(name: str) -> str:
    """An option's name for people."""
    return {"lr": "learning rate", "oversample": "oversampling"}.get(name, name.replace("_", " "))


def short(value: Any) -> str:
    """A searched value for people."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
