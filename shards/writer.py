"""One case -> one tar, whole or not at all."""

import contextlib
import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from isal import isal_zlib

from shards.codec import encode
from shards.console.whole import whole_or_nothing
from shards.index import BLOCK_BYTES, ShardIndex
from shards.record import Slice

_END_OF_ARCHIVE = bytes(2 * BLOCK_BYTES)


@dataclass(frozen=True, kw_only=True)
class WrittenShard:
    """What is known of a shard once it is whole.

    Attributes:
        bytes: Size of the tar.
        sha256: Hash of the tar, hexadecimal.
        index: Where its slices lie.
    """

    bytes: int
    sha256: str
    index: ShardIndex


class _UnfinishedError(Exception):
    """A writer was left before its shard was finished."""


class ShardWriter:
    """Writes the slices of one case; the file appears under its name when all is well.

    Equal slices give equal bytes: no clock, owner or path enters the tar. Use as a context
    manager; leaving it by an error leaves nothing behind.

    Args:
        path: Final name of the tar. The folder must exist.
        case: Name of the case.
        compress: Store images as `.ct.npy.gz`.
    """

    def __init__(self, path: Path, *, case: str, compress: bool = False) -> None:
        self._path = path
        self._case = case
        self._compress = compress
        self._offset = 0
        self._sha256 = hashlib.sha256()
        self._rows: list[tuple[Any, ...]] = []
        self._file: BinaryIO
        self._open: contextlib.ExitStack

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            unfinished = stack.enter_context(whole_or_nothing(self._path))
            self._file = stack.enter_context(unfinished.open("wb"))
            self._open = stack.pop_all()
        return self

    def add(self, record: Slice) -> None:
        """Append a slice; slices come in the order of their z."""
        tumor_pixels, crc32 = record.tumor_pixels, 0
        spans: list[int] = []
        for extension, pieces in encode(record, tumor_pixels, compress=self._compress).items():
            size = sum(map(len, pieces))
            spans += (self._offset + BLOCK_BYTES, size)
            header = tar_header(f"{record.key}.{extension}", size)
            for piece in (header, *pieces, bytes(-size % BLOCK_BYTES)):
                crc32 = isal_zlib.crc32(piece, crc32)
                self._write(piece)
        self._rows.append((record.z, *spans, tumor_pixels > 0, tumor_pixels, crc32))

    def finish(self) -> WrittenShard:
        """Complete the tar, put it under its final name and say what it holds."""
        self._write(_END_OF_ARCHIVE)
        self._open.close()
        index = ShardIndex.of_case(self._case, self._rows)
        return WrittenShard(bytes=self._offset, sha256=self._sha256.hexdigest(), index=index)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        error = error or _UnfinishedError()  # of no meaning behind `finish`
        self._open.__exit__(type(error), error, trace)

    def _write(self, piece: bytes | memoryview) -> None:
        self._sha256.update(piece)
        self._file.write(piece)
        self._offset += len(piece)


def tar_header(name: str, size: int) -> bytes:
    """The 512-byte ustar header of a regular file (POSIX.1-1988), mtime 0, owner 0.

    Args:
        name: Name of the member, at most 100 bytes of UTF-8.
        size: Bytes of its data.

    Returns:
        The header block.

    Raises:
        ValueError: If the name is too long for a plain ustar header.
    """
    encoded = name.encode()
    if len(encoded) > 100:
        raise ValueError(f"a member's name may have 100 bytes, got {len(encoded)}: {name}")
    before, after, nameless_sum = _header_without_name(size)
    checksum = b"%06o\0 " % (nameless_sum + sum(encoded))
    return b"".join((encoded.ljust(100, b"\0"), before, checksum, after))


@functools.lru_cache(maxsize=1024)
def _header_without_name(size: int) -> tuple[bytes, bytes, int]:
    """What comes before and after the checksum, and the sum of it all with a blank checksum."""
    before = b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"0" * 11 + b"\0"
    after = (b"0" + bytes(100) + b"ustar\x0000").ljust(BLOCK_BYTES - 156, b"\0")
    return before, after, sum(before) + sum(b" " * 8) + sum(after)
