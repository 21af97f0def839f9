"""How a model is run: what is given changes the training's recipe, and nothing else does."""

import dataclasses
from pathlib import Path

import pytest

from ingest.recipe import Recipe
from lungseg.inference.options import InferenceOptions, PredictOptions
from shards.console.command import parse, save_config

RECIPE = Recipe(size=64, drop_slices=7, roi=("GTV",), tumor_labels=(2,), fill_nan=-900)
WORDS = ["--checkpoint", "best.ckpt", "--input", "scans", "--out", "out"]


def parsed(*words):
    return parse(PredictOptions, list(words), prog="predict", description="")


def test_by_default_a_scan_is_read_as_in_the_training():
    assert InferenceOptions().reading(RECIPE) == RECIPE


def test_what_is_given_changes_that_alone():
    filled = InferenceOptions(fill_nan=0).reading(RECIPE)
    assert (filled.fill_nan, filled.size, filled.drop_slices) == (0, 64, 7)
    whole = InferenceOptions(all_slices=True).reading(RECIPE)
    assert whole == RECIPE.keeping_all() != RECIPE
    assert (whole.drop_slices, whole.fill_nan) == (0, -900)


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.1, float("nan")])
def test_a_threshold_lies_between_none_and_all(value):
    with pytest.raises(ValueError, match="--threshold must be above 0 and below 1"):
        InferenceOptions(threshold=value)


def test_more_slices_go_through_a_gpu_at_once():
    assert [InferenceOptions().slices_at_once(kind) for kind in ("cpu", "cuda", "mps")] == [
        2,
        16,
        16,
    ]
    assert InferenceOptions(batch_size=7).slices_at_once("cpu") == 7


def test_options_survive_their_file_and_flags_win(tmp_path):
    given = parsed(*WORDS, "--average-with", "b.ckpt", "c.ckpt", "--flips", "--threshold", "0.25")
    assert given.average_with == (Path("b.ckpt"), Path("c.ckpt"))
    save_config(given, tmp_path / "config.yaml")
    again = parsed("--config", str(tmp_path / "config.yaml"))
    assert dataclasses.replace(again, config=None) == given
    assert (
        parsed("--config", str(tmp_path / "config.yaml"), "--threshold", "0.75").threshold == 0.75
    )
