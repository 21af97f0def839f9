"""A table that outlives a kill."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungseg.inference.case_table import CaseTable

COLUMNS = ("case", "size", "made_by")


def table(path, **given):
    return CaseTable(path / "t.csv", COLUMNS, **given)


def lines(path):
    with (path / "t.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def filled(path):
    made = table(path)
    made.put("b", [{"size": 2, "made_by": "x"}])
    made.put("a", [{"size": 1, "made_by": "x"}])
    return made


def test_rows_are_in_the_file_at_once_and_sorted_at_the_end(tmp_path):
    made = filled(tmp_path)
    assert [row["case"] for row in lines(tmp_path)] == ["b", "a"]
    made.finish()
    assert lines(tmp_path) == [
        {"case": "a", "size": "1", "made_by": "x"},
        {"case": "b", "size": "2", "made_by": "x"},
    ]


def test_a_newer_row_replaces_the_older_one_also_for_the_next_run(tmp_path):
    filled(tmp_path).put("b", [{"size": 3, "made_by": "y"}])
    again = table(tmp_path)
    assert again.rows("b") == [{"case": "b", "size": "3", "made_by": "y"}]
    again.finish()
    assert [row["size"] for row in lines(tmp_path)] == ["1", "3"]


def test_a_name_of_bytes_that_are_no_text_is_escaped_and_known_again(tmp_path):
    table(tmp_path).put("k\udcfc", [{"size": "x\udcff", "made_by": "y"}])
    again = table(tmp_path)
    assert again.rows("k\udcfc") == [{"case": "k\\udcfc", "size": "x\\udcff", "made_by": "y"}]
    again.put("k\udcfc", [{"size": 2, "made_by": "y"}])
    again.finish()
    assert [row["size"] for row in lines(tmp_path)] == ["2"]


@given(cut=st.integers(1, 30))
def test_a_line_that_was_cut_off_costs_that_line_alone(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("t")
    filled(path)
    text = (path / "t.csv").read_text()
    (path / "t.csv").write_text(text[:-cut])
    again = table(path)
    written = list(csv.DictReader(text.splitlines()))
    assert all(row in written for case in "ab" for row in again.rows(case))
    again.put("c", [{"size": 9, "made_by": "z"}])
    assert table(path).rows("c") == [{"case": "c", "size": "9", "made_by": "z"}]


def test_a_case_may_have_several_rows_and_loses_them_together(tmp_path):
    made = table(tmp_path, num_keys=2)
    made.put("a", [{"size": n, "made_by": "x"} for n in range(3)])
    made.put("b", [])
    assert len(table(tmp_path, num_keys=2).rows("a")) == 3
    made.put("a", [{"size": 7, "made_by": "x"}])
    made.finish()
    assert [row["size"] for row in lines(tmp_path)] == ["7"]


def test_rows_of_a_case_are_in_the_order_of_their_numbers(tmp_path):
    made = table(tmp_path, num_keys=2)
    made.put("a", [{"size": n, "made_by": "x"} for n in (10, 9, 1)])
    made.finish()
    assert [row["size"] for row in lines(tmp_path)] == ["1", "9", "10"]


def test_a_file_with_other_columns_is_no_table(tmp_path):
    (tmp_path / "t.csv").write_text("case,other\na,1\n")
    assert table(tmp_path).rows("a") == []


@pytest.mark.parametrize("text", ['with "quotes", and commas', "two\nlines", "ü"])
def test_any_text_comes_back(tmp_path, text):
    made = table(tmp_path)
    made.put("a", [{"size": text, "made_by": "x"}])
    assert table(tmp_path).rows("a")[0]["size"] == text
