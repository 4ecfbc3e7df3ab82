"""camt.053 in all its versions says the same: entries, batches, reversals, pages, balances, control totals."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.reconciliation.banking import IBAN, Ntry, Stmt, Tx, camt
from zentra.reconciliation.statements.checks import Tally, check_sums
from zentra.reconciliation.statements.errors import (
    StatementFileEmpty,
    StatementFileEncoding,
    StatementFileRefused,
    StatementFileTruncated,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats import camt053
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, LineRefused, ParsedLine, Part

VERSIONS = range(2, 14)
UETR = "eb6305c9-1f7f-49de-aed0-16487c27b42d"


def parts(content: bytes) -> list[Part]:
    return list(camt053.read_camt053(io.BytesIO(content)))


def lines(content: bytes) -> list[ParsedLine]:
    return [part for part in parts(content) if isinstance(part, ParsedLine)]


def with_amount(written: str) -> bytes:
    """A statement of one entry whose amount is written so."""
    raw = (
        f'<Ntry><Amt Ccy="USD">{written}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        "<ValDt><Dt>2026-04-30</Dt></ValDt></Ntry>"
    )
    return camt(Stmt(entries=[Ntry(1, raw=raw)], totals=""))


def summary(inner: str) -> Stmt:
    """A statement of one entry of a dollar, with these control totals."""
    return Stmt(entries=[Ntry(100)], totals=f"<TxsSummry>{inner}</TxsSummry>")


def bare(inner: str) -> Stmt:
    """A statement of one entry that says nothing else."""
    return Stmt(entries=[Ntry(1, raw=f"<Ntry>{inner}<Sts>BOOK</Sts></Ntry>")])


def only_line(*entries: Ntry, version: int = 8, **more: object) -> ParsedLine:
    (line,) = lines(camt(Stmt(entries=entries, **more), version=version))  # type: ignore[arg-type]
    return line


def end(content: bytes) -> Ends:
    return next(part for part in parts(content) if isinstance(part, Ends))


def refusals(content: bytes) -> Iterator[str]:
    """Every code: of lines, of what only the format knows, of the sums."""
    tally = Tally()
    for part in parts(content):
        if isinstance(part, ParsedLine):
            tally.add(part)
        elif isinstance(part, LineRefused | Begins):
            yield from (problem.code for problem in part.problems)
        else:
            yield from (problem.code for problem in (*part.problems, *check_sums(part, tally)))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_says_the_same(version: int) -> None:
    content = camt(
        Stmt(
            id="2026-04/30",
            sequence=77,
            opening=100_000,
            day="2026-04-30",
            entries=[
                Ntry(
                    12_500,
                    [Tx("E2E-0042", 12_500, name="Ada & Söhne", text="Invoice 7")],
                    bank_reference="B-1",
                    value_day="2026-05-02",
                ),
                Ntry(-300, [Tx("NOTPROVIDED", -300, name="Bank")], is_reversal=True),
            ],
        ),
        version=version,
    )
    begins, first, second, ends = parts(content)

    assert isinstance(begins, Begins)
    assert (begins.format, begins.external_id, begins.sequence) == (f"camt053.{version:02}", "2026-04/30", 77)
    assert (begins.accounts, begins.currency) == ((IBAN,), "USD")
    assert isinstance(first, ParsedLine)
    assert isinstance(second, ParsedLine)
    assert (first.amount_minor, first.currency, first.kind) == (12_500, "USD", "PMNT/RCDT/ESCT")
    assert (first.booked_on, first.value_on) == (date(2026, 4, 30), date(2026, 5, 2))
    assert first.reference == "E2E0042"
    assert first.references == {"bank_reference": "B-1", "end_to_end_id": "E2E-0042"}
    assert (first.counterparty, first.description, first.is_reversal) == ("Ada & Söhne", "Invoice 7", False)
    assert (second.amount_minor, second.reference, second.is_reversal) == (-300, "", True)
    assert isinstance(ends, Ends)
    assert (ends.opening_minor, ends.closing_minor) == (100_000, 112_200)
    assert (ends.told.entries, ends.told.sum_minor, ends.told.net_minor) == (2, 12_800, 12_200)
    assert list(refusals(content)) == []


def test_a_message_has_many_statements() -> None:
    content = camt(*(Stmt(id=f"S-{number}", sequence=number, entries=[Ntry(number)]) for number in range(1, 32)))
    begun = [part for part in parts(content) if isinstance(part, Begins)]
    assert [one.sequence for one in begun] == list(range(1, 32))
    assert [one.number for one in begun] == list(range(1, 32))
    assert len(lines(content)) == 31


def test_a_statement_without_entries_is_one() -> None:
    begins, ends = parts(camt(Stmt(opening=500)))
    assert isinstance(begins, Begins)
    assert isinstance(ends, Ends)
    assert (ends.opening_minor, ends.closing_minor) == (500, 500)


def test_an_overdrawn_account_has_negative_balances() -> None:
    ends = end(camt(Stmt(opening=-5_000, entries=[Ntry(1_000)])))
    assert (ends.opening_minor, ends.closing_minor) == (-5_000, -4_000)


@pytest.mark.parametrize(("currency", "minor", "written"), [("JPY", 1_500, "1500"), ("BHD", 1_234, "1.234")])
def test_amounts_have_the_decimals_of_their_currency(currency: str, minor: int, written: str) -> None:
    content = camt(Stmt(currency=currency, entries=[Ntry(minor)]))
    assert f">{written}<".encode() in content
    assert lines(content)[0].amount_minor == minor


@pytest.mark.parametrize(
    ("written", "minor"),
    [("12", 1_200), ("12.5", 1_250), ("12.50000", 1_250), ("0012.50", 1_250), ("90071992547409.91", 2**53 - 1)],
)
def test_an_amount_is_read_exactly(written: str, minor: int) -> None:
    content = with_amount(written)
    assert lines(content)[0].amount_minor == minor


@pytest.mark.parametrize(
    "written",
    ["12,50", "1.234.50", "12.505", "-12.50", "1e3", "NaN", "", "１２", "0x10", "90071992547409.92", "1" * 19],
)
def test_what_is_no_amount_is_refused(written: str) -> None:
    content = with_amount(written)
    assert "amount_malformed" in list(refusals(content))


# Batches


@pytest.mark.parametrize("version", [2, 3, 8, 13])
def test_a_batch_whose_transactions_are_told_is_a_line_each(version: int) -> None:
    transactions = [Tx(f"E2E-{number}", 100 * number, uetr=UETR if version >= 8 else "") for number in range(1, 4)]
    found = lines(camt(Stmt(entries=[Ntry(600, transactions, batch="BATCH-9")]), version=version))
    assert [(line.amount_minor, line.reference, line.batch) for line in found] == [
        (100, "E2E1", "BATCH9"),
        (200, "E2E2", "BATCH9"),
        (300, "E2E3", "BATCH9"),
    ]
    assert all(line.references["batch"] == "BATCH-9" for line in found)
    if version >= 8:
        assert found[0].references["uetr"] == UETR


def test_a_batch_may_hold_returns() -> None:
    found = lines(camt(Stmt(entries=[Ntry(250, [Tx("A", 300), Tx("B", -50)], batch="B-1")])))
    assert [line.amount_minor for line in found] == [300, -50]


def test_a_batch_without_amounts_is_one_line_that_keeps_its_references() -> None:
    line = only_line(Ntry(600, [Tx("E2E-1"), Tx("E2E-2")], batch="B-1"))
    assert (line.amount_minor, line.batch, line.reference) == (600, "B1", "B1")
    assert line.references == {"batch": "B-1", "details": 2, "end_to_end_ids": ["E2E-1", "E2E-2"]}


def test_a_batch_whose_transactions_are_not_its_sum_is_one_line() -> None:
    assert only_line(Ntry(600, [Tx("E2E-1", 100), Tx("E2E-2", 200)], batch="B-1")).amount_minor == 600


def test_charges_that_were_taken_off_are_told() -> None:
    more = (
        '<AmtDtls><TxAmt><Amt Ccy="USD">100.00</Amt></TxAmt></AmtDtls>'
        '<Chrgs><TtlChrgsAndTaxAmt Ccy="USD">1.50</TtlChrgsAndTaxAmt></Chrgs>'
    )
    line = only_line(Ntry(9_850, [Tx("E2E-1", 9_850, more=more)]))
    assert (line.amount_minor, line.gross_minor, line.fee_minor) == (9_850, 10_000, 150)


def test_charges_that_do_not_explain_the_amount_are_left_out() -> None:
    more = '<Chrgs><TtlChrgsAndTaxAmt Ccy="USD">1.50</TtlChrgsAndTaxAmt></Chrgs>'
    line = only_line(Ntry(9_850, [Tx("E2E-1", 9_850, more=more)]))
    assert (line.gross_minor, line.fee_minor) == (None, None)


@pytest.mark.parametrize(
    ("refs", "reference"),
    [
        ("<InstrId>I-1</InstrId><EndToEndId>E-1</EndToEndId>", "E1"),
        ("<InstrId>I-1</InstrId><EndToEndId>NOTPROVIDED</EndToEndId>", "I1"),
        ("<AcctSvcrRef>A-1</AcctSvcrRef><InstrId>I-1</InstrId>", "I1"),
        ("<PmtInfId>P-1</PmtInfId><InstrId>I-1</InstrId>", "P1"),
        ("<AcctSvcrRef>A-1</AcctSvcrRef>", "A1"),
        ("<MsgId>M-1</MsgId>", ""),
    ],
)
def test_the_best_reference_is_the_one_that_pairs(refs: str, reference: str) -> None:
    assert only_line(Ntry(100, [Tx(refs=refs)])).reference == reference


def test_the_structured_remittance_is_a_reference() -> None:
    more = "<RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>"
    line = only_line(Ntry(100, [Tx("NOTPROVIDED", more=more)]))
    assert line.reference == "RF18539007547034"


# What is not booked, and what moves nothing


@pytest.mark.parametrize("status", ["PDNG", "INFO"])
def test_what_is_not_booked_is_no_line(status: str) -> None:
    content = camt(Stmt(entries=[Ntry(100), Ntry(900, status=status)]))
    assert [line.amount_minor for line in lines(content)] == [100]
    assert list(refusals(content)) == []  # a bank may count it or not


def test_an_entry_of_nothing_is_no_line_and_counts() -> None:
    content = camt(Stmt(entries=[Ntry(100), Ntry(0)]))
    assert [line.amount_minor for line in lines(content)] == [100]
    assert list(refusals(content)) == []


# Planted faults


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (Stmt(entries=[Ntry(100)], closing=99), "balance_mismatch"),
        (summary("<TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries>"), "control_total_differs"),
        (summary("<TtlNtries><Sum>1.01</Sum></TtlNtries>"), "control_total_differs"),
        (
            summary("<TtlNtries><TtlNetNtry><Amt>1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></TtlNetNtry></TtlNtries>"),
            "control_total_differs",
        ),
        (summary("<TtlDbtNtries><NbOfNtries>1</NbOfNtries></TtlDbtNtries>"), "control_total_differs"),
        (summary("<TtlCdtNtries><Sum>0.99</Sum></TtlCdtNtries>"), "control_total_differs"),
        (summary("<TtlNtries><NbOfNtries>one</NbOfNtries></TtlNtries>"), "control_total_malformed"),
        (Stmt(entries=[Ntry(100, currency="EUR")]), "currency_differs"),
        (Stmt(entries=[Ntry(100)], currency="XXX"), "unknown_currency"),
        (Stmt(entries=[Ntry(100, status="MAYB")]), "entry_status_missing"),
        (Stmt(entries=[Ntry(100, day="2026-02-30")]), "day_malformed"),
        (Stmt(id="", entries=[Ntry(100)]), "statement_id_missing"),
        (Stmt(iban="", entries=[Ntry(100)]), "account_missing"),
        (bare("<CdtDbtInd>CRDT</CdtDbtInd>"), "amount_missing"),
        (bare('<Amt Ccy="USD">1.00</Amt>'), "direction_missing"),
        (bare('<Amt Ccy="USD">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'), "entry_day_missing"),
        (bare("<Amt>1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>"), "currency_differs"),
    ],
)
def test_a_planted_fault_is_found(statement: Stmt, code: str) -> None:
    assert code in list(refusals(camt(statement)))


def test_a_line_that_was_cut_out_is_missed() -> None:
    whole = camt(Stmt(entries=[Ntry(100), Ntry(250)]))
    start = whole.rindex(b"<Ntry>")
    cut = whole[:start] + whole[whole.index(b"</Stmt>") :]
    assert sorted(set(refusals(cut))) == ["balance_mismatch", "control_total_differs"]


def test_what_is_wrong_says_where() -> None:
    content = camt(Stmt(), Stmt(id="S-2", entries=[Ntry(1), Ntry(2, currency="EUR")], totals="", balances=""))
    (refused,) = [part for part in parts(content) if isinstance(part, LineRefused)]
    assert refused.problems[0].place == "Stmt 2/Ntry 2"


# Pages


def test_pages_of_a_statement_are_told_apart_and_a_single_one_is_none() -> None:
    whole = Stmt(page=1, is_last_page=True)
    first, last = Stmt(page=1, is_last_page=False), Stmt(page=2, is_last_page=True)
    begun = [part for part in parts(camt(whole, first, last)) if isinstance(part, Begins)]
    assert [(one.external_id, one.page) for one in begun] == [("S-1", None), ("S-1 page 1", 1), ("S-1 page 2", 2)]


def test_a_page_opens_and_closes_with_interim_balances() -> None:
    def balance(code: str, amount: str) -> str:
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="USD">{amount}</Amt>'
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-04-30</Dt></Dt></Bal>"
        )

    first = Stmt(page=1, is_last_page=False, balances=balance("OPBD", "10.00") + balance("ITBD", "11.00"))
    middle = Stmt(page=2, is_last_page=False, balances=balance("ITBD", "11.00") + balance("ITBD", "12.00"))
    last = Stmt(page=3, balances=balance("ITBD", "12.00") + balance("CLBD", "13.00"))
    ends = [part for part in parts(camt(first, middle, last)) if isinstance(part, Ends)]
    assert [(one.opening_minor, one.closing_minor) for one in ends] == [(1000, 1100), (1100, 1200), (1200, 1300)]


# Files that are none, or mean harm


def document(
    inner: str, *, before: str = "", namespace: str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
) -> bytes:
    return f'<?xml version="1.0"?>{before}<Document xmlns="{namespace}">{inner}</Document>'.encode()


LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + number)} "{f"&{chr(97 + number)};" * 10}">' for number in range(12))
    + "]>"
)


@pytest.mark.parametrize(
    "before",
    [
        LAUGHS,
        '<!DOCTYPE d SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "http://127.0.0.1:1/x">]>',
        '<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]>',
        "<!DOCTYPE Document>",
        "<!-- long -->" * 100 + "<!DOCTYPE Document>",
    ],
)
def test_a_document_type_is_refused_before_anything_is_declared(before: str) -> None:
    with pytest.raises(StatementFileUnsafe):
        parts(document("&m;", before=before))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_document_type_hidden_in_another_encoding_is_refused(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="utf-16"?>{LAUGHS}<Document/>'
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    with pytest.raises((StatementFileUnsafe, StatementFileRefused)):
        parts(mark + text.encode(encoding))


def test_an_entity_that_nobody_declared_is_refused() -> None:
    with pytest.raises(StatementFileRefused):
        parts(document("<BkToCstmrStmt><Stmt><Id>&boom;</Id></Stmt></BkToCstmrStmt>"))


def test_elements_without_end_are_refused() -> None:
    with pytest.raises(StatementFileRefused):
        parts(document("<a>" * 5_000))


def test_an_endless_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt053.reader, "MAX_ENTRY_BYTES", 1024 * 1024)
    with pytest.raises(StatementFileRefused):
        parts(document(f"<BkToCstmrStmt><Stmt><Id>{'x' * 2 * 1024 * 1024}</Id></Stmt></BkToCstmrStmt>"))


def test_an_entry_of_too_many_transactions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt053.reader, "MAX_DETAILS", 10)
    with pytest.raises(StatementFileUnsafe):
        parts(camt(Stmt(entries=[Ntry(11, [Tx(f"E-{n}", 1) for n in range(11)])])))


@pytest.mark.parametrize("kept", [10, 200, 900, 1_200])
def test_a_file_that_ends_too_soon_is_refused(kept: int) -> None:
    content = camt(Stmt(entries=[Ntry(100, [Tx("E-1", 100)])]))
    with pytest.raises((StatementFileTruncated, StatementFileRefused)):
        parts(content[:kept])
    with pytest.raises(StatementFileTruncated):
        parts(content[:-5])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252"])
def test_encodings_of_banks_are_read(encoding: str) -> None:
    text = camt(Stmt(entries=[Ntry(100, [Tx("E-1", 100, name="Björn Ødegård", text="Größe")])])).decode()
    content = text.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding)
    (line,) = lines(content)
    assert (line.counterparty, line.description) == ("Björn Ødegård", "Größe")


@pytest.mark.parametrize("encoding", ["utf-7", "ebcdic-cp-us", "shift_jis", "no-such"])
def test_encodings_that_no_bank_uses_are_refused(encoding: str) -> None:
    content = camt(Stmt()).replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode())
    with pytest.raises(StatementFileRefused):
        parts(content)


def test_bytes_that_are_not_the_encoding_are_refused() -> None:
    content = camt(Stmt(entries=[Ntry(100, [Tx("E-1", 100, name="Bjorn")])])).replace(b"Bjorn", b"Bj\xf6rn")
    with pytest.raises(StatementFileEncoding):
        parts(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n",
        b"not xml",
        b"PK\x03\x04",
        b"\x00" * 100,
        document("", namespace="urn:other"),
        document("", namespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.01"),
        document("", namespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.14"),
        document("", namespace="urn:iso:std:iso:20022:tech:xsd:camt.052.001.08"),
        document("<BkToCstmrStmt/>"),
        b"<Document/>",
    ],
)
def test_what_is_no_statement_is_refused(content: bytes) -> None:
    with pytest.raises(StatementFileRefused):
        parts(content)


def test_a_message_without_statements_is_empty() -> None:
    with pytest.raises(StatementFileEmpty):
        parts(camt())


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    one = camt(Stmt(totals="", balances="", entries=[Ntry(100, [Tx("E-1", 100, name="Ada", text="x" * 50)])]))
    start, stop = one.index(b"<Ntry>"), one.index(b"</Stmt>")
    peaks = []
    for count in (2_000, 20_000):
        path = tmp_path / f"{count}.xml"
        path.write_bytes(one[:start] + one[start:stop] * count + one[stop:])
        tracemalloc.start()
        with path.open("rb") as source:
            assert sum(isinstance(part, ParsedLine) for part in camt053.read_camt053(source)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 2


# Before exchange


@pytest.mark.parametrize("version", [2, 8])
def test_what_it_was_before_exchange_is_kept_with_the_rate_as_written(version: int) -> None:
    instructed = (
        '<AmtDtls><InstdAmt><Amt Ccy="EUR">100.00</Amt></InstdAmt>'
        '<TxAmt><Amt Ccy="USD">108.37</Amt><CcyXchg><SrcCcy>EUR</SrcCcy><TrgtCcy>USD</TrgtCcy>'
        "<XchgRate>1.0837</XchgRate></CcyXchg></TxAmt></AmtDtls>"
    )
    (out,) = lines(camt(Stmt(entries=[Ntry(-10_837, [Tx("E-1", more=instructed)])]), version=version))

    assert (out.amount_minor, out.original_amount_minor, out.original_currency) == (-10_837, -10_000, "EUR")
    assert out.exchange_rate == "1.0837"


def test_exchange_told_of_the_entry_counts_for_its_one_line_and_yen_have_no_cents() -> None:
    told = (
        '<AmtDtls><InstdAmt><Amt Ccy="JPY">15000</Amt><CcyXchg><SrcCcy>JPY</SrcCcy><XchgRate>0.0066</XchgRate>'
        "</CcyXchg></InstdAmt></AmtDtls>"
    )
    (line,) = lines(camt(Stmt(entries=[Ntry(9_900, more=told)])))

    assert (line.original_amount_minor, line.original_currency, line.exchange_rate) == (15_000, "JPY", "0.0066")


@pytest.mark.parametrize(
    "told",
    [
        '<AmtDtls><InstdAmt><Amt Ccy="USD">1.00</Amt></InstdAmt></AmtDtls>',
        '<AmtDtls><InstdAmt><Amt Ccy="EUR">1.005</Amt></InstdAmt></AmtDtls>',
        '<AmtDtls><InstdAmt><Amt Ccy="XXQ">1.00</Amt></InstdAmt></AmtDtls>',
        '<AmtDtls><InstdAmt><Amt Ccy="EUR">0.00</Amt></InstdAmt></AmtDtls>',
        "<AmtDtls><TxAmt><CcyXchg><XchgRate>2</XchgRate></CcyXchg></TxAmt></AmtDtls>",
    ],
)
def test_what_is_no_exchange_is_left_out_and_refuses_nothing(told: str) -> None:
    (line,) = lines(camt(Stmt(entries=[Ntry(100, more=told)])))

    assert (line.original_amount_minor, line.original_currency, line.exchange_rate) == (None, "", "")
