"""Whole shards one after the other through a webdataset pipeline: no index, no cache, no plan."""

import bisect
import io
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import webdataset as wds
from torch.utils.data import get_worker_info

from shards.codec import MASK, TAGS, decode_array, image_member
from shards.index import shard_name
from shards.storage.store import ShardSet

_MAX_BUFFER = 2000
_BUFFERS_PER_EPOCH = 4  # what a buffer holds at an epoch's end was read for nothing

Arrays = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]


class Sample(NamedTuple):
    """A slice as its members' bytes: copies of it in a buffer cost nothing.

    Attributes:
        images: Image members of the slice and its neighbors, in z order.
        mask: Mask member of the slice.
        tumor: Whether it shows tumor.
    """

    images: tuple[bytes, ...]
    mask: bytes
    tumor: bool


class SliceStream:
    """An endless stream of shuffled slices per epoch, for one rank.

    An epoch lays the copies of all slices on a circle, shard after shard: a slice comes in as many
    copies as the plan would draw it on average, and shards, and copies in a shard, are shuffled
    alike for everyone. The circle begins at a random place, and each reader (a loader worker of a
    rank) reads on from its own part of it. So, however little a reader reads, each copy is read
    with the same probability: the ratio of slices with tumor is that of the plan in expectation,
    and no slice is starved. Copies are spread further by a shuffle buffer. The same seed, ranks and
    workers give the same slices; which slices an epoch draws is not exact, and depends on ranks and
    workers.

    Each shard is held against its sha256 before a slice of it is used.

    Args:
        shards: The set to read from.
        cases: Names of the training cases.
        oversample: How many times as likely a slice with tumor is as one without.
        seed: Seed of all its randomness.
        rank: 0-based rank.
        world_size: Number of ranks.
        neighbors: 1, 3 or 5 neighboring slices as channels, as `SliceReader` does.
    """

    def __init__(
        self,
        shards: ShardSet,
        *,
        cases: Sequence[str],
        oversample: float,
        seed: int,
        rank: int,
        world_size: int,
        neighbors: int = 1,
    ) -> None:
        entries = [shards.manifest.cases[case] for case in cases]
        self._num_slices = sum(entry.slices for entry in entries)
        num_tumor = sum(entry.tumor_slices for entry in entries)
        share = self._num_slices / (self._num_slices + (oversample - 1) * num_tumor)
        self._copies_per_slice = (share, share * oversample)  # without tumor, with it
        self._shards = shards
        self._cases = tuple(cases)
        self._seed = seed
        self._rank, self._world_size = rank, world_size
        self._reach = neighbors // 2
        self._epoch = -1
        self._slices: Iterator[Arrays] = iter(())

    def read(self, *, epoch: int, count: int) -> Arrays:
        """Take the next slices of an epoch; another epoch begins anew.

        Args:
            epoch: 0-based epoch.
            count: How many slices.

        Returns:
            Images (count, neighbors, height, width) int16 in HU, masks (count, 1, height, width)
            uint8 of the middle slices.

        Raises:
            shards.errors.ShardError: If a shard cannot be had, or is damaged.
        """
        if epoch != self._epoch:
            self._epoch, self._slices = epoch, self._pipeline(epoch)
        images, masks = zip(*itertools.islice(self._slices, count), strict=True)
        return np.stack(images), np.stack(masks)

    def _pipeline(self, epoch: int) -> Iterator[Arrays]:
        worker = get_worker_info()
        number, num_workers = (worker.id, worker.num_workers) if worker else (0, 1)
        reader, num_readers = self._rank * num_workers + number, self._world_size * num_workers
        rng = random.Random(f"{self._seed}/{epoch}/reader {reader}")
        buffer = min(_MAX_BUFFER, 1 + self._num_slices // (_BUFFERS_PER_EPOCH * num_readers))
        return iter(
            wds.DataPipeline(
                lambda: self._copies(epoch, reader / num_readers),
                wds.shuffle(buffer, initial=buffer, rng=rng),
                wds.map(_decode),
            )
        )

    def _copies(self, epoch: int, part: float) -> Iterator[Sample]:
        """All copies of an epoch, round and round, from a part of the circle between 0 and 1."""
        rng = random.Random(f"{self._seed}/{epoch}")
        cases = rng.sample(self._cases, len(self._cases))
        ends = list(itertools.accumulate(sum(self._counts(epoch, case)) for case in cases))
        place = int((rng.random() + part) % 1 * ends[-1])
        first = bisect.bisect(ends, place)
        skipped = place - [0, *ends][first]
        for case in itertools.islice(itertools.cycle(cases), first, None):
            yield from itertools.islice(self._copies_of_shard(epoch, case), skipped, None)
            skipped = 0

    def _counts(self, epoch: int, case: str) -> list[int]:
        """Copies without and with tumor that a shard gives: what is expected, rounded at random."""
        rng = random.Random(f"{self._seed}/{epoch}/{case}")
        entry = self._shards.manifest.cases[case]
        slices = (entry.slices - entry.tumor_slices, entry.tumor_slices)
        expected = np.multiply(slices, self._copies_per_slice)
        return [int(count + rng.random()) for count in expected]

    def _copies_of_shard(self, epoch: int, case: str) -> list[Sample]:
        rng = random.Random(f"{self._seed}/{epoch}/{case}/order")
        samples = self._samples(shard_name(case))
        copies: list[Sample] = []
        for tumor, count in enumerate(self._counts(epoch, case)):
            of_kind = [sample for sample in samples if sample.tumor == tumor]
            rng.shuffle(of_kind)
            copies += itertools.islice(itertools.cycle(of_kind), count)
        rng.shuffle(copies)
        return copies

    def _samples(self, name: str) -> list[Sample]:
        tar = {"url": name, "stream": io.BytesIO(self._shards.read(name))}
        files = wds.tariterators.tar_file_expander([tar])
        return list(_with_neighbors(list(wds.tariterators.group_by_keys(files)), self._reach))


def _with_neighbors(slices: list[dict[str, Any]], reach: int) -> Iterator[Sample]:
    """The samples of one shard, which lie in it in the order of their z."""
    tags = [json.loads(members[TAGS]) for members in slices]
    z = [of_slice["z"] for of_slice in tags]
    for place, members in enumerate(slices):
        places = [_neighbor(z, place, shift) for shift in range(-reach, reach + 1)]
        images = tuple(image_member(slices[neighbor]) for neighbor in places)
        yield Sample(images=images, mask=members[MASK], tumor=tags[place]["tumor"])


def _neighbor(z: list[int], place: int, shift: int) -> int:
    """The place `shift` slices above, or the last one on the way whose z follows on."""
    step = 1 if shift > 0 else -1
    for _ in range(abs(shift)):
        above = place + step
        if not 0 <= above < len(z) or z[above] != z[place] + step:
            break
        place = above
    return place


def _decode(sample: Sample) -> Arrays:
    images = np.stack([decode_array(member) for member in sample.images])
    return images, decode_array(sample.mask)[np.newaxis]
