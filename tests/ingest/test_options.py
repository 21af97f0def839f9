"""Options that mean nothing, or exclude each other, are refused before a file is opened."""

import itertools

import pytest

from ingest.options import BuildShards, Check, Preview
from shards.console.command import UsageError, parse

COMMANDS = {"check": Check, "build-shards": BuildShards, "preview": Preview}
NEEDED = {"check": ["--source", "s"], "build-shards": ["--source", "s", "--out", "o"]}


def parsed(command, *flags):
    return parse(
        COMMANDS, [command, *NEEDED[command], *flags], prog="python -m ingest", description=""
    )


WAYS_TO_DROP = (["--drop-slices", "30"], ["--drop-mm", "0"], ["--drop-outside-lungs"])
WAYS_TO_SCALE = (["--clip", "-1000", "3071"], ["--scale", str(1 / 3071)])


@pytest.mark.parametrize("command", NEEDED)
@pytest.mark.parametrize("pair", list(itertools.combinations(WAYS_TO_DROP, 2)))
def test_two_ways_to_drop_slices_exclude_each_other(command, pair):
    with pytest.raises(UsageError, match=r"--drop-\S+ and --drop-\S+ exclude each other"):
        parsed(command, *pair[0], *pair[1])
    for flags in pair:
        parsed(command, *flags)


@pytest.mark.parametrize("command", NEEDED)
@pytest.mark.parametrize("other", WAYS_TO_SCALE)
def test_a_window_excludes_what_it_sets_if_only_to_the_default(command, other):
    with pytest.raises(UsageError, match=f"--window and {other[0]} exclude each other"):
        parsed(command, "--window", "-600", "1500", *other)
    assert parsed(command, *other).recipe == parsed(command).recipe


def test_processes_of_this_machine_and_a_cluster_exclude_each_other():
    with pytest.raises(UsageError, match="--workers and --address exclude each other"):
        parsed("build-shards", "--workers", "2", "--address", "auto")


def test_check_reads_by_the_recipe_of_the_build():
    flags = ["--window", "-600", "1500", "--mask", "area", "--drop-mm", "20", "--roi", "GTV*"]
    assert parsed("check", *flags).recipe == parsed("build-shards", *flags).recipe
    assert parsed("check", *flags).recipe.clip == (-1350, 150)


def test_a_picture_needs_a_png(tmp_path):
    for values, said in (({"random": -1}, "--random"), ({"out": tmp_path / "a.jpg"}, "a .png")):
        with pytest.raises(ValueError, match=said):
            Preview(**{"shards": "s", "out": tmp_path / "a.png"} | values)
