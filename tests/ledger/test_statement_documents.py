"""Statements as CSV and PDF: what they say is what the database says, whatever people called things."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from ledger.errors import StatementTooLong
from ledger.queries import Statement
from ledger.statements import fonts, render_statement_csv, render_statement_pdf
from ledger.statements.amounts import decimal_text
from ledger.statements.csv_document import harmless
from ledger.statements.fonts import REGULAR, width, wrap
from tests.ledger.book import Book
from tests.ledger.test_statements import read
from zentra.core.money import format_minor
from zentra.core.tenancy import tenant_work

MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def shop(book: Book) -> Book:
    """A shop's May: twelve sales, a refund, a fee, and names that break careless documents."""
    book.open("shop", account_type="suspense")
    book.move("bank", "shop", 1_000_000, effective_at=MAY - timedelta(days=2), description="before May")
    for day in range(12):
        book.move(
            "bank", "shop", 1_999 + day, effective_at=MAY + timedelta(days=day, hours=9), description=f"Sale {day}"
        )
    for hour, (amount, description, reference) in enumerate(
        (
            (2_500, '=HYPERLINK("http://evil.example";"refund")', "@SUM(A1)"),
            (700, 'A "quoted", comma\r\nand a second line', "-2+3"),
            (1_301, "Żółć · Αθήνα · Київ · 東京の店 · 서울 · مقهى · 🦀", "+49 30 1234"),
        )
    ):
        at = MAY + timedelta(days=20, hours=hour)
        book.move("shop", "bank", amount, effective_at=at, description=description, external_reference=reference)
    return book


def test_a_csv_adds_up_to_what_the_database_says(shop: Book) -> None:
    page = read(shop, "shop", MAY, JUNE)

    rows = table(as_csv(shop))

    assert [row["kind"] for row in rows] == ["opening", *["entry"] * page.entry_count, "closing"]
    assert sum(int(row["debit_minor"] or 0) for row in rows) == page.debits == plain(shop, "debit")
    assert sum(int(row["credit_minor"] or 0) for row in rows) == page.credits == plain(shop, "credit")
    assert int(rows[0]["balance_minor"]) == page.opening_minor
    assert int(rows[-1]["balance_minor"]) == int(rows[-2]["balance_minor"]) == page.closing_minor
    assert rows[1]["credit"] == "19.99"
    assert {row["currency"] for row in rows} == {"USD"}


def test_a_csv_keeps_every_character_and_ends_its_lines_as_the_rfc_says(shop: Book) -> None:
    content = as_csv(shop)

    rows = table(content)

    assert content.endswith(b"\r\n")
    assert rows[-3]["description"] == 'A "quoted", comma\r\nand a second line'
    assert rows[-2]["description"] == "Żółć · Αθήνα · Київ · 東京の店 · 서울 · مقهى · 🦀"


def test_no_cell_of_a_csv_is_run_by_a_spreadsheet(shop: Book) -> None:
    texts = [row[column] for row in table(as_csv(shop)) for column in ("description", "reference", "intent_id")]

    assert not [text for text in texts if text.lstrip().startswith(("=", "+", "-", "@"))]
    assert '\'=HYPERLINK("http://evil.example";"refund")' in texts


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", " =1", "\t=1", "\r=1", "＝1"])
def test_each_way_to_begin_a_formula_is_defused(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(-1_250, "USD", "-12.50"), (5, "USD", "0.05"), (1_999, "JPY", "1999"), (1_234_567, "KWD", "1234.567")],
)
def test_amounts_have_the_digits_of_their_currency(amount: int, currency: str, text: str) -> None:
    assert decimal_text(amount, currency) == text


def test_a_csv_comes_in_pieces_and_is_never_whole_in_memory(book: Book) -> None:
    many(book, "busy", 1_203)
    with tenant_work(book.workspace):
        account_id = read(book, "busy", MAY, JUNE, limit=1).account_id
        pieces = list(render_statement_csv(account_id=account_id, start=MAY, end=JUNE))

    assert len(pieces) == 3
    assert len(table(b"".join(pieces))) == 1_205


def test_a_pdf_says_whose_what_and_when_and_ties_out(shop: Book) -> None:
    page = read(shop, "shop", MAY, JUNE)

    text = words(as_pdf(shop, page))

    for fact in (
        "Mango Street Café",
        page.account_id,
        "01 May 2026 to 31 May 2026 (UTC)",
        "Page 1 of 1",
        "generated 02 Jun 2026 07:30:00 UTC",
        f"Tied out over {page.entry_count} entries",
        *(format_minor(amount, "USD") for amount in (page.opening_minor, page.closing_minor, page.debits)),
        *(line.posting_id for line in page.entries),
    ):
        assert fact in text, fact


def test_letters_that_no_font_has_are_drawn_as_something(shop: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_FALLBACK", {fonts.REGULAR: "NoSuchFont", fonts.BOLD: "NoSuchFont-Bold"})
    monkeypatch.setattr(fonts, "_choice", cache(fonts._choice.__wrapped__))
    page = read(shop, "shop", MAY, JUNE)

    text = words(as_pdf(shop, page))

    assert "???? · " in text  # Київ
    assert "Tied out over" in text


def test_a_long_pdf_carries_its_balance_from_page_to_page(book: Book) -> None:
    many(book, "long", 200)
    page = read(book, "long", MAY, JUNE)

    pages = [each.extract_text() for each in PdfReader(io.BytesIO(as_pdf(book, page))).pages]

    assert len(pages) > 3
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in text
        assert ("Brought forward" in text) == (number > 1)
        assert ("Carried forward" in text) == (number < len(pages))
    assert "Closing balance" in pages[-1]
    assert "Tied out over 200 entries" in pages[-1]


def test_a_pdf_is_the_same_bytes_for_the_same_statement(shop: Book) -> None:
    page = read(shop, "shop", MAY, JUNE)

    assert as_pdf(shop, page) == as_pdf(shop, page)


def test_a_pdf_tells_days_of_the_readers_time_zone(shop: Book) -> None:
    zone = ZoneInfo("Europe/Berlin")
    page = read(shop, "shop", datetime(2026, 5, 1, tzinfo=zone), datetime(2026, 6, 1, tzinfo=zone))

    text = " ".join(words(as_pdf(shop, page, zone=zone)).split())

    assert "01 May 2026 to 31 May 2026 (Europe/Berlin)" in text
    assert "11:00:00" in text  # a sale at nine, UTC


def test_amounts_of_any_size_find_room(book: Book) -> None:
    book.open("vault", account_type="suspense")
    book.move("bank", "vault", 2**53 - 3_000_000_000, effective_at=MAY, description="word " * 60)
    page = read(book, "vault", MAY, JUNE)

    assert format_minor(page.closing_minor, "USD") in words(as_pdf(book, page))


def test_what_is_too_long_for_paper_is_refused_with_its_length(shop: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.statements.pdf_document.MAX_PDF_LINES", 5)
    page = read(shop, "shop", MAY, JUNE)

    with pytest.raises(StatementTooLong) as refused:
        as_pdf(shop, page)

    assert refused.value.extra == {"entries": 15, "most": 5}


def test_long_words_break_and_no_line_leaves_its_column() -> None:
    lines = wrap("short " + "W" * 90 + " 東京" * 40, REGULAR, 7.5, 120)

    assert "".join(lines).replace(" ", "") == "short" + "W" * 90 + "東京" * 40
    assert max(width(line, REGULAR, 7.5) for line in lines) <= 120


def many(book: Book, code: str, count: int) -> None:
    """An account with so many entries, in few calls."""
    from ledger import operations
    from ledger.types import Line, NewPosting, PostingFacts
    from zentra.core import actors, clock, ids

    book.open(code, account_type="suspense")
    postings = [
        NewPosting(
            ids.new_id("posting"),
            "manual",
            (Line("bank", "debit", 100 + number), Line(code, "credit", 100 + number)),
            "USD",
            MAY + timedelta(minutes=number),
            description=f"Payment number {number}",
        )
        for number in range(count)
    ]
    with tenant_work(book.workspace):
        for first in range(0, count, 500):
            operations.post_postings(
                postings=postings[first : first + 500], facts=PostingFacts(actors.LEDGER, clock.now(), "req_test")
            )


def as_csv(book: Book) -> bytes:
    account_id = read(book, "shop", MAY, JUNE, limit=1).account_id
    with tenant_work(book.workspace):
        return b"".join(render_statement_csv(account_id=account_id, start=MAY, end=JUNE))


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def as_pdf(book: Book, page: Statement, *, zone: ZoneInfo | None = None) -> bytes:
    with tenant_work(book.workspace):
        return render_statement_pdf(
            account_id=page.account_id,
            start=page.start,
            end=page.end,
            workspace_name="Mango Street Café",
            now=datetime(2026, 6, 2, 7, 30, tzinfo=UTC),
            zone=zone or UTC,
        )


def words(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def plain(book: Book, direction: str) -> int:
    [(total,)] = book.sql(
        "SELECT sum(e.amount_minor) FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id"
        " WHERE a.code = 'shop' AND e.direction = %s AND e.effective_at >= %s AND e.effective_at < %s",
        [direction, MAY, JUNE],
    )
    return int(total)
