"""A folder and a store behave alike to who writes into them."""

import errno
import itertools
import multiprocessing
import os
import tempfile

import pytest

from shards.errors import StoreError
from shards.storage.target import locked, open_target, written_error

NUMBERS = itertools.count()


@pytest.fixture(params=["folder", "file://", "memory://"])
def target(request, tmp_path, monkeypatch):
    """A place to write to that is not there yet, by path and by two kinds of URL."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where a URL has its staging folder
    place = {"folder": "", "file://": "file://", "memory://": "memory://"}[request.param]
    return open_target(f"{place}{tmp_path}/{next(NUMBERS)}/set")


def staged(target, data):
    target.staging.mkdir(parents=True, exist_ok=True)
    path = target.staging / "unfinished"
    path.write_bytes(data)
    return path


def test_nothing_is_there_before_something_is_written(target):
    assert target.read("manifest.json") is None
    assert target.sizes("cases") == {}
    target.delete("manifest.json")
    target.delete("cases")


def test_what_was_written_is_read_and_replaced_whole(target):
    target.write("a.json", b"one")
    target.write("a.json", b"another")
    target.write("cases/b.tar", b"")
    assert target.read("a.json") == b"another"
    assert target.sizes("cases") == {"b.tar": 0}
    assert target.read("cases/c.tar") is None


def test_a_published_file_moves_from_staging_to_its_name(target):
    path = staged(target, b"tar")
    target.publish(path, "cases/a.tar")
    target.settle("cases/a.tar")
    assert not path.exists()
    assert target.read("cases/a.tar") == b"tar"
    target.publish(staged(target, b"longer"), "cases/a.tar")
    assert target.sizes("cases") == {"a.tar": 6}


def test_files_and_folders_are_deleted_with_all_they_hold(target):
    for name in ("cases/a.tar", "cases/b.tar", "old/x/y"):
        target.write(name, b"1")
    target.delete("cases/a.tar")
    assert target.sizes("cases") == {"b.tar": 1}
    target.delete("old")
    assert target.read("old/x/y") is None
    assert target.sizes("old") == {}


def test_a_lock_lets_one_in_and_leaves_nothing(target):
    with locked(target):
        staged(target, b"half")
        target.write("a.json", b"1")
        with pytest.raises(StoreError, match="one job may write to"), locked(target):
            pytest.fail("two hold the lock")
    with locked(target):  # and again
        assert target.read("a.json") == b"1"
    assert not target.staging.exists()
    assert set(target.sizes("")) - {".build"} == {"a.json"}


def test_a_link_to_nothing_hides_no_file(tmp_path):
    (tmp_path / "a.json").write_bytes(b"1")
    (tmp_path / "b.json").symlink_to("a.json")
    (tmp_path / "link").symlink_to("nowhere")
    assert open_target(str(tmp_path)).sizes("") == {"a.json": 1, "b.json": 1}


def test_a_lock_that_wrote_nothing_leaves_no_folder(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(open_target(f"{tmp_path}/new")):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def hold(path, holds):
    with locked(open_target(path)):
        holds.set()
        os._exit(0)  # as a kill does, without a word


def test_the_lock_of_a_process_that_died_holds_nobody_out(tmp_path):
    context = multiprocessing.get_context("fork")
    holds = context.Event()
    process = context.Process(target=hold, args=(str(tmp_path / "set"), holds))
    process.start()
    process.join(20)
    assert holds.is_set()
    with locked(open_target(str(tmp_path / "set"))):
        pass


def test_room_is_that_of_the_disk_or_has_no_limit(tmp_path):
    free = open_target(str(tmp_path / "not" / "yet")).free_bytes()
    assert free == pytest.approx(
        os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize, rel=0.1
    )
    assert open_target("memory://set").free_bytes() is None


def test_staging_lies_below_a_folder_and_apart_for_each_url(tmp_path):
    assert open_target(str(tmp_path)).staging == tmp_path / ".build/staging"
    one, same, other = (open_target(f"memory://{name}").staging for name in ("set", "set/", "sets"))
    assert one == same != other


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "the disk of here is full: make room"),
        (errno.EDQUOT, "the disk of here is full: make room"),
        (errno.EACCES, r"here cannot be read or written \(Permission denied\): check it"),
    ],
)
def test_what_a_disk_refuses_is_one_line(code, said):
    error = written_error("here", OSError(code, os.strerror(code)))
    assert isinstance(error, StoreError)
    with pytest.raises(StoreError, match=said):
        raise error


def test_a_failure_without_words_of_the_system_is_shown_in_one_line():
    assert "a b c" in str(written_error("here", OSError("a\nb   c")))


def test_a_folder_in_the_way_is_one_line_and_an_unknown_protocol_too(tmp_path):
    (tmp_path / "file").write_text("")
    below = open_target(str(tmp_path / "file" / "set"))
    with pytest.raises(StoreError, match="cannot be read or written"):
        below.write("a", b"")
    with pytest.raises(StoreError, match="nosuch"):
        open_target("nosuch://bucket/set")


def test_failures_of_a_library_are_one_line_too(monkeypatch):
    target = open_target("memory://set")
    monkeypatch.setattr(target._fs, "cat_file", lambda path: {}["no\nkey"])
    with pytest.raises(StoreError, match=r"cannot be read or written \(KeyError: .*\): check it"):
        target.read("a")
