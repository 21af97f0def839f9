"""What an evaluation can be told."""

import pytest

from ingest.recipe import Recipe
from lungseg.evaluation.options import EvaluateOptions


def options(tmp_path, **given):
    return EvaluateOptions(**{"checkpoint": tmp_path, "source": tmp_path, "out": tmp_path} | given)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"threshold": 1.5}, "--threshold must be above 0 and below 1, got 1.5"),
        ({"threshold": float("nan")}, "--threshold must"),
        ({"batch_size": 0}, "--batch-size must be at least 1"),
        ({"fill_nan": 99_999}, "--fill-nan must"),
        ({"roi": ("",)}, "--roi needs names"),
        ({"checkpoint": None}, "one of --checkpoint and --predictions is needed, got neither"),
        ({"predictions": "masks"}, "one of --checkpoint and --predictions is needed, got both"),
        ({"checkpoint": None, "predictions": "m", "threshold": 0.3}, "--threshold is for a"),
        ({"checkpoint": None, "predictions": "m", "all_slices": True}, "--all-slices is for a"),
    ],
)
def test_senseless_flags_are_bad_usage(wrong, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        options(tmp_path, **wrong)


def test_the_recipe_is_the_trainings_unless_told_otherwise(tmp_path):
    recipe = Recipe(size=64, drop_slices=7, roi=("GTV",), tumor_labels=(2,), fill_nan=-900)
    assert options(tmp_path).reading(recipe) == recipe
    told = options(tmp_path, roi=("tumor",), tumor_labels=(1, 3), fill_nan=0).reading(recipe)
    assert (told.roi, told.tumor_labels, told.fill_nan) == (("tumor",), (1, 3), 0)
    assert (told.size, told.drop_slices) == (64, 7)


@pytest.mark.parametrize("rule", [{"drop_slices": 9}, {"drop_mm": 9}, {"drop_outside_lungs": True}])
def test_all_slices_means_no_rule_drops_any(rule, tmp_path):
    read = options(tmp_path, all_slices=True).reading(Recipe(**rule))
    assert (read.drop_slices, read.drop_mm, read.drop_outside_lungs) == (0, None, False)


def test_a_batch_is_small_on_a_processor_unless_told_otherwise(tmp_path):
    assert options(tmp_path).slices_at_once("cpu") < options(tmp_path).slices_at_once("cuda") == 16
    assert options(tmp_path, batch_size=5).slices_at_once("cpu") == 5
