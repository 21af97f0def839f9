"""Every command: its options and the flags without which it does not start."""

import dataclasses
import typing
from typing import Any, NamedTuple

from ingest.__main__ import COMMANDS as INGEST
from lungseg.evaluation.options import EvaluateOptions
from lungseg.inference.options import PredictOptions
from lungseg.options.fit import FitOptions
from lungseg.portable.options import ExportOptions
from lungseg.viewer.options import ViewOptions
from shards.__main__ import COMMANDS as SHARDS
from tune.options.config import SearchOptions


class Command(NamedTuple):
    """A command as `shards.console.command.parse` takes it."""

    commands: Any
    words: tuple[str, ...]
    options: type

    def __str__(self) -> str:
        return self.words[0] if isinstance(self.commands, dict) else self.options.__name__


_NEEDED = {
    "source": "scans",
    "shards": "set",
    "out": "new/result.png",
    "checkpoint": "best.ckpt",
    "input": "scans",
}


def numbers_and_names(options):
    """Fields of an options class and its groups that take numbers, with types; and all names."""
    numbers, names = {}, []
    hints = typing.get_type_hints(options, include_extras=True)
    for field in dataclasses.fields(options):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            inner, inner_names = numbers_and_names(kind)
            numbers |= inner
            names += inner_names
            continue
        names.append(field.name)
        if {"int", "float"} & set(str(kind).replace("[", " ").replace(",", " ").split()) or any(
            f"'{word}'" in str(kind) for word in ("int", "float")
        ):
            numbers[field.name] = kind
    return numbers, names


def _command(commands, name, options):
    names = set(numbers_and_names(options)[1])
    values = _NEEDED | ({"out": "new/net.onnx"} if options is ExportOptions else {})
    needed = [word for name in values if name in names for word in (f"--{name}", values[name])]
    needed += ["scan.nii.gz"] if options is ViewOptions else []
    return Command(commands, (*([name] if name else []), *needed), options)


ALL = [
    *(_command(INGEST, name, options) for name, options in INGEST.items()),
    *(_command(SHARDS, name, options) for name, options in SHARDS.items()),
    *(
        _command(options, "", options)
        for options in (
            FitOptions,
            EvaluateOptions,
            PredictOptions,
            ExportOptions,
            ViewOptions,
            SearchOptions,
        )
    ),
]
