"""Taking files apart: where a row ends, what a value may be, and that one bad row costs only itself. No database."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.files import columns, reading
from ledger.files.types import MAX_POSTING_ENTRIES, MAX_ROW_BYTES, AccountWords, PostingWords
from tests.ledger.filing import POSTING_HEADER, csv_of, items_of, jsonl_of, lines_of, posting, record_of, told
from zentra.core.errors import DomainError

# -- Good files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n\n"])
def test_line_ends_the_mark_of_excel_and_empty_rows_at_the_end_say_nothing(end: str, bom: bytes, last: str) -> None:
    rows = [POSTING_HEADER, *lines_of("one"), *lines_of("two")]
    content = bom + (end.join(rows) + last.replace("\n", end)).encode()

    assert told(items_of(content)) == [(2, "one"), (4, "two")]


def test_quoted_columns_may_hold_commas_quotes_and_line_ends() -> None:
    content = csv_of(
        'one,,"a ""quoted"", word\r\nand a second line",a,debit,1,USD', "one,,,b,credit,1,USD", *lines_of("two")
    )
    first, second = items_of(content)

    assert isinstance(first.content, PostingWords)
    assert first.content.description == 'a "quoted", word\r\nand a second line'
    assert (first.row_number, first.rows, second.row_number) == (2, 2, 4)


def test_formulas_of_spreadsheets_are_texts() -> None:
    (item,) = items_of(csv_of("'=1+1,,'@SUM(A1),'-a,debit,1,USD", "'=1+1,,,b,credit,1,USD"))

    assert isinstance(item.content, PostingWords)
    assert (item.content.key, item.content.description) == ("=1+1", "@SUM(A1)")
    assert item.content.lines[0].account == "-a"


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20))
@example("=1")
@example("'=1")
@example("''=1")
@example("'plain")
@example(" =1")
@example("' =1")
@example("\n=1")
@example("＝1")
def test_what_is_shown_in_a_csv_is_read_back(text: str) -> None:
    assert columns.unshown(columns.shown(text)) == text
    runs = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
    assert not columns.shown(text).lstrip(" ").startswith(runs)


def test_columns_come_in_any_order_and_those_of_exports_are_read_past() -> None:
    header = "amount_minor,currency,entry_hash,direction,account,external_id"
    (item,) = items_of(csv_of("5,USD,ff,debit,a,one", "5,USD,ff,credit,b,one", header=header))

    assert isinstance(item.content, PostingWords)
    assert [line.amount_minor for line in item.content.lines] == [5, 5]


# -- Where chunks end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most_rows", [1, 2, 3, 7])
def test_a_file_says_the_same_however_it_is_cut_into_chunks(most_rows: int) -> None:
    content = csv_of(
        *lines_of("one"),
        "broken",
        *lines_of("two"),
        *lines_of("three"),
        "",
        *lines_of("four"),
        'five,,"never\nmind",a,debit,1,USD',
        "five,,,b,credit,1,USD",
        "six,,,a,debit,x,USD",
        "six,,,b,credit,1,USD",
    )

    assert told(items_of(content, most_rows=most_rows)) == told(items_of(content, most_rows=10_000))


def test_a_chunk_ends_before_an_external_id_that_it_has() -> None:
    content = jsonl_of([posting("one"), posting("two"), posting("one")])
    chunk = reading.read_chunk(io.BytesIO(content), record=record_of(content, form="jsonl"))

    assert told(list(chunk.items)) == [(1, "one"), (2, "two")]
    assert not chunk.is_last


def test_a_chunk_has_no_more_than_five_hundred_rows() -> None:
    content = jsonl_of(posting(f"p{number}") for number in range(1200))
    chunk = reading.read_chunk(io.BytesIO(content), record=record_of(content, form="jsonl"))

    assert len(chunk.items) == 500


# -- One bad row -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"one,,,a,debit,1\n", "import_row_malformed"),
        (b"one,,,a,debit,1,USD,more\n", "import_row_malformed"),
        (b'one,,a "quote" inside,a,debit,1,USD\n', "import_row_malformed"),
        (b'one,,"closed"too early,a,debit,1,USD\n', "import_row_malformed"),
        (b"one,,\xff\xfe,a,debit,1,USD\n", "import_not_utf8"),
        (b"one,,nul\x00,a,debit,1,USD\n", "import_row_malformed"),
        (b"one,," + b"x" * MAX_ROW_BYTES + b",a,debit,1,USD\n", "import_row_too_long"),
        (b'one,,"' + b"x\n" * MAX_ROW_BYTES + b'",a,debit,1,USD\n', "import_row_too_long"),
        (b"one,,,a,debit,1.50,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,1.0,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,1e3,USD\n", "import_number_invalid"),
        (b'one,,,a,debit,"1,000",USD\n', "import_number_invalid"),
        (b"one,,,a,debit,1 000,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,+5,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,007,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,\xd9\xa1,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,NaN,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,99999999999999999,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,9999999999999999999999,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,,USD\n", "import_number_invalid"),
        (b"one,,,a,debit,-5,USD\n", "invalid_amount"),
        (b"one,,,a,debit,0,USD\n", "invalid_amount"),
        (b"one,,,a,both,5,USD\n", "import_value_invalid"),
        (b"one,,,a,debit,5,usd\n", "unknown_currency"),
        (b"one,,,,debit,5,USD\n", "import_value_missing"),
        (b"one,31.12.2025,,a,debit,5,USD\n", "import_value_invalid"),
        (b"one,2026-01-01T00:00:00,,a,debit,5,USD\n", "import_value_invalid"),
        (b"one,2026-13-01T00:00:00Z,,a,debit,5,USD\n", "import_value_invalid"),
        (b"one,," + b"x" * 501 + b",a,debit,5,USD\n", "import_value_invalid"),
        (b"\n", "import_row_empty"),
        (b" \n", "import_row_empty"),
    ],
)  # fmt: skip
def test_a_malformed_row_of_a_csv_is_refused_and_the_others_are_read(bad: bytes, code: str) -> None:
    good = csv_of(*lines_of("before"), *lines_of("between"))
    content = good + bad + "".join(f"{line}\n" for line in (*lines_of("torn"), *lines_of("after"))).encode()
    found = told(items_of(content))

    assert found[0] == (2, "before")
    assert found[-1][1] == "after"
    assert (6, code) in found


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"{", "import_row_malformed"),
        (b"[]", "import_row_malformed"),
        (b"null", "import_row_malformed"),
        (b'{"a":1}{"a":1}', "import_row_malformed"),
        (b"[" * 50_000, "import_row_malformed"),
        (b"\xff", "import_not_utf8"),
        (b'"' + b"x" * MAX_ROW_BYTES + b'"', "import_row_too_long"),
        (b'{"external_id":"a","external_id":"b","entries":[]}', "import_column_twice"),
        (b'{"external_id":"a","entries":[{"account":"a","account":"b"}]}', "import_column_twice"),
        (b'{"external_id":"a","entries":[],"colour":1}', "import_column_unknown"),
        (b'{"entries":[]}', "import_value_missing"),
        (b'{"external_id":"","entries":[{}]}', "import_value_missing"),
        (b'{"external_id":"a","entries":{}}', "import_value_invalid"),
        (b'{"external_id":"a","entries":[]}', "import_value_invalid"),
        (b'{"external_id":"a","entries":[1]}', "import_value_invalid"),
        (b'{"external_id":7,"entries":[1]}', "import_value_invalid"),
        (b'{"external_id":" a","entries":[1]}', "import_value_invalid"),
        (b'{"external_id":"a\\u0000","entries":[1]}', "import_value_invalid"),
        (b'{"external_id":"a\\ud800","entries":[1]}', "import_value_invalid"),
        (b'{"external_id":"a","entries":[{"account":"a","direction":"debit","amount_minor":1.5,"currency":"USD"}]}',
         "import_number_invalid"),
        (b'{"external_id":"a","entries":[{"account":"a","direction":"debit","amount_minor":1.0,"currency":"USD"}]}',
         "import_number_invalid"),
        (b'{"external_id":"a","entries":[{"account":"a","direction":"debit","amount_minor":1e2,"currency":"USD"}]}',
         "import_number_invalid"),
        (b'{"external_id":"a","entries":[{"account":"a","direction":"debit","amount_minor":"1","currency":"USD"}]}',
         "import_number_invalid"),
        (b'{"external_id":"a","entries":[{"account":"a","direction":"debit","amount_minor":true,"currency":"USD"}]}',
         "import_number_invalid"),
        (b'{"external_id":"a","entries":[{"account":"a","direction":"debit","amount_minor":NaN,"currency":"USD"}]}',
         "import_number_invalid"),
        (b'{"external_id":"a","entries":[{"account":"a","direction":"debit","amount_minor":' + b"9" * 5000 + b"}]}",
         "import_number_invalid"),
        (b'{"external_id":"a","entries":[{"account":"a","direction":"debit","amount_minor":1}]}',
         "import_value_missing"),
    ],
)  # fmt: skip
def test_a_malformed_row_of_a_jsonl_is_refused_and_the_others_are_read(bad: bytes, code: str) -> None:
    content = jsonl_of([posting("before")]) + bad + b"\n" + jsonl_of([posting("after")])

    assert told(items_of(content, form="jsonl")) == [(1, "before"), (2, code), (3, "after")]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"metadata": {"a": 1.5}}, "import_number_invalid"),
        ({"metadata": {"a": {"b": 1}}}, "import_value_invalid"),
        ({"metadata": [1]}, "import_value_invalid"),
        ({"metadata": {"ä": 1}}, "import_value_invalid"),
        ({"metadata": {f"k{n}": 1 for n in range(51)}}, "import_value_invalid"),
        ({"purpose": "Reserve"}, "import_value_invalid"),
        ({"fx": {"rate": 1, "source": "ECB"}}, "import_value_invalid"),
        ({"fx": {"rate": "1,5", "source": "ECB", "base": "USD", "quote": "EUR"}}, "import_value_invalid"),
        ({"fx": {"rate": "1.5"}}, "import_value_missing"),
        ({"fx": {"rate": "1.5", "source": "ECB"}}, "import_value_missing"),
        ({"effective_at": 5}, "import_value_invalid"),
        ({"effective_at": "2026-01-01"}, "import_value_invalid"),
        ({"effective_at": "0999-01-01T00:00:00Z"}, "import_value_invalid"),
        ({"effective_at": "1900-01-01T00:00:00+01:00"}, "import_value_invalid"),
    ],
)
def test_a_malformed_value_of_a_posting_is_refused(more: dict[str, Any], code: str) -> None:
    assert told(items_of(jsonl_of([posting("a", **more)]), form="jsonl")) == [(1, code)]


def test_a_number_names_its_column() -> None:
    (item,) = items_of(csv_of("one,,,a,debit,1.50,USD", "one,,,b,credit,1,USD"))

    assert isinstance(item.content, DomainError)
    assert item.content.extra == {"column": "amount_minor"}
    assert "1.50" in item.content.detail


# -- Postings of several rows ------------------------------------------------------------------------------------------


def test_a_damaged_row_that_names_its_posting_refuses_that_posting_alone() -> None:
    content = csv_of(*lines_of("one"), "two,,,a,debit,1,USD", "two,,,b,credit", *lines_of("three"))

    assert told(items_of(content)) == [(2, "one"), (5, "import_row_malformed"), (6, "three")]


def test_a_damaged_row_of_nobody_refuses_the_postings_beside_it() -> None:
    """It may be the third entry of the one before it, or the first of the one after it."""
    header = "account,external_id,direction,amount_minor,currency"
    pair = ("a,{0},debit,1,USD", "b,{0},credit,1,USD")
    content = csv_of(
        *(line.format("one") for line in pair), *(line.format("two") for line in pair), "damaged",
        *(line.format("three") for line in pair), *(line.format("four") for line in pair), header=header,
    )  # fmt: skip

    assert told(items_of(content)) == [
        (2, "one"),
        (4, "import_posting_torn"),
        (6, "import_row_malformed"),
        (7, "import_posting_torn"),
        (9, "four"),
    ]


def test_a_row_without_external_id_belongs_to_nobody() -> None:
    content = csv_of(*lines_of("one"), ",,,a,debit,1,USD", *lines_of("two"), *lines_of("three"))

    assert told(items_of(content)) == [
        (2, "import_posting_torn"),
        (4, "import_value_missing"),
        (5, "import_posting_torn"),
        (7, "three"),
    ]


def test_rows_of_a_posting_that_disagree_are_refused() -> None:
    content = csv_of("one,,rent,a,debit,1,USD", "one,,food,b,credit,1,USD")

    assert told(items_of(content)) == [(2, "import_value_invalid")]


def test_a_posting_of_too_many_entries_is_refused_without_being_kept() -> None:
    many = ["one,,,a,debit,1,USD" for _ in range(MAX_POSTING_ENTRIES + 5)]
    found = items_of(csv_of(*many, *lines_of("two")))

    assert told(found) == [(2, "import_row_too_long"), (2 + len(many), "two")]
    assert found[0].rows == len(many)
    entries = posting("x")["entries"] * MAX_POSTING_ENTRIES
    assert (
        told(items_of(jsonl_of([{"external_id": "x", "entries": entries}]), form="jsonl"))[0][1]
        == "import_row_too_long"
    )


# -- Accounts ----------------------------------------------------------------------------------------------------------


def test_an_account_states_what_its_row_says_and_nothing_else() -> None:
    header = "code,account_type,currency,floor_minor,ceiling_minor,metadata,opening_balance_minor"
    content = csv_of('a,customer,USD,none,5,"{""x"": 1}",-7', "b,bank,USD,,,,", header=header)
    first, second = (item.content for item in items_of(content, kind="accounts"))

    assert isinstance(first, AccountWords)
    assert isinstance(second, AccountWords)
    assert first.stated == {"floor_minor": None, "ceiling_minor": 5, "metadata": {"x": 1}}
    assert (first.opening_minor, second.opening_minor, second.stated) == (-7, 0, {})


def test_accounts_of_csv_and_jsonl_have_the_same_fingerprint() -> None:
    header = "code,account_type,currency,floor_minor,name"
    (left,) = items_of(csv_of("a,customer,USD,none,A", header=header), kind="accounts")
    row = {
        "code": "a",
        "account_type": "customer",
        "currency": "USD",
        "floor_minor": None,
        "name": "A",
        "customer": None,
    }
    (right,) = items_of(json.dumps(row).encode(), kind="accounts", form="jsonl")

    assert isinstance(left.content, AccountWords)
    assert isinstance(right.content, AccountWords)
    assert left.content.fingerprint == right.content.fingerprint
