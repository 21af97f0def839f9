"""A checkpoint as a predictor: its threshold, its recipe, its roles, and its soft sums."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

from ingest.case import Case
from ingest.slices.scan_slices import load_scan
from lungseg.evaluation.by_masks import MasksPredictor
from lungseg.evaluation.by_model import Certainty, ModelPredictor, role_of
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


def test_the_probability_of_each_voxel_is_told_in_order(predictor, tmp_path, scans, make_model):
    truth = scans.ball()
    path = scans.write_scan(tmp_path / "a.nii.gz", truth, orientation="SAR")
    made = predictor(make_model(), lung_hull=False)
    found = made.predict(labeled(path, made, truth))
    assert found.probability.shape == (truth.sum(),)
    assert (found.probability > 0.99).all()
    assert found.volume_interval_ml is None
    flipped = predictor(make_model(), flips=True)
    least, most = flipped.predict(labeled(path, flipped, truth)).volume_interval_ml
    assert least == most == pytest.approx(truth.sum() * 6.75 / 1000)


def test_certainty_keeps_what_is_left_of_a_mask_in_the_order_of_argwhere():
    planes = np.random.default_rng(0).random((3, 5, 4)).astype(np.float32)  # (z, y, x)
    certainty = Certainty(0.5)
    for z in (2, 1, 0):
        certainty.add(z, planes[z])
    mask = (planes.transpose(2, 1, 0) >= 0.5).astype(np.uint8)
    mask[0] = 0
    expected = planes.transpose(2, 1, 0)[tuple(np.argwhere(mask).T)]
    assert certainty.within(mask).tolist() == expected.tolist()


def test_other_definitions_are_told_where_asked_for(predictor, tmp_path, scans):
    truth = scans.ball()
    path = scans.write_scan(tmp_path / "a.nii.gz", truth)
    scores = [SimpleNamespace(case="a", dice=0.5)]
    silent, asked = predictor(), predictor(explain=True)
    for made in (silent, asked):
        made.predict(labeled(path, made, truth))
    assert silent.explain(scores) is None
    assert asked.explain(scores)["scores"]["case_mean"]["model"] == 0.5
