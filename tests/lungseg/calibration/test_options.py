"""What a calibration can be told."""

import pytest

from lungseg.calibration.options import CalibrateOptions


def test_what_is_written_is_a_checkpoint(tmp_path):
    needed = {"checkpoint": tmp_path / "best.ckpt", "source": tmp_path}
    assert CalibrateOptions(**needed, out=tmp_path / "new.ckpt").subset == "auto"
    with pytest.raises(ValueError, match=r"--out must be a file that ends in \.ckpt"):
        CalibrateOptions(**needed, out=tmp_path / "new")
    with pytest.raises(ValueError, match="--batch-size must be at least 1"):
        CalibrateOptions(**needed, out=tmp_path / "new.ckpt", batch_size=0)
