"""What a page loads: the scan, and masks of any format on it."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from lungseg.viewer.errors import ViewError
from lungseg.viewer.scene import scene, told_apart


def test_volumes_are_named_by_number_and_shown_by_their_names(tmp_path, scans):
    scan = scans.write_scan(tmp_path / "a.nii.gz", scans.ball())
    evil = scans.write(tmp_path / "<b>3&.nii.gz", 3 * scans.ball(), orientation="LPS")
    files = scene(scan, [evil, evil])
    said = json.loads(files["scene.json"])
    assert said["scan"] == {"file": "scan.nii", "name": "a.nii.gz"}
    assert [mask["file"] for mask in said["masks"]] == ["mask-1.nii", "mask-2.nii"]
    assert {mask["name"] for mask in said["masks"]} == {"<b>3&.nii.gz"}
    assert len({mask["color"] for mask in said["masks"]}) == 2
    image = nibabel.Nifti1Image.from_bytes(files["scan.nii"])
    assert np.array_equal(np.asarray(image.dataobj), np.asarray(nibabel.load(scan).dataobj))
    mask = np.asarray(nibabel.Nifti1Image.from_bytes(files["mask-1.nii"]).dataobj)
    assert np.array_equal(mask, np.asarray(nibabel.load(evil).dataobj) != 0)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (("truth/a.nii.gz", "masks/b.nii.gz"), ["a.nii.gz", "b.nii.gz"]),
        (("truth/a.nii.gz", "masks/a.nii.gz"), ["truth/a.nii.gz", "masks/a.nii.gz"]),
        (("x/out/a.nii", "y/out/a.nii", "y/b.nii"), ["x/out/a.nii", "y/out/a.nii", "y/b.nii"]),
        (("a.nii", "a.nii"), ["a.nii", "a.nii"]),
        ((), []),
    ],
)
def test_masks_of_one_name_are_told_apart_by_their_folders(paths, names):
    assert told_apart([Path(path) for path in paths]) == names


def test_what_cannot_be_shown_is_one_known_error(tmp_path, scans):
    scan = scans.write_scan(tmp_path / "a.nii.gz", scans.ball())
    other = scans.write(tmp_path / "b.nii.gz", scans.ball((8, 8, 8)))
    with pytest.raises(ViewError, match="the shape of its scan"):
        scene(scan, [other])
    for paths in ((tmp_path / "none.nii", []), (scan, [tmp_path / "none.nii"])):
        with pytest.raises(ViewError, match=r"none\.nii does not exist: check the path"):
            scene(*paths)
