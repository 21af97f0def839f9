"""A folder belongs to one search: the same one goes on, another one is refused."""

import dataclasses

import pytest

from shards.console.groups import replaced
from tune.config import SearchOptions
from tune.errors import SearchError
from tune.identity import check_identity


@pytest.fixture
def options(tmp_path):
    return SearchOptions.of(shards="/shards", out=tmp_path)


def test_the_same_search_goes_on_on_any_cluster(options):
    check_identity(options, "abc")
    check_identity(dataclasses.replace(options, address="head:6379", json=True), "abc")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 3}, "--epochs 30, now it is 3"),
        ({"lr_range": (1e-5, 1e-2)}, "--lr-range"),
        ({"trials": 21}, "--trials 20, now it is 21"),
        ({"losses": ("dice",)}, "--losses"),
    ],
)
def test_another_search_is_refused_by_the_setting(options, change, said):
    check_identity(options, "abc")
    with pytest.raises(SearchError, match=said):
        check_identity(replaced(options, **change), "abc")


def test_changed_shards_are_refused(options):
    check_identity(options, "abc")
    with pytest.raises(SearchError, match="shards of manifest abc, now it is def"):
        check_identity(options, "def")


def test_a_folder_of_something_else_is_not_taken(options, tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(SearchError, match=r"thesis\.tex"):
        check_identity(options, "abc")
