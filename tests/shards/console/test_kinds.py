"""The help of every command begins with what is required, and its lines are unwrapped."""

import dataclasses
import re
import typing
from typing import Annotated

import pytest

from shards.console.command import Options, parse
from shards.console.limits import Limits
from tests.commands import ALL


@dataclasses.dataclass(frozen=True, kw_only=True)
class Oven(Options):
    """Heat it."""

    heat: Annotated[int, Limits(least=0)] = 3
    """How hot, in steps
    `1` to `9`, which
    few need."""
    fuel: str
    """What burns."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bake(Oven):
    """Bake a cake."""

    eggs: int = 3
    """How many."""
    out: str
    """Where to."""


def help_of(commands, *words, capsys):
    with pytest.raises(SystemExit):
        parse(commands, [*words, "--help"], prog="cake", description="")
    return capsys.readouterr().out


def grouped(options):
    return any(dataclasses.is_dataclass(kind) for kind in typing.get_type_hints(options).values())


def flags(text):
    return re.findall(r"^[│| ]*--([a-z]+)", text, re.MULTILINE)


def test_the_help_has_what_is_required_then_its_own_then_what_is_shared(capsys):
    assert flags(help_of(Bake, capsys=capsys)) == ["fuel", "out", "eggs", "heat", "config", "json"]


def test_the_lines_of_a_docstring_become_one_text(capsys):
    said = help_of(Bake, capsys=capsys)
    assert "How hot, in steps `1` to `9`, which few need." in said


@pytest.mark.parametrize("command", [c for c in ALL if not grouped(c.options)], ids=str)
def test_no_required_option_stands_below_one_that_is_not(command, capsys):
    words = command.words[:1] if isinstance(command.commands, dict) else ()
    said = help_of(command.commands, *words, capsys=capsys)
    by_place, *options = re.split(r"\n[│| ]*--(?=[a-z])", said)
    needed = ["(required)" in option for option in options]
    assert needed == sorted(needed, reverse=True)
    assert any(needed) or "(required)" in by_place
