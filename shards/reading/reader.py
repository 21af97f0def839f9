"""Rows of the index -> batches of slices, read by offset from memory-mapped tars."""

import mmap
import resource
import threading
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from isal import isal_zlib

from shards.codec import gunzip, npy_header
from shards.reading.buffers import Buffers
from shards.storage.store import ShardSet

_HU = np.dtype("<i2")
_MAX_CROP_BYTES = 64 * 2**20

Crop = tuple[slice, slice, npt.NDArray[np.uint8]]


class _OpenShard(NamedTuple):
    """A shard in memory.

    Attributes:
        content: (bytes,) uint8, the mapped tar.
        verified: (n,) bool, which of its slices were held against the index.
        first: Row of the index where its slices begin.
        mapped: What is mapped.
    """

    content: npt.NDArray[np.uint8]
    verified: npt.NDArray[np.bool_]
    first: int
    mapped: mmap.mmap

    @property
    def is_cut(self) -> bool:
        """Whether its file became shorter, so that what is beyond its end would be a bus error."""
        return self.mapped.size() < len(self.content)


class SliceReader:
    """Reads slices in any order, whole batches at a time.

    Each slice's bytes are held against the index's crc32 before their first use in this process,
    and again where its shard was closed in between.
    Masks without tumor are not decoded, the others once: the part with tumor is kept.

    Several threads may read at once. It pickles without its open shards.

    Args:
        shards: The set to read from.
        neighbors: 1, 3 or 5 neighbouring slices as channels; at the ends of a case, and where the
            recipe dropped slices in between, the edge slice is repeated.
        max_open: Most shards to keep open; by default a quarter of the files a process may open.
    """

    def __init__(
        self, shards: ShardSet, *, neighbors: int = 1, max_open: int | None = None
    ) -> None:
        self._shards = shards
        self._neighbors = neighbors
        self._max_open = max_open or resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4
        self._shape = shards.manifest.slice_shape
        self._image_header = len(npy_header(self._shape, "<i2"))
        self._mask_header = len(npy_header(self._shape, "|u1"))
        self._buffers = Buffers()
        self._open: dict[int, _OpenShard] = {}
        self._lock = threading.Lock()
        self._crops: dict[int, Crop] = {}
        self._crop_bytes = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _reader, (self._shards, self._neighbors, self._max_open)

    def read(
        self, rows: npt.NDArray[np.int64], *, scale: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Read slices with their masks.

        The memory is used again when no reference to it is left, see `Buffers`.

        Args:
            rows: (b,) rows of the index.
            scale: Factor from HU to floats; None leaves the integers.

        Returns:
            Images (b, neighbors, height, width) int16 in HU, or float32 in HU times scale, and
            masks (b, 1, height, width) uint8 of the middle slices.

        Raises:
            DamagedShardError: If bytes differ from what the index recorded.
        """
        kind = torch.int16 if scale is None else torch.float32
        images = self._buffers.take((len(rows), self._neighbors, *self._shape), kind)
        masks = self._buffers.take((len(rows), 1, *self._shape), torch.uint8)
        self._fill_images(images.numpy().reshape(-1, *self._shape), self._sources(rows), scale)
        self._fill_masks(masks.numpy()[:, 0], rows)
        return images, masks

    def _fill_images(
        self, images: npt.NDArray[Any], rows: npt.NDArray[np.int64], scale: float | None
    ) -> None:
        index = self._shards.index
        starts, sizes = index.image_offset[rows], index.image_size[rows]
        spans = zip(images, rows.tolist(), starts.tolist(), sizes.tolist(), strict=True)
        for image, row, start, size in spans:
            # unlike an assignment, copyto lets other threads run
            np.copyto(image, self._image(self._shard_of(row)[start : start + size]))
            if scale is not None:
                image *= np.float32(scale)  # while it is in the processor's cache

    def _fill_masks(self, masks: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]) -> None:
        np.copyto(masks, 0)
        for b in np.flatnonzero(self._shards.index.tumor[rows]).tolist():
            down, across, crop = self._crop(int(rows[b]))
            masks[b, down, across] = crop

    def _sources(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(b * neighbors,) rows of the channels: those around, or the last whose z follows on."""
        index, reach = self._shards.index, self._neighbors // 2
        sources = np.repeat(rows[:, np.newaxis], self._neighbors, axis=1)
        for shift in range(-reach, reach + 1):
            step = 1 if shift > 0 else -1
            for _ in range(abs(shift)):
                at = sources[:, shift + reach]
                near = np.clip(at + step, 0, len(index) - 1)
                follows = (index.case[near] == index.case[at]) & (
                    index.z[near] == index.z[at] + step
                )
                sources[:, shift + reach] = np.where(follows, near, at)
        return sources.reshape(-1)

    def _image(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """(height, width) HU of an image's member, where possible a view of it."""
        if self._shards.manifest.compressed:
            data = np.frombuffer(gunzip(data.data), np.uint8)
        return data[self._image_header :].view(_HU).reshape(self._shape)

    def _crop(self, row: int) -> Crop:
        """The rows and columns of a slice that hold tumor, and its mask there."""
        found = self._crops.get(row)
        if found is not None:
            return found
        index = self._shards.index
        start, size = int(index.mask_offset[row]), int(index.mask_size[row])
        data = gunzip(self._shard_of(row)[start : start + size].data)
        crop = _crop(np.frombuffer(data, np.uint8)[self._mask_header :].reshape(self._shape))
        if self._crop_bytes < _MAX_CROP_BYTES:
            self._crops[row] = crop
            self._crop_bytes += crop[2].nbytes
        return crop

    def _shard_of(self, row: int) -> npt.NDArray[np.uint8]:
        """The bytes of a slice's shard, the slice among them verified."""
        case = int(self._shards.index.case[row])
        shard = self._open.get(case)
        if shard is None:
            shard = self._open_shard(case)
        if shard.is_cut:
            raise self._shards.damaged(
                self._shards.index.shard(case), "its file was cut short while it was read"
            )
        if not shard.verified[row - shard.first]:
            self._verify(row, shard)
        return shard.content

    def _verify(self, row: int, shard: _OpenShard) -> None:
        index = self._shards.index
        start, end = index.stretch(row)
        if isal_zlib.crc32(shard.content[start:end]) != index.crc32[row]:
            raise self._shards.damaged(
                index.shard(int(index.case[row])),
                f"the bytes of {index.key(row)} differ from the index's crc32",
            )
        shard.verified[row - shard.first] = True

    def _open_shard(self, case: int) -> _OpenShard:
        index = self._shards.index
        with self._shards.open(index.shard(case)) as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        rows = index.rows_of(case)
        verified = np.zeros(rows.stop - rows.start, np.bool_)
        shard = _OpenShard(np.frombuffer(mapped, np.uint8), verified, rows.start, mapped)
        with self._lock:
            self._open[case] = shard
            if len(self._open) > self._max_open:
                del self._open[next(iter(self._open))]
        return shard


def _reader(shards: ShardSet, neighbors: int, max_open: int) -> SliceReader:
    return SliceReader(shards, neighbors=neighbors, max_open=max_open)


def _crop(mask: npt.NDArray[np.uint8]) -> Crop:
    """The smallest rectangle of a mask that holds all of its tumor, copied."""
    down, across = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    rows, columns = slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)
    return rows, columns, mask[rows, columns].copy()
