"""A header tells its fields, and the files of its voxels, whichever way it names them."""

import pytest

from ingest.scans.text_header import data_files, field_of

HEADERS = {
    "x.mhd": {
        "ElementDataFile = x.raw": ["x.raw"],
        "ElementDataFile = two words.zraw\r": ["two words.zraw"],
        "ElementDataFile = LIST\na.raw\nb.raw\n": ["a.raw", "b.raw"],
        "ElementDataFile = s%02d.raw 1 5 2": ["s01.raw", "s03.raw", "s05.raw"],
        "ElementDataFile = LOCAL\nrest": [],
        "NDims = 3": [],
        "ElementDataFile =   ": [],
        "ElementDataFile = a%sb 1 2": ["a%sb 1 2"],
        "ElementDataFile = %d 1 99999999999": ["%d 1 99999999999"],
    },
    "x.nhdr": {
        "data file: x.raw.gz": ["x.raw.gz"],
        "datafile: ./sub/x.raw": ["sub/x.raw"],
        "data file: LIST\na.raw\nb.raw": ["a.raw", "b.raw"],
        "data file: s%d.raw 9 10 1": ["s9.raw", "s10.raw"],
    },
    "x.mha": {"ElementDataFile = x.raw": []},
}
CASES = [(name, *case) for name, cases in HEADERS.items() for case in cases.items()]


@pytest.mark.parametrize(("name", "field", "files"), CASES)
def test_the_files_that_a_header_names(tmp_path, name, field, files):
    (tmp_path / name).write_text(f"first = line\n{field}")
    assert data_files(tmp_path / name) == tuple(tmp_path / file for file in files)


def test_a_header_that_is_not_there_names_none(tmp_path):
    assert data_files(tmp_path / "absent.mhd") == ()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("x.mha", "NDims = 3\r\nElementDataFile = LOCAL\nNDims = 9", "NDims", "3"),
        ("x.mha", "NDims = 3\nNDims = 2\nElementDataFile = LOCAL\n", "NDims", ""),
        ("x.mha", "NDims =\n3\nElementDataFile = LOCAL\n", "NDims", ""),
        ("x.nrrd", "sizes: 1 2 3\n\nsizes: 7", "sizes", "1 2 3"),
        ("x.nrrd", "", "sizes", ""),
    ],
)
def test_a_field_counts_once_and_before_the_voxels(tmp_path, name, text, field, value):
    (tmp_path / name).write_text(text)
    assert field_of(tmp_path / name, field) == value
