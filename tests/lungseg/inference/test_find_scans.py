"""Which scans a path means."""

import pytest

from lungseg.inference.errors import PredictError
from lungseg.inference.find_scans import find_scans


def test_inputs_that_are_no_scans_are_refused_with_advice(tmp_path, folder):
    for wrong, advice in (
        (tmp_path / "absent", "does not exist"),
        (folder / "readme.txt", "is neither"),
        (tmp_path, "holds none"),
    ):
        with pytest.raises(PredictError, match=advice):
            find_scans(wrong)
    (tmp_path / "msd/imagesTs").mkdir(parents=True)
    with pytest.raises(PredictError, match=r"give .*imagesTs"):
        find_scans(tmp_path / "msd")


def test_two_scans_of_one_name_are_refused(folder):
    (folder / "ball_1.nii").write_bytes(b"another")
    with pytest.raises(PredictError, match="same result"):
        find_scans(folder)
