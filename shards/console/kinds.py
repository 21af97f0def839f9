"""How each kind of option is read from the command line, and how the help shows it."""

import dataclasses
import types
import typing
from typing import Any, Union

import tyro

REGISTRY = tyro.constructors.ConstructorRegistry()
_AT_WORK: set[type[Any]] = set()


@REGISTRY.struct_rule
def _needed_first(
    info: tyro.constructors.StructTypeInfo,
) -> tyro.constructors.StructConstructorSpec | None:
    """The help of an options class: what is required, then its own, then that of its bases."""
    options = info.type
    if not dataclasses.is_dataclass(options) or options in _AT_WORK:
        return None
    _AT_WORK.add(options)  # tyro's own rule reads the fields
    try:
        spec = tyro.constructors.ConstructorRegistry.get_struct_spec(info)
    finally:
        _AT_WORK.discard(options)
    if not isinstance(spec, tyro.constructors.StructConstructorSpec):
        return None
    fields = [dataclasses.replace(field, helptext=_unwrapped(field)) for field in spec.fields]
    if not any(dataclasses.is_dataclass(field.type) for field in fields):  # groups have an order
        fields.sort(key=lambda field: _distance(options, field.name))
    return dataclasses.replace(spec, fields=tuple(fields))


def _distance(options: type[Any], name: str) -> int:
    """How far down the help an option stands: 0 is at the top."""
    field = options.__dataclass_fields__[name]
    if field.default is field.default_factory is dataclasses.MISSING:
        return 0
    return 1 + [name in vars(kind).get("__annotations__", ()) for kind in options.__mro__].index(
        True
    )


def _unwrapped(field: tyro.constructors.StructFieldSpec) -> Any:
    """The text of an option without its docstring's line breaks, once it is asked for."""

    def read() -> str | None:
        text = field.helptext() if callable(field.helptext) else field.helptext
        return " ".join(text.split()) if text else None

    return read


@REGISTRY.primitive_rule
def _optional(
    kind: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec[Any] | None:
    """What may be left out shows as if it could not: PATH, where tyro would show {None}|PATH."""
    present = [part for part in typing.get_args(kind.type) if part is not type(None)]
    if kind.type_origin not in (Union, types.UnionType) or len(present) != 1:
        return None
    spec = REGISTRY.get_primitive_spec(
        tyro.constructors.PrimitiveTypeInfo.make(present[0], kind.markers)
    )
    if not isinstance(spec, tyro.constructors.PrimitiveConstructorSpec):
        return None
    inner = spec

    def parsed(words: list[str]) -> Any:
        return None if words == ["None"] else inner.instance_from_str(words)

    def said(value: Any) -> list[str]:
        return ["None"] if value is None else inner.str_from_instance(value)

    return dataclasses.replace(
        inner,
        nargs=(1, inner.nargs) if isinstance(inner.nargs, int) and inner.nargs > 1 else inner.nargs,
        instance_from_str=parsed,
        is_instance=lambda value: value is None or inner.is_instance(value),
        str_from_instance=said,
        choices=None,
    )


@REGISTRY.primitive_rule
def _switch_or_word(
    kind: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec[Any] | None:
    """A switch that also takes a word: `--resume`, `--resume auto`, `--resume no`."""
    parts = typing.get_args(kind.type)
    if kind.type_origin not in (Union, types.UnionType) or bool not in parts:
        return None
    words = {word: word for part in parts for word in typing.get_args(part)}
    words |= {"yes": True, "no": False}

    def parsed(given: list[str]) -> Any:
        if given and given[0] not in words:
            raise ValueError(f"{given[0]} is none of {', '.join(words)}")
        return words[given[0]] if given else True

    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=(0, 1),
        metavar=f"[{'|'.join(words)}]",
        instance_from_str=parsed,
        is_instance=lambda value: value in words.values(),
        str_from_instance=lambda value: [
            word for word, meant in words.items() if meant is value or meant == value
        ],
    )
