"""Nothing that differs from what was written escapes verification."""

import dataclasses
import hashlib
import os

import numpy as np
import pytest

from shards.arrow import to_parquet
from shards.errors import DamagedShardError, FormatVersionError, ManifestError
from shards.manifest import Manifest
from shards.reading.reader import SliceReader
from shards.storage.store import open_shards
from shards.verify import Checker, verify


def damaged(folder):
    return [(damage["file"], damage["keys"]) for damage in verify(str(folder))["damage"]]


def flipped(data, place, bit=1):
    changed = bytearray(data)
    changed[place] ^= bit
    return bytes(changed)


def flips(path):
    """Change each byte of a file in turn; yields its place while it is changed."""
    data = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for place in range(len(data)):
            os.pwrite(file.fileno(), flipped(data, place, 1 << place % 8)[place:][:1], place)
            yield place
            os.pwrite(file.fileno(), data[place : place + 1], place)


@pytest.mark.parametrize("compress", [False, True])
def test_every_flipped_byte_of_a_shard_is_found(tmp_path, write_set, compress):
    """By verify always; by training too, as soon as it touches the slice that holds the byte."""
    folder = write_set(tmp_path, cases=["a"], num_slices=2, compress=compress)
    path, shards, checker = folder / "cases" / "a.tar", open_shards(folder), Checker(folder, None)
    index = shards.index
    assert checker.of_index() is None
    stretches = [index.stretch(row) for row in range(2)]
    for place in flips(path):
        inside = [row for row, (start, end) in enumerate(stretches) if start <= place < end]
        assert checker.of_case("a").keys == tuple(index.key(row) for row in inside)
        for row in inside:
            with pytest.raises(DamagedShardError, match=index.key(row)):
                SliceReader(shards).read(np.array([row]))


def test_no_flipped_byte_of_the_manifest_changes_its_meaning(shard_folder):
    data = (shard_folder / "manifest.json").read_bytes()
    manifest = Manifest.from_json(data, where="")
    for place in range(len(data)):
        try:  # the last digit of a float may not matter
            assert Manifest.from_json(flipped(data, place), where="") == manifest
        except ManifestError:
            continue


def test_every_flipped_byte_of_the_index_is_found(shard_folder):
    path, checker = shard_folder / "index.parquet", Checker(shard_folder, None)
    for _ in flips(path):
        assert checker.of_index().file == "index.parquet"


def test_every_truncation_names_the_slices_that_are_lost(shard_folder):
    path = shard_folder / "cases" / "b.tar"
    data, index = path.read_bytes(), open_shards(shard_folder).index.only(1)
    for size in range(0, len(data), 499):
        path.write_bytes(data[:size])
        lost = tuple(index.key(row) for row in range(4) if index.stretch(row)[1] > size)
        assert damaged(shard_folder) == [("cases/b.tar", lost)]


def test_without_an_index_shards_are_still_checked(shard_folder):
    (shard_folder / "index.parquet").unlink()
    path = shard_folder / "cases" / "b.tar"
    path.write_bytes(flipped(path.read_bytes(), 700))
    assert damaged(shard_folder) == [("index.parquet", ()), ("cases/b.tar", ())]


def test_an_index_that_contradicts_the_manifest_is_damage(shard_folder):
    manifest = Manifest.from_json((shard_folder / "manifest.json").read_bytes(), where="")
    index = open_shards(shard_folder).index
    wrong = to_parquet(dataclasses.replace(index, tumor=~index.tumor))
    (shard_folder / "index.parquet").write_bytes(wrong)
    manifest = dataclasses.replace(manifest, index_sha256=hashlib.sha256(wrong).hexdigest())
    (shard_folder / "manifest.json").write_text(manifest.to_json())
    (damage,) = verify(str(shard_folder))["damage"]
    assert damage["file"] == "index.parquet"
    assert "contradicts" in damage["what"]


def test_another_format_version_is_refused(shard_folder):
    text = (shard_folder / "manifest.json").read_text()
    changed = text.replace('"format_version": 1', '"format_version": 2')
    (shard_folder / "manifest.json").write_text(changed)
    for use in (verify, open_shards):
        with pytest.raises(FormatVersionError, match="format version 2, this program reads 1"):
            use(str(shard_folder))


def test_a_manifest_changed_by_hand_is_refused(shard_folder):
    text = (shard_folder / "manifest.json").read_text()
    (shard_folder / "manifest.json").write_text(text.replace('"slices": 4', '"slices": 5'))
    with pytest.raises(ManifestError, match="changed by hand"):
        verify(str(shard_folder))


def test_a_url_is_read_twice_before_it_counts_as_damaged(shard_folder, serve):
    server = serve(shard_folder)
    server.fail("cases/a.tar", "corrupt")
    assert verify(server.url)["damage"] == []
    server.fail("cases/a.tar", "corrupt", times=2)
    (damage,) = verify(server.url)["damage"]
    assert damage["file"] == "cases/a.tar"
    assert len(damage["keys"]) == 1
    assert "upload" in damage["do"]


def test_foreign_files_are_named_and_left_alone(shard_folder, serve, serve_s3):
    (shard_folder / "notes.txt").write_text("mine")
    (shard_folder / "cases" / "old.tar").write_bytes(b"")
    foreign = ["notes.txt", "cases/old.tar"]
    assert verify(str(shard_folder))["foreign"] == foreign
    assert verify(serve_s3(shard_folder))["foreign"] == foreign
    assert verify(serve(shard_folder).url)["foreign"] is None
    assert (shard_folder / "notes.txt").read_text() == "mine"
