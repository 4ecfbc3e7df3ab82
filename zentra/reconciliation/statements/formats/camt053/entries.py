"""Entries (``Ntry``) and the lines that they are: one, or one for each transaction of a batch that tells them."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final

from zentra.core.money import UnknownCurrency, check_currency, exponent
from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.formats.amounts import NotADay, NotAnAmount, read_amount, read_iso_day
from zentra.reconciliation.statements.formats.camt053.details import Detail, DetailReader, together
from zentra.reconciliation.statements.formats.camt053.elements import (
    Elements,
    WrongElement,
    first_text,
    own_text,
    signed_minor,
)
from zentra.reconciliation.statements.formats.parsed import ParsedLine

MAX_TEXT: Final = 1_000

_BEST_FIRST: Final = ("end_to_end_id", "batch", "creditor_reference", "instruction_id", "bank_reference")
_FLAGS: Final = {"": False, "false": False, "0": False, "true": True, "1": True}
_RATE: Final = re.compile(r"[0-9]{1,11}(\.[0-9]{1,10})?")
"""``BaseOneRate``: at most eleven digits, at most ten of them after the point."""
_NO_EXCHANGE: Final[tuple[int | None, str, str]] = (None, "", "")
_NOT_BOOKED: Final = ("PDNG", "INFO", "FUTR")


class Entry:
    """An entry: its texts as they stand, until ``judge`` has made money and days of them."""

    __slots__ = (
        "additional",
        "amount",
        "amounts",
        "batch",
        "booked",
        "booked_on",
        "charges",
        "is_booked",
        "is_reversal",
        "kind",
        "references",
        "reversal",
        "sign",
        "signed",
        "status",
        "value_on",
        "valued",
    )  # fmt: skip

    def __init__(self) -> None:
        self.amount: Any = None
        self.sign = self.status = self.booked = self.valued = self.reversal = ""
        self.kind = self.additional = self.batch = ""
        self.references: dict[str, Any] = {}
        self.charges: tuple[str, str] | None = None
        self.amounts: Detail | None = None  # told of the entry as a whole
        self.signed = 0
        self.is_booked = self.is_reversal = False
        self.booked_on = self.value_on = date.min


class EntryReader:
    """Reads entries of one namespace; their transactions were read before, since they end before it."""

    def __init__(self, elements: Elements, details: DetailReader) -> None:
        self._elements, self._details = elements, details
        ns = elements.prefix
        self._parts: dict[str, Callable[[Entry, Any], None]] = {
            ns + "Amt": self._amount,
            ns + "CdtDbtInd": self._sign,
            ns + "RvslInd": self._reversal,
            ns + "Sts": self._status,
            ns + "BookgDt": self._booked,
            ns + "ValDt": self._valued,
            ns + "AcctSvcrRef": self._bank_reference,
            ns + "NtryRef": self._entry_reference,
            ns + "BkTxCd": self._code,
            ns + "AddtlNtryInf": self._additional,
            ns + "Chrgs": self._charges,
            ns + "AmtDtls": self._amounts,
            ns + "NtryDtls": self._batch,
        }

    def read(self, element: Any, *, currency: str, digits: int) -> Entry:
        """An entry with its money, and whether it is booked; raises WrongElement."""
        entry = Entry()
        for child in element:
            part = self._parts.get(child.tag)
            if part is not None:
                part(entry, child)
        entry.signed = signed_minor(entry.amount, entry.sign, currency=currency, digits=digits)
        entry.is_booked = entry.status == "BOOK"
        return entry

    def _amount(self, entry: Entry, element: Any) -> None:
        entry.amount = element

    def _sign(self, entry: Entry, element: Any) -> None:
        entry.sign = own_text(element)

    def _reversal(self, entry: Entry, element: Any) -> None:
        entry.reversal = own_text(element)

    def _status(self, entry: Entry, element: Any) -> None:
        entry.status = own_text(element) or first_text(element)

    def _booked(self, entry: Entry, element: Any) -> None:
        entry.booked = first_text(element)

    def _valued(self, entry: Entry, element: Any) -> None:
        entry.valued = first_text(element)

    def _bank_reference(self, entry: Entry, element: Any) -> None:
        entry.references["bank_reference"] = own_text(element)

    def _entry_reference(self, entry: Entry, element: Any) -> None:
        entry.references["entry_reference"] = own_text(element)

    def _code(self, entry: Entry, element: Any) -> None:
        """``PMNT/RCDT/ESCT``, else the bank's own code."""
        domain = self._elements.child(element, "Domn")
        if domain is None:
            entry.kind = self._elements.text(element, "Prtry", "Cd")[:64]
            return
        family = self._elements.child(domain, "Fmly")
        text = self._elements.text
        entry.kind = f"{text(domain, 'Cd')}/{text(family, 'Cd')}/{text(family, 'SubFmlyCd')}"[:64]

    def _additional(self, entry: Entry, element: Any) -> None:
        entry.additional = own_text(element)

    def _charges(self, entry: Entry, element: Any) -> None:
        entry.charges = self._details.charges(element)

    def _amounts(self, entry: Entry, element: Any) -> None:
        entry.amounts = Detail()
        self._details.amounts(entry.amounts, element)

    def _batch(self, entry: Entry, element: Any) -> None:
        batch = self._elements.child(element, "Btch")
        if batch is not None:
            entry.batch = self._elements.text(batch, "PmtInfId") or self._elements.text(batch, "MsgId") or entry.batch


def judge(entry: Entry) -> bool:
    """Whether an entry is in the books, with its days and flag read; raises WrongElement."""
    if not entry.is_booked:
        if entry.status in _NOT_BOOKED:
            return False
        detail = f"The status {entry.status[:20]!r} is none of BOOK, {', '.join(_NOT_BOOKED)}."
        raise WrongElement("entry_status_missing", detail)
    if entry.reversal not in _FLAGS:
        detail = f"RvslInd {entry.reversal[:20]!r} is neither true nor false."
        raise WrongElement("reversal_flag_malformed", detail)
    entry.is_reversal = _FLAGS[entry.reversal]
    if not entry.booked and not entry.valued:
        raise WrongElement("entry_day_missing", "The entry has neither BookgDt nor ValDt.")
    try:
        entry.booked_on = read_iso_day(entry.booked or entry.valued)
        entry.value_on = read_iso_day(entry.valued or entry.booked)
    except NotADay as error:
        raise WrongElement("day_malformed", str(error)) from None
    return True


def lines_of(entry: Entry, details: list[Detail], *, currency: str, digits: int) -> Iterator[ParsedLine]:
    """The lines of a booked entry. One of nothing says something and moves nothing: it has none."""
    if not entry.signed:
        return
    parts = _split(entry, details, currency, digits) if len(details) > 1 else None
    if parts is not None:
        entry.batch = entry.batch or str(
            entry.references.get("bank_reference") or entry.references.get("entry_reference") or ""
        )
        for detail, part in zip(details, parts, strict=True):
            if part:
                yield _line(entry, detail, part, (None, None), currency)
        return
    detail = together(details) if len(details) > 1 else details[0] if details else Detail()
    yield _line(entry, detail, entry.signed, _gross(entry, detail, currency, digits), currency)


def _split(entry: Entry, details: list[Detail], currency: str, digits: int) -> list[int] | None:
    """The signed amounts of an entry's transactions, when each has one and together they are the entry's."""
    parts: list[int] = []
    for detail in details:
        amount, of = detail.amount or detail.transacted or ("", "")
        if of != currency:
            return None
        try:
            minor = read_amount(amount, digits)
        except NotAnAmount:
            return None
        parts.append(minor if (detail.sign or entry.sign) == "CRDT" else -minor)
    return parts if sum(parts) == entry.signed else None


def _gross(entry: Entry, detail: Detail, currency: str, digits: int) -> tuple[int | None, int | None]:
    """What it was before charges, where the transaction's own amount and the charges say exactly that."""
    charges = detail.charges or entry.charges
    if charges is None or detail.transacted is None or not charges[1] == detail.transacted[1] == currency:
        return None, None
    try:
        gross, fee = read_amount(detail.transacted[0], digits), read_amount(charges[0], digits)
    except NotAnAmount:
        return None, None
    before = gross if entry.signed > 0 else -gross
    return (before, fee) if fee and before - fee == entry.signed else (None, None)


def _original(entry: Entry, detail: Detail, signed: int, currency: str) -> tuple[int | None, str, str]:
    """What it was in another currency before exchange, and the rate as written; nothing where that is not told."""
    of_whole = entry.amounts if signed == entry.signed else None
    for source in (detail, of_whole):
        for text, of in () if source is None else source.told:
            if of == currency:
                continue
            try:
                minor = read_amount(text, exponent(check_currency(of)))
            except (NotAnAmount, UnknownCurrency):
                continue
            if minor:
                rate = (detail.rate or (of_whole.rate if of_whole else "")).strip()
                return minor if signed > 0 else -minor, of, rate if _RATE.fullmatch(rate) else ""
    return None, "", ""


def _line(
    entry: Entry, detail: Detail, signed: int, gross_and_fee: tuple[int | None, int | None], currency: str
) -> ParsedLine:
    references = {**entry.references, **detail.references}
    if entry.batch and "batch" not in references:
        references["batch"] = entry.batch
    reference = ""
    for name in _BEST_FIRST:
        sent = references.get(name)
        if sent:
            reference = normalise_reference(sent)
            if reference:
                break
    batch = references.get("batch")
    gross, fee = gross_and_fee
    return ParsedLine(
        entry.booked_on, entry.value_on, signed, currency, entry.kind, reference, references,
        normalise_reference(batch) if batch else "", gross, fee,
        (detail.debtor if signed > 0 else detail.creditor)[:MAX_TEXT],
        (detail.description or entry.additional)[:MAX_TEXT], entry.is_reversal,
        *(_original(entry, detail, signed, currency) if detail.told or entry.amounts is not None else _NO_EXCHANGE),
    )  # fmt: skip
