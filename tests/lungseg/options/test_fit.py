"""Every option of a training has one name, and files of old are read on."""

from pathlib import Path

import pytest

from lungseg.options.fit import FitOptions
from shards.console.command import UsageError, parse
from shards.console.groups import flat_values
from shards.console.out import url_of

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


def test_texts_are_taken_for_paths():
    assert of(out="runs/a", cache="/tmp/c").run.out == Path("runs/a")
    assert of(out="runs/a", cache="/tmp/c").data.cache == Path("/tmp/c")


PLACES = ("out", "cache", "folds_file", "slice_weights", "init_from", "validate")


def test_elsewhere_paths_are_absolute_and_urls_stay(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = of(shards="a", **dict.fromkeys(PLACES, "b/c"), config="d").everywhere()
    found = flat_values(given)
    assert {name for name, value in found.items() if value in ("a", "b/c")} == set()
    assert {name: found[name] for name in PLACES} == dict.fromkeys(PLACES, str(tmp_path / "b/c"))
    assert found["shards"] == str(tmp_path / "a")
    far = of(shards="s3://b/set", out="s3://b/run", init_from="https://h/x.ckpt").everywhere()
    assert far.data.shards == "s3://b/set"
    assert [url_of(path) for path in (far.run.out, far.run.init_from)] == [
        "s3://b/run",
        "https://h/x.ckpt",
    ]


def test_a_choice_that_is_none_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="--norm must be one of instance, batch, group, none, got"):
        of(norm="layer")


def test_what_excludes_each_other_is_refused():
    with pytest.raises(ValueError, match="--draw balanced and --order windowed need"):
        of(loader="webdataset", draw="balanced")
    for given in ({"loader": "webdataset"}, {"draw": "balanced"}):
        with pytest.raises(ValueError, match="--slice-weights needs --loader index and --draw wei"):
            of(slice_weights="w.csv", **given)
    for given in ({"loader": "webdataset"}, {"order": "windowed"}):
        with pytest.raises(ValueError, match="--transplant needs --loader index and --order exact"):
            of(transplant=0.1, **given)


@pytest.mark.parametrize(
    ("given", "share"),
    [
        ({}, 0.6),
        ({"transplant": 0.25}, 0.25),
        ({"transplant": 0.0}, 0.0),
        ({"order": "windowed"}, 0.0),
        ({"loader": "webdataset"}, 0.0),
        ({"order": "windowed", "transplant": 0.0}, 0.0),
        ({"preset": "small"}, 0.6),
        ({"preset": "tutorial"}, 0.0),
    ],
)
def test_tumors_travel_by_themselves_where_slices_are_read_as_drawn(given, share):
    assert of(**given).transplant == share


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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"folds": ["all", 1]}, "--folds must be all, or each fold once, got all 1"),
        ({"folds": [1, 2, 1]}, "--folds must be all, or each fold once, got 1 2 1"),
        ({"folds": [-1]}, "--folds must be at least 0"),
        ({"folds": "all"}, r"folds must be a list, \['all'\] or \[0, 1\], got 'all'"),
        ({"folds": ["all"], "fold": 1}, "--folds says what validates: leave out --fold"),
        ({"folds": ["all"], "fold": "none"}, "--folds says what validates"),
        ({"folds": ["all"], "validation_cases": ["a"]}, "--folds says what validates"),
        ({"folds": ["all"], "validate": "x"}, "--folds and --validate exclude each other"),
    ],
)
def test_folds_that_cannot_be_meant_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        of(**given)
