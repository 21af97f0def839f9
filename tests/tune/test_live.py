"""The table says how far every running trial is, and makes way for lines that stay."""

import io
import logging
import sys

import pytest

from tests.toy_trials import TOLD, new_memory
from tune.live import LiveTable, live_table, table_lines


@pytest.fixture
def memory(tmp_path):
    """One trial that has ended, one that runs, one that has just begun, and more to come."""
    made = new_memory(tmp_path, trials=20, epochs=9)
    for number in range(3):
        made.next()
        made.begin(number, node="here", cpus=1, gpus=0)
    made.report(0, TOLD | {"epoch": 9, "best_dice_case_mean": 0.61})
    made.end(0)
    made.report(1, TOLD | {"epoch": 4, "dice_case_mean": 0.3, "best_dice_case_mean": 0.4})
    return made


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_a_line_per_running_trial_and_one_on_the_search(memory):
    head, one, two, search = table_lines(memory, 9, now=0.0)
    assert head.split() == ["trial", "epoch", "Dice", "best", "values"]
    assert one.split()[:5] == ["1", "4/9", "0.3000", "0.4000", "loss"]
    assert two.split()[:4] == ["2", "0/9", "0.0000", "0.0000"]
    assert search.startswith(
        "1 of 20 trials have ended, best Dice per case 0.6100 (trial 0), about"
    )


def test_many_trials_are_counted_instead_of_filling_the_screen(tmp_path):
    memory = new_memory(tmp_path, trials=20, epochs=9)
    for number in range(20):
        memory.next()
        memory.begin(number, node="here", cpus=1, gpus=0)
    lines = table_lines(memory, 9, now=0.0)
    assert len(lines) == 19
    assert lines[-2:] == ["... and 4 more", "0 of 20 trials have ended"]


def test_it_is_drawn_over_itself_and_not_all_the_time(memory, monkeypatch):
    screen = Screen()
    table = LiveTable(memory, 9, screen)
    table.on_step_end(0, [])
    once = screen.getvalue()
    table.on_step_end(0, [])
    assert screen.getvalue() == once
    monkeypatch.setattr("tune.live._EVERY_S", 0.0)
    table.on_step_end(0, [])
    assert screen.getvalue() == f"{once}\x1b[4A\x1b[J{once}"
    table.clear()
    table.clear()
    assert screen.getvalue().endswith("\x1b[4A\x1b[J")


def test_a_line_of_logging_takes_its_place(memory, monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    handler = logging.StreamHandler(screen)
    logging.getLogger().addHandler(handler)
    try:
        with live_table(memory, 9) as (table,):
            table.on_step_end(0, [])
            logging.getLogger().warning("node a is set aside")
    finally:
        logging.getLogger().removeHandler(handler)
    assert screen.getvalue().endswith("to go\n\x1b[4A\x1b[Jnode a is set aside\n")
    assert not handler.filters


def test_elsewhere_there_is_none(memory, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with live_table(memory, 9) as tables:
        assert tables == []
