"""An index survives its parquet file, also one that others wrote, and damage is one clear error."""

import io
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.arrow import from_parquet, to_parquet
from shards.errors import ManifestError
from shards.index import ShardIndex
from tests.shards.test_index import PARTS, join


@given(PARTS)
def test_an_index_survives_parquet_and_equal_indexes_give_equal_bytes(parts):
    index = join(parts)
    again = from_parquet(to_parquet(index), where="memory")
    named = [case for case, rows in zip(index.cases, parts, strict=True) if rows]
    assert [again.cases[k] for k in dict.fromkeys(again.case.tolist())] == named
    assert again.rows() == index.rows()
    assert to_parquet(again) == to_parquet(index)


@given(PARTS, st.integers(1, 4))
def test_any_row_groups_are_read_alike_whatever_they_call_the_cases(parts, size):
    parts = [rows for rows in parts if rows]
    sink = io.BytesIO()
    singles = [ShardIndex.of_case(f"case_{k}", rows) for k, rows in enumerate(parts)]
    tables = [pq.read_table(pa.BufferReader(to_parquet(single))) for single in singles]
    if not tables:
        return
    with pq.ParquetWriter(sink, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=size)
    again = from_parquet(sink.getvalue(), where="memory")
    assert again.cases == tuple(f"case_{k}" for k in range(len(parts)))
    assert to_parquet(again) == to_parquet(join(parts))


@given(st.binary(max_size=300))
def test_what_is_no_index_is_one_error(data):
    with pytest.raises(ManifestError, match=r"^here is no index of a shard set .*build-shards`$"):
        from_parquet(data, where="here")


def test_a_table_without_a_column_is_no_index():
    table = pq.read_table(pa.BufferReader(to_parquet(join([[(1, *range(6), True, 1, 2)]]))))
    sink = io.BytesIO()
    pq.write_table(table.drop_columns(["crc32"]), sink)
    with pytest.raises(ManifestError, match="crc32"):
        from_parquet(sink.getvalue(), where="here")


def test_reading_and_writing_an_index_imports_no_pandas(tmp_path):
    (tmp_path / "index.parquet").write_bytes(to_parquet(join([[(1, *range(6), True, 1, 2)]])))
    script = (
        "import sys, pathlib, shards.arrow as i\n"
        "data = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "i.to_parquet(i.from_parquet(data, where=''))\n"
        "assert 'pyarrow' in sys.modules and 'pandas' not in sys.modules"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "index.parquet")]
    subprocess.run(command, env=os.environ, check=True)
