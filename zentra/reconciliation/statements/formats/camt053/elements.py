"""Looking into elements of one namespace, and what is wrong in one."""

from datetime import date
from typing import Any

from zentra.reconciliation.statements.formats.amounts import NotADay, NotAnAmount, read_amount, read_iso_day


class WrongElement(Exception):  # control flow inside this package alone
    """What is wrong in an entry, a balance or a total; it becomes a Problem where its place is known."""

    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.code, self.detail, self.extra = code, detail, extra


class Elements:
    """Children by their name in the namespace of the message. What is not there is None, its text empty."""

    def __init__(self, namespace: str) -> None:
        self.prefix = "{" + namespace + "}"

    def child(self, element: Any, name: str) -> Any:
        """The first child of this name."""
        return None if element is None else next(element.iterchildren(self.prefix + name), None)

    def find(self, element: Any, *path: str) -> Any:
        """The first child of the first child …"""
        for name in path:
            element = self.child(element, name)
        return element

    def text(self, element: Any, *path: str) -> str:
        """What stands there, without the space round it."""
        found = self.find(element, *path)
        return "" if found is None else (found.text or "").strip()

    def day(self, element: Any) -> date | None:
        """The day of an element, or of ``Dt`` or ``DtTm`` in it; None when it says none."""
        if element is None:
            return None
        try:
            return read_iso_day((element.text or "").strip() or first_text(element))
        except NotADay:
            return None


def own_text(element: Any) -> str:
    """The element's text, without the space round it."""
    return (element.text or "").strip()


def first_text(element: Any) -> str:
    """The text of the element's first child: of a choice, whichever it is."""
    for child in element:
        return own_text(child)
    return ""


def money_of(element: Any) -> tuple[str, str]:
    """An amount's text and its currency."""
    return own_text(element), (element.get("Ccy") or "").strip()


def signed_minor(amount: Any, sign: str | None, *, currency: str, digits: int) -> int:
    """An ``Amt`` with its ``CdtDbtInd`` as signed minor units; raises WrongElement."""
    if amount is None:
        raise WrongElement("amount_missing", "There is no Amt.")
    of = amount.get("Ccy")
    if of != currency:
        detail = f"The amount is in {str(of)[:20]!r}, the account in {currency}."
        raise WrongElement("currency_differs", detail, currency=str(of)[:20], expected=currency)
    try:
        minor = read_amount(own_text(amount), digits)
    except NotAnAmount as error:
        raise WrongElement("amount_malformed", str(error)) from None
    if sign == "CRDT":
        return minor
    if sign == "DBIT":
        return -minor
    raise WrongElement("direction_missing", f"CdtDbtInd is {str(sign)[:20]!r}, neither CRDT nor DBIT.")
