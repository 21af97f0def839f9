"""A wrong command line is told in one line that names the flag, what it takes and what it got."""

import dataclasses
from pathlib import Path
from typing import Literal

import pytest

from shards.console.command import Options, UsageError, parse


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bake(Options):
    """Bake a cake."""

    out: Path
    """Where to."""
    eggs: int = 3
    """How many."""
    oven: Literal["gas", "wood"] | None = None
    """Which oven."""
    edges: tuple[int, int] | None = None
    """Length of both edges."""
    trays: int | Literal["auto"] = "auto"
    """How many trays."""
    icing_color: str = "white"
    """Which icing."""

    def __post_init__(self):
        super().__post_init__()
        if self.eggs == 13:
            raise ValueError("thirteen eggs are bad luck, " + "very " * 30 + "bad luck")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clean(Options):
    """Clean the kitchen."""


def said(*words, commands=Bake):
    with pytest.raises(UsageError) as caught:
        parse(commands, [str(word) for word in words], prog="cake", description="")
    named = words[0] if commands is not Bake and words and words[0] in commands else ""
    more = f"; {' '.join(filter(None, ('cake', named)))} --help lists the options"
    assert str(caught.value).endswith(more)
    return str(caught.value).removesuffix(more)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--egs", 3], "there is no option --egs, perhaps you meant --eggs"),
        (["--icing", "red"], "there is no option --icing, perhaps you meant --icing-color"),
        (["--icing_colr=red"], "there is no option --icing-colr, perhaps you meant --icing-color"),
        (["--flour", 3], "there is no option --flour"),
        (["--eggs", "many"], "--eggs takes INT, got many"),
        (["--eggs=many"], "--eggs takes INT, got many"),
        (["--eggs"], "--eggs takes INT, got nothing"),
        (["--edges", 400], "--edges takes INT INT, got 400"),
        (["--edges", 400, "x"], "--edges takes INT INT, got 400 x"),
        (["--oven", "coal"], "--oven takes gas or wood, got coal"),
        (["--trays", "few"], "--trays takes INT or auto, got few"),
        (["--eggs", 13], "thirteen eggs are bad luck, " + "very " * 30 + "bad luck"),
    ],
)
def test_the_line_says_what_is_wrong(words, expected):
    assert said("--out", "a", *words) == expected
    assert said(*words, "--out", "a") == expected


def test_a_misspelt_flag_is_named_before_what_is_missing():
    assert said("--ot", "a") == "there is no option --ot, perhaps you meant --out"
    assert said("--eggs", 3).startswith("Missing from cake: --out PATH Where to")


def test_a_misspelt_command_is_named_with_all_there_are():
    commands = {"bake": Bake, "clean": Clean}
    expected = "no command is called baek, perhaps you meant bake; there are bake, clean"
    assert said("baek", "--out", "a", commands=commands) == expected
    assert "bake, clean" in said(commands=commands)
    assert said("bake", "--out", "a", "--egs", 1, commands=commands).endswith("meant --eggs")


def test_help_shows_what_may_be_left_out_as_if_it_could_not(capsys):
    with pytest.raises(SystemExit):
        parse(Bake, ["--help"], prog="cake", description="")
    shown = capsys.readouterr().out
    assert "{None}" not in shown
    assert "--no-json" not in shown
    assert "--edges INT INT" in shown
    assert "--oven {gas,wood}" in shown


def test_none_and_all_values_are_taken_where_a_value_may_be_left_out():
    words = ["--out", "a", "--edges", "None", "--oven", "None"]
    found = parse(Bake, words, prog="cake", description="")
    assert (found.edges, found.oven) == (None, None)
    words = ["--out", "a", "--edges", "3", "4", "--oven", "gas"]
    found = parse(Bake, words, prog="cake", description="")
    assert (found.edges, found.oven) == ((3, 4), "gas")


@pytest.mark.parametrize("words", [["--version"], ["bake", "--out", "a", "--version"]])
def test_the_version_is_said_wherever_it_is_asked_for(words, capsys):
    with pytest.raises(SystemExit) as caught:
        parse({"bake": Bake, "clean": Clean}, words, prog="cake", description="")
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("lungseg ")
