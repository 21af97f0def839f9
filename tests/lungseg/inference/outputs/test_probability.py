"""The probabilities of a scan, in a file on its own grid, decide its mask."""

import nibabel
import numpy as np
import pytest
import torch

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.slices.scan_slices import load_scan
from lungseg.inference.infer import predict_scan
from lungseg.inference.one_scan import predict_one
from lungseg.inference.options import PredictOptions
from lungseg.postprocessing.rules import Rules

CPU = torch.device("cpu")
HALF_A_STEP = 0.5 / 200 + 1e-6


def files_of(path, model, out, **given):
    options = PredictOptions(
        checkpoint=path, input=path, out=out, device="cpu", probabilities=True, **given
    )
    case = Case(name="a", image=path, label=None, patient="a")
    result = predict_one(case, model, options, device=CPU, step=lambda _: None)
    return [nibabel.load(out / name) for name in result["files"]]


@pytest.mark.parametrize("where", ["RAS", "LPI", "PIR"])
def test_a_mask_is_what_the_file_says_at_every_threshold(where, tmp_path, scans, make_model):
    path = scans.write_scan(tmp_path / "a.nii.gz", scans.ball((90, 70, 25)), orientation=where)
    model = make_model(recipe=Recipe(size=64, drop_slices=4))
    out = tmp_path / "out"
    out.mkdir()
    mask, probability = files_of(path, model, out)
    found = probability.get_fdata()
    assert (probability.affine == nibabel.load(path).affine).all()
    assert (found.min(), found.max() <= 1, probability.get_data_dtype()) == (0, True, np.uint8)
    assert np.unique(found).size > 20
    assert np.count_nonzero(np.asarray(mask.dataobj)) > 0
    scan = load_scan(path, model.recipe)
    for threshold in (0.03, model.threshold, 0.8):
        expected = predict_scan(model, scan, device=CPU, threshold=threshold)
        far = np.abs(found - threshold) > HALF_A_STEP
        assert far.mean() > 0.9
        assert (expected[far] == (found >= threshold)[far]).all()


def test_slices_that_are_not_read_have_none_and_rules_change_nothing(tmp_path, scans, make_model):
    path = scans.write_scan(tmp_path / "a.nii.gz", scans.ball(), orientation="RAS")
    model = make_model(recipe=Recipe(size=64, drop_slices=9), rules=Rules(smallest_mm3=1e6))
    out = tmp_path / "out"
    out.mkdir()
    mask, found = (np.asarray(image.dataobj) for image in files_of(path, model, out))
    _, without_rules = files_of(path, model, out, post_processing=False)
    assert not found[:, :, :9].any()
    assert found[:, :, 9:].max() > 0.5
    assert not mask.any()
    assert (found == np.asarray(without_rules.dataobj)).all()
