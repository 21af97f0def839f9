"""A scan from file to file."""

import gzip

import nibabel
import numpy as np
import pytest
import torch

from ingest.case import BadCaseError, Case
from ingest.recipe import Recipe
from ingest.slices.scan_slices import load_scan
from lungseg.inference.ensemble import Ensemble
from lungseg.inference.infer import predict_scan
from lungseg.inference.one_scan import predict_one
from lungseg.inference.options import PredictOptions
from lungseg.postprocessing.rules import Rules

CPU = torch.device("cpu")


def predicted(path, model, out, **given):
    steps = []
    options = PredictOptions(checkpoint=path, input=path, out=out, device="cpu", **given)
    case = Case(name="a", image=path, label=None, patient="a")
    out.mkdir(exist_ok=True)
    result = predict_one(case, model, options, device=CPU, step=steps.append)
    return result, len(steps)


@pytest.mark.parametrize("where", ["RAS", "LPS", "LPI", "PIR", "SAR", "ALI"])
@pytest.mark.parametrize(("neighbors", "pixel_mm"), [(1, None), (3, None), (3, 1.9)])
def test_the_mask_is_the_one_that_a_scan_in_memory_gives(
    where, neighbors, pixel_mm, tmp_path, scans, make_model
):
    path = scans.write_scan(tmp_path / "a.nii.gz", scans.ball((90, 70, 25)), orientation=where)
    recipe = Recipe(size=64, pixel_mm=pixel_mm, drop_slices=4)
    model = make_model(neighbors=neighbors, recipe=recipe)
    result, steps = predicted(path, model, tmp_path / "out", batch_size=3)
    expected = predict_scan(model, load_scan(path, model.recipe), device=CPU)
    found = np.asarray(nibabel.load(tmp_path / "out/a.nii.gz").dataobj)
    assert (found == expected).all()
    assert found.any()
    assert (result["slices"], result["slices_unread"], steps) == (25, 4, 21)


@pytest.mark.parametrize("where", ["LPS", "LPI", "PIR"])
@pytest.mark.parametrize("rules", [{"keep_largest": 1}, {"smallest_mm3": 2000.0}])
def test_rules_leave_the_same_in_file_and_memory(where, rules, tmp_path, scans, make_model):
    both = scans.ball() | scans.ball(center=(12, 44, 4), radius_mm=5.0)
    path = scans.write_scan(tmp_path / "a.nii.gz", both, orientation=where)
    model = make_model(rules=Rules(**rules))
    result, _ = predicted(path, model, tmp_path / "out", gif=True)
    found = np.asarray(nibabel.load(tmp_path / "out/a.nii.gz").dataobj)
    assert (found == predict_scan(model, load_scan(path, model.recipe), device=CPU)).all()
    (row,) = result["lesions"]
    assert result["lesions_dropped"] == 1
    assert result["tumor_voxels"] == found.sum()
    assert row["volume_ml"] == pytest.approx(result["tumor_ml"], abs=1e-3)
    whole, _ = predicted(path, model, tmp_path / "whole", post_processing=False)
    assert (len(whole["lesions"]), whole["lesions_dropped"]) == (2, 0)
    own, _ = predicted(path, make_model(), tmp_path / "own", **rules)
    assert own["tumor_voxels"] == result["tumor_voxels"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.gif", "a.nii.gz"]


def test_members_of_an_ensemble_give_the_volume_an_interval(tmp_path, scans, make_model):
    path = scans.write_scan(tmp_path / "a.nii.gz", scans.ball())
    everything, nothing = make_model(above_hu=-2000.0), make_model(above_hu=9999.0)
    members = (make_model(), everything, nothing)
    result, _ = predicted(path, Ensemble(members=members), tmp_path / "out")
    assert result["tumor_ml_least"] == 0
    assert result["tumor_ml_most"] == pytest.approx(64 * 64 * 20 * 6.75 / 1000)
    alone, _ = predicted(path, make_model(), tmp_path / "alone")
    assert "tumor_ml_least" not in alone


@pytest.mark.parametrize("where", ["LPS", "PIR"])
def test_on_pixels_of_a_fixed_pitch_a_ball_is_found_where_it_lies(
    where, tmp_path, scans, make_model
):
    truth = scans.ball((90, 70, 25))
    path = scans.write_scan(tmp_path / "a.nii.gz", truth, orientation=where)
    model = make_model(recipe=Recipe(size=96, pixel_mm=1.1, drop_slices=0))
    predicted(path, model, tmp_path / "out")
    image = nibabel.as_closest_canonical(nibabel.load(tmp_path / "out/a.nii.gz"))
    found = np.asarray(image.dataobj)
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.97


class LooksUp(torch.nn.Module):
    """Says tumor where the slice above is brighter than the slice below."""

    def forward(self, batch):
        return 0.05 * (3071 * (batch[:, 2:] - batch[:, :1]) - 300)


@pytest.mark.parametrize("where", ["LPS", "LPI"])
def test_what_lies_above_is_above_whichever_end_comes_first(where, tmp_path, scans, make_model):
    path = scans.write_scan(tmp_path / "a.nii.gz", scans.ball(), orientation=where)
    model = make_model(neighbors=3)
    object.__setattr__(model, "net", LooksUp())
    predicted(path, model, tmp_path / "out")
    image = nibabel.as_closest_canonical(nibabel.load(tmp_path / "out/a.nii.gz"))
    hu = np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj)
    above = np.concatenate((hu[:, :, 1:], hu[:, :, -1:]), axis=2)
    below = np.concatenate((hu[:, :, :1], hu[:, :, :-1]), axis=2)
    assert (np.asarray(image.dataobj) == (above - below >= 300)).all()


@pytest.mark.parametrize("where", ["LPS", "LPI"])
def test_a_scan_that_is_damaged_at_its_end_leaves_no_mask(where, tmp_path, scans, make_model):
    path = scans.write_scan(tmp_path / "a.nii.gz", scans.ball(), orientation=where)
    content = gzip.decompress(path.read_bytes())
    damaged = bytearray(gzip.compress(content, mtime=0))
    damaged[-5] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(BadCaseError):
        predicted(path, make_model(drop_slices=5), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
