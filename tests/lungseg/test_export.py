"""The command `python -m lungseg.export`."""

from pathlib import Path

import pytest

from lungseg.export import show
from lungseg.portable.options import ExportOptions


def test_the_result_says_where_how_large_and_how_near():
    said = show({"out": "m.onnx", "bytes": 2_500_000, "largest_difference": 2.5e-6})
    assert said.splitlines()[0] == "wrote m.onnx (2.5 MB)"
    assert "at most 2.5e-06 apart" in said


def test_to_replace_is_of_one_run():
    assert not ExportOptions(checkpoint=Path("c"), out=Path("o.onnx")).overwrite
    assert ExportOptions.OF_ONE_RUN == ("overwrite",)


@pytest.mark.parametrize("name", ["best.ckpt", "notes.txt", "model"])
def test_a_file_of_another_kind_is_never_replaced(name):
    with pytest.raises(ValueError, match=rf"--out must be a file that ends in \.onnx, got {name}"):
        ExportOptions(checkpoint=Path("best.ckpt"), out=Path(name), overwrite=True)
