"""Options in groups: flat by name on the command line and in Python, grouped in files."""

import dataclasses
import difflib
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from shards.console.out import resolved

Values = dict[str, Any]
T = TypeVar("T")

_OF_THE_COMMAND = ("config", "json")


def from_flat(options: type[T], values: Mapping[str, Any]) -> T:
    """Make options, their groups included, from values by name.

    Args:
        options: An options dataclass; fields that are dataclasses are its groups.
        values: Values of its fields and of those of its groups.

    Returns:
        An instance of `options`.

    Raises:
        TypeError: If a name is none of the options'.
        ValueError: If the options refuse a value.
    """
    left = dict(values)
    made = _filled(options, left)
    for name in left:
        near = difflib.get_close_matches(name, names_of(options), n=1)
        hint = f", perhaps you meant {near[0]}" if near else ""
        raise TypeError(f"{options.__name__} has no option {name}{hint}")
    return made


def undisplaced(
    values: Mapping[str, Any], displaced_by: Mapping[str, Collection[str]], given: Collection[str]
) -> Values:
    """Values by name, without those that others stand in the place of.

    Args:
        values: The values.
        displaced_by: Names, and of each those of the others.
        given: Names that are given elsewhere.
    """
    gone = {name for name, others in displaced_by.items() if set(others) & set(given)}
    return {name: value for name, value in values.items() if name not in gone}


def replaced(options: T, **changes: Any) -> T:
    """The same options with other values for some names, in whatever groups those are."""
    new: Values = {}
    for field in dataclasses.fields(options):  # type: ignore[arg-type]  # T is a dataclass
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            new[field.name] = replaced(value, **_of(type(value), changes))
        elif field.name in changes:
            new[field.name] = changes[field.name]
    return dataclasses.replace(options, **new)  # type: ignore[type-var]


def with_resolved_paths(options: T) -> T:
    """The same options with paths that hold in any folder; what was given as a URL stays."""
    new: Values = {}
    for field in dataclasses.fields(options):  # type: ignore[arg-type]  # T is a dataclass
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            new[field.name] = with_resolved_paths(value)
        elif isinstance(value, Path):
            new[field.name] = resolved(value)
    return dataclasses.replace(options, **new)  # type: ignore[type-var]


def flat_values(options: Any) -> Values:
    """The values of an options dataclass by name, without `config` and `json`, as plain data."""
    return flattened(grouped_values(options))


def grouped_values(options: Any) -> Values:
    """As `flat_values`, the values of a group under its name."""
    values: Values = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            values[field.name] = grouped_values(value)
        elif field.name not in _OF_THE_COMMAND:
            values[field.name] = _plain(value)
    return values


def flattened(values: Mapping[str, Any]) -> Values:
    """The values of a file by name, whether they are grouped in it or not."""
    flat: Values = {}
    for name, value in values.items():
        flat |= flattened(value) if isinstance(value, Mapping) else {name: value}
    return flat


def names_of(options: Any) -> list[str]:
    """The names of the options of a dataclass, those of its groups included."""
    names: list[str] = []
    for name, kind in _fields(options).items():
        names += names_of(kind) if dataclasses.is_dataclass(kind) else [name]
    return names


def _filled(options: type[T], left: Values) -> T:
    """An instance from the values that it knows, which are taken out of `left`."""
    given: Values = {}
    for name, kind in _fields(options).items():
        if dataclasses.is_dataclass(kind):
            given[name] = _filled(kind, left)  # type: ignore[arg-type]
        elif name in left:
            given[name] = _converted(left.pop(name), kind, name)
    return options(**given)


def _converted(value: Any, kind: Any, name: str) -> Any:
    """A text as a path, and a file's list as a tuple; refuses what is none of a few choices."""
    choices = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Literal and value not in choices:
        flag = "--" + name.replace("_", "-")
        raise ValueError(f"{flag} must be one of {', '.join(map(str, choices))}, got {value}")
    if isinstance(value, list):
        return tuple(_converted(item, choices[0] if choices else Any, name) for item in value)
    return Path(value) if isinstance(value, str) and Path in (kind, *choices) else value


def _of(group: type[Any], changes: Mapping[str, Any]) -> Values:
    names = set(names_of(group))
    return {name: value for name, value in changes.items() if name in names}


def _fields(options: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(options)
    return {field.name: hints[field.name] for field in dataclasses.fields(options)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
