"""Where a row of a file ends, whatever stands in it: what is inside quotes is never a row. No database."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.files.records import fields_of, read_records
from ledger.files.types import MAX_ROW_BYTES, AccountWords, PostingWords
from tests.ledger.filing import csv_of, items_of, jsonl_of, lines_of, posting, told
from zentra.core.errors import DomainError


def test_a_quote_that_is_never_closed_takes_the_rest_of_the_file_with_it() -> None:
    content = csv_of(*lines_of("one"), 'two,,"open,a,debit,1,USD', "evil,,,a,debit,1,USD", "evil,,,b,credit,1,USD")

    assert told(items_of(content)) == [(2, "one"), (4, "import_row_malformed")]


@pytest.mark.parametrize("filler", ["x" * 200, "x" * (2 * MAX_ROW_BYTES)])
def test_rows_inside_the_quotes_of_a_row_that_is_too_long_are_not_read(filler: str) -> None:
    evil = "evil,,,a,debit,1,USD\nevil,,,b,credit,1,USD\n" * 5_000
    content = csv_of(
        *lines_of("one"), f'two,,"{filler}\n{evil}",a,debit,1,USD', "two,,,b,credit,1,USD", *lines_of("three")
    )

    assert told(items_of(content)) == [(2, "one"), (4, "import_row_too_long"), (6, "three")]


def test_a_row_without_end_is_read_in_little_memory() -> None:
    content = csv_of() + b'"' + (b"x" * 1000 + b"\n") * (32 * 1024)
    tracemalloc.start()
    try:
        found = told(items_of(content))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found == [(2, "import_row_malformed")]
    assert peak < len(content) + 4 * MAX_ROW_BYTES + 5_000_000  # the file itself is in memory here


CELL = st.text(st.sampled_from('ab,"\n\r \té'), max_size=8)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=300)
def test_rows_end_where_python_s_csv_says(rows: list[list[str]], end: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    content = out.getvalue().encode()
    records = list(read_records(io.BytesIO(content), form="csv", start=0, number=1))

    assert [fields_of(record.content.decode()) for record in records] == rows
    assert records[-1].end == len(content)


@given(st.binary(max_size=400), st.sampled_from(["csv", "jsonl"]), st.integers(1, 4))
@settings(max_examples=400)
def test_no_bytes_at_all_stop_the_reading(noise: bytes, form: str, most_rows: int) -> None:
    content = csv_of(*lines_of("one")) + noise if form == "csv" else jsonl_of([posting("one")]) + noise
    items = items_of(content, form=form, most_rows=most_rows)

    assert told(items) == told(items_of(content, form=form, most_rows=10_000))
    assert all(isinstance(item.content, PostingWords | AccountWords | DomainError) for item in items)
    numbers = [item.row_number for item in items]
    assert numbers == sorted(set(numbers))


@given(st.text('one,"\n\r12USDab', max_size=120), st.integers(1, 3))
@settings(max_examples=400)
def test_no_text_near_a_csv_stops_the_reading(noise: str, most_rows: int) -> None:
    content = csv_of(*lines_of("first")) + noise.encode()

    assert told(items_of(content, most_rows=most_rows)) == told(items_of(content, most_rows=10_000))
