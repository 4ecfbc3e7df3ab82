"""MT940: marks, days, references, information by dialect, pages, envelopes, balances and sums; every fault is named."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reconciliation.banking import IBAN, Bank
from tests.reconciliation.mt940_files import Entry, Message, enveloped, mt940
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.statements import tasks
from zentra.reconciliation.statements.checks import Tally, check_sums
from zentra.reconciliation.statements.errors import (
    StatementFileEmpty,
    StatementFileEncoding,
    StatementFileRefused,
    StatementFileTruncated,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats.mt940 import read_mt940
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, LineRefused, ParsedLine, Part, Problem


def parts(content: bytes) -> list[Part]:
    return list(read_mt940(io.BytesIO(content)))


def lines(content: bytes) -> list[ParsedLine]:
    return [part for part in parts(content) if isinstance(part, ParsedLine)]


def only(entry: Entry, **more: Any) -> ParsedLine:
    (line,) = lines(mt940(Message([entry], **more)))
    return line


def problems(content: bytes) -> Iterator[Problem]:
    """Everything that is wrong: of lines, of what only the format knows, of the sums."""
    tally = Tally()
    for part in parts(content):
        if isinstance(part, ParsedLine):
            tally.add(part)
        elif isinstance(part, Ends):
            yield from (*part.problems, *check_sums(part, tally))
            tally = Tally()
        else:
            yield from part.problems


def codes(content: bytes) -> list[str]:
    return [problem.code for problem in problems(content)]


def raw(text: str) -> Entry:
    return Entry(100, raw=text)


def test_a_statement_says_what_it_is() -> None:
    begins, first, second, ends = parts(
        mt940(
            Message(
                [
                    Entry(12_500, reference="INV-42", bank_reference="B-1", value_day=date(2026, 5, 2)),
                    Entry(-300, is_reversal=True, kind="NCHG"),
                ],
                opening=100_000,
                number="77/1",
            )
        )
    )
    assert isinstance(begins, Begins)
    assert (begins.format, begins.external_id, begins.sequence, begins.currency) == (
        "mt940", "77 2026-04-29", 77, "USD"
    )  # fmt: skip
    assert begins.accounts == ("37040044/0532013000", IBAN)
    assert isinstance(first, ParsedLine)
    assert isinstance(second, ParsedLine)
    assert (first.amount_minor, first.kind, first.reference) == (12_500, "NTRF", "INV42")
    assert first.references == {"customer_reference": "INV-42", "bank_reference": "B-1"}
    assert (first.booked_on, first.value_on) == (date(2026, 4, 30), date(2026, 5, 2))
    assert (second.amount_minor, second.is_reversal, second.reference, second.references) == (-300, True, "", {})
    assert isinstance(ends, Ends)
    assert (ends.opening_minor, ends.closing_minor, ends.ends_on) == (100_000, 112_200, date(2026, 4, 30))


@pytest.mark.parametrize(
    ("mark", "minor", "is_reversal"),
    [("C", 100, False), ("D", -100, False), ("RC", -100, True), ("RD", 100, True), ("CD", 100, False),
     ("DD", -100, False), ("RCD", -100, True), ("RDD", 100, True)],
)  # fmt: skip
def test_a_mark_says_which_way_the_money_goes(mark: str, minor: int, is_reversal: bool) -> None:
    """With and without the funds code, the third letter of USD."""
    line = only(raw(f":61:2604300430{mark}1,00NTRFNONREF"))
    assert (line.amount_minor, line.is_reversal) == (minor, is_reversal)


@pytest.mark.parametrize(
    ("valued", "booked", "value_on", "booked_on"),
    [("251231", "0102", date(2025, 12, 31), date(2026, 1, 2)), ("260102", "1231", date(2026, 1, 2), date(2025, 12, 31)),
     ("260430", "", date(2026, 4, 30), date(2026, 4, 30)), ("260430", "    ", date(2026, 4, 30), date(2026, 4, 30)),
     ("240228", "0229", date(2024, 2, 28), date(2024, 2, 29)), ("991231", "0103", date(1999, 12, 31), date(2000, 1, 3)),
     ("260230", "0302", date(2026, 2, 28), date(2026, 3, 2)), ("240230", "0301", date(2024, 2, 29), date(2024, 3, 1))],
)  # fmt: skip
def test_an_entry_day_belongs_to_the_year_nearest_its_value_day(
    valued: str, booked: str, value_on: date, booked_on: date
) -> None:
    """And the 30 February of months of thirty days is the last day of February; it is kept as sent."""
    line = only(raw(f":61:{valued}{booked}C1,00NTRFNONREF"))
    assert (line.value_on, line.booked_on) == (value_on, booked_on)
    assert line.references.get("value_day_sent", "") == (valued if valued.endswith("0230") else "")


@pytest.mark.parametrize(
    ("currency", "written", "minor"),
    [("JPY", "1500,", 1_500), ("BHD", "1,234", 1_234), ("USD", "1,5", 150), ("USD", "000000000025,00", 2_500)],
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, written: str, minor: int) -> None:
    assert only(raw(f":61:2604300430C{written}NTRFNONREF"), currency=currency).amount_minor == minor


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2604300430C1,005NTRFX", "amount_malformed"),  # more decimals than a dollar has
        ("2604300430C100NTRFX", "amount_malformed"),  # no comma
        ("2604300430C1.00NTRFX", "amount_malformed"),
        ("2604300430C1.234,00NTRFX", "amount_malformed"),
        ("2604300430C1,0,0NTRFX", "entry_malformed"),
        ("2604300430C12345678901234567,89NTRFX", "amount_malformed"),
        ("2604300430C-1,00NTRFX", "entry_malformed"),
        ("2604300430X1,00NTRFX", "entry_malformed"),
        ("2604300430EC1,00NTRFX", "entry_malformed"),  # expected, of MT942: not booked
        ("2604300430CR1,00NTRFX", "currency_differs"),  # R is of EUR
        ("2613010430C1,00NTRFX", "day_malformed"),
        ("2604301340C1,00NTRFX", "day_malformed"),
        ("260230C1,00NTRFX", "day_malformed"),  # no entry day to hold on to
        ("2604300430C1,00XTRFX", "entry_malformed"),
        ("２６04300430C1,00NTRFX", "entry_malformed"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_place(text: str, code: str) -> None:
    (refused,) = [part for part in parts(mt940(Message([raw(f":61:{text}")]))) if isinstance(part, LineRefused)]
    (problem,) = refused.problems
    assert (problem.code, problem.place) == (code, "line 5, :61:")
    assert (problem.extra["line"], problem.extra["tag"]) == (5, "61")


def test_german_information_is_read_in_its_sub_fields() -> None:
    line = only(
        Entry(
            100,
            reference="KREF+",
            info=[
                "166?00GUTSCHRIFT?109310?20EREF+RE-2026-0042?21KREF+K-7?22MREF+M-1?23",
                "SVWZ+Rechnung 42 vom 1?24. April?30COBADEFFXXX?31DE02120300000000",
                "202051?32Erika Muster?33mann GmbH?34000?60 Danke",
            ],
        )
    )
    assert (line.reference, line.kind) == ("RE20260042", "NTRF/166")
    assert line.references == {
        "end_to_end_id": "RE-2026-0042", "customer_reference": "K-7", "mandate_id": "M-1",
        "counterparty_bank": "COBADEFFXXX", "counterparty_account": "DE02120300000000202051",
    }  # fmt: skip
    assert line.counterparty == "Erika Mustermann GmbH"
    assert line.description == "Rechnung 42 vom 1. April Danke"


def test_a_reference_that_somebody_writes_into_a_text_is_none() -> None:
    """Inside a sub-field it is text; at the beginning of a second one the two differ, and neither is believed."""
    inside = only(Entry(100, info=["166?20EREF+REAL?21SVWZ+pay EREF+FAKE now"]))
    assert (inside.reference, inside.description) == ("REAL", "pay EREF+FAKE now")
    twice = only(Entry(100, info=["166?20EREF+REAL?21SVWZ+pay?22EREF+FAKE"]))
    assert twice.reference == ""
    assert twice.references == {"end_to_end_id_ambiguous": ["REAL", "FAKE"]}
    words = only(Entry(100, info=["/REMI/x/EREF/FAKE/EREF/REAL/"]))
    assert (words.reference, words.references) == ("", {"end_to_end_id_ambiguous": ["FAKE", "REAL"]})


@pytest.mark.parametrize(
    "info",
    [
        ["/EREF/RE-42/CNTP/NL92RABO0123456789/RABONL2U/A. Bakker///REMI/USTD//Factuur 7/"],
        ["/TRTP/SEPA OVERBOEKING/IBAN/NL92RABO0123456789/BIC/RABONL2U/NAME/A. Bak", "ker/REMI/Factuur 7/EREF/RE-42"],
        ["/EREF/RE-42//BENM//NAME/A. Bakker/IBAN/NL92RABO0123456789/REMI/Factuur 7/ISDT/2026-04-30"],
    ],
)
def test_code_words_are_read(info: list[str]) -> None:
    line = only(Entry(-100, reference="EREF", info=info))
    assert (line.reference, line.counterparty, line.description) == ("RE42", "A. Bakker", "Factuur 7")
    assert line.references["counterparty_account"] == "NL92RABO0123456789"


def test_other_information_is_a_description() -> None:
    full = "x" * 60 + "INVOI"
    assert only(Entry(100, info=[full, "CE 7", "paid"])).description == "x" * 60 + "INVOICE 7 paid"
    assert only(Entry(100, supplement="Card transaction")).description == "Card transaction"


def test_older_programs_say_it_in_ns() -> None:
    line = only(raw(":61:2604300430C1,00S051NONREF\r\n:NS:01Rechnung\r\n02Nummer 7\r\n15Erika\r\n17Gutschrift"))
    assert (line.kind, line.description, line.counterparty) == ("S051", "Rechnung Nummer 7", "Erika")


def test_amounts_before_exchange_and_charges_are_kept() -> None:
    other = only(Entry(-15_000, supplement="/OCMT/EUR138,25/EXCH/1,085/"))
    assert (other.original_amount_minor, other.original_currency, other.exchange_rate) == (-13_825, "EUR", "1.085")
    charged = only(Entry(9_700, supplement="/OCMT/USD100,00/CHGS/USD3,00/"))
    assert (charged.gross_minor, charged.fee_minor, charged.original_currency) == (10_000, 300, "")
    wrong = only(Entry(9_700, supplement="/OCMT/USD100,00/CHGS/USD4,00/"))
    assert (wrong.gross_minor, wrong.fee_minor) == (None, None)


def test_what_is_said_after_the_closing_balance_is_of_no_line() -> None:
    after = [":64:C260430USD1,00", ":65:C260501USD1,00", ":65:C260502USD1,00", ":86:of the statement"]
    content = mt940(Message([Entry(100, info=["of the line"])], after=after))
    assert [line.description for line in lines(content)] == ["of the line"]
    assert codes(content) == []


def test_a_line_of_nothing_is_counted_and_is_none() -> None:
    content = mt940(Message([raw(":61:2604300430D0,NMSCNONREF")], closing=0, after=[":90D:1USD0,", ":90C:0USD0,"]))
    assert (lines(content), codes(content)) == ([], [])


def test_pages_are_one_statement() -> None:
    first = Message([Entry(100)], number="9/1", last="62M")
    second = Message([Entry(200)], number="9/2", first="60M", opening=100, last="62M")
    third = Message([Entry(-50)], number="9/3", first="60M", opening=300)
    found = parts(mt940(first, second, third))
    assert [part.amount_minor for part in found if isinstance(part, ParsedLine)] == [100, 200, -50]
    (begins,) = [part for part in found if isinstance(part, Begins)]
    (ends,) = [part for part in found if isinstance(part, Ends)]
    assert (begins.sequence, ends.opening_minor, ends.closing_minor) == (9, 0, 250)
    assert codes(mt940(first, second, third)) == []
    assert codes(mt940(first, third)) == ["page_missing", "page_balance_differs", "balance_mismatch"]


def test_a_page_in_a_file_of_its_own_is_named_by_its_number() -> None:
    begins, _line, ends = parts(mt940(Message([Entry(200)], number="9/2", first="60M", opening=100)))
    assert isinstance(begins, Begins)
    assert isinstance(ends, Ends)
    assert (begins.external_id, begins.sequence, begins.page) == ("9 2026-04-29 page 2", 9, 2)
    assert ends.opening_minor == 100


def test_an_envelope_and_several_messages_are_read() -> None:
    messages = [Message([Entry(number, info=["text"])], number=f"{number}/1") for number in (1, 2, 3)]
    bare = mt940(*messages)
    telex, marked, endless = (
        b"BANKDEFF\r\n940\r\n" + bare,
        b"\xef\xbb\xbf" + bare,
        mt940(*messages, end="", newline="\n"),
    )
    for content in (enveloped(*messages), bare, telex, marked, endless):
        found = parts(content)
        assert [part.number for part in found if isinstance(part, Begins)] == [1, 2, 3]
        assert [part.description for part in found if isinstance(part, ParsedLine)] == ["text"] * 3


@pytest.mark.parametrize(
    ("message", "code", "place"),
    [
        (Message([Entry(100)], closing=99), "balance_mismatch", "line 1, :20:"),
        (Message([Entry(100)], after=[":64:C260430EUR1,00"]), "currency_differs", "line 7, :64:"),
        (Message([Entry(100)], after=[":90C:2USD1,00"]), "control_total_differs", "line 1, :20:"),
        (Message([Entry(100)], after=[":90C:1USD1,01"]), "control_total_differs", "line 1, :20:"),
        (Message([Entry(-100)], after=[":90D:1USD2,00"]), "control_total_differs", "line 1, :20:"),
        (Message([Entry(100)], after=[":90C:1EUR1,00"]), "currency_differs", "line 7, :90C:"),
        (Message([Entry(100)], after=[":90C:xUSD1,00"]), "control_total_malformed", "line 7, :90C:"),
        (Message([Entry(100)], after=[":62F:C260430USD1,00"]), "balance_twice", "line 7, :62F:"),
        (Message([Entry(100)], after=[":61:2604300430C1,00NTRFX"]), "field_out_of_order", "line 7, :61:"),
        (Message([Entry(100)], after=[":99:C1,00"]), "tag_unknown", "line 7, :99:"),
        (Message([Entry(100)], before_lines=[":60F:C260429USD1,00"]), "balance_twice", "line 5, :60F:"),
        (Message([Entry(100)], currency="XXQ"), "unknown_currency", "line 4, :60F:"),
        (Message([Entry(100)], account=""), "account_missing", "line 1, :25:"),
        (Message([Entry(100)], number="x"), "statement_number_malformed", "line 3, :28C:"),
        (Message([Entry(100)], first="86"), "balance_missing", "line 1, :60F:"),
    ],
)
def test_each_fault_is_named_with_its_line_and_tag(message: Message, code: str, place: str) -> None:
    found = [(problem.code, problem.place) for problem in problems(mt940(message))]
    assert found[0] == (code, place)


def test_balances_that_are_longer_or_followed_by_something_are_refused() -> None:
    """The package ``mt-940`` 5.1.1 cuts both off and goes on with another amount."""
    for text in (":62F:C260430USD1,00X", ":62F:C260430USD1,00,00", ":62F:C260430USD"):
        content = mt940(Message([Entry(100)], last="64", after=[text]))
        assert codes(content)[0] in ("balance_malformed", "amount_malformed")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", StatementFileEmpty),
        (b"\r\n-\r\n", StatementFileEmpty),
        (b"/etc/passwd", StatementFileRefused),
        (b"<Document/>", StatementFileRefused),
        (b":61:2604300430C1,00NTRFX\r\n", StatementFileRefused),
        (mt940(Message([Entry(100)])).rpartition(b":62F:")[0], StatementFileTruncated),
        (enveloped(Message([Entry(100)])).rpartition(b"-}")[0], StatementFileTruncated),
        (enveloped(Message([Entry(100)])).replace(b"O940", b"O942"), StatementFileRefused),
        (mt940(Message([Entry(100, info=["M\x00ller"])])), StatementFileRefused),
        (mt940(Message([Entry(100, info=["x" * 20_000])])), StatementFileUnsafe),
        (mt940(Message([Entry(100, info=["x"] * 500)])), StatementFileUnsafe),
        (mt940(Message([Entry(100, info=["Müller"])])).decode().encode("cp850"), StatementFileEncoding),
    ],
)
def test_what_is_no_whole_mt940_is_refused(content: bytes, error: type[StatementFileRefused]) -> None:
    with pytest.raises(StatementFileRefused) as caught:
        parts(content)
    assert type(caught.value) is error


def test_letters_are_utf8_or_iso_8859_1() -> None:
    content = mt940(Message([Entry(100, info=["Müller"])]))
    assert lines(content)[0].description == "Müller"
    assert lines(content.decode().encode("iso-8859-1"))[0].description == "Müller"


@pytest.mark.parametrize("text", ["/EREF" * 3_000, "?20" * 4_000, "166" + "?20x" * 3_000, "/OCMT/" * 2_500])
def test_hostile_information_takes_no_time(text: str) -> None:
    content = mt940(*[Message([Entry(100, info=[text])], number=f"{number}/1") for number in range(20)])
    begun = time.perf_counter()
    assert len(lines(content)) == 20
    assert time.perf_counter() - begun < 5


_TEXT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .", min_size=1, max_size=16).map(str.strip).filter(
    lambda text: any(map(str.isalnum, text))
)  # fmt: skip
_ENTRIES = st.builds(
    Entry,
    minor=st.integers(-(10**12), 10**12).filter(bool),
    day=st.dates(date(1990, 1, 1), date(2070, 12, 31)),
    is_reversal=st.booleans(),
    reference=_TEXT.map(lambda text: f"R{text}"),
    bank_reference=_TEXT.map(lambda text: f"B{text}"),
)


@given(
    entries=st.lists(st.tuples(_ENTRIES, st.integers(-40, 40)), max_size=8),
    opening=st.integers(-(10**12), 10**12),
    currency=st.sampled_from(["USD", "EUR", "JPY", "BHD"]),
    number=st.integers(1, 99_999),
)
def test_what_is_written_is_read_back(
    entries: list[tuple[Entry, int]], opening: int, currency: str, number: int
) -> None:
    sent = [replace(entry, value_day=entry.day + timedelta(days=apart)) for entry, apart in entries]
    message = Message(sent, opening=opening, currency=currency, number=f"{number}/1")
    begins, *between, ends = parts(mt940(message))
    assert isinstance(begins, Begins)
    assert isinstance(ends, Ends)
    assert (begins.currency, begins.sequence) == (currency, number)
    assert (ends.opening_minor, ends.closing_minor) == (opening, opening + message.net)
    found = [part for part in between if isinstance(part, ParsedLine)]
    assert [(one.amount_minor, one.booked_on, one.value_on, one.is_reversal, one.references) for one in found] == [
        (one.minor, one.day, one.value_day, one.is_reversal,
         {"customer_reference": one.reference, "bank_reference": one.bank_reference})
        for one in sent
    ]  # fmt: skip
    assert codes(mt940(message)) == []


# Through the import itself


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    bank = Bank(workspace)
    bank.open()
    return bank


def test_statements_are_taken_in_one_after_the_other(bank: Bank) -> None:
    first = Message([Entry(500, reference="E-1")], number="1/1", opening=1_000)
    second = Message([Entry(-200)], number="2/1", opening=1_500, opened_on=date(2026, 4, 30), day=date(2026, 5, 1))
    dry = bank.take(mt940(first, second), form="mt940", is_dry_run=True)
    assert (dry.state, dry.statements, dry.lines_written, bank.statements()) == ("done", 2, 2, [])

    done = bank.take(mt940(first, second), form="mt940")

    assert (done.state, done.statements, done.lines_written, done.problems) == ("done", 2, 2, 0)
    newest, oldest = sorted(bank.statements(), key=lambda one: one.ends_on, reverse=True)
    assert (oldest.continuity, newest.continuity, newest.format) == ("first", "continuous", "mt940")
    again = bank.take(mt940(first, second) + b"\r\n", form="mt940")
    assert (again.lines_written, again.lines_repeated, bank.codes(again, warnings=True)) == (
        0,
        2,
        ["statement_repeated"] * 2,
    )
    other = bank.take(mt940(replace(first, entries=[Entry(501)])), form="mt940")
    assert bank.codes(other) == ["duplicate_statement"]


def test_a_number_that_is_left_out_is_a_gap(bank: Bank) -> None:
    bank.take(mt940(Message([Entry(500)], number="1/1")), form="mt940")
    later = Message([Entry(5)], number="3/1", opening=500, opened_on=date(2026, 4, 30), day=date(2026, 5, 2))
    record = bank.take(mt940(later), form="mt940")
    assert bank.codes(record, warnings=True) == ["continuity_gap"]


def test_it_goes_on_where_it_was(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CHUNK_LINES", 10)
    record = bank.start(mt940(Message([Entry(number + 1) for number in range(25)])), form="mt940")
    assert [bank.advance(record, seconds=0).lines_written for _ in range(3)] == [10, 20, 25]
    assert bank.advance(record).state == "done"
    assert bank.sql("SELECT count(*), sum(amount_minor) FROM recon_line") == [(25, 325)]
