"""The four functions of a notebook, and the example in the documents."""

import re
from dataclasses import asdict
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

import lungseg
from ingest.case import BadCaseError
from ingest.job.build import build_shards
from ingest.options import BuildShards
from ingest.phantom.data_set import PhantomSet, make_phantoms
from ingest.slices.scan_slices import load_scan
from lungseg.inference.infer import predict_scan
from lungseg.scores.surface import surface_score
from tests.toy_training import TINY

DOCUMENT = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_package_offers_its_names_and_no_others():
    assert {name for name in lungseg.__all__ if callable(getattr(lungseg, name))} == set(
        lungseg.__all__
    )
    with pytest.raises(AttributeError, match="no attribute 'guess'"):
        _ = lungseg.guess


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SAR"])
def test_an_array_is_predicted_as_its_file_is(tmp_path, scans, make_model, orientation):
    path = scans.write_scan(tmp_path / "scan.nii.gz", scans.ball(), orientation=orientation)
    model, image = make_model(), nibabel.load(path)
    mask = lungseg.predict_volume(model, np.asarray(image.dataobj), image.affine)
    assert mask.shape == image.shape
    assert mask.any()
    of_file = predict_scan(model, load_scan(path, model.recipe), device=torch.device("cpu"))
    np.testing.assert_array_equal(mask, of_file)


def test_floats_are_rounded_to_whole_hu(make_model, scans):
    truth = scans.ball()
    hu = np.where(truth == 1, 300, -900).astype(np.float32)
    noisy = hu + np.random.default_rng(0).uniform(-0.4, 0.4, hu.shape).astype(np.float32)
    affine = np.diag([1.5, 1.5, 3.0, 1.0])
    model = make_model()
    np.testing.assert_array_equal(
        lungseg.predict_volume(model, noisy, affine), lungseg.predict_volume(model, hu, affine)
    )


@pytest.mark.parametrize(
    ("hu", "affine", "message"),
    [
        (np.zeros((4, 4)), np.eye(4), "three axes"),
        (np.zeros((4, 4, 4)), np.zeros((4, 4)), "invertible"),
        (np.zeros((4, 4, 4)), np.eye(3), "4 x 4"),
        (np.full((4, 4, 4), np.nan), np.eye(4), "NaN"),
    ],
)
def test_an_array_that_is_no_scan_is_refused(make_model, hu, affine, message):
    with pytest.raises(BadCaseError, match=message):
        lungseg.predict_volume(make_model(), hu, affine)


def test_scores_of_two_boxes_are_known_in_closed_form():
    truth, found = np.zeros((10, 10, 10), np.uint8), np.zeros((10, 10, 10), np.uint8)
    truth[:4, :, :], found[2:8, :, :] = 2, 1  # 400 voxels, 600 voxels, 200 in both
    scores = lungseg.score_masks(truth, found, np.diag([2.0, -1.0, 5.0, 1.0]))
    surface = surface_score(truth, found, axes_mm=np.diag((2.0, 1.0, 5.0)))
    assert {name: scores.pop(name) for name in ("nsd", "hd95_mm", "assd_mm")} == asdict(surface)
    assert scores == {
        "dice": 400 / 1000,
        "truth_ml": pytest.approx(4.0),
        "predicted_ml": pytest.approx(6.0),
        "false_positive_ml": pytest.approx(4.0),
        "lesions_found": 1,
        "lesions_missed": 0,
        "lesions_false": 0,
    }
    nothing = lungseg.score_masks(0 * truth, 0 * found, np.eye(4))
    assert (nothing["dice"], nothing["nsd"]) == (None, None)
    with pytest.raises(BadCaseError, match="one shape"):
        lungseg.score_masks(truth, found[1:], np.eye(4))
    with pytest.raises(BadCaseError, match=r"\(i, j, k\)"):
        lungseg.score_masks(truth[0], found[0], np.eye(4))


@pytest.mark.slow
def test_the_example_in_the_documents_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_phantoms(PhantomSet(out=Path("data/Task06_Lung"), cases=6, size=64, slices=40))
    build_shards(BuildShards(source=Path("data/Task06_Lung"), out="runs/shards", drop_slices=0))
    example = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL).group(1)
    quick = example.replace("epochs=1", f"epochs=1, batch_size={TINY['batch_size']}, devices=1")
    exec(compile(quick, str(DOCUMENT), "exec"), {})
    assert "truth_ml" in capsys.readouterr().out
