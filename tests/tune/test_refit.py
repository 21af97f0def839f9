"""The best settings are trained again beside the first ones, by the same rules as the trials."""

from types import SimpleNamespace

import pytest

from shards.console.groups import replaced
from tests.toy_trials import TOLD
from tune import refit as module
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.refit import refit, repeats

FIRST, BEST = {"lr": 0.001}, {"lr": 0.003}


@pytest.fixture
def options(tmp_path):
    return SearchOptions.of(shards="/shards", out=tmp_path, epochs=2, refit=3)


@pytest.fixture
def ran(monkeypatch):
    """Trials that are over at once; the values that were trained."""
    trained = []

    def run_trials(own, memory, leave):
        while (record := memory.next()) is not None:
            trained.append(record.values)
            dice = 100 * record.values["lr"] + 0.01 * record.values["seed"] * record.number
            memory.report(record.number, TOLD | {"epoch": 2, "best_dice_case_mean": dice})
            memory.end(record.number, reason="" if record.values["seed"] < 9 else "broken")

    monkeypatch.setattr(module, "run_trials", run_trials)
    return trained


def shards(*folds):
    return SimpleNamespace(manifest=SimpleNamespace(folds=dict(enumerate(folds))), url="/shards")


def test_seeds_are_others_than_the_searchs_and_folds_those_it_did_not_choose_by(options):
    assert repeats(options, shards()) == [{"seed": 1}, {"seed": 2}, {"seed": 3}]
    by_folds = replaced(options, refit="folds", fold=1)
    assert repeats(by_folds, shards(0, 1, 2, 2)) == [{"fold": 0}, {"fold": 2}]
    assert repeats(replaced(options, refit=None), shards()) == []
    with pytest.raises(SearchError, match=r"two folds beside those by which .* \(1\); /shards has"):
        repeats(by_folds, shards(0, 1))


def test_both_settings_are_trained_with_each_seed_and_compared_in_pairs(options, ran):
    again = repeats(options, shards())
    worth = refit(options, first=FIRST, best=BEST, again=again)
    assert ran == [values | each for each in again for values in (FIRST, BEST)]
    assert worth.n == 3
    scores = zip(worth.first.scores, worth.best.scores, strict=True)
    differences = [two - one for one, two in scores]
    assert differences == pytest.approx([0.21, 0.22, 0.23])
    assert (worth.asked, worth.by) == (3, "seeds")


def test_what_was_trained_is_not_trained_again_and_more_seeds_add_to_it(options, ran):
    refit(options, first=FIRST, best=BEST, again=repeats(options, shards()))
    ran.clear()
    more = repeats(replaced(options, refit=4), shards())
    worth = refit(options, first=FIRST, best=BEST, again=more)
    assert ran == [FIRST | {"seed": 4}, BEST | {"seed": 4}]
    assert worth.n == 4
    ran.clear()
    other = refit(options, first=FIRST, best={"lr": 0.002}, again=more)
    assert [values["lr"] for values in ran] == [0.002] * 4
    assert other.n == 4


def test_where_the_first_is_the_best_it_is_trained_alone(options, ran):
    worth = refit(options, first=FIRST, best=FIRST, again=repeats(options, shards()))
    assert len(ran) == 3
    assert worth.best is None
    assert worth.verdict == "nothing better than the first settings was found"


def test_a_training_that_failed_leaves_its_pair_out_and_too_few_pairs_are_said(
    options, ran, caplog
):
    again = [{"seed": 1}, {"seed": 9}, {"seed": 2}]
    assert refit(options, first=FIRST, best=BEST, again=again).n == 2
    assert caplog.text == ""
    assert refit(options, first=FIRST, best=BEST, again=again[:2]) is None
    assert "--refit: fewer than two pairs of trainings ended well" in caplog.text


def test_no_training_is_ended_early_however_clearly_worse_it_is_on_each_fold(options, monkeypatch):
    by_three = replaced(options, folds=3)

    def run_trials(own, memory, leave):
        while (record := memory.next()) is not None:
            dice = 100 * record.values["lr"]
            for fold in (1, 2, 3):
                cases = [[f"case-{n}", dice + 0.001 * n] for n in range(3 * fold)]
                of_fold = {"best_dice_case_mean": dice, "cases": cases, "folds": fold}
                assert memory.report(record.number, TOLD | of_fold | {"epoch": 2 * fold})
            memory.end(record.number)

    monkeypatch.setattr(module, "run_trials", run_trials)
    worth = refit(by_three, first=BEST, best=FIRST, again=repeats(by_three, shards()))
    assert worth.n == 3
