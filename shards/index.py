"""Where each slice of a shard set lies, as columns of numbers."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

BLOCK_BYTES = 512  # of a tar: a header is one, and data is filled up to whole ones


@dataclass(frozen=True, kw_only=True, eq=False)
class ShardIndex:
    """One row per slice, ordered by case and then by z.

    The bytes of a slice in its tar are one stretch: the headers and data of its three members.

    Attributes:
        cases: Names of the cases; shard `cases/<case>.tar` each.
        case: (n,) int32, position in `cases`.
        z: (n,) int32, index of the slice in its source scan, from the feet.
        image_offset: (n,) int64, first byte of the image's member data in the tar.
        image_size: (n,) int64, bytes of it.
        mask_offset: (n,) int64, the same for the mask.
        mask_size: (n,) int64.
        tags_offset: (n,) int64, the same for the json.
        tags_size: (n,) int64.
        tumor: (n,) bool, whether the slice shows tumor.
        tumor_pixels: (n,) int32, mask pixels that do.
        crc32: (n,) uint32, of all bytes of the slice's stretch, headers and padding included.
    """

    cases: tuple[str, ...]
    case: npt.NDArray[np.int32]
    z: npt.NDArray[np.int32]
    image_offset: npt.NDArray[np.int64]
    image_size: npt.NDArray[np.int64]
    mask_offset: npt.NDArray[np.int64]
    mask_size: npt.NDArray[np.int64]
    tags_offset: npt.NDArray[np.int64]
    tags_size: npt.NDArray[np.int64]
    tumor: npt.NDArray[np.bool_]
    tumor_pixels: npt.NDArray[np.int32]
    crc32: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.case)

    def shard(self, case: int) -> str:
        """Path of a case's tar below the root of the set."""
        return shard_name(self.cases[case])

    def stretch(self, row: int) -> tuple[int, int]:
        """A slice's bytes in its tar, which `crc32` is of: the first, and the one behind them."""
        end = int(self.tags_offset[row] + self.tags_size[row])
        return int(self.image_offset[row]) - BLOCK_BYTES, end + -end % BLOCK_BYTES

    def key(self, row: int) -> str:
        """Name of a sample in its tar: `<case>-<zzzz>`."""
        return f"{self.cases[self.case[row]]}-{self.z[row]:04d}"

    def rows(self) -> list[tuple[Any, ...]]:
        """What `of_case` takes: z and all columns after it, a tuple of plain numbers per slice."""
        columns = (getattr(self, name).tolist() for name in COLUMNS if name != "case")
        return list(zip(*columns, strict=True))

    def rows_of(self, case: int) -> slice:
        """The rows of one shard, which lie together, by its position in `cases`."""
        return slice(*np.searchsorted(self.case, [case, case + 1]).tolist())

    def stretches(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """As `stretch`, of all slices: (n,) first bytes, and (n,) ones behind them."""
        ends = self.tags_offset + self.tags_size
        return self.image_offset - BLOCK_BYTES, ends + -ends % BLOCK_BYTES

    def only(self, case: int) -> Self:
        """The index of one shard, by its position in `cases`."""
        rows = self.rows_of(case)
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in COLUMNS}
        columns["case"] = np.zeros_like(columns["case"])
        return type(self)(cases=(self.cases[case],), **columns)

    @classmethod
    def of_case(cls, case: str, rows: list[tuple[Any, ...]]) -> Self:
        """The index of one shard from its rows: z and all columns after it, a tuple per slice."""
        values = zip(*rows, strict=True) if rows else iter([()] * (len(COLUMNS) - 1))
        columns: dict[str, Any] = {
            name: np.array(next(values), dtype) for name, dtype in COLUMNS.items() if name != "case"
        }
        return cls(cases=(case,), case=np.zeros(len(rows), np.int32), **columns)

    @classmethod
    def concatenate(cls, parts: list[Self]) -> Self:
        """Join the indexes of single cases, in the order given."""
        cases = tuple(name for part in parts for name in part.cases)
        shifts = np.cumsum([0, *(len(part.cases) for part in parts[:-1])])
        columns: dict[str, npt.NDArray[Any]] = {
            name: np.concatenate([getattr(part, name) for part in parts]) if parts else empty
            for name, empty in _columns_of_nothing().items()
        }
        if parts:
            shifted = [part.case + shift for part, shift in zip(parts, shifts, strict=True)]
            columns["case"] = np.concatenate(shifted).astype(np.int32)
        return cls(cases=cases, **columns)


COLUMNS = {
    "case": np.int32,
    "z": np.int32,
    "image_offset": np.int64,
    "image_size": np.int64,
    "mask_offset": np.int64,
    "mask_size": np.int64,
    "tags_offset": np.int64,
    "tags_size": np.int64,
    "tumor": np.bool_,
    "tumor_pixels": np.int32,
    "crc32": np.uint32,
}


def _columns_of_nothing() -> dict[str, npt.NDArray[Any]]:
    return {name: np.zeros(0, dtype) for name, dtype in COLUMNS.items()}


def shard_name(case: str) -> str:
    """Path of a case's tar below the root of the set."""
    return f"cases/{case}.tar"
