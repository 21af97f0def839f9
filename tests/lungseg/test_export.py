"""The command `python -m lungseg.export`."""

from pathlib import Path

from lungseg.export import show
from lungseg.portable.options import ExportOptions


def test_the_result_says_where_how_large_and_how_near():
    said = show({"out": "m.onnx", "bytes": 2_500_000, "largest_difference": 2.5e-6})
    assert said.splitlines()[0] == "wrote m.onnx (2.5 MB)"
    assert "at most 2.5e-06 apart" in said


def test_to_replace_is_of_one_run():
    assert not ExportOptions(checkpoint=Path("c"), out=Path("o")).overwrite
    assert ExportOptions.OF_ONE_RUN == ("overwrite",)
