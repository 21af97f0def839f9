"""A full disk is waited for; one that is gone ends the search in a line."""

import errno
from types import SimpleNamespace

import pytest

from tune.history import disk
from tune.history.disk import FullDisk, has_room, patiently
from tune.options.errors import SearchError


@pytest.fixture
def slept(monkeypatch):
    """Seconds that were slept."""
    seconds = []
    monkeypatch.setattr(disk, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


def failing(code, times):
    left = [times]

    def write():
        if left[0]:
            left[0] -= 1
            raise OSError(code, "no")
        return "written"

    return write


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_waited_for_as_long_as_it_takes(slept, tmp_path, caplog, code):
    assert patiently(failing(code, 1000), tmp_path) == "written"
    assert len(slept) == 1000
    assert len(caplog.messages) == 1


def test_a_disk_that_is_away_for_a_minute_is_waited_for(slept, tmp_path):
    assert patiently(failing(errno.EIO, 12), tmp_path) == "written"
    assert sum(slept) == 60


def test_a_disk_that_stays_away_ends_the_search(slept, tmp_path):
    with pytest.raises(SearchError, match=r"cannot be written .* same command goes on"):
        patiently(failing(errno.ENOENT, 1000), tmp_path)
    assert sum(slept) == 120


def test_room_is_that_of_two_checkpoints_more(tmp_path, monkeypatch):
    folder = tmp_path / "trials" / "000" / "attempt-1"
    folder.mkdir(parents=True)
    (folder / "last.ckpt").write_bytes(bytes(1000))
    taken = []
    monkeypatch.setattr(disk.os, "posix_fallocate", lambda *given: taken.append(given[2]))
    assert has_room(tmp_path)
    assert taken == [16_002_000]


def test_no_room_is_seen(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(disk.os, "posix_fallocate", full)
    assert not has_room(tmp_path)


def test_a_pause_lasts_until_there_is_room(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    now, room = [0.0], [False]
    monkeypatch.setattr(disk, "has_room", lambda _: room[0])
    pause = FullDisk(tmp_path, clock=lambda: now[0])
    assert not pause.lasts()
    pause.noticed()
    pause.noticed()
    room[0] = True
    assert pause.lasts()  # it is not looked all the time
    now[0], room[0] = 6.0, False
    assert pause.lasts()
    now[0], room[0] = 12.0, True
    assert not pause.lasts()
    assert not pause.lasts()
    assert [message.split(":")[0].split(" of ")[0] for message in caplog.messages] == [
        "the disk"
    ] * 2
