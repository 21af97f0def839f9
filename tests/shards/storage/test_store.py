"""A set reads the same from a folder, a web server and S3; a wrong one is refused."""

import dataclasses
import multiprocessing
import os
import pickle

import numpy as np
import pytest

from shards.errors import ChangedSetError, DamagedShardError, ManifestError, ShardError
from shards.reading.reader import SliceReader
from shards.storage.attempts import Retries
from shards.storage.store import open_shards
from tests.servers import ALWAYS

QUICK = Retries(attempts=2, first_wait_s=0.01, timeout_s=2.0)


def pixels(shards):
    images, masks = SliceReader(shards).read(np.arange(len(shards.index)))
    return np.asarray(images).tobytes() + np.asarray(masks).tobytes()


@pytest.fixture
def opened(tmp_path, shard_folder, serve):
    """The set as (server, function that opens it)."""
    server = serve(shard_folder)

    def open_it(**further):
        return open_shards(server.url, cache=tmp_path / "cache", retries=QUICK, **further)

    return server, open_it


def test_a_url_gives_the_pixels_of_the_folder(tmp_path, shard_folder, serve_faulty_s3, opened):
    _, open_it = opened
    expected = pixels(open_shards(shard_folder))
    assert pixels(open_it()) == expected
    bucket = serve_faulty_s3(shard_folder).url
    assert pixels(open_shards(bucket, cache=tmp_path / "cache", retries=QUICK)) == expected
    assert pixels(open_shards(f"file://{shard_folder}")) == expected


def test_a_cache_with_room_for_one_shard_still_gives_all_pixels(shard_folder, opened):
    _, open_it = opened
    room = 2 * max(path.stat().st_size for path in shard_folder.glob("cases/*"))
    assert pixels(open_it(cache_bytes=room)) == pixels(open_shards(shard_folder))


@pytest.mark.parametrize("fault", ["corrupt", "short", "truncate", 500, "html"])
def test_no_fault_of_a_server_becomes_a_pixel(shard_folder, opened, fault):
    server, open_it = opened
    expected = pixels(open_shards(shard_folder))
    names = ("manifest.json", "index.parquet", "cases/a.tar", "cases/b.tar", "cases/c.tar")
    for name in names:
        server.fail(name, fault)
    assert pixels(open_it()) == expected
    for name in names:
        server.fail(name, fault, times=ALWAYS)
        with pytest.raises(ShardError, match=name):
            pixels(open_shards(server.url, cache=shard_folder / name, retries=QUICK))
        server.faults.clear()


def test_a_set_written_anew_is_refused_while_in_use(tmp_path, shard_folder, write_set, opened):
    _, open_it = opened
    for shards in (open_shards(shard_folder), open_it()):
        shards.check_unchanged()
        assert len(shards.index) == 12
    local, remote = open_shards(shard_folder), open_it()
    assert len(local.index) == len(remote.index) == 12
    write_set(shard_folder, seed=1)
    for shards in (local, remote):
        with pytest.raises(ChangedSetError, match="written anew while it was in use"):
            SliceReader(shards).read(np.array([0]))
        with pytest.raises(ChangedSetError):
            shards.check_unchanged()


def test_a_set_that_is_gone_has_changed_but_a_server_may_be_silent(shard_folder, opened):
    server, open_it = opened
    local, remote = open_shards(shard_folder), open_it()
    server.fail("manifest.json", 500, times=ALWAYS)
    remote.check_unchanged()
    server.faults.clear()
    (shard_folder / "manifest.json").unlink()
    for shards in (local, remote):
        with pytest.raises(ChangedSetError):
            shards.check_unchanged()


def test_a_set_written_anew_is_read_anew(tmp_path, shard_folder, write_set, opened):
    _, open_it = opened
    before = pixels(open_it())
    write_set(shard_folder, seed=1)
    after = pixels(open_it())
    assert after == pixels(open_shards(shard_folder)) != before


def test_a_copy_damaged_in_the_cache_is_found_and_fetched_again(tmp_path, shard_folder, opened):
    _, open_it = opened
    copy = open_it().local("cases/b.tar")
    data = bytearray(copy.read_bytes())
    data[700] ^= 4
    copy.write_bytes(data)
    with pytest.raises(DamagedShardError, match=r"b\.tar.*b-0000.*local cache.*run this again"):
        pixels(open_it())
    assert pixels(open_it()) == pixels(open_shards(shard_folder))


def test_an_index_damaged_in_the_cache_is_fetched_again(tmp_path, shard_folder, opened):
    server, open_it = opened
    assert len(open_it().index) == 12
    (copy,) = (tmp_path / "cache").glob("*/index.*.parquet")
    for damaged in (bytearray(copy.read_bytes()), b""):
        if damaged:
            damaged[len(damaged) // 2] ^= 1
        copy.write_bytes(damaged)
        assert pixels(open_it()) == pixels(open_shards(shard_folder))
    assert server.requests["index.parquet"] == 3


def test_an_index_that_contradicts_the_manifest_is_refused(shard_folder, opened):
    """Its hash is the one that the manifest means, so another copy would not help."""
    _, open_it = opened
    manifest = open_shards(shard_folder).manifest
    fewer = {case: entry for case, entry in manifest.cases.items() if case != "c"}
    changed = dataclasses.replace(manifest, cases=fewer)
    (shard_folder / "manifest.json").write_text(changed.to_json())
    with pytest.raises(ManifestError, match=r"index\.parquet is not the index.*build-shards"):
        _ = open_it().index


def test_another_format_version_is_refused_at_once(shard_folder, opened):
    server, open_it = opened
    text = (shard_folder / "manifest.json").read_text()
    changed = text.replace('"format_version": 1', '"format_version": 7')
    (shard_folder / "manifest.json").write_text(changed)
    with pytest.raises(ManifestError, match="format version 7"):
        open_it()
    assert server.requests["manifest.json"] == 1


def test_an_index_of_another_build_is_refused(tmp_path, shard_folder, write_set):
    other = write_set(tmp_path / "other", num_slices=5)
    (other / "index.parquet").replace(shard_folder / "index.parquet")
    with pytest.raises(ManifestError, match=r"index\.parquet is not the index.*build-shards"):
        _ = open_shards(shard_folder).index


@pytest.mark.parametrize("how", ["absent", "cut"])
def test_a_shard_that_is_not_whole_is_named(shard_folder, how):
    path = shard_folder / "cases" / "b.tar"
    path.unlink() if how == "absent" else os.truncate(path, 5000)
    with pytest.raises(DamagedShardError, match=r"cases/b\.tar (is absent|has 5000 bytes)"):
        pixels(open_shards(shard_folder))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_it_works_in_other_processes(opened, shard_folder, method):
    _, open_it = opened
    shards = open_it()
    shards.prefetch(["cases/a.tar"])
    with multiprocessing.get_context(method).Pool(1) as pool:
        found = pool.map(_first_byte_of_b, [shards, pickle.loads(pickle.dumps(shards))])
    assert found == 2 * [(shard_folder / "cases" / "b.tar").read_bytes()[:1]]


def _first_byte_of_b(shards):
    with shards.open("cases/b.tar") as file:
        return file.read(1)
