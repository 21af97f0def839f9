"""Rows of the index -> batches of integer arrays, read by offset from memory-mapped tars."""

import mmap
from collections import OrderedDict

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from shards.codec import gunzip, npy_header
from shards.store import ShardSet

_MAX_OPEN_SHARDS = 256


class SliceReader:
    """Reads slices in any order, whole batches at a time.

    Each slice's bytes are held against the index's crc32 before their first use in this process.
    Pickles by its shard set alone, so every worker process opens its own maps.

    Args:
        shards: The set to read from.
        neighbors: 1, 3 or 5 neighbouring slices as channels; at the ends of a case, and where the
            recipe dropped slices in between, the edge slice is repeated.
    """

    def __init__(self, shards: ShardSet, *, neighbors: int = 1) -> None:
        self._shards = shards
        self._neighbors = neighbors
        self._shape = shards.manifest.slice_shape
        self._open: OrderedDict[int, mmap.mmap] = OrderedDict()
        self._verified = np.zeros(len(shards.index), np.bool_)

    def __getstate__(self) -> dict[str, object]:
        return {"shards": self._shards, "neighbors": self._neighbors}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def read(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
        """Read slices with their masks.

        Args:
            rows: (b,) rows of the index.

        Returns:
            Images (b, neighbors, height, width) int16 in HU, masks (b, 1, height, width) uint8 of
            the middle slices.

        Raises:
            DamagedShardError: If bytes differ from what the index recorded.
        """
        images = np.empty((len(rows), self._neighbors, *self._shape), np.int16)
        masks = np.zeros((len(rows), 1, *self._shape), np.uint8)
        reach = self._neighbors // 2
        for b, row in enumerate(rows):
            for channel, shift in enumerate(range(-reach, reach + 1)):
                images[b, channel] = self._image(self._neighbor(int(row), shift))
            if self._shards.index.tumor[row]:
                masks[b, 0] = self._mask(int(row))
        return images, masks

    def _neighbor(self, row: int, shift: int) -> int:
        """The row `shift` slices above, or the last one on the way whose z and case follow on."""
        index, step = self._shards.index, (1 if shift > 0 else -1)
        for _ in range(abs(shift)):
            above = row + step
            if not 0 <= above < len(index):
                break
            if index.case[above] != index.case[row] or index.z[above] != index.z[row] + step:
                break
            row = above
        return row

    def _image(self, row: int) -> npt.NDArray[np.int16]:
        index = self._shards.index
        data = self._member(row, int(index.image_offset[row]), int(index.image_size[row]))
        header = npy_header(self._shape, "<i2")
        if len(data) != len(header) + 2 * self._shape[0] * self._shape[1]:
            data = memoryview(gunzip(bytes(data)))
        return np.frombuffer(data, "<i2", offset=len(header)).reshape(self._shape)

    def _mask(self, row: int) -> npt.NDArray[np.uint8]:
        index = self._shards.index
        data = gunzip(
            bytes(self._member(row, int(index.mask_offset[row]), int(index.mask_size[row])))
        )
        return np.frombuffer(data, np.uint8, offset=len(npy_header(self._shape, "|u1"))).reshape(
            self._shape
        )

    def _member(self, row: int, offset: int, size: int) -> memoryview:
        shard = self._shard(int(self._shards.index.case[row]))
        if not self._verified[row]:
            self._verify(row, shard)
        return memoryview(shard)[offset : offset + size]

    def _verify(self, row: int, shard: mmap.mmap) -> None:
        index = self._shards.index
        start, end = index.stretch(row)
        if isal_zlib.crc32(memoryview(shard)[start:end]) != index.crc32[row]:
            raise self._shards.damaged(
                index.shard(int(index.case[row])),
                f"the bytes of {index.key(row)} differ from the index's crc32",
            )
        self._verified[row] = True

    def _shard(self, case: int) -> mmap.mmap:
        found = self._open.pop(case, None)
        if found is None:
            with self._shards.open(self._shards.index.shard(case)) as file:
                found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if len(self._open) >= _MAX_OPEN_SHARDS:
                self._open.popitem(last=False)
        self._open[case] = found
        return found
