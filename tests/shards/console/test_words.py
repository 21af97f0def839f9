"""Counts and lists read as people write them."""

import os

import pytest

from shards.console.words import counted, encodable, in_a_line, on_one_line, some


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 scans"), (1, "1 scan"), (2, "2 scans"), (12_345, "12,345 scans")]
)
def test_a_count_takes_the_form_of_its_number(number, words):
    assert counted(number, "scan") == words


def test_of_a_long_list_the_first_are_named_and_the_others_counted():
    names = list("abcdef")
    assert some(names[:4]) == "a, b, c, d"
    assert some(names) == "a, b, c, d and 2 more"
    assert some(names[:2], "; ") == "a; b"
    assert some([]) == ""


def test_what_a_library_said_is_folded_into_a_line_and_cut():
    assert in_a_line(ValueError(" no\n  such\tthing ")) == "no such thing"
    assert in_a_line("ab " * 100) == ("ab " * 100)[:200]


@pytest.mark.parametrize(
    ("name", "shown"), [("lung_001", "lung_001"), ("größer", "größer"), ("a\nb", "'a\\nb'")]
)
def test_only_a_name_that_would_break_a_line_stands_in_quotes(name, shown):
    assert on_one_line(name) == shown


@pytest.mark.parametrize(
    ("name", "held"),
    [(b"lung", "lung"), ("größer".encode(), "größer"), (b"M\xfcller", "M\\udcfcller")],
)
def test_bytes_of_a_name_that_are_no_text_are_escaped(name, held):
    assert encodable(os.fsdecode(name)) == held
    assert encodable(held).encode().decode() == held
