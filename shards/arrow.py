"""The columns of an index <-> the bytes of `index.parquet`."""

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from shards.errors import ManifestError
from shards.index import COLUMNS, ShardIndex, shard_name


def to_parquet(index: ShardIndex) -> bytes:
    """The bytes of `index.parquet`: equal indexes give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    shards = [shard_name(name) for name in index.cases]
    columns = {name: _to_arrow(getattr(index, name)) for name in COLUMNS}
    case = columns["case"]
    columns["case"] = pa.DictionaryArray.from_arrays(case, _names_to_arrow(index.cases))
    columns["shard"] = pa.DictionaryArray.from_arrays(case, _names_to_arrow(shards))
    sink = io.BytesIO()
    table = pa.Table.from_arrays(list(columns.values()), names=list(columns))
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def from_parquet(data: bytes, *, where: str) -> ShardIndex:
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
        return ShardIndex(**_read_columns(data))
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        what = " ".join(str(error).split())
        raise ManifestError(
            f"{where} is no index of a shard set ({what}): build it again with "
            "`python -m ingest build-shards`"
        ) from error


def _read_columns(data: bytes) -> dict[str, Any]:
    """What `ShardIndex` is made of, read by several threads straight into its arrays."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def opened() -> Any:
        return pq.ParquetFile(pa.BufferReader(data), read_dictionary=["case"])

    groups = opened().metadata
    ends = np.cumsum([groups.row_group(k).num_rows for k in range(groups.num_row_groups)])
    columns = {name: np.empty(groups.num_rows, dtype) for name, dtype in COLUMNS.items()}

    def fill(group: int) -> Any:
        table = opened().read_row_group(group, list(COLUMNS), use_threads=False)
        rows = slice(ends[group] - len(table), ends[group])
        case = table.column("case").combine_chunks()
        for name, dtype in COLUMNS.items():
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
