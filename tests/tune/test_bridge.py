"""Ray Tune's questions are answered by the memory, and what happens is told to it once."""

from types import SimpleNamespace

import pytest
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from tests.toy_trials import new_memory
from tune.bridge import Ends, GoesOn, Suggestions

REPORT = {"dice_case_mean": 0.1, "best_dice_case_mean": 0.1, "best_epoch": 1, "node": "here"}


@pytest.fixture
def memory(tmp_path):
    return new_memory(tmp_path, trials=3, epochs=2)


def trial(number, **last):
    return SimpleNamespace(config={"number": number}, last_result=last, error_file=None)


def test_no_more_trials_are_handed_out_than_there_is_room_for(memory):
    room = [1]
    ask = Suggestions(memory, lambda: room[0]).suggest
    assert ask("a")["number"] == 0
    assert ask("b") is None
    room[0] = 2  # a node has joined
    assert ask("c")["number"] == 1
    memory.end(0)
    assert ask("d")["number"] == 2
    assert ask("e") == Searcher.FINISHED


def test_a_cluster_without_room_is_shown_what_is_wanted(memory):
    assert Suggestions(memory, lambda: 0).suggest("a")["number"] == 0


def test_values_of_a_suggestion_are_the_memorys(memory):
    given = Suggestions(memory, lambda: 1).suggest("a")
    assert given == {"number": 0, **memory.records[0].values}


def test_trials_go_on_as_the_memory_says_and_extra_results_are_left_out(memory):
    memory.next()
    decide = GoesOn(memory).on_trial_result
    result = REPORT | {"epoch": 1, "pid": 7, "config": {}}
    assert decide(None, trial(0), result) == TrialScheduler.CONTINUE
    assert memory.records[0].reports == {1: REPORT | {"epoch": 1}}
    memory.records[0].goes_on = False
    assert decide(None, trial(0), result) == TrialScheduler.STOP


def test_a_failure_is_no_epoch(memory):
    memory.next()
    failed = {"epoch": 0, "failed": "damaged shard", "poor": False}
    assert GoesOn(memory).on_trial_result(None, trial(0), failed) == TrialScheduler.CONTINUE
    assert memory.records[0].reports == {}


def test_ends_are_told_with_their_reason_and_results_left_after(memory, tmp_path):
    for _ in range(3):
        memory.next()
    left = []
    ends = Ends(memory, lambda: left.append(memory.ended))
    ends.on_step_end(0, [])
    memory.report(0, REPORT | {"epoch": 1})
    ends.on_trial_complete(0, [], trial(0, epoch=1))
    ends.on_trial_complete(0, [], trial(1, failed="the loss is nan", poor=True))
    assert left == []
    ends.on_step_end(0, [])
    ends.on_step_end(0, [])
    assert left == [2]
    file = tmp_path / "error.txt"
    file.write_text("Failure # 1\nTraceback\n  x\n\x1b[31mOSError: \x1b[0mno space left\n\n")
    given_up = trial(2)
    given_up.error_file = str(file)
    ends.on_trial_error(0, [], given_up)
    records = memory.records
    assert [record.status for record in records.values()] == ["ended early", "failed", "failed"]
    assert records[1].reason == "the loss is nan"
    assert records[2].reason == "OSError: no space left"
    assert [record.poor for record in records.values()] == [False, True, False]


def test_a_trial_that_was_given_up_without_a_word_has_a_reason(memory):
    memory.next()
    Ends(memory, lambda: None).on_trial_error(0, [], trial(0))
    assert memory.records[0].reason
