"""The sequential stream: right slices, the plan's ratio on average, its own randomness."""

import functools
import itertools
import random
from collections import Counter

import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from shards.errors import DamagedShardError
from shards.order.oversample import oversample_ratio
from shards.reading.reader import SliceReader
from shards.reading.stream import SliceStream, _decode
from shards.storage.attempts import Retries
from shards.storage.store import open_shards

CASES = tuple("abcdef")


@pytest.fixture
def shards(tmp_path, write_set):
    return open_shards(write_set(tmp_path / "set", cases=CASES, num_slices=9))


def stream_of(shards, **given):
    settings = {"oversample": 1.0, "seed": 0, "rank": 0, "world_size": 1}
    return SliceStream(shards, **{"cases": sorted(shards.manifest.cases), **settings, **given})


@pytest.fixture
def unpack_once(monkeypatch):
    """Streams of a test take each shard apart, and decode each slice, only once."""
    monkeypatch.setattr("shards.reading.stream._decode", functools.cache(_decode))
    samples = SliceStream._samples
    once = functools.cache(lambda reach, shards, name: samples(stream_of(shards), name))
    monkeypatch.setattr(
        SliceStream, "_samples", lambda self, name: once(self._reach, self._shards, name)
    )


def drawn(shards, *, readers, epochs, **given):
    """Rows that the readers together draw per epoch, (epochs, n)."""
    streams = [stream_of(shards, rank=k, world_size=readers, **given) for k in range(readers)]
    count = len(shards.index) // readers
    known, _ = rows_by_image(shards)
    images = (one.read(epoch=e, count=count)[0] for e in range(epochs) for one in streams)
    rows = [known[image.tobytes()] for of_reader in images for image in of_reader]
    return np.array(rows).reshape(epochs, -1)


def rows_by_image(shards, neighbors=1):
    """Row of each slice by the bytes of its image."""
    images, masks = SliceReader(shards, neighbors=neighbors).read(np.arange(len(shards.index)))
    return {image.tobytes(): row for row, image in enumerate(np.asarray(images))}, np.asarray(masks)


def rows_of(shards, images):
    rows, _ = rows_by_image(shards)
    return [rows[image.tobytes()] for image in images]


@pytest.mark.parametrize("neighbors", [1, 3, 5])
@pytest.mark.parametrize("compress", [False, True])
def test_it_hands_over_what_the_reader_does(tmp_path, write_set, compress, neighbors):
    shards = open_shards(write_set(tmp_path, num_slices=6, compress=compress))
    rows, masks = rows_by_image(shards, neighbors)
    images, got = stream_of(shards, neighbors=neighbors).read(epoch=0, count=40)
    assert images.dtype == np.int16
    assert got.dtype == np.uint8
    for image, mask in zip(images, got, strict=True):
        np.testing.assert_array_equal(mask, masks[rows[image.tobytes()]])


def test_a_pass_reads_every_slice_once_where_none_is_oversampled(shards):
    """The buffer holds some back for the second pass, which is why three are looked at."""
    images, _ = stream_of(shards).read(epoch=0, count=3 * 54)
    counts = Counter(rows_of(shards, images))
    assert set(counts) == set(range(54))
    assert max(counts.values()) <= 4


@pytest.mark.usefixtures("unpack_once")
@pytest.mark.parametrize("readers", [1, 16])
@pytest.mark.parametrize(
    "tumor",
    [
        pytest.param(lambda case, z: 18 <= z < 24, id="high up in all cases"),
        pytest.param(lambda case, z: z < 2, id="at the first slices read"),
        pytest.param(lambda case, z: case < "c" and z < 20, id="much in few cases"),
    ],
)
def test_the_share_of_slices_with_tumor_is_the_plans_wherever_they_lie(
    tmp_path, write_set, tumor, readers
):
    """And each slice with tumor is drawn as often as any other: a chi-square test."""
    cases = "abcdefghij"
    shards = open_shards(write_set(tmp_path, cases=cases, num_slices=30, size=4, tumor=tumor))
    oversample = oversample_ratio("auto", shards.index.tumor)
    rows = drawn(shards, readers=readers, epochs=40, oversample=oversample)
    share = shards.index.tumor[rows].mean()
    assert share == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(rows.size))
    counts = np.bincount(rows.ravel(), minlength=len(shards.index))
    for kind in (shards.index.tumor, ~shards.index.tumor):
        assert chi_square(counts[kind]) < kind.sum() + 4 * np.sqrt(2 * kind.sum())


def chi_square(counts):
    return ((counts - counts.mean()) ** 2).sum() / counts.mean()


@pytest.mark.usefixtures("unpack_once")
@pytest.mark.parametrize("readers", [1, 3, 16])
def test_no_slice_is_starved(tmp_path, write_set, readers):
    """Neither where a reader reads only a quarter of a shard per epoch."""
    shards = open_shards(write_set(tmp_path, cases="abcd", num_slices=60, size=4))
    rows = drawn(shards, readers=readers, epochs=40)
    counts = np.bincount(rows.ravel(), minlength=240)
    assert counts.min() > 0.5 * counts.mean()
    assert chi_square(counts) < 240 + 4 * np.sqrt(2 * 240)


def test_epochs_differ_though_nothing_is_shuffled_later(shards, monkeypatch):
    """In their order of shards, and in the order of a shard's slices."""
    monkeypatch.setattr("shards.reading.stream._MAX_BUFFER", 1)
    epochs = drawn(shards, readers=1, epochs=6)
    of_shards = {tuple(dict.fromkeys(shards.index.case[rows].tolist())) for rows in epochs}
    of_first = {tuple(row for row in rows if shards.index.case[row] == 0) for rows in epochs}
    assert len(of_shards) > 3
    assert len(of_first) == 6


def test_epochs_differ_and_the_same_seed_gives_the_same_slices(shards):
    def rows(seed, epoch):
        return rows_of(shards, stream_of(shards, seed=seed).read(epoch=epoch, count=30)[0])

    assert rows(0, 0) == rows(0, 0)
    orders = [rows(seed, epoch) for seed, epoch in itertools.product((0, 1), (0, 1, 2))]
    assert len({tuple(order) for order in orders}) == 6


def test_an_epoch_begins_anew_wherever_the_one_before_was_left(shards):
    stream = stream_of(shards)
    stream.read(epoch=0, count=7)
    again = stream.read(epoch=1, count=20)[0]
    np.testing.assert_array_equal(again, stream_of(shards).read(epoch=1, count=20)[0])


def test_the_global_randomness_neither_matters_nor_changes(shards):
    random.seed(1)
    before = random.getstate()
    first = stream_of(shards).read(epoch=0, count=20)[0]
    assert random.getstate() == before
    random.seed(2)
    np.testing.assert_array_equal(first, stream_of(shards).read(epoch=0, count=20)[0])


@pytest.mark.parametrize("world_size", [2, 3, 6])
def test_ranks_share_out_the_shards_of_a_pass(shards, world_size):
    seen = []
    for rank in range(world_size):
        stream = stream_of(shards, rank=rank, world_size=world_size)
        images, _ = stream.read(epoch=0, count=54 // world_size)
        seen.append({int(shards.index.case[row]) for row in rows_of(shards, images)})
    assert all(len(cases) >= len(CASES) // world_size for cases in seen)
    assert set().union(*seen) == set(range(len(CASES)))


def test_more_readers_than_shards_all_get_slices(shards):
    for rank in range(20):
        images, _ = stream_of(shards, rank=rank, world_size=20).read(epoch=0, count=12)
        assert len(images) == 12


class Requests(Dataset):
    def __init__(self, stream):
        self.stream = stream

    def __getitem__(self, request):
        return self.stream.read(epoch=0, count=5)


def test_workers_read_different_slices(shards):
    def slices(num_workers):
        loader = DataLoader(
            Requests(stream_of(shards)),
            sampler=range(4),
            batch_size=None,
            num_workers=num_workers,
        )
        return [rows_of(shards, images.numpy()) for images, _ in loader]

    alone, two = slices(0), slices(2)
    assert [len(rows) for rows in alone + two] == 8 * [5]
    assert slices(2) == two
    assert len({row for rows in two for row in rows}) == 20


def test_it_needs_neither_index_nor_cache(shard_folder, serve, tmp_path):
    (shard_folder / "index.parquet").unlink()
    server = serve(shard_folder)
    server.fail("cases/b.tar", "truncate")
    server.fail("cases/c.tar", "corrupt")
    quick = Retries(first_wait_s=0.01)
    shards = open_shards(server.url, cache=tmp_path / "cache", retries=quick)
    images, _ = stream_of(shards).read(epoch=0, count=12)
    local, _ = stream_of(open_shards(shard_folder)).read(epoch=0, count=12)
    np.testing.assert_array_equal(images, local)
    assert not list((tmp_path / "cache").rglob("*.tar"))


@pytest.mark.parametrize("spoil", ["cut", "flip"])
def test_a_damaged_shard_is_found_before_a_slice_of_it_is_used(shards, spoil):
    whole = np.flatnonzero(shards.index.case != 2)
    images = np.asarray(SliceReader(shards).read(whole)[0])
    path = shards.local("cases/c.tar")
    data = path.read_bytes()
    path.write_bytes(data[:-700] if spoil == "cut" else data[:300] + b"\1" + data[301:])
    stream, used = stream_of(shards, seed=1), []
    with pytest.raises(DamagedShardError, match=r"cases/c\.tar.*build-shards"):
        used.extend(stream.read(epoch=0, count=1)[0] for _ in range(54))
    assert used
    assert {image.tobytes() for image in used} <= {image.tobytes() for image in images}
