"""What a file says stands before the flags that were given, and only where it is an option."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import pytest

from shards.console.command import Options
from shards.console.config_file import with_config_file
from shards.console.usage import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bake(Options):
    eggs: int = 3
    layers: tuple[int, ...] = ()
    icing: bool = False
    RENAMED: ClassVar = {"tiers": "layers"}
    PRESETS: ClassVar = {"party": {"eggs": 12, "icing": True}}
    SWITCHES: ClassVar = {"resume": "no"}
    preset: str = "plain"
    resume: str = "no"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Eat(Options):
    cake: Path


BOTH = {"bake": Bake, "eat": Eat}


@pytest.fixture
def words(tmp_path):
    """Function: content of a file, words -> the words with its values, without `--config FILE`."""

    def words_with(content, *args, commands=Bake):
        file = ("--config", str(tmp_path / "c.yaml"))
        (tmp_path / "c.yaml").write_text(content)
        made = with_config_file(commands, [*args, *file], "cake")
        assert made[-2:] == [*file]
        return made[:-2]

    return words_with


def test_values_become_the_words_that_would_give_them(words):
    assert words("eggs: 5\nlayers: [1, 2]\nicing: true\n") == (
        ["--eggs", "5", "--layers", "1", "2", "--icing"]
    )
    assert words("layers: []\nicing: false\nresume: false\n") == ["--no-icing", "--resume", "no"]
    assert words("layers: [[1, 2], [3]]") == ["--layers", "1", "2", "--layers", "3"]


@pytest.mark.parametrize("given", [["--eggs", "7"], ["--eggs=7"]])
def test_a_flag_stands_for_itself_and_either_form_of_a_switch(words, given):
    assert words("eggs: 5\nicing: true", *given, "--no-icing") == [*given, "--no-icing"]


def test_a_preset_gives_way_to_the_file_and_may_stand_in_it(words):
    assert words("icing: false", "--preset=party")[:3] == ["--eggs", "12", "--no-icing"]
    assert words("preset: party") == ["--eggs", "12", "--icing", "--preset", "party"]
    assert words("preset: party", "--preset", "plain") == ["--preset", "plain"]


def test_values_stand_behind_the_name_of_a_subcommand(words):
    assert words("cake: sponge", "eat", commands=BOTH) == ["eat", "--cake", "sponge"]
    with pytest.raises(UsageError, match=r"the file has eggs, .*; cake --help lists the options"):
        words("eggs: 3", "eat", commands=BOTH)


@pytest.mark.parametrize("value", ["3", "false", "[1, 2]"])
def test_what_is_no_option_is_said_to_stand_in_the_file(words, tmp_path, value):
    said = f"^--config {tmp_path / 'c.yaml'}: the file has layer, .*perhaps you meant layers"
    with pytest.raises(UsageError, match=said):
        words(f"layer: {value}")
    with pytest.raises(UsageError, match="tiers is called layers now"):
        words(f"tiers: {value}")


@pytest.mark.parametrize("content", ["[1, 2]", "a: [", "unknown: 3", "\0"])
def test_a_file_of_another_kind_is_told_in_one_line(words, content):
    with pytest.raises(UsageError) as caught:
        words(content)
    assert "\n" not in str(caught.value)
