"""Where an evaluation may leave its files, and that they come whole or not at all."""

import csv
import io

import pytest

from lungseg.evaluation.leave import FILES, OutputError, as_csv, leave, refuse_to_replace
from lungseg.evaluation.options import EvaluateOptions

TEXTS = dict.fromkeys(FILES, "new")


def options(out, **given):
    return EvaluateOptions(**{"checkpoint": out, "source": out, "out": out} | given)


@pytest.mark.parametrize("name", FILES)
def test_an_earlier_evaluation_is_not_replaced_unless_told_so(name, tmp_path):
    (tmp_path / name).write_text("old")
    with pytest.raises(OutputError, match=rf"{name} would be replaced: .*--overwrite"):
        refuse_to_replace(options(tmp_path))
    refuse_to_replace(options(tmp_path, overwrite=True))
    assert (tmp_path / name).read_text() == "old"


def test_several_files_in_the_way_are_counted(tmp_path):
    leave(options(tmp_path), TEXTS)
    with pytest.raises(OutputError, match=r"metrics\.json and 4 other files would be replaced"):
        refuse_to_replace(options(tmp_path))


def test_files_come_together_or_not_at_all(tmp_path):
    leave(options(tmp_path / "out"), TEXTS)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*FILES, "config.yaml"}
    with pytest.raises(OutputError, match="cannot be written"):
        leave(options(tmp_path / "out"), {"metrics.json": "newer", "c" * 300: "too long a name"})
    assert (tmp_path / "out/metrics.json").read_text() == "new"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*FILES, "config.yaml"}


def test_rows_come_back_from_the_text_of_a_csv_file():
    rows = [{"case": "a, b", "dice": "0.5"}, {"case": 'c "d"', "dice": ""}]
    text = as_csv(["case", "dice"], rows)
    assert text.splitlines()[0] == "case,dice"
    assert list(csv.DictReader(io.StringIO(text))) == rows
