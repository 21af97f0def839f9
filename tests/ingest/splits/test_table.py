"""A table is read by the names of its columns, however it is separated; what is odd is named."""

import pytest

from ingest.case import BadCaseError
from ingest.splits.table import read_table


def table(folder, text, encoding="utf-8"):
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


ROWS = [{"case": "a b", "fold": "0"}, {"case": 'c,"d', "fold": "1"}]


@pytest.mark.parametrize(
    "text",
    [
        'case,fold\na b,0\n"c,""d",1\n',
        'Case ; note; FOLD\na b;x; 0 \n\n"c,""d"; ;1',
        'fold\tcase\r\n0\ta b\r\n1\t"c,""d"\r\n',
        '\ufeffcase,fold\na b,0\n,\n"c,""d",1\n',
    ],
)
def test_columns_are_found_by_name_in_any_order_and_separation(tmp_path, text):
    assert read_table(table(tmp_path, text), ("case", "fold"), option="--x") == ROWS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"--x needs a table with column case, .*table\.csv has nothing"),
        ("name,fold\na,0", r"needs a table with column case, .* has name, fold"),
        ("case,fold\na,0\nb,", r"--x: line 3 of .*table\.csv has no fold"),
        ("case,fold\nb", r"--x: line 2 of .*table\.csv has no fold"),
    ],
)
def test_what_is_missing_is_named(tmp_path, text, said):
    with pytest.raises(BadCaseError, match=said):
        read_table(table(tmp_path, text), ("case", "fold"), option="--x")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(BadCaseError, match=r"--x: .*absent cannot be read \(No such file"):
        read_table(tmp_path / "absent", ("case",), option="--x")
    with pytest.raises(BadCaseError, match="no text in UTF-8: save it as CSV UTF-8"):
        read_table(table(tmp_path, "case\n\xe4", "latin-1"), ("case",), option="--x")
    with pytest.raises(BadCaseError, match=r"is no table \(field larger than"):
        read_table(table(tmp_path, "case\n" + "x" * 200_000), ("case",), option="--x")
