"""A search that is killed between any two events goes on as if it had not been."""

import json

import numpy as np

from tests.toy_trials import TOLD, new_memory
from tune.history.journal import Journal
from tune.history.memory import Memory
from tune.history.rungs import Rungs
from tune.trials.outcome import outcomes

EPOCHS = 9


def recall(folder, *, trials=8):
    folder.mkdir(exist_ok=True)
    return new_memory(folder, trials=trials, epochs=EPOCHS)


def report(number, epoch):
    """What the trial of a number reports, always the same."""
    curve = np.maximum.accumulate(np.random.default_rng(number).uniform(size=EPOCHS))
    score = float(curve[epoch - 1])
    return TOLD | {"epoch": epoch, "best_dice_case_mean": score}


def train(memory, number):
    """Train a trial to its end, going on from what it had reported."""
    begun = max(memory.records[number].reports, default=0)
    for epoch in range(begun + 1, EPOCHS + 1):
        if not memory.report(number, report(number, epoch)):
            break
    memory.end(number)


def search(memory):
    while (record := memory.next()) is not None:
        train(memory, record.number)
    return memory.records


def test_an_unbroken_search_ends_poor_trials_early_and_trains_good_ones(tmp_path):
    records = search(recall(tmp_path / "j")).values()
    assert [record.number for record in records] == list(range(8))
    assert {record.status for record in records} == {"finished", "ended early"}
    for record in records:
        assert (EPOCHS in record.reports) == (record.status == "finished")


def test_a_kill_between_any_two_events_changes_nothing(tmp_path):
    whole = search(recall(tmp_path / "whole"))
    lines = (tmp_path / "whole" / "journal.jsonl").read_text().splitlines(keepends=True)
    ranked = outcomes(recall(tmp_path / "whole"), tmp_path)
    for cut in range(len(lines)):
        path = tmp_path / f"cut-{cut}"
        path.mkdir()
        (path / "journal.jsonl").write_text("".join(lines[:cut]))
        memory = recall(path)
        ended = {n: r for n, r in memory.records.items() if r.status is not None}
        assert ended == {number: whole[number] for number in ended}
        assert search(memory) == whole
        events = [json.loads(line) for line in (path / "journal.jsonl").read_text().splitlines()]
        suggested = [event["trial"] for event in events if event["event"] == "suggested"]
        assert suggested == list(range(8))  # none twice
        assert [trial.number for trial in outcomes(memory, path)] == [t.number for t in ranked]


def test_a_trial_that_was_to_end_early_is_not_trained_on(tmp_path):
    path = tmp_path / "journal.jsonl"
    search(recall(tmp_path))
    lines = path.read_text().splitlines(keepends=True)
    stopped = next(r.number for r in recall(tmp_path).records.values() if r.status == "ended early")
    end = next(n for n, line in enumerate(lines) if f'"ended", "trial": {stopped},' in line)
    path.write_text("".join(lines[:end]))
    again = recall(tmp_path)
    assert again.records[stopped].status == "ended early"
    assert again.next().number == stopped + 1


def test_interrupted_trials_come_first_with_their_values(tmp_path):
    memory = recall(tmp_path / "j")
    first, second = memory.next(), memory.next()
    memory.report(1, report(1, 1))
    assert memory.running == 2
    again = recall(tmp_path / "j")
    assert (again.running, again.left) == (0, 8)
    assert [again.next().values, again.next().values] == [first.values, second.values]
    assert again.records[1].reports == {1: report(1, 1)}
    assert again.next().number == 2


def test_a_finished_search_is_extended_by_more_trials_as_one_of_that_many(tmp_path):
    search(recall(tmp_path / "j", trials=3))
    assert recall(tmp_path / "j", trials=3).left == 0
    assert recall(tmp_path / "j", trials=2).left == 0
    assert search(recall(tmp_path / "j", trials=8)) == search(recall(tmp_path / "whole"))


def test_a_failed_trial_is_tried_again_but_not_one_whose_settings_failed(tmp_path):
    memory = recall(tmp_path / "j", trials=2)
    values = [memory.next().values, memory.next().values]
    memory.end(0, reason="no memory")
    memory.end(1, reason="the loss is nan", poor=True)
    assert [record.status for record in memory.records.values()] == ["failed", "failed"]
    again = recall(tmp_path / "j", trials=2)
    assert again.left == 1
    assert again.next().values == values[0]
    assert again.records[1].reason == "the loss is nan"
    train(again, 0)
    assert recall(tmp_path / "j", trials=2).left == 0


def test_an_epoch_that_is_told_twice_counts_once(tmp_path):
    memory = recall(tmp_path / "j")
    memory.next()
    memory.report(0, report(0, 1))
    memory.report(0, report(0, 1))
    assert (tmp_path / "j" / "journal.jsonl").read_text().count("reported") == 1


def test_the_study_knows_which_trials_run_failed_or_were_poor(tmp_path):
    memory = recall(tmp_path / "j")
    for _ in range(4):
        memory.next()
    memory.end(0, reason="no memory")
    memory.end(1, reason="the loss is nan", poor=True)
    train(memory, 2)
    states = [(trial.state.name, trial.value) for trial in memory._study._study.trials]
    best = memory.records[2].last["best_dice_case_mean"]
    assert states == [("FAIL", None), ("COMPLETE", 0.0), ("COMPLETE", best), ("RUNNING", None)]
    again = [trial.state.name for trial in recall(tmp_path / "j")._study._study.trials]
    assert again == ["RUNNING", "COMPLETE", "COMPLETE", "RUNNING"]


class Told:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def suggest(self):
        return {"loss": "dice"}

    def add(self, point):
        pass

    def tell(self, number, score, *, of_part=None):
        self.told.append((number, score, of_part))


def test_a_trial_that_had_not_all_folds_teaches_as_a_part_and_ranks_behind(tmp_path):
    told = Told()
    journal = Journal(tmp_path / "journal.jsonl")
    memory = Memory(journal, told, Rungs(2, folds=2), trials=2, epochs=4, folds=2)
    for number, (folds, epoch, dice) in enumerate([(2, 4, 0.3), (1, 2, 0.8)]):
        memory.next()
        report = TOLD | {"epoch": epoch, "folds": folds, "best_dice_case_mean": dice}
        memory.report(number, report)
        memory.end(number)
    assert told.told == [(0, 0.3, None), (1, 0.8, 2)]
    ranked = outcomes(memory, tmp_path, first_fold=3)
    assert [(trial.number, trial.folds) for trial in ranked] == [(0, 2), (1, 1)]
    assert max(memory.records.values(), key=lambda record: record.rank).number == 0


def test_a_trial_that_is_worse_case_by_case_ends_between_folds_also_after_a_kill(tmp_path):
    def recalled():
        journal = Journal(tmp_path / "journal.jsonl")
        return Memory(journal, Told(), Rungs(30, folds=3), trials=3, epochs=90, folds=3)

    memory = recalled()
    for number, less in enumerate((0.0, 0.01, -0.01)):
        memory.next()
        cases = [[str(case), case / 10 - less] for case in range(2, 9)]
        told = TOLD | {"epoch": 30, "folds": 1, "best_dice_case_mean": 0.5, "cases": cases}
        assert memory.report(number, told) == (number != 1)
    again = recalled()
    assert [record.status for record in again.records.values()] == [None, "ended early", None]
    (over,) = outcomes(again, tmp_path)
    assert over.reason == "worse than trial 0 on the same 7 cases, by 0.010 (0.010 to 0.010)"
