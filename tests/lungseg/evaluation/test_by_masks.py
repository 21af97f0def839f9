"""Masks of any program, scored like those of a model."""

import nibabel
import numpy as np
import pytest

from ingest.case import BadCaseError
from lungseg.evaluation.by_masks import MasksError

sitk = pytest.importorskip("SimpleITK")


@pytest.fixture
def masks(tmp_path, scans):
    """Masks of the three training scans, shifted, and stored along other axes than the scans."""
    for number, where in enumerate(("RAS", "PIR", "LPS"), start=1):
        found = scans.ball(center=(30 + 4 * number, 27, 12), radius_mm=6.0 + 3 * number)
        scans.write(tmp_path / f"masks/ball_{number}.nii.gz", found, orientation=where)
    return tmp_path / "masks"


def canonical(path):
    return np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj) > 0


def test_the_counts_are_those_of_the_voxels_whatever_the_axes(run, masks, source):
    metrics, said = run(predictions=masks)
    for number, row in enumerate(metrics["cases"], start=1):
        truth = canonical(source / f"labelsTr/ball_{number}.nii.gz")
        found = canonical(masks / f"ball_{number}.nii.gz")
        counts = ((found & truth).sum(), (found & ~truth).sum(), (~found & truth).sum())
        assert (row["tp"], row["fp"], row["fn"]) == counts
        assert min(counts) > 0
        assert row["role"] == "unknown"
    assert metrics["n"] == 3
    assert metrics["predictions"] == said["predictions"] == str(masks)
    assert metrics["threshold"] is None
    assert "dice_pooled_soft" not in metrics


@pytest.mark.parametrize(
    ("image", "mask"),
    [("ball.2.nii.gz", "ball.2.nii.gz"), ("b_0000.nii.gz", "b_0000.nii"), ("b.nii.gz", "b.mha")],
)
def test_a_mask_may_have_the_name_of_the_image_and_any_format(run, masks, source, image, mask):
    (source / "imagesTr/ball_2.nii.gz").rename(source / "imagesTr" / image)
    label = image.replace("_0000", "")
    (source / "labelsTr/ball_2.nii.gz").rename(source / "labelsTr" / label)
    written = sitk.ReadImage(str(masks / "ball_2.nii.gz"))
    (masks / "ball_2.nii.gz").unlink()
    sitk.WriteImage(written, str(masks / mask))
    metrics, _ = run(predictions=masks)
    assert metrics["n"] == 3
    assert metrics["failed"] == {}


def test_the_report_says_whose_masks_they_are(run, masks, tmp_path):
    run(predictions=masks)
    page = (tmp_path / "out/report.html").read_text()
    assert f"the masks of <code>{masks}</code>" in page
    assert "3 labeled scans" in page
    assert "Pooled soft Dice" not in page
    assert "used to make what drew the masks" in page


def test_a_models_own_masks_score_as_the_model_does(run, make_model, source, tmp_path):
    model = make_model(above_hu=200)
    by_model, _ = run(model, subset="training")
    for number in (1, 2, 3):
        scan = nibabel.load(source / f"imagesTr/ball_{number}.nii.gz")
        found = (np.asarray(scan.dataobj) > 200).astype(np.uint8)
        (tmp_path / "masks").mkdir(exist_ok=True)
        nibabel.save(
            nibabel.Nifti1Image(found, scan.affine), tmp_path / f"masks/ball_{number}.nii.gz"
        )
    by_masks, _ = run(predictions=tmp_path / "masks", overwrite=True)
    assert by_masks["dice_case_mean"] == by_model["dice_case_mean"]


def test_uncompressed_masks_of_test_scans_are_masks_too(run, scans, tmp_path):
    path = scans.write(tmp_path / "masks/ball_9.nii", scans.ball())
    metrics, _ = run(predictions=path.parent, subset="test")
    assert metrics["dice_case_mean"] == 1


def test_missing_masks_are_named_before_anything_is_read(run, masks, source):
    (masks / "ball_2.nii.gz").unlink()
    (source / "imagesTr/ball_1.nii.gz").write_bytes(b"never read")
    with pytest.raises(MasksError, match="has none for ball_2: choose cases with --cases"):
        run(predictions=masks)
    with pytest.raises(MasksError, match="must be a folder"):
        run(predictions=masks / "ball_1.nii.gz")


def test_a_mask_of_another_grid_or_of_other_values_is_refused(run, masks, scans):
    scans.write(masks / "ball_1.nii.gz", scans.ball((64, 64, 21)))
    with pytest.raises(BadCaseError, match=r"ball_1\.nii\.gz does not fit .*one shape"):
        run(predictions=masks, cases=("ball_1",))
    scans.write(masks / "ball_2.nii.gz", 3 * scans.ball())
    with pytest.raises(BadCaseError, match="--tumor-labels"):
        run(predictions=masks, cases=("ball_2",))
    metrics, _ = run(predictions=masks, cases=("ball_2",), tumor_labels=(1, 3))
    assert metrics["cases"][0]["tp"] > 0
