"""What was added comes back, whatever moment a process was killed in."""

import os

import pytest

from tune.history.journal import Journal
from tune.options.errors import SearchError

EVENTS = [{"event": "suggested", "trial": n, "values": {"lr": 0.1 * n}} for n in range(3)]


@pytest.fixture
def path(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.events() == []
    for event in EVENTS:
        journal.add(event)
    return tmp_path / "journal.jsonl"


def test_events_come_back_as_they_were(path):
    assert Journal(path).events() == EVENTS


def test_an_absent_journal_has_no_events(tmp_path):
    assert Journal(tmp_path / "none").events() == []


def test_half_a_line_is_as_if_it_was_never_begun(path):
    """Cut off at any byte: the whole lines count, and the next event follows them."""
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        whole = content[:length].count(b"\n")
        assert Journal(path).events() == EVENTS[:whole]
        Journal(path).add(EVENTS[2])
        assert Journal(path).events() == [*EVENTS[:whole], EVENTS[2]]


@pytest.mark.parametrize("damage", [b"\xff\xfe\n", b"{\n", b"3\n"])
def test_damage_before_the_end_is_named_by_its_line(path, damage):
    path.write_bytes(damage + path.read_bytes())
    with pytest.raises(SearchError, match=r"line 1 of .*journal\.jsonl"):
        Journal(path).events()


def test_a_journal_that_is_gone_is_said_and_not_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    journal = Journal(tmp_path / "journal.jsonl")
    for _ in range(2):
        with pytest.raises(SearchError, match=r"cannot be written \(No such file"):
            journal.add({})
    assert journal.trouble is not None
    assert list(tmp_path.iterdir()) == []


def test_an_event_that_a_full_disk_took_half_of_is_written_whole_once_there_is_room(
    path, monkeypatch
):
    monkeypatch.setattr("time.sleep", lambda _: None)
    write, short = os.write, [3]

    def half(descriptor, line):
        return write(descriptor, line[: short.pop()] if short else line)

    monkeypatch.setattr("os.write", half)
    Journal(path).add(EVENTS[2])
    monkeypatch.undo()
    assert Journal(path).events() == [*EVENTS, EVENTS[2]]
