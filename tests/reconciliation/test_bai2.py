"""BAI2: type codes, funds types, continuations, currencies, and every control total of account, group and file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reconciliation.bai2_files import ACCOUNT, Account, Detail, Group, bai2
from tests.reconciliation.banking import Bank
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.statements import tasks
from zentra.reconciliation.statements.checks import Tally, check_sums
from zentra.reconciliation.statements.errors import (
    StatementFileControl,
    StatementFileEmpty,
    StatementFileRefused,
    StatementFileTruncated,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats.bai2 import read_bai2
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, LineRefused, ParsedLine, Part, Problem


def parts(content: bytes) -> list[Part]:
    return list(read_bai2(io.BytesIO(content)))


def one(*details: Detail, **more: Any) -> bytes:
    """A file of one account."""
    return bai2(Group([Account(details, **more)]))


def only(detail: Detail, **more: Any) -> ParsedLine:
    (line,) = [part for part in parts(one(detail, **more)) if isinstance(part, ParsedLine)]
    return line


def problems(content: bytes) -> Iterator[Problem]:
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


def test_an_account_says_what_it_is() -> None:
    details = [
        Detail(
            "195", 12_500, bank_reference="B-1", customer_reference="INV-42", text="WIRE, A/CO", more=["INVOICE 7"]
        ),
        Detail("475", 300, text="CHECK 7/"),
    ]  # fmt: skip
    begins, first, second, ends = parts(one(*details, opening=100_000))
    assert isinstance(begins, Begins)
    assert (begins.format, begins.external_id, begins.currency) == ("bai2", "121000248 2026-04-30", "USD")
    assert begins.accounts == (ACCOUNT, f"121000248/{ACCOUNT}")
    assert isinstance(first, ParsedLine)
    assert isinstance(second, ParsedLine)
    assert (first.amount_minor, first.kind, first.reference) == (12_500, "BAI/195", "INV42")
    assert first.references == {"bank_reference": "B-1", "customer_reference": "INV-42", "funds_type": "0"}
    assert (first.booked_on, first.value_on, first.description) == (
        date(2026, 4, 30), date(2026, 4, 30), "WIRE, A/CO INVOICE 7"
    )  # fmt: skip
    assert (second.amount_minor, second.description) == (-300, "CHECK 7")
    assert isinstance(ends, Ends)
    assert (ends.opening_minor, ends.closing_minor) == (100_000, 112_200)
    assert codes(one(*details, opening=100_000)) == []


@pytest.mark.parametrize(
    ("code", "is_credit"), [("101", True), ("399", True), ("401", False), ("699", False), ("920", True), ("959", True),
                            ("960", False), ("999", False), ("721", True), ("760", False)]
)  # fmt: skip
def test_the_range_of_a_type_code_says_which_way_the_money_goes(code: str, is_credit: bool) -> None:
    content = one(Detail(raw=f"16,{code},100,0,,,/"), totals=False, control=300, closing=100, opening=100)
    (line,) = [part for part in parts(content) if isinstance(part, ParsedLine)]
    assert line.amount_minor == (100 if is_credit else -100)


@pytest.mark.parametrize(
    ("funds", "value_on", "references"),
    [
        ("0,", date(2026, 4, 30), {"funds_type": "0"}),
        ("Z,", date(2026, 4, 30), {"funds_type": "Z"}),
        (",", date(2026, 4, 30), {}),
        ("V,260502,1200,", date(2026, 5, 2), {"funds_type": "V"}),
        ("V,,,", date(2026, 4, 30), {"funds_type": "V"}),
        ("S,50,,50,", date(2026, 4, 30), {"funds_type": "S", "availability": ["50", "", "50"]}),
        ("D,2,0,60,1,40,", date(2026, 4, 30), {"funds_type": "D", "availability": ["0", "60", "1", "40"]}),
    ],
)
def test_funds_types_have_fields_of_their_own(funds: str, value_on: date, references: dict[str, Any]) -> None:
    line = only(Detail(raw=f"16,195,100,{funds}BREF,CREF,TEXT"))
    assert (line.value_on, line.description) == (value_on, "TEXT")
    assert line.references == {**references, "bank_reference": "BREF", "customer_reference": "CREF"}


def test_fields_go_on_in_continuations() -> None:
    """Wherever a line ends, with an empty field or without. The package ``bai2`` joins the two lines to ``045700``."""
    for head in (
        ["03,A,USD,010,500,,,045/", "88,700,,,015,600,,/"],
        ["03,A,USD,010,500,,,045,700,,/", "88,015,600,,/"],
        ["03,A,USD,010,500/", "88,,,045,700,,,015,600,,/"],
        ["03,A,USD,010,500,,,/", "88,045,700,,,/", "88,015,600,,/"],
        ["03,A,USD,,,,,010,500,,,045,700,2,V,260430,,015,600,,S,1,2,3/"],
        ["03,A,USD,010,500,,D,2,0,300,1,200,045,700,,,015,600,,/"],
    ):
        ends = parts(one(Detail(), head=head, head_total=1_800))[-1]
        assert isinstance(ends, Ends)
        assert (ends.opening_minor, ends.closing_minor, ends.problems) == (500, 600, ())
    empty = only(Detail(raw="16,195,100,V,260502,/", more=["BREF,CREF,TEXT"]))  # the time, which is not told
    assert (empty.references["bank_reference"], empty.references["customer_reference"]) == ("BREF", "CREF")
    line = only(Detail(raw="16,195,100,V,260502/", more=[",BREF/", "CREF,TEXT ONE", "TWO/THREE/"]))
    assert (line.value_on, line.references["customer_reference"], line.description) == (
        date(2026, 5, 2), "CREF", "TEXT ONE TWO/THREE"
    )  # fmt: skip


def test_words_in_lines_of_their_own_are_read() -> None:
    more = ["EREF: RE-42", "DBNM: Ada Co", "CRNM: Zentra", "REMI: Invoice 7", "CREF: "]
    line = only(Detail(text="Incoming Wire,-", more=more))
    assert (line.reference, line.counterparty, line.description) == ("RE42", "Ada Co", "Invoice 7 Incoming Wire,-")
    twice = only(Detail(text="x", more=["EREF: A", "EREF: B"]))
    assert (twice.reference, twice.references["end_to_end_id_ambiguous"]) == ("", ["A", "B"])


@pytest.mark.parametrize(("account", "group", "currency"), [("", "", "USD"), ("", "CAD", "CAD"), ("EUR", "CAD", "EUR")])
def test_a_currency_is_the_accounts_the_groups_or_dollars(account: str, group: str, currency: str) -> None:
    begins = parts(bai2(Group([Account([Detail()], currency=account)], currency=group)))[0]
    assert isinstance(begins, Begins)
    assert begins.currency == currency


def test_decimals_are_those_of_the_currency() -> None:
    """An amount has no point: 1500 are 1500 yen, 15 dollars, 1.5 dinars; minor units all the same."""
    assert [only(Detail(minor=1_500), currency=currency).amount_minor for currency in ("JPY", "USD", "BHD")] == [
        1_500
    ] * 3


def test_files_groups_and_accounts_follow_each_other() -> None:
    groups = [Group([Account([Detail()], name=f"{day}{name}") for name in "AB"], day=f"2604{day}") for day in (28, 29)]
    content = bai2(*groups) + bai2(Group([Account([Detail()], name="C")]))
    begun = [part for part in parts(content) if isinstance(part, Begins)]
    assert [part.accounts[0] for part in begun] == ["28A", "28B", "29A", "29B", "C"]
    assert [part.number for part in begun] == [1, 2, 3, 4, 5]
    assert codes(content) == []
    twice = [part for part in parts(bai2(Group([Account(), Account([Detail()])]))) if isinstance(part, Begins)]
    assert [part.external_id for part in twice] == ["121000248 2026-04-30", "121000248 2026-04-30 part 2"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (one(Detail(), records=9), "line 6, 49"),
        (bai2(Group([Account([Detail()])], control=7)), "line 7, 98"),
        (bai2(Group([Account([Detail()])], members=2)), "line 7, 98"),
        (bai2(Group([Account([Detail()])], records=7)), "line 7, 98"),
        (bai2(Group([Account([Detail()])]), control=7), "line 8, 99"),
        (bai2(Group([Account([Detail()])]), members=2), "line 8, 99"),
        (bai2(Group([Account([Detail()])]), records=9), "line 8, 99"),
        (bai2(Group([Account([Detail()])]), records=9).replace(b",9/", b",x/"), "line 8, 99"),
    ],
)
def test_a_control_total_of_the_file_that_is_wrong_lets_nothing_in(content: bytes, place: str) -> None:
    with pytest.raises(StatementFileControl) as caught:
        parts(content)
    assert caught.value.extra["place"] == place


def test_a_line_that_is_missing_altered_or_doubled_is_found() -> None:
    """Whatever is done to a row of a right file, a total of some level says so."""
    rows = bai2(Group([Account([Detail(), Detail("475", 30)], opening=5)]), newline="\n").decode().split("\n")[:-1]
    for place, row in enumerate(rows):
        changed = [rows[:place] + rows[place + 1 :], [*rows[:place], row, *rows[place:]]]
        if row.startswith("16"):
            changed.append([*rows[:place], row.replace(",100,", ",101,").replace(",30,", ",31,"), *rows[place + 1 :]])
        for altered in changed:
            try:
                found = codes("\n".join(altered).encode())
            except StatementFileRefused:
                continue
            assert found, altered


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        (one(Detail(), control=7), "control_total_differs", "line 6, 49"),
        (one(Detail(), closing=99), "balance_mismatch", "line 3, 03"),
        (one(Detail(), head=["03,A,USD,100,200,1,/"], head_total=200), "control_total_differs", "line 3, 03"),
        (one(Detail(), head=["03,A,USD,100,100,2,/"], head_total=100), "control_total_differs", "line 3, 03"),
        (one(Detail(), head=["03,A,USD,400,100,1,/"], head_total=100), "control_total_differs", "line 3, 03"),
        (one(head=["03,A,USD,010,1,,,010,2,,/"]), "balance_twice", "line 3, 03"),
        (one(head=["03,A,USD,010,1.00,,/"]), "amount_malformed", "line 3, 03"),
        (one(head=["03,A,USD,010,1,x,/"]), "control_total_malformed", "line 3, 03"),
        (one(head=["03,A,USD,010,1,,Q/"]), "funds_type_malformed", "line 3, 03"),
        (one(head=["03,A,USD,,5,,,010,1/"]), "type_code_missing", "line 3, 03"),
        (one(head=["03,,USD/"]), "account_missing", "line 3, 03"),
        (one(head=["03,A,XXQ/"]), "unknown_currency", "line 3, 03"),
        (bai2(Group([Account()], status="2")), "group_status_refused", "line 2, 02"),
        (bai2(Group([Account()], status="4")), "group_status_refused", "line 2, 02"),
        (bai2(Group([Account()], modifier="1")), "statement_interim", "line 2, 02"),
        (bai2(Group([Account()], modifier="3")), "statement_interim", "line 2, 02"),
        (bai2(Group([Account()], day="260431")), "day_malformed", "line 2, 02"),
    ],
)  # fmt: skip
def test_each_fault_of_an_account_is_named(content: bytes, code: str, place: str) -> None:
    found = next(iter(problems(content)))
    assert (found.code, found.place) == (code, place)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("16,195,1_00,0,,,/", "amount_malformed"),  # int() reads it
        ("16,195,１００,0,,,/", "amount_malformed"),
        ("16,195,-100,0,,,/", "amount_malformed"),
        ("16,195,1.00,0,,,/", "amount_malformed"),
        ("16,195,99999999999999999,0,,,/", "amount_malformed"),
        ("16,015,100,0,,,/", "type_code_unknown"),
        ("16,400,100,0,,,/", "type_code_unknown"),
        ("16,701,100,0,,,/", "type_code_unknown"),
        ("16,1A5,100,0,,,/", "type_code_unknown"),
        ("16,195,100,Q,,,/", "funds_type_malformed"),
        ("16,195,100,V,260431,,,,/", "day_malformed"),
        ("16,195,100,S,a,0,0,,,/", "amount_malformed"),
        ("16,195,100,D,999999999,0,1,,,/", "funds_type_malformed"),
        ("16,195,100,D,x,,,/", "control_total_malformed"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_place(row: str, code: str) -> None:
    (refused,) = [part for part in parts(one(Detail(raw=row))) if isinstance(part, LineRefused)]
    (problem,) = refused.problems
    assert (problem.code, problem.place, problem.extra["tag"]) == (code, "line 5, 16", "16")


WHOLE = one(Detail())


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", StatementFileEmpty),
        (WHOLE[: WHOLE.index(b"49,")], StatementFileTruncated),  # on which the package never returns
        (WHOLE[: WHOLE.index(b"99,")], StatementFileTruncated),
        (WHOLE + b"16,195,999,0,,,/\r\n", StatementFileRefused),  # which the package does not look at
        (WHOLE.replace(b"49,", b"98,", 1), StatementFileRefused),
        (WHOLE.replace(b"16,", b"17,"), StatementFileRefused),
        (b"88,x/\r\n" + WHOLE, StatementFileRefused),
        (bai2(Group([Account()]), version="3"), StatementFileRefused),
        (b"a,b\r\n", StatementFileRefused),
        (one(Detail(text="x" * 20_000)), StatementFileUnsafe),
        (one(Detail(text="x", more=["y"] * 6_000)), StatementFileUnsafe),
    ],
)
def test_what_is_no_whole_bai2_is_refused(content: bytes, error: type[StatementFileRefused]) -> None:
    with pytest.raises(StatementFileRefused) as caught:
        parts(content)
    assert type(caught.value) is error


def test_what_moves_nothing_is_no_line() -> None:
    assert not [part for part in parts(one(Detail(minor=0))) if isinstance(part, ParsedLine)]
    content = one(Detail(minor=0, raw="16,890,,,,,JUST SAYING"), totals=False)
    assert (codes(content), [part for part in parts(content) if isinstance(part, ParsedLine)]) == ([], [])


_WORD = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=12).map(lambda text: f"X{text}")
_DETAILS = st.builds(
    Detail,
    code=st.sampled_from(["142", "165", "195", "399", "451", "475", "699"]),
    minor=st.integers(1, 10**12),
    funds=st.sampled_from(["", "0", "1", "2", "Z"]),
    bank_reference=_WORD,
    customer_reference=_WORD,
    text=st.sampled_from(["", "WIRE", "A, B", "A/B"]),
)


@given(
    details=st.lists(_DETAILS, max_size=8),
    opening=st.integers(-(10**12), 10**12),
    day=st.dates(date(1990, 1, 1), date(2070, 1, 1)),
)
def test_what_is_written_is_read_back(details: list[Detail], opening: int, day: date) -> None:
    content = bai2(Group([Account(details, opening=opening)], day=f"{day:%y%m%d}"))
    _begins, *between, ends = parts(content)
    assert isinstance(ends, Ends)
    assert (ends.opening_minor, ends.closing_minor) == (opening, opening + sum(each.signed for each in details))
    found = [part for part in between if isinstance(part, ParsedLine)]
    assert [(line.amount_minor, line.booked_on, line.references["bank_reference"],
             line.references["customer_reference"], line.description) for line in found] == [
        (each.signed, day, each.bank_reference, each.customer_reference, each.text) for each in details
    ]  # fmt: skip
    assert codes(content) == []


# Through the import itself


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    bank = Bank(workspace)
    bank.open()
    return bank


def test_statements_are_taken_in_one_after_the_other(bank: Bank) -> None:
    first = Group([Account([Detail(minor=500)], opening=1_000)], day="260429")
    second = Group([Account([Detail("475", 200)], opening=1_500)])
    dry = bank.take(bai2(first, second), form="bai2", is_dry_run=True)
    assert (dry.state, dry.statements, dry.lines_written, bank.statements()) == ("done", 2, 2, [])

    done = bank.take(bai2(first, second), form="bai2")

    assert (done.state, done.statements, done.lines_written, done.problems) == ("done", 2, 2, 0)
    newest, oldest = sorted(bank.statements(), key=lambda each: each.ends_on, reverse=True)
    assert (oldest.continuity, newest.continuity, newest.format) == ("first", "continuous", "bai2")
    again = bank.take(bai2(first, second) + b"\r\n", form="bai2")
    assert (again.lines_written, again.lines_repeated) == (0, 2)
    other = bank.take(bai2(replace(first, accounts=[Account([Detail(minor=501)], opening=1_000)])), form="bai2")
    assert bank.codes(other) == ["duplicate_statement"]


def test_nothing_counts_of_a_file_whose_total_is_wrong(bank: Bank) -> None:
    record = bank.take(bai2(Group([Account([Detail()])]), control=1), form="bai2")
    assert (record.state, record.problem_code, record.statements) == ("failed", "statement_file_control", 0)
    assert bank.sql("SELECT count(*) FROM recon_line") == [(0,)]


def test_it_goes_on_where_it_was(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CHUNK_LINES", 10)
    record = bank.start(one(*[Detail(minor=number + 1) for number in range(25)]), form="bai2")
    assert [bank.advance(record, seconds=0).lines_written for _ in range(3)] == [10, 20, 25]
    assert bank.advance(record).state == "done"
    assert bank.sql("SELECT count(*), sum(amount_minor) FROM recon_line") == [(25, 325)]
