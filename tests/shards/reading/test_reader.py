"""The reader hands over exactly what was written, and finds damage before a slice is used."""

import dataclasses
import os
import pickle
import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from shards.codec import decode
from shards.errors import DamagedShardError
from shards.reading.reader import SliceReader
from shards.storage.store import open_shards


def slices_of(root):
    """All slices of a set in the order of the index, by tarfile and the codec."""
    found = []
    for path in sorted(root.glob("cases/*.tar")):
        members = {}
        with tarfile.open(path) as archive:
            for member in archive:
                key, extension = member.name.split(".", 1)
                members.setdefault(key, {})[extension] = archive.extractfile(member).read()
        found += [decode(members[key]) for key in members]
    return found


@pytest.mark.parametrize("compress", [False, True])
def test_a_batch_is_what_the_codec_decodes(write_set, tmp_path, compress):
    root = write_set(tmp_path / "set", compress=compress)
    expected, reader = slices_of(root), SliceReader(open_shards(root))
    rows = np.random.default_rng(0).integers(0, len(expected), 50)
    images, masks = reader.read(rows)
    assert images.dtype == torch.int16
    assert masks.dtype == torch.uint8
    for row, image, mask in zip(rows, images, masks, strict=True):
        np.testing.assert_array_equal(image[0], expected[row].image)
        np.testing.assert_array_equal(mask[0], expected[row].mask)


@pytest.mark.parametrize("compress", [False, True])
def test_floats_are_the_integers_times_scale(write_set, tmp_path, compress):
    root = write_set(tmp_path / "set", compress=compress)
    reader, rows = SliceReader(open_shards(root), neighbors=3), np.array([3, 0, 11, 3])
    images, masks = reader.read(rows)
    floats, same_masks = reader.read(rows, scale=1 / 3071)
    assert torch.equal(floats, images.float() * (1 / 3071))
    assert torch.equal(masks, same_masks)


@pytest.mark.parametrize("neighbors", [1, 3, 5])
def test_neighbors_are_the_slices_around_and_edges_are_repeated(write_set, tmp_path, neighbors):
    """Against a search by case and z; slice 2 of each case was dropped by the recipe."""
    root = write_set(tmp_path / "set", num_slices=6)
    shards, records = open_shards(root), {}
    z = shards.index.z + (shards.index.z >= 2)
    shards.index = index = dataclasses.replace(shards.index, z=z)
    for row, record in enumerate(slices_of(root)):
        records[record.case, int(index.z[row])] = record.image
    images, _ = SliceReader(shards, neighbors=neighbors).read(np.arange(len(index)))
    for row in range(len(index)):
        case, z = index.cases[index.case[row]], int(index.z[row])
        for channel in range(neighbors):
            wanted, at = channel - neighbors // 2, z
            while at != z + wanted and (case, at + np.sign(wanted)) in records:
                at += np.sign(wanted)
            np.testing.assert_array_equal(images[row, channel], records[case, at])


def test_a_flipped_byte_is_found_before_the_slice_is_used(write_set, tmp_path):
    root = write_set(tmp_path / "set")
    path, shards = root / "cases" / "b.tar", open_shards(root)
    row = int(np.flatnonzero(shards.index.case == 1)[2])
    content = bytearray(path.read_bytes())
    content[int(shards.index.image_offset[row]) + 140] ^= 4
    path.write_bytes(content)
    reader = SliceReader(shards)
    with pytest.raises(DamagedShardError, match=r"cases/b\.tar.* b-0002 .*crc32"):
        reader.read(np.array([row]))
    with pytest.raises(DamagedShardError):
        SliceReader(shards, neighbors=3).read(np.array([row - 1]))
    reader.read(np.array([row - 1, row + 1]))


@pytest.mark.parametrize("num_bytes", [1024, 0])
def test_a_shard_that_is_cut_short_while_it_is_read_is_no_bus_error(write_set, tmp_path, num_bytes):
    """The slice lies beyond the end of the file then, though it was verified before."""
    root = write_set(tmp_path / "set")
    shards = open_shards(root)
    reader, rows = SliceReader(shards), np.flatnonzero(shards.index.case == 1)[-1:]
    reader.read(rows)
    os.truncate(root / "cases" / "b.tar", num_bytes)
    with pytest.raises(DamagedShardError, match=r"cases/b\.tar is damaged.*cut short"):
        reader.read(rows)


def test_a_shard_that_changed_while_it_was_closed_is_verified_anew(write_set, tmp_path):
    root = write_set(tmp_path / "set")
    shards = open_shards(root)
    reader, path = SliceReader(shards, max_open=1), root / "cases" / "a.tar"
    reader.read(np.array([0]))
    reader.read(np.flatnonzero(shards.index.case == 1)[:1])
    content = bytearray(path.read_bytes())
    content[int(shards.index.image_offset[0]) + 140] ^= 4
    path.write_bytes(content)
    with pytest.raises(DamagedShardError, match=r"a-0000 .*crc32"):
        reader.read(np.array([0]))


def test_threads_read_what_one_reads_though_few_shards_stay_open(write_set, tmp_path):
    root = write_set(tmp_path / "set", cases="abcdefgh")
    shards = open_shards(root)
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, len(shards.index), 16) for _ in range(200)]
    alone, shared = SliceReader(shards), SliceReader(shards, max_open=2)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda rows: [x.clone() for x in shared.read(rows)], batches)
        for rows, (images, masks) in zip(batches, found, strict=True):
            expected_images, expected_masks = alone.read(rows)
            assert torch.equal(images, expected_images)
            assert torch.equal(masks, expected_masks)


def test_masks_are_clean_whatever_was_done_to_a_batch_before(shard_folder):
    reader = SliceReader(open_shards(shard_folder))
    for _ in range(3):
        _, masks = reader.read(np.array([0, 2, 3]))  # without tumor
        assert not masks.any()
        masks.fill_(7)
        del masks


def test_it_pickles_for_worker_processes(shard_folder):
    reader = SliceReader(open_shards(shard_folder), neighbors=3)
    rows = np.arange(12)
    images, _ = reader.read(rows)
    again, _ = pickle.loads(pickle.dumps(reader)).read(rows)
    assert torch.equal(images, again)
