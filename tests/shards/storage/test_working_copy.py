"""What is written in a local copy is at its URL, whole, in an order that one can go on from."""

import logging
from pathlib import Path

import fsspec
import pytest

from shards.errors import StoreError
from shards.storage.attempts import Retries
from shards.storage.remote import Remote
from shards.storage.working_copy import WorkingCopy, kept_meanwhile, working_copy
from tests.waiting import wait_until

TRIED = Retries(attempts=3, first_wait_s=0.01)


@pytest.fixture
def url(tmp_path):
    return f"memory://{tmp_path.name}/run"


@pytest.fixture
def store(monkeypatch):
    """The names that were put, in their order, and errors to raise for the next of them."""
    store = fsspec.filesystem("memory")
    put, put_file = [], store.put_file

    def note(path, name, **kwargs):
        put.append(Path(name).name)
        if note.failures:
            raise note.failures.pop()
        put_file(path, name, **kwargs)

    note.failures, note.put = [], put
    monkeypatch.setattr(store, "put_file", note)
    return note


def content(url):
    """The bytes of all files at a URL, but for hidden ones."""
    store, root = fsspec.filesystem("memory"), url.removeprefix("memory:/")
    names = [name for name in Remote(url=url).sizes() if not name.startswith(".")]
    return {name: store.cat_file(f"{root}/{name}") for name in names}


def test_what_is_written_in_one_copy_is_there_in_the_next_and_not_on_this_machine(url):
    with working_copy(url, "training") as copy:
        (copy.folder / "fold_0" / "pictures").mkdir(parents=True)
        (copy.folder / "fold_0" / "last.ckpt").write_bytes(b"\0weights")
        (copy.folder / "fold_0" / "pictures" / "one.png").write_bytes(b"png")
        (copy.folder / "last.ckpt").write_bytes(b"more")
        (copy.folder / ".half").write_bytes(b"unfinished")
        (copy.folder / "config.yaml").write_text(f"out: {copy.folder}\n")
    assert not copy.folder.exists()
    assert content(url) == {
        "config.yaml": f"out: {url}\n".encode(),
        "fold_0/last.ckpt": b"\0weights",
        "fold_0/pictures/one.png": b"png",
        "last.ckpt": b"more",
    }
    with working_copy(url, "training", leave_out=["pictures"]) as copy:
        found = {p.relative_to(copy.folder).as_posix() for p in copy.folder.rglob("*.*")}
    assert found == {"config.yaml", "fold_0/last.ckpt", "last.ckpt"}


def test_what_is_put_there_first_says_whose_the_folder_is_should_a_kill_follow(url):
    with working_copy(url, "training") as copy:
        (copy.folder / "a").write_text("1")
    assert [Path(name).name for name in Remote(url=url).sizes()] == [".training", "a"]
    with working_copy(url, "training"):
        pass


def test_only_what_changed_is_put_and_what_one_goes_on_from_comes_last(url, store, tmp_path):
    copy = WorkingCopy(url, tmp_path)
    for name in ("last.ckpt", "metrics.csv", "zz.txt"):
        (tmp_path / name).write_text("1")
    copy.push(last="last.ckpt")
    assert store.put == ["metrics.csv", "zz.txt", "last.ckpt"]
    (tmp_path / "zz.txt").write_text("22")
    copy.push(last="last.ckpt")
    assert store.put[3:] == ["zz.txt"]


def test_what_one_goes_on_from_is_put_as_it_was_before_the_others_were_read(url, store, tmp_path):
    copy = WorkingCopy(url, tmp_path)
    (tmp_path / "last.ckpt").write_text("epoch 1")
    (tmp_path / "metrics.csv").write_text("epoch 1")
    put = copy._put

    def put_while_the_training_goes_on(name, held):
        put(name, held)
        (tmp_path / "new").write_text("epoch 2")
        (tmp_path / "new").replace(tmp_path / "last.ckpt")

    copy._put = put_while_the_training_goes_on
    copy.push(last="last.ckpt")
    assert content(url)["last.ckpt"] == b"epoch 1"
    copy.push(last="last.ckpt")
    assert content(url)["last.ckpt"] == b"epoch 2"


def test_a_store_that_is_away_is_tried_again_and_it_is_said(url, store, tmp_path, caplog):
    (tmp_path / "a.txt").write_text("a")
    store.failures = [ConnectionError("gone")]
    WorkingCopy(url, tmp_path, retries=TRIED).push()
    assert content(url) == {"a.txt": b"a"}
    assert f"{url}/a.txt: ConnectionError: gone; trying again" in caplog.text


def test_work_goes_on_while_the_store_is_away_and_is_put_there_later(
    url, store, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr("shards.storage.working_copy._LOOK_EVERY_S", 0.01)
    copy = WorkingCopy(url, tmp_path, retries=TRIED)
    store.failures = [ConnectionError("gone")] * 3
    with kept_meanwhile(copy, "last.ckpt"):
        (tmp_path / "last.ckpt").write_text("1")
        wait_until(lambda: "last.ckpt" in copy.names(), "it is put there")
    assert "the work goes on, and is put there later" in caplog.text


def test_what_could_not_be_put_there_at_the_end_stays_on_this_machine(
    url, store, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def work():
        with working_copy(url, "training", retries=TRIED) as copy:
            store.failures = [ConnectionError("gone")] * 3
            (copy.folder / "best.ckpt").write_text("weights")

    with pytest.raises(StoreError, match="what is not there lies in /") as said:
        work()
    saved = Path(str(said.value).split()[-1])
    assert (saved / "best.ckpt").read_text() == "weights"


def test_log_lines_and_known_errors_name_the_url(url, caplog):
    def work():
        with working_copy(url, "training") as copy:
            logging.getLogger("any").warning("written: %s", copy.folder / "best.ckpt")
            raise StoreError(f"{copy.folder}/x is full")

    with pytest.raises(StoreError, match=f"^{url}/x is full$"):
        work()
    assert caplog.messages == [f"written: {url}/best.ckpt"]


def test_a_copy_of_a_killed_process_goes_and_that_of_a_living_one_stays(url, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with working_copy(url, "training") as living:
        left = living.folder.parent.with_name(living.folder.parent.name + "-left")
        left.mkdir()
        with working_copy(url, "training"):
            assert living.folder.exists()
            assert not left.exists()
