"""A folder belongs to one search: the same one goes on, another one is refused."""

import json

import pytest

from shards.console.groups import replaced
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.options.identity import JOURNAL, check_identity


@pytest.fixture
def options(tmp_path):
    (tmp_path / "out").mkdir()
    return SearchOptions.of(shards="/shards", out=tmp_path / "out")


@pytest.mark.parametrize(
    "change",
    [
        {"address": "head:6379"},
        {"trials": 40, "hours": 2.0, "refit": 3},
        {"concurrent": 2, "cpus_per_trial": 3, "gpus_per_trial": 0.5, "stall_minutes": 3.0},
        {"accelerator": "cpu", "num_workers": 2, "checkpoint_minutes": 1.0},
        {"shards": "s3://elsewhere/shards", "cache_gb": 3.0},
    ],
)
def test_a_search_goes_on_elsewhere_with_other_resources_and_more_trials(options, change):
    check_identity(options, "abc")
    check_identity(replaced(options, **change), "abc")


def test_a_moved_search_is_the_same(options, tmp_path):
    check_identity(options, "abc")
    moved = options.out.rename(tmp_path / "moved")
    check_identity(replaced(options, out=moved), "abc")


def test_a_search_without_its_journal_is_not_done_again(options):
    check_identity(options, "abc")
    assert (options.out / JOURNAL).exists()
    (options.out / JOURNAL).unlink()
    with pytest.raises(SearchError, match=r"has a search and no journal\.jsonl"):
        check_identity(options, "abc")


def test_a_search_from_before_tumors_traveled_goes_on_without_them(options):
    file = options.out / "identity.json"
    check_identity(options, "abc")
    of_old = {k: v for k, v in json.loads(file.read_text()).items() if k != "transplant"}
    file.write_text(json.dumps(of_old))
    check_identity(replaced(options, transplant=0.0), "abc")
    with pytest.raises(SearchError, match=r"with --transplant 0.0, now it is auto"):
        check_identity(options, "abc")


def test_a_kill_before_the_search_had_its_name_changes_nothing(options):
    (options.out / JOURNAL).touch()
    check_identity(options, "abc")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 3}, "--epochs 30, now it is 3"),
        ({"lr_range": (1e-5, 1e-2)}, "--lr-range"),
        ({"seed": 1}, "--seed 0, now it is 1"),
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


def test_a_folder_of_something_else_is_not_taken(options):
    (options.out / "thesis.tex").write_text("")
    with pytest.raises(SearchError, match=r"thesis\.tex"):
        check_identity(options, "abc")


def test_a_space_counts_by_what_it_says_wherever_it_lies(options, tmp_path):
    for name, text in (("a", "lr: {log: [0.1, 1]}"), ("b", "lr:\n  log: [0.1, 1]"), ("c", "x: 1")):
        (tmp_path / name).write_text(text)
    check_identity(replaced(options, space=tmp_path / "a"), "abc")
    check_identity(replaced(options, space=tmp_path / "b"), "abc")
    with pytest.raises(SearchError, match="--space"):
        check_identity(replaced(options, space=tmp_path / "c"), "abc")
    with pytest.raises(SearchError, match="--space"):
        check_identity(options, "abc")


def test_an_extended_search_knows_with_how_many_trials_it_was_begun(options):
    assert check_identity(options, "abc") == 20
    assert check_identity(replaced(options, trials=40), "abc") == 20
