"""Every event of a search is one plain line, which says how much is left."""

import logging
from types import SimpleNamespace

import pytest

from tests.toy_trials import new_memory
from tune.events import EventLines, duration, seconds_to_go
from tune.history.fault import Fault
from tune.history.memory import Stint


@pytest.fixture
def lines(caplog):
    """Function: the lines that were said since the last call."""
    caplog.set_level(logging.INFO)

    def said():
        messages = list(caplog.messages)
        caplog.clear()
        return messages

    return said


def trial(number, **last):
    return SimpleNamespace(config={"number": number}, last_result=last)


def end(memory, number, **how):
    if number not in memory.records:
        memory.next()
    memory.end(number, **how)


def test_a_search_is_told_from_start_to_end(lines, tmp_path):
    memory = new_memory(tmp_path, trials=4, epochs=9)
    end(memory, 0)  # by an earlier process
    events = EventLines(memory, epochs=9)
    memory.next()
    memory.records[1].values = {"loss": "dice", "lr": 0.00123456, "width": 3}
    events.on_trial_start(0, [], trial(1))
    assert lines() == ["trial 1 starts: loss dice, lr 0.00123, width 3"]
    memory.begin(1, node="here", cpus=1, gpus=0)
    memory.fail(1, Fault(cause="process", reason="exit code 9"), again=True)
    events.on_trial_error(0, [], trial(1))
    assert lines() == ["trial 1 goes on in another process: exit code 9"]
    assert memory.next().number == 1
    end(memory, 1)
    last = {"epoch": 9, "best_epoch": 4, "best_dice_case_mean": 0.5}
    events.on_trial_complete(0, [], trial(1, **last))
    assert lines() == [
        "trial 1: Dice per case 0.5000 at epoch 4 of 9 (2 of 4 trials, about 0 s to go)"
    ]
    end(memory, 2)
    events.on_trial_complete(0, [], trial(2, **last | {"epoch": 5}))
    assert "at epoch 4 of 5, ended early (3 of 4 trials" in lines()[0]
    end(memory, 3, reason="no memory")
    events.on_trial_error(0, [], trial(3))
    assert "trial 3: failed: no memory (4 of 4 trials" in lines()[0]


def test_a_failed_trial_is_told_with_its_reason(lines, tmp_path):
    memory = new_memory(tmp_path, trials=1, epochs=1)
    events = EventLines(memory, epochs=1)
    end(memory, 0, reason="the loss is nan", poor=True)
    events.on_trial_complete(0, [], trial(0, failed="the loss is nan"))
    assert "trial 0: failed: the loss is nan (1 of 1" in lines()[0]


def test_epochs_are_told_now_and_then(lines, tmp_path, monkeypatch):
    events = EventLines(new_memory(tmp_path, trials=1, epochs=9), epochs=9)
    result = {"epoch": 3, "dice_case_mean": 0.25}
    events.on_trial_result(0, [], trial(0), result)
    assert lines() == []
    monkeypatch.setattr(events, "_said", events._said - 60)
    events.on_trial_result(0, [], trial(0), result)
    events.on_trial_result(0, [], trial(0), result)
    assert lines() == ["trial 0: epoch 3/9, Dice per case 0.2500"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (7200, "2.0 h")],
)
def testdurations_are_short(seconds, said):
    assert duration(seconds) == said


def test_the_time_to_go_counts_what_runs_side_by_side(tmp_path):
    """Trials take 100 s, two at a time: after the first end 50 s of the other and 4 more."""
    memory = new_memory(tmp_path, trials=6, epochs=1)
    for _ in range(2):
        memory.next()
    assert seconds_to_go(memory, now=0.0) == 0
    memory.end(0)
    memory.records[0].stints.append(stint(1000, 1100))
    memory.records[1].stints.append(stint(1050, 1060))
    assert seconds_to_go(memory, now=1100, freed=1) == (50 + 4 * 100) / 2
    assert seconds_to_go(memory, now=1100) == 50 + 4 * 100
    memory.end(1)
    memory.records[1].stints[0].until = 1150
    for number in range(2, 6):
        memory.next()
        memory.end(number)
    assert seconds_to_go(memory, now=1100) == 0


def stint(begun, until):
    return Stint(node="here", cpus=1, gpus=0, begun=begun, until=until)


def test_a_trial_that_is_cut_off_is_said(lines, tmp_path):
    memory = new_memory(tmp_path, trials=1, epochs=9)
    memory.next()
    EventLines(memory, epochs=9).on_trial_complete(0, [], trial(0, epoch=4))
    assert lines() == ["trial 0 is cut off after epoch 4"]
