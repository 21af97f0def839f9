"""The folds of a trial begin with --fold, and are refused before anything starts."""

import pytest

from shards.storage.store import open_shards
from tests.toy_shards import make_shards
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.options.folds import folds_to_score


@pytest.fixture
def chosen(tmp_path):
    """Function: options -> the folds, of shards with the folds 0 to 4, a case in each."""
    shards = open_shards(str(make_shards(tmp_path / "shards")))

    def choose(**given):
        return folds_to_score(SearchOptions.of(shards=shards.url, out=tmp_path, **given), shards)

    return choose


def test_without_the_option_there_are_none(chosen):
    assert chosen() == []


def test_they_begin_with_fold_and_go_round(chosen):
    assert chosen(folds=3) == [0, 1, 2]
    assert chosen(folds=3, fold=3) == [3, 4, 0]
    assert sorted(chosen(folds=5, fold=2)) == [0, 1, 2, 3, 4]


def test_more_than_there_are_is_refused(chosen):
    with pytest.raises(SearchError, match=r"--folds 6 from --fold 0 on .* has 5 folds \(0, 1, 2"):
        chosen(folds=6)
    with pytest.raises(SearchError, match="--fold 7 on needs"):
        chosen(folds=2, fold=7)


def test_folds_of_a_file_count(chosen, tmp_path):
    file = tmp_path / "folds.csv"
    rows = [f"lung_{n:03d},{min(n, 3)}" for n in range(5)]
    file.write_text("\n".join(["case,fold", *rows]) + "\n")
    assert chosen(folds=2, fold=3, folds_file=file) == [3, 0]
    file.write_text("\n".join(["case,fold", *(f"lung_{n:03d},{n % 2}" for n in range(5))]) + "\n")
    with pytest.raises(SearchError, match="has 2 folds"):
        chosen(folds=3, folds_file=file)
