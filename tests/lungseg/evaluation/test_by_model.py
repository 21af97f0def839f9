"""A checkpoint as a predictor: its threshold, its recipe, its roles, and its soft sums."""

import inspect

import numpy as np
import pytest

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.slices.field import Field
from ingest.slices.source_grid import load_scan
from lungseg.evaluation.by_masks import MasksPredictor
from lungseg.evaluation.by_model import ModelPredictor, SoftSums, role_of
from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.predictor import LabeledScan, Predictor


@pytest.fixture
def predictor(tmp_path, make_model, monkeypatch):
    """Function: what is given -> the predictor of a model that calls what is bright tumor."""

    def make(model=None, **given):
        model = model or make_model(drop_slices=3, sha256="abc")
        monkeypatch.setattr("lungseg.inference.ensemble.load_model", lambda path, device: model)
        needed = {"checkpoint": tmp_path / "best.ckpt", "source": tmp_path, "out": tmp_path}
        options = EvaluateOptions(**needed | {"device": "cpu"} | given)
        return ModelPredictor(options.checkpoint, options)

    return make


def labeled(path, predictor, truth):
    case = Case(name="a", image=path, label=None, patient="")
    views = [load_scan(path, recipe) for recipe in predictor.views]
    return LabeledScan(case=case, grid=views[0].grid, views=views, truth=truth)


@pytest.mark.parametrize("kind", [ModelPredictor, MasksPredictor])
def test_whatever_makes_masks_answers_all_that_is_asked(kind):
    asked = {name for name in vars(Predictor) if inspect.isfunction(vars(Predictor)[name])}
    asked -= {"__init__", "__subclasshook__", "_no_init_or_replace_init"}
    assert asked
    for name in asked:
        ours, theirs = (
            [p.kind for p in inspect.signature(getattr(one, name)).parameters.values()]
            for one in (kind, Predictor)
        )
        assert len(ours) == len(theirs), name


@pytest.mark.parametrize("where", ["LPS", "SAR"])
def test_the_mask_is_canonical_and_unread_slices_are_told(where, predictor, tmp_path, scans):
    truth = scans.ball()
    path = scans.write_scan(tmp_path / "a.nii.gz", truth, orientation=where)
    made = predictor()
    found = made.predict(labeled(path, made, truth))
    np.testing.assert_array_equal(found.mask[:, :, 3:], truth[:, :, 3:])
    assert found.unread == (0, 1, 2)
    whole = predictor(all_slices=True)
    assert whole.predict(labeled(path, whole, truth)).unread == ()


def test_the_threshold_is_the_models_unless_one_is_given(predictor, make_model):
    own, given = predictor(), predictor(threshold=0.9)
    assert (own.threshold, own.own_threshold) == (0.5, 0.5)
    assert (given.threshold, given.own_threshold) == (0.9, 0.5)
    assert predictor(make_model(threshold=0.25)).threshold == 0.25


def test_a_case_was_trained_on_or_chosen_by_or_is_new(predictor, make_model):
    model = make_model(training_cases=("a", "b"), validation_cases=("c",))
    roles = ["training", "training", "validation", "unseen"]
    assert [role_of(case, model) for case in "abcd"] == roles
    assert [predictor(model).role_of(case) for case in "abcd"] == roles


def test_it_says_what_it_is(predictor, tmp_path):
    made = predictor(flips=True, fill_nan=-900)
    about, tables = made.about(), made.provenance()
    assert about["checkpoint"] == str(tmp_path / "best.ckpt")
    assert about["flips"] is True
    assert about["recipe"] == made.reading.to_dict()
    assert about["recipe"]["fill_nan"] == -900
    assert tables["Recipe: from scan to slices"] == about["recipe"]
    facts = tables["Checkpoint and options of its training"]
    assert (facts["trained on"], facts["validated on"]) == ("ball_1", "ball_2, ball_3")
    assert (facts["sha256"], facts["lr"]) == (about["checkpoint_sha256"], 0.001)
    assert made.in_words().startswith("at threshold 0.5, by ")
    assert made.in_words().endswith("best.ckpt on cpu")


def test_soft_sums_are_over_the_pixels_of_the_recipes_grid():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (8, 8, 3)).astype(np.uint8)  # (x, y, z)
    planes = rng.random((3, 8, 8)).astype(np.float32)  # (z, row y, column x)
    sums = SoftSums(truth, Recipe(size=8, drop_slices=0), Field.whole((8, 8), 8))
    for z in (0, 2):
        sums.add(z, planes[z])
    seen = truth.transpose(2, 1, 0)[[0, 2]]
    assert sums.overlap == pytest.approx((planes[[0, 2]] * seen).sum())
    assert sums.total == pytest.approx(planes[[0, 2]].sum() + seen.sum())
