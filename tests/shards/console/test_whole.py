"""A file is there whole or not at all, whatever ends the writing."""

import errno

import pytest

from shards.console.whole import sweep, whole_or_nothing, write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends_and_not_before(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with whole_or_nothing(path) as unfinished:
        unfinished.write_text("all")
        assert not path.exists()
        assert unfinished.parent == path.parent
    assert path.read_text() == "all"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("ended_by", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_was_there_stays_when_the_writing_ends_early(tmp_path, ended_by):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write():
        with whole_or_nothing(path) as unfinished:
            unfinished.write_text("half")
            raise ended_by

    with pytest.raises(ended_by):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_of_files_appears_whole_or_leaves_nothing(tmp_path):
    def write(*, fail):
        with whole_or_nothing(tmp_path / "a") as unfinished:
            (unfinished / "b").mkdir(parents=True)
            (unfinished / "b" / "c.txt").write_text("c")
            if fail:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(fail=True)
    assert names(tmp_path) == []
    write(fail=False)
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "c"
    assert names(tmp_path) == ["a"]


def test_a_folder_that_holds_something_is_not_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.txt").write_text("keep me")

    def write():
        with whole_or_nothing(tmp_path / "a") as unfinished:
            unfinished.mkdir()

    with pytest.raises(OSError, match="not empty"):
        write()
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == ["mine.txt"]


def test_unfinished_files_may_lie_elsewhere_and_writers_do_not_meet(tmp_path):
    path, staging = tmp_path / "a.txt", tmp_path / "staging"
    with whole_or_nothing(path, staging=staging, durable=True) as one:
        with whole_or_nothing(path, staging=staging) as other:
            assert one != other
            assert {one.parent, other.parent} == {staging}
            other.write_text("other")
        one.write_text("one")
    assert path.read_text() == "one"
    assert names(staging) == []


def test_text_is_written_as_utf_8_and_bytes_as_they_are(tmp_path):
    write_whole(tmp_path / "a", "µ\n")
    write_whole(tmp_path / "b", b"\xff")
    write_whole(tmp_path / "c", "a name \udcff")
    assert (tmp_path / "c").read_text() == "a name \\udcff"
    assert (tmp_path / "a").read_bytes() == "µ\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\xff"


def test_a_full_disk_leaves_nothing_but_the_error(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shards.console.whole.os.fsync", full)

    def write():
        with whole_or_nothing(tmp_path / "a", durable=True) as unfinished:
            unfinished.write_text("x")

    with pytest.raises(OSError, match="No space"):
        write()
    assert names(tmp_path) == []


def test_what_a_killed_process_left_of_a_file_is_swept_up_and_nothing_else(tmp_path):
    kept = ["a.nii", ".a.nii.gz", ".a.nii2.0123456789ab.tmp", "a.nii.0123456789ab.tmp"]
    for name in [*kept, ".a.nii.0123456789ab.tmp"]:
        (tmp_path / name).touch()
    (tmp_path / ".a.nii.ba9876543210.tmp").mkdir()
    sweep(tmp_path / "a.nii")
    assert names(tmp_path) == sorted(kept)
    sweep(tmp_path / "absent/a.nii")
