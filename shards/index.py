"""Where each slice of a shard set lies: `index.parquet`, as columns."""

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shards.errors import ManifestError

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
        columns = (getattr(self, name).tolist() for name in _COLUMNS if name != "case")
        return list(zip(*columns, strict=True))

    def only(self, case: int) -> Self:
        """The index of one shard, by its position in `cases`."""
        rows = self.case == case
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in _COLUMNS}
        columns["case"] = np.zeros_like(columns["case"])
        return type(self)(cases=(self.cases[case],), **columns)

    @classmethod
    def of_case(cls, case: str, rows: list[tuple[Any, ...]]) -> Self:
        """The index of one shard from its rows: z and all columns after it, a tuple per slice."""
        values = zip(*rows, strict=True) if rows else iter([()] * (len(_COLUMNS) - 1))
        columns: dict[str, Any] = {
            name: np.array(next(values), dtype)
            for name, dtype in _COLUMNS.items()
            if name != "case"
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

    def to_parquet(self) -> bytes:
        """The bytes of `index.parquet`: equal indexes give equal bytes."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        shards = [shard_name(name) for name in self.cases]
        columns = {name: _to_arrow(getattr(self, name)) for name in _COLUMNS}
        case = columns["case"]
        columns["case"] = pa.DictionaryArray.from_arrays(case, _names_to_arrow(self.cases))
        columns["shard"] = pa.DictionaryArray.from_arrays(case, _names_to_arrow(shards))
        sink = io.BytesIO()
        table = pa.Table.from_arrays(list(columns.values()), names=list(columns))
        pq.write_table(table, sink, compression="zstd")
        return sink.getvalue()

    @classmethod
    def from_parquet(cls, data: bytes, *, where: str) -> Self:
        """Read the bytes of an `index.parquet`.

        Args:
            data: The file's content.
            where: Path or URL it came from, for messages.

        Returns:
            The index.

        Raises:
            ManifestError: If it is not the index of a shard set.
        """
        import pyarrow as pa

        try:
            return cls(**_read_columns(data))
        except (pa.ArrowException, KeyError) as error:
            raise ManifestError(
                f"{where} is no index of a shard set ({error}): build it again with "
                "`python -m ingest build-shards`"
            ) from error


_COLUMNS = {
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


def _read_columns(data: bytes) -> dict[str, Any]:
    """What `ShardIndex` is made of, read by several threads straight into its arrays."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def opened() -> Any:
        return pq.ParquetFile(pa.BufferReader(data), read_dictionary=["case"])

    groups = opened().metadata
    ends = np.cumsum([groups.row_group(k).num_rows for k in range(groups.num_row_groups)])
    columns = {name: np.empty(groups.num_rows, dtype) for name, dtype in _COLUMNS.items()}

    def fill(group: int) -> Any:
        table = opened().read_row_group(group, list(_COLUMNS), use_threads=False)
        rows = slice(ends[group] - len(table), ends[group])
        case = table.column("case").combine_chunks()
        for name, dtype in _COLUMNS.items():
            values = case.indices if name == "case" else table.column(name).combine_chunks()
            # unlike an assignment, copyto lets other threads run
            np.copyto(columns[name][rows], _from_arrow(values, dtype))
        return case.dictionary

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        dictionaries = list(pool.map(fill, range(groups.num_row_groups)))
    return {"cases": _unify(dictionaries, columns["case"], ends), **columns}


def _unify(
    dictionaries: list[Any], case: npt.NDArray[np.int32], ends: npt.NDArray[np.int64]
) -> tuple[str, ...]:
    """Number the cases alike in all row groups; the names by number.

    Args:
        dictionaries: The names of each row group, by its own numbers.
        case: (n,) own numbers of the rows; changed in place.
        ends: The row behind each row group.

    Returns:
        The names.
    """
    names = tuple(dictionaries[0].to_pylist()) if dictionaries else ()
    number = {name: k for k, name in enumerate(names)}
    for group, dictionary in enumerate(dictionaries):
        if not dictionary.equals(dictionaries[0]):
            own = [number.setdefault(name, len(number)) for name in dictionary.to_pylist()]
            rows = slice(ends[group - 1], ends[group])
            case[rows] = np.array(own, np.int32)[case[rows]]
    return tuple(number)


def _to_arrow(values: npt.NDArray[Any]) -> Any:
    """An array as Arrow holds it; `pyarrow.array` would first import pandas, for half a second."""
    import pyarrow as pa

    content = np.packbits(values, bitorder="little") if values.dtype == np.bool_ else values
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(content)])


def _names_to_arrow(names: Sequence[str]) -> Any:
    import pyarrow as pa

    encoded = [name.encode() for name in names]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = (pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))
    return pa.StringArray.from_buffers(len(names), *buffers)


def _from_arrow(values: Any, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """The inverse of `_to_arrow`, where possible a view; `to_numpy` would import pandas too."""
    content, end = values.buffers()[1], values.offset + len(values)
    if dtype is np.bool_:
        bits = np.unpackbits(np.frombuffer(content, np.uint8), count=end, bitorder="little")
        return bits[values.offset :].view(np.bool_)
    return np.frombuffer(content, dtype, end)[values.offset :]


def _columns_of_nothing() -> dict[str, npt.NDArray[Any]]:
    return {name: np.zeros(0, dtype) for name, dtype in _COLUMNS.items()}


def shard_name(case: str) -> str:
    """Path of a case's tar below the root of the set."""
    return f"cases/{case}.tar"
