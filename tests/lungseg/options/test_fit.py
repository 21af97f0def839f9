"""Every number of a training has limits, every option one name, and files of old are read on."""

import dataclasses
import typing
from pathlib import Path

import pytest

from lungseg.options.fit import FitOptions
from shards.console.command import UsageError, parse
from shards.console.groups import flat_values


def numbers(options):
    """Names of the options that take a number, in whatever group."""
    for name, kind in typing.get_type_hints(options).items():
        if dataclasses.is_dataclass(kind):
            yield from numbers(kind)
        elif typing.get_origin(kind) is not tuple and {int, float} & {kind, *typing.get_args(kind)}:
            yield name


NUMBERS = tuple(numbers(FitOptions))
OLD = """shards: shards
epochs: 2
out: runs/old
width: 8
cache: null
loss: dice
resume: false
"""


def of(**values):
    return FitOptions.of(**{"shards": "x", "out": "y"} | values)


@pytest.mark.parametrize("number", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_is_negative_infinite_or_none(name, number):
    flag = "--" + name.replace("_", "-")
    with pytest.raises(ValueError, match=f"^{flag} must .* got {number}"):
        of(**{name: number})


def test_the_numbers_of_all_groups_are_held_against_limits():
    assert {"lr", "width", "cache_gb", "threshold", "devices", "oversample"} <= set(NUMBERS)


def test_texts_are_taken_for_paths():
    assert of(out="runs/a", cache="/tmp/c").run.out == Path("runs/a")
    assert of(out="runs/a", cache="/tmp/c").data.cache == Path("/tmp/c")


def test_a_choice_that_is_none_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="--norm must be one of instance, batch, group, none, got"):
        of(norm="layer")


def test_what_excludes_each_other_is_refused():
    with pytest.raises(ValueError, match="--draw balanced and --order windowed need"):
        of(loader="webdataset", draw="balanced")


def test_a_flat_config_of_an_older_version_is_read_on(tmp_path):
    (tmp_path / "config.yaml").write_text(OLD)
    words = ["--config", str(tmp_path / "config.yaml")]
    read = parse(FitOptions, words, prog="fit", description="")
    given = {"epochs": 2, "width": 8, "loss": "dice"}
    assert flat_values(read) == flat_values(of(shards="shards", out="runs/old", **given))


def test_a_renamed_option_of_an_older_config_is_named(tmp_path):
    (tmp_path / "config.yaml").write_text(OLD + "window: 32\n")
    words = ["--config", str(tmp_path / "config.yaml")]
    with pytest.raises(UsageError, match="window is called window_shards now"):
        parse(FitOptions, words, prog="fit", description="")
