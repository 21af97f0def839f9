"""The cache: each file fetched once, whole, within its room; nothing of others is deleted."""

import errno
import hashlib
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shards.errors import StoreError
from shards.storage.attempts import Retries
from shards.storage.cache import ShardCache
from shards.storage.local import SetFile
from shards.storage.remote import Remote
from tests.servers import ALWAYS
from tests.waiting import wait_until

QUICK = Retries(attempts=2, first_wait_s=0.01)
SIZE = 20_000


@pytest.fixture
def files(tmp_path):
    """The files of a set of six."""
    return make_files(tmp_path / "set")


def make_files(root, *, salt=b""):
    (root / "cases").mkdir(parents=True)
    made = []
    for name in (f"cases/{letter}.tar" for letter in "abcdef"):
        data = (salt + name.encode()).ljust(16) * (SIZE // 16)
        (root / name).write_bytes(data)
        made.append(SetFile(name, SIZE, hashlib.sha256(data).hexdigest()))
    return made


def make_cache(server, folder, *, max_bytes=None, manifest="0" * 64, url=None):
    remote = Remote(url=url or server.url, retries=QUICK)
    return ShardCache(remote, manifest_sha256=manifest, folder=folder, max_bytes=max_bytes)


def copies(folder):
    """The letters of the cached files."""
    return sorted(path.name[0] for path in folder.glob("*/*.tar"))


def test_a_file_is_fetched_once_and_whole(tmp_path, serve, files):
    server = serve(tmp_path / "set")
    for _ in range(2):
        cache = make_cache(server, tmp_path / "cache")
        for _ in range(2):
            for file in files:
                copy = cache.local(file)
                assert copy.read_bytes() == (tmp_path / "set" / file.name).read_bytes()
    assert {server.requests[file.name] for file in files} == {1}


def test_equal_names_in_two_sets_are_not_confused(tmp_path, serve):
    server = serve(tmp_path)
    for part in ("train", "val"):
        cache = make_cache(server, tmp_path / "cache", url=f"{server.url}/{part}")
        for file in make_files(tmp_path / part, salt=part.encode()):
            assert cache.local(file).read_bytes().startswith(part.encode())


def test_copies_stay_good_when_a_signature_or_a_user_changes(tmp_path, serve, files):
    server = serve(tmp_path / "set")
    host = server.url.removeprefix("http://")
    urls = (f"{server.url}?signature=1", f"{server.url}?signature=2", f"http://me:secret@{host}")
    for url in urls:
        make_cache(server, tmp_path / "cache", url=url).local(files[0])
    assert server.requests["cases/a.tar"] == 1


def test_a_set_written_anew_is_not_served_from_old_copies(tmp_path, serve, files):
    server = serve(tmp_path / "set")
    old = make_cache(server, tmp_path / "cache", manifest="1" * 64).local(files[0])
    file, *_ = make_files(tmp_path / "new", salt=b"new")
    (tmp_path / "new" / file.name).replace(tmp_path / "set" / file.name)
    new = make_cache(server, tmp_path / "cache", manifest="2" * 64).local(file)
    assert new.read_bytes().startswith(b"new")
    assert old.read_bytes().startswith(b"cases/a.tar ")


def test_the_room_is_never_exceeded_and_the_least_recently_used_goes_first(tmp_path, serve, files):
    cache = make_cache(serve(tmp_path / "set"), tmp_path / "cache", max_bytes=3 * SIZE + 10)
    for letters, wanted in (("abc", "abc"), ("a", "abc"), ("d", "acd"), ("ef", "def")):
        for letter in letters:
            cache.local(files["abcdef".index(letter)])
        assert copies(tmp_path / "cache") == list(wanted)


def test_what_was_released_goes_first(tmp_path, serve, files):
    cache = make_cache(serve(tmp_path / "set"), tmp_path / "cache", max_bytes=3 * SIZE)
    for file in files[:3]:
        cache.local(file)
    cache.release(files[2])
    cache.local(files[3])
    assert copies(tmp_path / "cache") == ["a", "b", "d"]


def test_what_will_be_needed_again_stays_though_it_was_not_used_for_longest(tmp_path, serve, files):
    cache = make_cache(serve(tmp_path / "set"), tmp_path / "cache", max_bytes=3 * SIZE)
    for file in files[:3]:
        cache.local(file)
    cache.prefetch(files[:1])
    cache.local(files[3])
    assert copies(tmp_path / "cache") == ["a", "c", "d"]


def test_the_room_holds_for_all_sets_in_the_folder_together(tmp_path, serve, files):
    server, more = serve(tmp_path / "set"), make_files(tmp_path / "more", salt=b"more")
    first = make_cache(server, tmp_path / "cache", max_bytes=2 * SIZE)
    second = make_cache(serve(tmp_path / "more"), tmp_path / "cache", max_bytes=2 * SIZE)
    for one, other in zip(files, more, strict=True):
        first.local(one)
        second.local(other)
        assert len(copies(tmp_path / "cache")) <= 2


def test_nothing_is_deleted_that_the_cache_did_not_write(tmp_path, serve, files):
    cache = make_cache(serve(tmp_path / "set"), tmp_path / "cache", max_bytes=SIZE)
    (own,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    looks_own = f"x.{SIZE}-{'0' * 32}.tar"
    mine = [own / "mine.tar", tmp_path / "cache" / looks_own, tmp_path / "cache/other" / looks_own]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
        os.utime(path, (0, 0))
    for file in files:
        cache.local(file)
    assert all(path.read_bytes() == b"mine" for path in mine)


def test_a_copy_of_another_size_is_fetched_again(tmp_path, serve, files):
    cache = make_cache(serve(tmp_path / "set"), tmp_path / "cache")
    cache.local(files[0]).write_bytes(b"cut")
    assert cache.local(files[0]).stat().st_size == SIZE


def test_no_room_for_one_file_is_said(tmp_path, serve, files):
    cache = make_cache(serve(tmp_path / "set"), tmp_path / "cache", max_bytes=SIZE - 1)
    with pytest.raises(StoreError, match=f"{SIZE} bytes.*allow it more"):
        cache.local(files[0])


def test_a_folder_that_cannot_be_used_is_said(tmp_path, serve, files):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file.*cannot be used.*choose another"):
        make_cache(serve(tmp_path / "set"), tmp_path / "file")


def test_what_cannot_be_fetched_leaves_nothing(tmp_path, serve, files):
    server = serve(tmp_path / "set")
    cache = make_cache(server, tmp_path / "cache")
    for fault in ("corrupt", "truncate", 404):
        server.fail("cases/a.tar", fault, times=ALWAYS)
        with pytest.raises(StoreError):
            cache.local(files[0])
        server.faults.clear()
    assert not [path for path in (tmp_path / "cache").glob("*/*") if path.name != "set.json"]
    assert cache.local(files[0]).stat().st_size == SIZE


def test_prefetched_files_are_there_and_failures_wait_for_who_needs_the_file(
    tmp_path, serve, files
):
    server = serve(tmp_path / "set")
    server.fail("cases/b.tar", "corrupt", times=ALWAYS)
    cache = make_cache(server, tmp_path / "cache")
    cache.prefetch(files)
    wait_until(lambda: copies(tmp_path / "cache") == list("acdef"), "all that can be fetched")
    with pytest.raises(StoreError, match=r"cases/b\.tar"):
        cache.local(files[1])


def test_a_folder_that_fails_meanwhile_is_said_and_ends_no_downloader(
    tmp_path, serve, files, monkeypatch
):
    cache = make_cache(serve(tmp_path / "set"), tmp_path / "cache")
    with monkeypatch.context() as broken:
        broken.setattr("shards.storage.cache.os.utime", refuse)
        broken.setattr("pathlib.Path.replace", refuse)
        with pytest.raises(StoreError, match=r"cache.*cannot be used \(Stale file handle\)"):
            cache.local(files[0])
        cache.prefetch(files[:4] * 4)
        wait_until(cache._wanted.empty, "all was tried")
    cache.prefetch(files[4:])
    wait_until(lambda: {"e", "f"} <= set(copies(tmp_path / "cache")), "the others are fetched")


def refuse(*args, **further):
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


USER = """
import sys
from pathlib import Path
from shards.storage.attempts import Retries
from shards.storage.cache import ShardCache
from shards.storage.local import SetFile
from shards.storage.remote import Remote
url, folder, max_bytes, *words = sys.argv[1:]
limit = int(max_bytes) or None
remote = Remote(url=url, retries=Retries(attempts=2, first_wait_s=0.01))
cache = ShardCache(remote, manifest_sha256="0" * 64, folder=Path(folder), max_bytes=limit)
for name, size, sha256 in zip(*[iter(words)] * 3):
    print(cache.local(SetFile(name, int(size), sha256)).name, flush=True)
"""


def use(server, folder, files, *, max_bytes=0, **how):
    """A process that asks a cache for files."""
    words = [str(word) for file in files for word in file]
    command = [sys.executable, "-c", USER, server.url, folder, max_bytes, *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([str(word) for word in command], **pipes, **how)


def test_processes_share_a_cache_and_fetch_each_file_once(tmp_path, serve, files):
    server = serve(tmp_path / "set")
    for name, *_ in files:
        server.fail(name, 503)  # so that fetching takes a while
    orders = (files, files[::-1], files[3:] + files[:3])
    processes = [use(server, tmp_path / "cache", order) for order in orders]
    for process in processes:
        said, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        assert said.count(".tar") == 6
    assert {server.requests[name] for name, *_ in files} == {2}


def test_processes_share_the_room(tmp_path, serve, files):
    server = serve(tmp_path / "set")
    rooms = {"max_bytes": 2 * SIZE}
    processes = [use(server, tmp_path / "cache", files * 3, **rooms) for _ in range(2)]
    most = 0
    while any(process.poll() is None for process in processes):
        most = max(most, len(copies(tmp_path / "cache")))
    assert [process.communicate()[1] for process in processes] == ["", ""]
    assert 1 <= most <= 2


def test_threads_fetch_a_file_once(tmp_path, serve, files):
    server = serve(tmp_path / "set")
    cache = make_cache(server, tmp_path / "cache")
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: cache.local(files[0]), range(8)))
    assert len(paths) == 1
    assert server.requests["cases/a.tar"] == 1


def test_a_process_forked_meanwhile_locks_nobody_out(tmp_path, serve, files):
    """As when loader workers start while the main process fetches ahead."""
    cache = make_cache(serve(tmp_path / "set"), tmp_path / "cache")
    sleeper = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    with cache._locked():
        sleeper.start()
    try:
        assert use_one(cache, files[0])
    finally:
        sleeper.kill()
        sleeper.join()


def use_one(cache, file):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(cache.local, file).result(timeout=120)


def test_a_download_cut_off_by_a_kill_is_taken_over(tmp_path, serve, files):
    server = serve(tmp_path / "set")
    server.fail("cases/a.tar", "trickle")
    process = use(server, tmp_path / "cache", files[:1])
    faults = server.faults["cases/a.tar"]
    wait_until(lambda: not faults, "the download is under way", during=process)
    assert list((tmp_path / "cache").glob("*/a.*.part"))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    cache = make_cache(server, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*/*.part"))
    assert cache.local(files[0]).stat().st_size == SIZE


def test_a_full_disk_ends_in_one_line(tmp_path, serve, files, small_disk):
    cache = make_cache(serve(tmp_path / "set"), small_disk)
    kept = [cache.local(file) for file in files[:2]]
    with pytest.raises(StoreError, match=r"no room on the local disk.*make room") as caught:
        cache.local(files[2])
    assert "\n" not in str(caught.value)
    assert [path.stat().st_size for path in kept] == [SIZE, SIZE]
    assert not list(small_disk.glob("*/*.part"))


@pytest.fixture
def small_disk(tmp_path):
    """A folder with room for two files and a half; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE * 5 // 2}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_process_that_may_not_write_so_much_is_told(tmp_path, serve, files):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, SIZE // 2))

    process = use(serve(tmp_path / "set"), tmp_path / "cache", files, preexec_fn=limit)
    _, error = process.communicate(timeout=120)
    assert "StoreError: no room on the local disk" in error
    assert not list((tmp_path / "cache").glob("*/*.part"))
