"""Customers of Parquet files."""

import io
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk.importing.sources import BadFile, read_customers, read_parquet
from moregood_async.errors import ConfigurationError
from tests.bulk.importing.records import read_rows
from tests.bulk.importing.sources.pipes import BytePipe

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")


def write_parquet(folder: Path, **columns: Any) -> Path:
    """Write a Parquet file of these columns; return its path."""
    path = folder / "customers.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_a_parquet_file_is_read_row_by_row_and_more_than_once(tmp_path: Path) -> None:
    """Rows are numbered from 1, and values keep the types of the file."""
    path = write_parquet(
        tmp_path,
        first_name=["Ada", "Bob", None],
        zip=[94110, None, 1],
        created=[date(2024, 5, 1), None, None],
        tags=[["vip"], [], None],
    )
    source = read_customers(path, region="US")
    assert [row.line for row in read_rows(source)] == [1, 2, 3]
    assert [row.fields for row in read_rows(source)] == [
        {
            "first_name": "Ada",
            "postal_code": "94110",
            "signed_up_at": date(2024, 5, 1),
            "tags": ["vip"],
        },
        {"first_name": "Bob", "tags": []},
        {"postal_code": "1"},
    ]
    abandoned = source.records()
    assert isinstance(abandoned, Iterator)
    next(abandoned)
    source.close()
    assert list(abandoned) == []
    assert source.total() == 3
    assert source.rereadable
    assert source.path == path
    assert source.fingerprint() is not None
    again = read_customers(path, **source.options())
    assert again.options() == source.options()
    assert read_rows(again) == read_rows(source)
    in_memory = read_parquet(io.BytesIO(path.read_bytes()))
    assert read_rows(in_memory) == read_rows(read_customers(path))


def test_a_bad_parquet_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """Not Parquet, cut short, two columns of one name, or a pipe."""
    path = write_parquet(tmp_path, first_name=["Ada"])
    content = path.read_bytes()
    for bad_content in (b"PAR1", content[:-9], b"First Name\nAda\n"):
        path.write_bytes(bad_content)
        with pytest.raises(BadFile, match="not a Parquet file"):
            read_parquet(path)
    duplicates = pa.Table.from_arrays([pa.array(["A"])] * 2, names=["first_name"] * 2)
    pq.write_table(duplicates, path)
    with pytest.raises(BadFile, match="two columns have the name"):
        read_customers(path)
    with pytest.raises(BadFile, match="save it to a file first"):
        read_customers(BytePipe(content))


def test_without_pyarrow_the_error_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_parquet(tmp_path, first_name=["Ada"])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigurationError, match=r'pip install "moregood_async\[parquet\]"'):
        read_customers(path)
