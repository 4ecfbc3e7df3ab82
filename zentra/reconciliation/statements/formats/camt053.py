"""camt.053, the bank to customer statement of ISO 20022, versions 02 to 13 (``camt.053.001.02`` … ``.13``).

Written from the published message definition reports (iso20022.org, Bank-to-Customer Cash Management). Read entry by
entry by libxml2's push parser, so that memory does not grow with the file; an entry is forgotten once it was given
away. Before that the prolog is read by expat alone: a document type is refused where it begins, so nothing is ever
declared, expanded or fetched.

What the versions do differently and is read alike: the status (``Sts`` as text to 07, ``Sts/Cd`` since), parties
(``Dbtr/Nm`` to 07, ``Dbtr/Pty/Nm`` since), the amount of a transaction (``AmtDtls/TxAmt`` in 02, ``Amt`` since), the
net total (``TtlNetNtryAmt`` to 03, ``TtlNetNtry/Amt`` since), pages (``StmtPgntn`` since 03), ``UETR`` since 08.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, BinaryIO, Final, NoReturn
from xml.parsers import expat

from lxml import etree

from zentra.core.money import UnknownCurrency, check_currency, exponent
from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.errors import (
    StatementFileEmpty,
    StatementFileEncoding,
    StatementFileRefused,
    StatementFileTruncated,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats.amounts import (
    NotADay,
    NotAnAmount,
    read_amount,
    read_decimal,
    read_iso_day,
)
from zentra.reconciliation.statements.formats.parsed import (
    Begins,
    Ends,
    LineRefused,
    ParsedLine,
    Part,
    Problem,
    Progress,
    Totals,
)

VERSIONS: Final = tuple(range(2, 14))
MAX_ENTRY_BYTES: Final = 16 * 1024 * 1024
MAX_DETAILS: Final = 100_000
"""Transactions of one entry: an entry is judged as a whole, so they are held together."""

_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(\d\d)")
_ENCODINGS: Final = frozenset(["utf-8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"])
_PIECE: Final = 64 * 1024
_PROLOG_BYTES: Final = 64 * 1024
_MAX_TEXT: Final = 1_000

_REFERENCES: Final = {
    "EndToEndId": "end_to_end_id", "UETR": "uetr", "AcctSvcrRef": "bank_reference", "InstrId": "instruction_id",
    "TxId": "transaction_id", "PmtInfId": "batch", "MndtId": "mandate_id", "ChqNb": "cheque_number",
    "ClrSysRef": "clearing_reference", "MsgId": "message_id",
}  # fmt: skip
_BEST_FIRST: Final = ("end_to_end_id", "batch", "creditor_reference", "instruction_id", "bank_reference")


def read_camt053(source: BinaryIO, *, progress: Progress | None = None) -> Iterator[Part]:
    """The statements of a file, part by part.

    Raises StatementFileRefused and what is one: StatementFileUnsafe, StatementFileEncoding, StatementFileTruncated,
    StatementFileEmpty.
    """
    version, namespace = _read_prolog(source)
    return _Reader(source, version, namespace, progress).parts()


def _read_prolog(source: BinaryIO) -> tuple[int, str]:
    """The version and namespace; refuses a document type and encodings that no bank uses."""
    source.seek(0)
    beginning = source.read(_PROLOG_BYTES)
    source.seek(0)
    if not beginning.strip():
        raise StatementFileEmpty("the file is empty.")
    found: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def xml_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise StatementFileEncoding(f"the encoding {encoding[:40]!r} is none of {', '.join(sorted(_ENCODINGS))}.")

    def doctype(*_: object) -> NoReturn:
        raise StatementFileUnsafe("a document type; a statement needs none.", place=f"line {parser.CurrentLineNumber}")

    def start(name: str, _attributes: dict[str, str]) -> None:
        if not found:
            found.append(name)

    parser.XmlDeclHandler = xml_declaration
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    try:
        parser.Parse(beginning, False)
    except expat.ExpatError as error:
        if not found:  # what comes after the root element is the other parser's to judge
            raise StatementFileRefused(
                f"no XML ({expat.ErrorString(error.code)}).", place=f"line {error.lineno}"
            ) from None
    except (LookupError, ValueError) as error:
        raise StatementFileEncoding(f"no XML ({error}).") from None
    if not found:
        raise StatementFileRefused("no element begins in the first 64 KiB.")
    namespace, _, name = found[0].rpartition(" ")
    matched = _NAMESPACE.fullmatch(namespace)
    if name != "Document" or matched is None or int(matched[1]) not in VERSIONS:
        raise StatementFileRefused(
            f"the root is {name[:40]!r} of {namespace[:80]!r}, not Document of camt.053.001.02 to 13.", place="line 1"
        )
    return int(matched[1]), namespace


class _Node(Exception):  # control flow inside this module alone: what is wrong in an entry
    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.code, self.detail, self.extra = code, detail, extra


class _Detail:
    """A transaction of an entry (``TxDtls``): what of it a line needs."""

    __slots__ = ("amount", "charges", "counterparty", "currency", "description", "references", "sign", "transacted")

    def __init__(self) -> None:
        self.references: dict[str, Any] = {}
        self.amount: str | None = None
        self.currency = ""
        self.sign = ""
        self.transacted: tuple[str, str] | None = None
        self.charges: tuple[str, str] | None = None
        self.counterparty: tuple[str, str] = ("", "")  # debtor, creditor
        self.description = ""


class _Sums:
    """What is counted while a statement is read."""

    __slots__ = ("credits", "credits_minor", "debits", "debits_minor")

    def __init__(self) -> None:
        self.credits = self.credits_minor = self.debits = self.debits_minor = 0

    def add(self, signed: int, is_credit: bool) -> None:
        if is_credit:
            self.credits += 1
            self.credits_minor += signed
        else:
            self.debits += 1
            self.debits_minor -= signed

    def totals(self) -> Totals:
        return Totals(
            self.credits + self.debits, self.credits_minor + self.debits_minor, self.credits_minor - self.debits_minor,
            self.credits, self.credits_minor, self.debits, self.debits_minor,
        )  # fmt: skip


class _Reader:
    """Reads one file. ``parts`` is to be asked for once."""

    def __init__(self, source: BinaryIO, version: int, namespace: str, progress: Progress | None) -> None:
        self._source = source
        self._progress = progress
        self._format = f"camt053.{version:02}"
        self._ns = "{" + namespace + "}"
        self._cut = len(self._ns)
        self._names = {kind: self._ns + kind for kind in ("Ntry", "TxDtls", "Stmt", "GrpHdr")}
        self._statements = 0
        self._entries = 0
        self._details: list[_Detail] = []
        self._begun: Begins | None = None
        self._digits = 2
        self._booked, self._all = _Sums(), _Sums()
        self._read = 0
        self._since_entry = 0

    def parts(self) -> Iterator[Part]:
        parser = etree.XMLPullParser(
            events=("end",), tag=list(self._names.values()), resolve_entities=False, no_network=True, load_dtd=False,
            dtd_validation=False, huge_tree=False, remove_blank_text=True, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        entry_name, detail_name = self._names["Ntry"], self._names["TxDtls"]
        statement_name = self._names["Stmt"]
        while True:
            piece = self._source.read(_PIECE)
            self._feed(parser, piece)
            for _event, element in parser.read_events():
                tag = element.tag
                if tag == detail_name:
                    self._since_entry = 0
                    self._keep_detail(element)
                    continue
                self._since_entry = 0
                if tag == entry_name:
                    yield from self._entry(element)
                elif tag == statement_name:
                    yield from self._end(element)
                element.clear()
            if not piece:
                break
        if not self._statements:
            raise StatementFileEmpty("the message has no statement.")

    def _feed(self, parser: Any, piece: bytes) -> None:
        self._read += len(piece)
        self._since_entry += len(piece)
        if self._since_entry > MAX_ENTRY_BYTES:
            raise StatementFileUnsafe(f"more than {MAX_ENTRY_BYTES} bytes without an entry.", place=self._place())
        if self._progress is not None:
            self._progress(self._read)
        try:
            if piece:
                parser.feed(piece)
            else:
                parser.close()
        except etree.XMLSyntaxError as error:
            place = f"line {error.lineno}"
            if not piece:
                raise StatementFileTruncated("the file ends inside an element.", place=place) from None
            message = (error.msg or "malformed").split(",")[0][:200]
            if "ncoding" in message or "UTF-8" in message or "Invalid bytes" in message:
                raise StatementFileEncoding(f"{message}.", place=place) from None
            raise StatementFileRefused(f"no XML ({message}).", place=place) from None

    def _place(self) -> str:
        number = self._statements + (1 if self._begun is None else 0)
        return f"Stmt {number}/Ntry {self._entries + 1}"

    # Statements

    def _begin(self, statement: Any) -> Begins:
        self._statements += 1
        self._entries = 0
        self._booked, self._all = _Sums(), _Sums()
        place = f"Stmt {self._statements}"
        problems: list[Problem] = []
        external_id = self._say(statement, "Id")
        if not external_id or len(external_id) > 140:
            problems.append(Problem(place, "statement_id_missing", "The statement has no Id."))
        accounts, currency = self._account(statement)
        if not accounts:
            problems.append(Problem(place, "account_missing", "The statement names no account."))
        try:
            self._digits = exponent(check_currency(currency))
        except UnknownCurrency as error:
            self._digits = 2
            problems.append(Problem(place, "unknown_currency", error.detail, {"currency": currency[:20]}))
        page, is_only_page = self._page(statement)
        begins = Begins(
            number=self._statements,
            place=place,
            format=self._format,
            external_id=external_id if is_only_page else f"{external_id} page {page}",
            accounts=accounts,
            currency=currency,
            sequence=self._sequence(statement),
            page=None if is_only_page else page,
            starts_on=self._day_or_none(self._find(statement, "FrToDt", "FrDtTm")),
            ends_on=self._last_day(statement),
            problems=tuple(problems),
        )
        self._begun = begins
        return begins

    def _account(self, statement: Any) -> tuple[tuple[str, ...], str]:
        """The account's IBAN or other numbers, and its currency: its own, else that of a balance."""
        account = self._child(statement, "Acct")
        names = [self._text(account, "Id", "IBAN"), self._text(account, "Id", "Othr", "Id")]
        currency = self._text(account, "Ccy")
        if not currency:
            amount = self._find(statement, "Bal", "Amt")
            currency = (amount.get("Ccy") or "").strip() if amount is not None else ""
        if not currency:
            amount = self._find(statement, "Ntry", "Amt")
            currency = (amount.get("Ccy") or "").strip() if amount is not None else ""
        return tuple("".join(name.split()).upper() for name in names if name), currency

    def _sequence(self, statement: Any) -> int | None:
        for name in ("ElctrncSeqNb", "LglSeqNb"):
            text = self._say(statement, name)
            if text.isascii() and text.isdecimal() and len(text) <= 18:
                return int(text)
        return None

    def _page(self, statement: Any) -> tuple[int, bool]:
        """Which page of a statement this is, and whether it is the only one."""
        text = self._text(statement, "StmtPgntn", "PgNb")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 1
        is_last = self._text(statement, "StmtPgntn", "LastPgInd") in ("", "true", "1")
        return number, number == 1 and is_last

    def _last_day(self, statement: Any) -> date | None:
        """The last day of the period; one that ends at midnight sharp ends with the day before."""
        element = self._find(statement, "FrToDt", "ToDtTm")
        day = self._day_or_none(element)
        starts = self._day_or_none(self._find(statement, "FrToDt", "FrDtTm"))
        if day is not None and starts is not None and day > starts and element.text.strip()[10:19] == "T00:00:00":
            return date.fromordinal(day.toordinal() - 1)
        return day

    def _end(self, statement: Any) -> Iterator[Part]:
        if self._begun is None or self._begun.number != self._statements:
            yield self._begin(statement)
        begins, self._begun = self._begun, None
        assert begins is not None
        problems: list[Problem] = []
        balances = self._balances(statement, begins, problems)
        told = self._told(statement, begins, problems)
        opening, closing = _first(balances, "OPBD", "PRCD"), _last(balances, "CLBD")
        if "ITBD" in balances:  # a page's own: it opens with the one and closes with the other
            interim = balances["ITBD"]
            opening = interim[0] if opening is None else opening
            closing = interim[-1] if closing is None and (len(interim) > 1 or "OPBD" in balances) else closing
        days = self._balance_days
        yield Ends(
            place=begins.place,
            opening_minor=opening,
            closing_minor=closing,
            told=told,
            counted=self._booked.totals(),
            counted_all=self._all.totals(),
            starts_on=begins.starts_on or days.get("OPBD"),
            ends_on=begins.ends_on or days.get("CLBD"),
            problems=tuple(problems),
        )
        parent = statement.getparent()
        while statement.getprevious() is not None and parent is not None:
            del parent[0]

    def _balances(self, statement: Any, begins: Begins, problems: list[Problem]) -> dict[str, list[int]]:
        """The balances by their code, in the order of the file."""
        found: dict[str, list[int]] = {}
        self._balance_days: dict[str, date] = {}
        for number, balance in enumerate(statement.iterchildren(self._ns + "Bal"), start=1):
            place = f"{begins.place}/Bal {number}"
            code = self._text(balance, "Tp", "CdOrPrtry", "Cd")
            amount = self._child(balance, "Amt")
            sign = self._say(balance, "CdtDbtInd")
            try:
                minor = self._signed(amount, sign, begins.currency)
            except _Node as error:
                problems.append(Problem(place, error.code, error.detail, {**error.extra, "balance": code[:20]}))
                continue
            found.setdefault(code, []).append(minor)
            day = self._day_or_none(self._child(balance, "Dt"))
            if day is not None:
                self._balance_days[code] = day
        for code in ("OPBD", "CLBD"):
            if len(set(found.get(code, ()))) > 1:
                problems.append(
                    Problem(
                        begins.place,
                        "balance_twice",
                        f"{code} is there twice and differs.",
                        {"balance": code, "minor": found[code][:5]},
                    )
                )
        return found

    def _told(self, statement: Any, begins: Begins, problems: list[Problem]) -> Totals:
        summary = self._child(statement, "TxsSummry")
        if summary is None:
            return Totals()
        try:
            every = self._child(summary, "TtlNtries")
            net = self._net(every)
            return Totals(
                self._count(every), self._sum(every), net,
                self._count(self._child(summary, "TtlCdtNtries")), self._sum(self._child(summary, "TtlCdtNtries")),
                self._count(self._child(summary, "TtlDbtNtries")), self._sum(self._child(summary, "TtlDbtNtries")),
            )  # fmt: skip
        except _Node as error:
            problems.append(Problem(f"{begins.place}/TxsSummry", error.code, error.detail, error.extra))
            return Totals()

    def _count(self, element: Any) -> int | None:
        text = self._say(element, "NbOfNtries")
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= 15):
            raise _Node("control_total_malformed", f"{text[:40]!r} is no number of entries.")
        return int(text)

    def _sum(self, element: Any) -> int | None:
        text = self._say(element, "Sum")
        try:
            return read_decimal(text, self._digits) if text else None
        except NotAnAmount as error:
            raise _Node("control_total_malformed", str(error)) from None

    def _net(self, every: Any) -> int | None:
        """``TtlNetNtryAmt`` with its sign beside it (02, 03), or both inside ``TtlNetNtry`` (since)."""
        inner = self._child(every, "TtlNetNtry")
        text = self._say(inner, "Amt") if inner is not None else self._say(every, "TtlNetNtryAmt")
        sign = self._say(inner if inner is not None else every, "CdtDbtInd")
        if not text:
            return None
        try:
            minor = read_decimal(text, self._digits)
        except NotAnAmount as error:
            raise _Node("control_total_malformed", str(error)) from None
        if sign not in ("CRDT", "DBIT"):
            raise _Node("control_total_malformed", "The net total has no CdtDbtInd.")
        return minor if sign == "CRDT" else -minor

    # Entries

    def _entry(self, element: Any) -> Iterator[Part]:
        parent = element.getparent()
        if self._begun is None:
            yield self._begin(parent)
        begins = self._begun
        assert begins is not None
        self._entries += 1
        details, self._details = self._details, []
        try:
            yield from self._lines(element, details, begins)
        except _Node as error:
            place = f"Stmt {self._statements}/Ntry {self._entries}"
            yield LineRefused((Problem(place, error.code, error.detail, error.extra),))
        before = element.getprevious()
        if before is not None and before.tag == element.tag:
            parent.remove(before)

    def _lines(self, element: Any, details: list[_Detail], begins: Begins) -> Iterator[ParsedLine]:
        cut = self._cut
        amount = sign = None
        status = booked = valued = reversal = additional = ""
        kind = ""
        own: dict[str, Any] = {}
        charges: tuple[str, str] | None = None
        batch_id = ""
        for child in element:
            name = child.tag[cut:]
            if name == "Amt":
                amount = child
            elif name == "CdtDbtInd":
                sign = (child.text or "").strip()
            elif name == "BookgDt":
                booked = self._day_text(child)
            elif name == "ValDt":
                valued = self._day_text(child)
            elif name == "Sts":
                status = (child.text or "").strip() or self._any_text(child)
            elif name == "BkTxCd":
                kind = self._code(child)
            elif name == "AcctSvcrRef":
                own["bank_reference"] = (child.text or "").strip()
            elif name == "NtryRef":
                own["entry_reference"] = (child.text or "").strip()
            elif name == "RvslInd":
                reversal = (child.text or "").strip()
            elif name == "AddtlNtryInf":
                additional = (child.text or "").strip()
            elif name == "Chrgs":
                charges = self._charges(child)
            elif name == "NtryDtls":
                batch_id = self._text(child, "Btch", "PmtInfId") or self._text(child, "Btch", "MsgId") or batch_id
        signed = self._signed(amount, sign, begins.currency)
        is_booked = status == "BOOK"
        self._all.add(signed, sign == "CRDT")
        if not is_booked:
            if status in ("PDNG", "INFO", "FUTR"):
                return  # not in the books, so in no balance
            raise _Node("entry_status_missing", f"The status {status[:20]!r} is none of BOOK, PDNG, INFO, FUTR.")
        self._booked.add(signed, sign == "CRDT")
        if reversal not in ("", "true", "false", "1", "0"):
            raise _Node("reversal_flag_malformed", f"RvslInd {reversal[:20]!r} is neither true nor false.")
        if not booked and not valued:
            raise _Node("entry_day_missing", "The entry has neither BookgDt nor ValDt.")
        try:
            booked_on = read_iso_day(booked or valued)
            value_on = read_iso_day(valued or booked)
        except NotADay as error:
            raise _Node("day_malformed", str(error)) from None
        if signed == 0:
            return  # says something, moves nothing
        is_reversal = reversal in ("true", "1")
        if len(details) > 1:
            parts = self._split(details, signed, sign or "", begins.currency)
            if parts is None:
                details = [self._together(details)]
            else:
                batch_id = batch_id or own.get("bank_reference") or own.get("entry_reference") or ""
                for detail, part in zip(details, parts, strict=True):
                    if part:
                        yield self._line(detail, part, None, own, batch_id, kind, booked_on, value_on, is_reversal,
                                         additional, begins.currency)  # fmt: skip
                return
        detail = details[0] if details else _Detail()
        yield self._line(detail, signed, detail.charges or charges, own, batch_id, kind, booked_on, value_on,
                         is_reversal, additional, begins.currency)  # fmt: skip

    def _line(
        self, detail: _Detail, signed: int, charges: tuple[str, str] | None, own: dict[str, Any], batch_id: str,
        kind: str, booked_on: date, value_on: date, is_reversal: bool, additional: str, currency: str,
    ) -> ParsedLine:  # fmt: skip
        references = {**own, **detail.references} if own else detail.references
        if batch_id and "batch" not in references:
            references["batch"] = batch_id
        reference = ""
        for name in _BEST_FIRST:
            sent = references.get(name)
            if sent:
                reference = normalise_reference(sent)
                if reference:
                    break
        batch = references.get("batch", "")
        gross, fee = self._gross(detail, signed, charges, currency) if charges is not None else (None, None)
        return ParsedLine(
            booked_on, value_on, signed, currency, kind, reference, references,
            normalise_reference(batch) if batch else "", gross, fee,
            detail.counterparty[0 if signed > 0 else 1][:_MAX_TEXT], (detail.description or additional)[:_MAX_TEXT],
            is_reversal,
        )  # fmt: skip

    def _gross(
        self, detail: _Detail, signed: int, charges: tuple[str, str], currency: str
    ) -> tuple[int | None, int | None]:
        """What it was before charges, where the transaction's own amount and the charges say exactly that."""
        if detail.transacted is None or detail.transacted[1] != currency or charges[1] != currency:
            return None, None
        try:
            gross, fee = read_amount(detail.transacted[0], self._digits), read_amount(charges[0], self._digits)
        except NotAnAmount:
            return None, None
        before = gross if signed > 0 else -gross
        return (before, fee) if fee and before - fee == signed else (None, None)

    def _split(self, details: list[_Detail], signed: int, sign: str, currency: str) -> list[int] | None:
        """The signed amounts of an entry's transactions, when each has one and together they are the entry's."""
        parts: list[int] = []
        for detail in details:
            amount, of = (
                (detail.amount, detail.currency) if detail.amount is not None else detail.transacted or (None, "")
            )
            if amount is None or of != currency:
                return None
            try:
                minor = read_amount(amount, self._digits)
            except NotAnAmount:
                return None
            parts.append(minor if (detail.sign or sign) == "CRDT" else -minor)
        return parts if sum(parts) == signed else None

    def _together(self, details: list[_Detail]) -> _Detail:
        """One for all: what they agree in, and the first references of each."""
        one = _Detail()
        one.references = {
            name: value for name, value in details[0].references.items()
            if all(other.references.get(name) == value for other in details)
        }  # fmt: skip
        one.references["details"] = len(details)
        sent = [detail.references["end_to_end_id"] for detail in details[:50] if "end_to_end_id" in detail.references]
        if sent and "end_to_end_id" not in one.references:
            one.references["end_to_end_ids"] = sent
        if all(other.counterparty == details[0].counterparty for other in details):
            one.counterparty = details[0].counterparty
        one.description = details[0].description
        return one

    def _keep_detail(self, element: Any) -> None:
        if len(self._details) >= MAX_DETAILS:
            raise StatementFileUnsafe(f"an entry with more than {MAX_DETAILS} transactions.", place=self._place())
        self._details.append(self._detail(element))
        element.clear()

    def _detail(self, element: Any) -> _Detail:
        cut = self._cut
        detail = _Detail()
        additional = ""
        for child in element:
            name = child.tag[cut:]
            if name == "Refs":
                references = detail.references
                for one in child:
                    key = _REFERENCES.get(one.tag[cut:])
                    if key is not None:
                        text = one.text
                        if text:
                            references[key] = text.strip()[:140]
            elif name == "Amt":
                detail.amount, detail.currency = (child.text or "").strip(), (child.get("Ccy") or "").strip()
            elif name == "CdtDbtInd":
                detail.sign = (child.text or "").strip()
            elif name == "AmtDtls":
                inner = self._find(child, "TxAmt", "Amt")
                if inner is None:
                    inner = self._find(child, "InstdAmt", "Amt")
                if inner is not None:
                    detail.transacted = (inner.text or "").strip(), (inner.get("Ccy") or "").strip()
            elif name == "Chrgs":
                detail.charges = self._charges(child)
            elif name == "RltdPties":
                detail.counterparty = self._parties(child)
            elif name == "RmtInf":
                self._remittance(child, detail)
            elif name == "AddtlTxInf":
                additional = (child.text or "").strip()
        if not detail.description:
            detail.description = additional
        return detail

    def _charges(self, element: Any) -> tuple[str, str] | None:
        """The sum of the charges: told, or that of a single record."""
        total = self._child(element, "TtlChrgsAndTaxAmt")
        if total is None:
            records = [*element.iterchildren(self._ns + "Rcrd")]
            total = self._child(records[0], "Amt") if len(records) == 1 else None
        if total is None:
            total = self._child(element, "Amt")  # 02 has it without a record
        return None if total is None else ((total.text or "").strip(), (total.get("Ccy") or "").strip())

    def _parties(self, element: Any) -> tuple[str, str]:
        found: dict[str, str] = {}
        for child in element:
            name = child.tag[self._cut :]
            if name in ("Dbtr", "Cdtr", "UltmtDbtr", "UltmtCdtr"):
                found[name] = self._say(child, "Nm") or self._text(child, "Pty", "Nm")
        debtor, creditor = found.get("Dbtr", ""), found.get("Cdtr", "")
        return debtor or found.get("UltmtDbtr", ""), creditor or found.get("UltmtCdtr", "")

    def _remittance(self, element: Any, detail: _Detail) -> None:
        texts: list[str] = []
        for child in element:
            name = child.tag[self._cut :]
            if name == "Ustrd":
                text = child.text
                if text and len(texts) < 20:
                    texts.append(" ".join(text.split()))
            elif name == "Strd":
                sent = self._text(child, "CdtrRefInf", "Ref") or self._text(child, "CdtrRefInf", "CdtrRef")
                if sent and "creditor_reference" not in detail.references:
                    detail.references["creditor_reference"] = sent[:140]
        detail.description = " ".join(texts)

    def _code(self, element: Any) -> str:
        """``PMNT/RCDT/ESCT``, else the bank's own code."""
        domain = self._child(element, "Domn")
        if domain is None:
            return self._text(element, "Prtry", "Cd")[:64]
        family = self._child(domain, "Fmly")
        return "/".join((self._say(domain, "Cd"), self._say(family, "Cd"), self._say(family, "SubFmlyCd")))[:64]

    def _signed(self, amount: Any, sign: str | None, currency: str) -> int:
        if amount is None:
            raise _Node("amount_missing", "There is no Amt.")
        of = amount.get("Ccy")
        if of != currency:
            raise _Node("currency_differs", f"The amount is in {str(of)[:20]!r}, the account in {currency}.",
                        currency=str(of)[:20], expected=currency)  # fmt: skip
        try:
            minor = read_amount((amount.text or "").strip(), self._digits)
        except NotAnAmount as error:
            raise _Node("amount_malformed", str(error)) from None
        if sign == "CRDT":
            return minor
        if sign == "DBIT":
            return -minor
        raise _Node("direction_missing", f"CdtDbtInd is {str(sign)[:20]!r}, neither CRDT nor DBIT.")

    # Elements

    def _child(self, element: Any, name: str) -> Any:
        if element is None:
            return None
        return next(element.iterchildren(self._ns + name), None)

    def _find(self, element: Any, *path: str) -> Any:
        for name in path:
            element = self._child(element, name)
        return element

    def _say(self, element: Any, name: str) -> str:
        child = self._child(element, name)
        return "" if child is None else (child.text or "").strip()

    def _text(self, element: Any, *path: str) -> str:
        child = self._find(element, *path)
        return "" if child is None else (child.text or "").strip()

    def _any_text(self, element: Any) -> str:
        """``Cd`` or ``Prtry`` inside it."""
        return self._say(element, "Cd") or self._say(element, "Prtry")

    def _day_text(self, element: Any) -> str:
        """``Dt`` or ``DtTm`` inside it."""
        for child in element:
            return (child.text or "").strip()
        return ""

    def _day_or_none(self, element: Any) -> date | None:
        if element is None:
            return None
        try:
            return read_iso_day((element.text or "").strip() or self._day_text(element))
        except NotADay:
            return None


def _first(balances: dict[str, list[int]], *codes: str) -> int | None:
    return next((balances[code][0] for code in codes if code in balances), None)


def _last(balances: dict[str, list[int]], *codes: str) -> int | None:
    return next((balances[code][-1] for code in codes if code in balances), None)
