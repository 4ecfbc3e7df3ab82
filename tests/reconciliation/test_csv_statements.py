"""CSV files as banks export them: mappings, amounts and days exactly, encodings, guesses that name their doubts."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zentra.core.money import MAX_AMOUNT_MINOR
from zentra.reconciliation.statements.errors import (
    MappingInvalid,
    StatementFileEncoding,
    StatementFileRefused,
    StatementFileTruncated,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats import rows
from zentra.reconciliation.statements.formats.amounts import NotADay, NotAnAmount
from zentra.reconciliation.statements.formats.cells import read_day, read_money
from zentra.reconciliation.statements.formats.csv_statement import read_csv
from zentra.reconciliation.statements.formats.guessing import guess_mapping, preview
from zentra.reconciliation.statements.formats.mapping import COLUMNS, DATE_FORMS, CsvMapping
from zentra.reconciliation.statements.formats.parsed import Ends, LineRefused, ParsedLine, Part

PLAIN = {"booked_on": "Date", "amount": "Amount"}


def mapping(**more: Any) -> CsvMapping:
    return CsvMapping.read({"columns": PLAIN, **more})


def parts(content: bytes, *, currency: str = "EUR", **more: Any) -> list[Part]:
    return list(read_csv(io.BytesIO(content), mapping=mapping(**more), currency=currency))


def amounts(content: bytes, **more: Any) -> list[int]:
    return [part.amount_minor for part in parts(content, **more) if isinstance(part, ParsedLine)]


def wrong(content: bytes, **more: Any) -> list[str]:
    found: list[str] = []
    for part in parts(content, **more):
        if isinstance(part, LineRefused | Ends):
            found.extend(problem.code for problem in part.problems)
    return found


# Amounts


@st.composite
def written_amounts(draw: st.DrawFn) -> tuple[str, str, str, int, int]:
    """(text, decimal mark, thousands mark, digits, minor units): any amount in any way that people write it."""
    minor, digits = draw(st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)), draw(st.sampled_from([0, 2, 3]))
    decimal = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from([mark for mark in ("", ".", ",", " ", "'") if mark != decimal]))
    whole, part = divmod(abs(minor), 10**digits)
    text = f"{whole:,}".replace(",", thousands) if thousands else str(whole)
    if digits:
        text += f"{decimal}{part:0{digits}d}"
    text = draw(
        st.sampled_from(["-{}", "{}-", "({})", "\u2212{}", " - {}"] if minor < 0 else ["{}", "+{}", " {} "])
    ).format(text)
    return text, decimal, thousands, digits, minor


@given(written_amounts())
def test_an_amount_is_read_as_it_was_written(case: tuple[str, str, str, int, int]) -> None:
    text, decimal, thousands, digits, minor = case
    assert read_money(text, decimal_mark=decimal, thousands_mark=thousands, digits=digits) == minor


@given(st.text(alphabet="0123456789.,' -+()eE\u0661\u00a0xN", max_size=12))
def test_any_text_is_an_amount_or_refused_and_never_something_else(text: str) -> None:
    try:
        minor = read_money(text, decimal_mark=".", thousands_mark=",", digits=2)
    except NotAnAmount:
        return
    figures = "".join(char for char in text if char.isdigit())
    whole, _, part = text.partition(".")
    kept = "".join(char for char in whole if char.isdigit()) + "".join(char for char in part if char.isdigit())[
        :2
    ].ljust(2, "0")
    assert abs(minor) == int(kept)
    assert figures != ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1.2.3",
        "1,23.45",
        "12,34",
        "1,2345.00",
        ",123.00",
        "1.005",
        "1e5",
        "NaN",
        "Infinity",
        "\u0661",
        "0x1",
        "--1",
        "(1",
        "1)",
        "90071992547409.92",
        "1 000.00",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        read_money(text, decimal_mark=".", thousands_mark=",", digits=2)


# Days


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from(DATE_FORMS))
def test_a_day_is_read_in_its_form(day: date, form: str) -> None:
    written = (
        form.replace("YYYY", f"{day:%Y}")
        .replace("YY", f"{day:%y}")
        .replace("MMM", f"{day:%b}")
        .replace("MM", f"{day:%m}")
        .replace("DD", f"{day:%d}")
    )
    assert read_day(written, form) == day


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-02-30", "YYYY-MM-DD"),
        ("13/13/2026", "DD/MM/YYYY"),
        ("2026-4-1x", "YYYY-MM-DD"),
        ("", "YYYY-MM-DD"),
        ("01.04.26", "DD.MM.YYYY"),
    ],
)
def test_what_is_no_day_is_refused(text: str, form: str) -> None:
    with pytest.raises(NotADay):
        read_day(text, form)


@pytest.mark.parametrize("text", ["2026-04-01 13:45", "2026-04-01T13:45:59Z", "2026-04-01 13:45:59.123 +02:00"])
def test_a_time_of_day_is_put_aside(text: str) -> None:
    assert read_day(text, "YYYY-MM-DD") == date(2026, 4, 1)


# Files


def test_sides_in_columns_of_their_own() -> None:
    content = b"Date;Soll;Haben\n01.04.2026;10,00;\n02.04.2026;;1.234,56\n03.04.2026;-5,00;\n"
    columns = {"booked_on": "Date", "debit": "Soll", "credit": "Haben"}
    more = {"columns": columns, "delimiter": ";", "decimal_mark": ",", "thousands_mark": ".", "date_form": "DD.MM.YYYY"}
    assert amounts(content, **more) == [-1_000, 123_456, -500]
    assert wrong(b"Date;Soll;Haben\n01.04.2026;10,00;5,00\n02.04.2026;;\n", **more) == ["both_sides", "amount_missing"]


def test_a_direction_beside_the_amount() -> None:
    content = b"Date,Amount,D/C\n2026-04-01,10.00,D\n2026-04-01,10.00,C\n"
    assert amounts(content, columns={**PLAIN, "direction": "D/C"}) == [-1_000, 1_000]


def test_signs_of_the_banks_side_are_turned_round() -> None:
    assert amounts(b"Date,Amount\n2026-04-01,10.00\n2026-04-01,-3.00\n", is_inverted=True) == [-1_000, 300]


def test_gross_and_fee_are_kept_and_must_agree() -> None:
    columns = {**PLAIN, "gross": "Gross", "fee": "Fee"}
    good = b"Date,Amount,Gross,Fee\n2026-04-01,98.50,100.00,1.50\n"
    (line,) = [part for part in parts(good, columns=columns) if isinstance(part, ParsedLine)]
    assert (line.gross_minor, line.fee_minor) == (10_000, 150)
    assert wrong(good.replace(b"1.50", b"1.49"), columns=columns) == ["gross_less_fee_differs"]


def test_another_currency_in_a_row_is_refused() -> None:
    columns = {**PLAIN, "currency": "Ccy"}
    assert wrong(b"Date,Amount,Ccy\n2026-04-01,1.00,USD\n2026-04-01,1.00,eur\n", columns=columns) == [
        "currency_differs"
    ]


def test_a_column_that_is_not_there_and_one_that_is_there_twice_are_refused() -> None:
    with pytest.raises(StatementFileRefused, match="no column 'Amount'"):
        parts(b"Date,Sum\n2026-04-01,1.00\n")
    with pytest.raises(StatementFileRefused, match="two columns 'Amount'"):
        parts(b"Date,Amount,Amount\n2026-04-01,1.00,2.00\n")


def test_a_file_without_a_heading_and_one_with_words_above_it() -> None:
    assert amounts(b"2026-04-01,x,1.00\n", columns={"booked_on": "1", "amount": "3"}, has_header=False) == [100]
    assert amounts(b"My Bank\nAccount,1234\nDate,Amount\n2026-04-01,1.00\n", skip_rows=2) == [100]


@given(
    st.lists(st.integers(-10_000, 10_000).filter(bool), min_size=1, max_size=20),
    st.booleans(),
    st.integers(0, 19),
    st.integers(-5, 5),
)
def test_running_balances_prove_each_row_in_either_direction(
    moves: list[int], newest_first: bool, at: int, by: int
) -> None:
    balance, told = 50_000, []
    for number, move in enumerate(moves):
        balance += move
        told.append((date(2026, 4, 1) + timedelta(days=number), move, balance))
    listed = told[::-1] if newest_first else told
    spoilt = [(day, move, kept + (by if place == at else 0)) for place, (day, move, kept) in enumerate(listed)]
    content = "Date,Amount,Balance\n" + "".join(
        f"{day},{move / 100:.2f},{kept / 100:.2f}\n" for day, move, kept in spoilt
    )
    ends = parts(content.encode(), columns={**PLAIN, "balance": "Balance"})[-1]
    assert isinstance(ends, Ends)
    if spoilt == listed:
        assert ends.problems == ()
        # One row, or rows that read alike from both ends, open with what is before them either way.
        assert ends.closing_minor is not None
        assert ends.opening_minor is not None
        assert ends.closing_minor - ends.opening_minor == sum(moves)
    elif len(moves) > 2:
        assert [problem.code for problem in ends.problems] == ["running_balance_differs"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252", "iso-8859-15"])
def test_encodings_are_read(encoding: str) -> None:
    content = "Date,Amount,Näme\n2026-04-01,1.00,Größe\n".encode(encoding)
    said = "utf-8" if encoding == "utf-8-sig" else encoding
    columns = {**PLAIN, "counterparty": "Näme"}
    (line,) = [part for part in parts(content, columns=columns, encoding=said) if isinstance(part, ParsedLine)]
    assert line.counterparty == "Größe"


def test_bytes_that_are_not_the_encoding_are_refused() -> None:
    with pytest.raises(StatementFileEncoding):
        parts("Date,Amount,N\n2026-04-01,1.00,Größe\n".encode("windows-1252"))


def test_rows_that_mean_harm_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROW_CHARACTERS", 1000)
    with pytest.raises(StatementFileUnsafe):
        parts(b"Date,Amount\n" + b"x" * 2000)
    with pytest.raises(StatementFileUnsafe):
        parts(b"Date,Amount\n" + b"," * 600 + b"\n")
    with pytest.raises(StatementFileRefused):
        parts(b"Date,Amount\n2026-04-01,1.00\x00\n")
    with pytest.raises(StatementFileTruncated):
        parts(b'Date,Amount\n2026-04-01,"1.00\n')


# Mappings


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "columns"),
        ({"columns": []}, "columns"),
        ({"columns": {"booked_on": "Date"}}, "amount"),
        ({"columns": {"amount": "Amount"}}, "booked_on"),
        ({"columns": {**PLAIN, "debit": "D", "credit": "C"}}, "amount"),
        ({"columns": {"booked_on": "Date", "debit": "D"}}, "amount"),
        ({"columns": {**PLAIN, "colour": "red"}}, "columns"),
        ({"columns": {**PLAIN, "balance": 5}}, "balance"),
        ({"columns": {**PLAIN, "balance": "x\x00"}}, "balance"),
        ({"columns": PLAIN, "delimiter": "::"}, "delimiter"),
        ({"columns": PLAIN, "encoding": "utf-7"}, "encoding"),
        ({"columns": PLAIN, "decimal_mark": ",", "thousands_mark": ","}, "thousands_mark"),
        ({"columns": PLAIN, "date_form": "%d"}, "date_form"),
        ({"columns": PLAIN, "skip_rows": True}, "skip_rows"),
        ({"columns": PLAIN, "skip_rows": 101}, "skip_rows"),
        ({"columns": PLAIN, "has_header": "no"}, "has_header"),
        ({"columns": PLAIN, "has_header": False}, "columns"),
        ({"columns": PLAIN, "debit_words": []}, "debit_words"),
        ({"columns": PLAIN, "colour": 1}, "colour"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_the_field(value: dict[str, Any], field: str) -> None:
    with pytest.raises(MappingInvalid) as refusal:
        CsvMapping.read(value)
    assert refusal.value.extra["field"] == field


def test_a_mapping_is_kept_as_it_was() -> None:
    kept = mapping(delimiter=";", debit_words=["af"], skip_rows=3).as_dict()
    assert CsvMapping.read(kept).as_dict() == kept
    assert set(kept["columns"]) <= set(COLUMNS)


# The wizard


GERMAN = (
    "Buchungstag;Wertstellung;Auftraggeber;Verwendungszweck;Betrag;Währung;Saldo\r\n"
    "30.04.2026;02.05.2026;Björn;Rechnung 7;1.234,56;EUR;2.234,56\r\n"
    "13.04.2026;13.04.2026;Bank;Gebühr;-3,90;EUR;1.000,00\r\n"
)


def test_a_german_export_is_guessed() -> None:
    guess = guess_mapping(GERMAN.encode("windows-1252"))
    assert guess.is_usable
    assert guess.doubts == ()
    assert (guess.mapping.delimiter, guess.mapping.encoding) == (";", "windows-1252")
    assert (guess.mapping.decimal_mark, guess.mapping.thousands_mark) == (",", ".")
    assert guess.mapping.date_form == "DD.MM.YYYY"
    assert dict(guess.mapping.columns) == {
        "booked_on": "Buchungstag",
        "value_on": "Wertstellung",
        "counterparty": "Auftraggeber",
        "description": "Verwendungszweck",
        "amount": "Betrag",
        "currency": "Währung",
        "balance": "Saldo",
    }
    assert CsvMapping.read(guess.mapping.as_dict()) == guess.mapping


def test_what_a_sample_leaves_open_is_named() -> None:
    guess = guess_mapping(b"Date,Amount\n03/04/2026,1.00\n05/06/2026,2.00\n")
    assert len(guess.doubts) == 1
    assert guess_mapping(b"Date,Amount\n13/04/2026,1.00\n").mapping.date_form == "DD/MM/YYYY"
    assert guess_mapping(b"Date,Amount\n04/13/2026,1.00\n").mapping.date_form == "MM/DD/YYYY"


def test_a_file_without_a_heading_is_guessed_by_what_stands_in_it() -> None:
    guess = guess_mapping(b"x,2026-04-01,10.00\ny,2026-04-02,-3.50\n")
    assert guess.is_usable
    assert not guess.mapping.has_header
    assert dict(guess.mapping.columns) == {"booked_on": "2", "amount": "3"}


def test_a_heading_below_other_words_is_found() -> None:
    guess = guess_mapping(b"Statement of account,\nFrom,2026-04-01\nDate,Amount\n2026-04-01,1.00\n")
    assert (guess.mapping.skip_rows, guess.is_usable) == (2, True)


@given(st.binary(max_size=400))
def test_any_bytes_are_guessed_or_refused(sample: bytes) -> None:
    try:
        guess = guess_mapping(sample)
    except StatementFileRefused:
        return
    assert guess.mapping.delimiter in ",;\t|"


def test_a_preview_says_what_is_wrong_cell_by_cell() -> None:
    content = b"Date,Amount\n2026-04-01,1.00\n2026-02-30,ten\n"
    shown = preview(content, mapping(), currency="EUR")
    assert shown.headers == ("Date", "Amount")
    assert shown.rows[0].line is not None
    assert shown.rows[0].line.amount_minor == 100
    assert [(one.field, one.column, one.code) for one in shown.rows[1].problems] == [
        ("booked_on", "Date", "day_malformed"),
        ("amount", "Amount", "amount_malformed"),
    ]
    assert (shown.wrong, shown.problem) == (1, "")


def test_a_preview_of_what_cannot_be_read_says_why() -> None:
    problem = "there is no column 'Date'; the heading reads 'A,B'. Is the delimiter ',' right?"
    assert preview(b"A,B\n1,2\n", mapping(), currency="EUR").problem == problem
    assert preview(b"", mapping(), currency="EUR").problem == "the file has no heading."
