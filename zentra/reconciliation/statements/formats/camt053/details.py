"""Transactions of an entry (``TxDtls``): what of them a line needs."""

from collections.abc import Callable
from typing import Any, Final

from zentra.reconciliation.statements.formats.camt053.elements import Elements, money_of, own_text

MAX_REFERENCE: Final = 140

_REFERENCES: Final = {
    "EndToEndId": "end_to_end_id", "UETR": "uetr", "AcctSvcrRef": "bank_reference", "InstrId": "instruction_id",
    "TxId": "transaction_id", "PmtInfId": "batch", "MndtId": "mandate_id", "ChqNb": "cheque_number",
    "ClrSysRef": "clearing_reference", "MsgId": "message_id",
}  # fmt: skip
_MAX_TEXTS: Final = 20


class Detail:
    """A transaction. Amounts are texts with their currency, as they stand; nothing of it is judged here."""

    __slots__ = (
        "amount", "charges", "creditor", "debtor", "description", "rate", "references", "sign", "told", "transacted",
    )  # fmt: skip

    def __init__(self) -> None:
        self.references: dict[str, Any] = {}
        self.amount: tuple[str, str] | None = None
        self.sign = ""
        self.transacted: tuple[str, str] | None = None  # before charges
        self.told: tuple[tuple[str, str], ...] = ()  # as instructed and as transacted, in whatever currencies
        self.rate = ""
        self.charges: tuple[str, str] | None = None
        self.debtor = self.creditor = ""
        self.description = ""


class DetailReader:
    """Reads transactions of one namespace."""

    def __init__(self, elements: Elements) -> None:
        self._elements = elements
        ns = elements.prefix
        self._reference_of = {ns + name: key for name, key in _REFERENCES.items()}
        self._parts: dict[str, Callable[[Detail, Any], None]] = {
            ns + "Refs": self._references,
            ns + "Amt": self._amount,
            ns + "CdtDbtInd": self._sign,
            ns + "AmtDtls": self.amounts,
            ns + "Chrgs": self._charges,
            ns + "RltdPties": self._parties,
            ns + "RmtInf": self._remittance,
            ns + "AddtlTxInf": self._additional,
        }
        self._party_of = {ns + name: name for name in ("Dbtr", "Cdtr", "UltmtDbtr", "UltmtCdtr")}
        self._unstructured, self._structured = ns + "Ustrd", ns + "Strd"

    def read(self, element: Any) -> Detail:
        """What a transaction says."""
        detail = Detail()
        for child in element:
            part = self._parts.get(child.tag)
            if part is not None:
                part(detail, child)
        return detail

    def charges(self, element: Any) -> tuple[str, str] | None:
        """The sum of charges: told, or that of a single record, or 02's amount without a record."""
        within = self._elements
        total = within.child(element, "TtlChrgsAndTaxAmt")
        if total is None:
            records = [*element.iterchildren(within.prefix + "Rcrd")]
            total = within.child(records[0], "Amt") if len(records) == 1 else within.child(element, "Amt")
        return None if total is None else money_of(total)

    def _references(self, detail: Detail, element: Any) -> None:
        for child in element:
            key = self._reference_of.get(child.tag)
            if key is not None:
                text = child.text
                if text:
                    detail.references[key] = text.strip()[:MAX_REFERENCE]

    def _amount(self, detail: Detail, element: Any) -> None:
        detail.amount = money_of(element)

    def _sign(self, detail: Detail, element: Any) -> None:
        detail.sign = own_text(element)

    def amounts(self, detail: Detail, element: Any) -> None:
        """What was instructed and transacted (``AmtDtls``), and the rate between currencies, as they stand."""
        within = self._elements
        instructed, transacted = within.child(element, "InstdAmt"), within.child(element, "TxAmt")
        amounts = (within.child(transacted, "Amt"), within.child(instructed, "Amt"))
        told = [money_of(amount) for amount in amounts if amount is not None]
        if told:
            detail.transacted, detail.told = told[0], tuple(told)
        detail.rate = next((rate for part in element if (rate := within.text(part, "CcyXchg", "XchgRate"))), "")

    def _charges(self, detail: Detail, element: Any) -> None:
        detail.charges = self.charges(element)

    def _parties(self, detail: Detail, element: Any) -> None:
        found: dict[str, str] = {}
        for child in element:
            name = self._party_of.get(child.tag)
            if name is not None:
                found[name] = self._elements.text(child, "Nm") or self._elements.text(child, "Pty", "Nm")
        detail.debtor = found.get("Dbtr") or found.get("UltmtDbtr", "")
        detail.creditor = found.get("Cdtr") or found.get("UltmtCdtr", "")

    def _remittance(self, detail: Detail, element: Any) -> None:
        texts: list[str] = []
        for child in element:
            if child.tag == self._unstructured:
                if child.text and len(texts) < _MAX_TEXTS:
                    texts.append(" ".join(child.text.split()))
            elif child.tag == self._structured and "creditor_reference" not in detail.references:
                sent = self._elements.text(child, "CdtrRefInf", "Ref")
                if sent:
                    detail.references["creditor_reference"] = sent[:MAX_REFERENCE]
        if texts:
            detail.description = " ".join(texts)

    def _additional(self, detail: Detail, element: Any) -> None:
        detail.description = detail.description or own_text(element)


def together(details: list[Detail]) -> Detail:
    """One for all transactions of an entry: what they agree in, and the first references of each."""
    first, one = details[0], Detail()
    one.references = {
        name: value for name, value in first.references.items()
        if all(other.references.get(name) == value for other in details)
    }  # fmt: skip
    one.references["details"] = len(details)
    sent = [detail.references["end_to_end_id"] for detail in details[:50] if "end_to_end_id" in detail.references]
    if sent and "end_to_end_id" not in one.references:
        one.references["end_to_end_ids"] = sent
    if all((other.debtor, other.creditor) == (first.debtor, first.creditor) for other in details):
        one.debtor, one.creditor = first.debtor, first.creditor
    one.description = first.description
    return one
