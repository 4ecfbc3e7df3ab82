"""What stands round the entries of a statement (``Stmt``): its names, days, pages, balances and control totals."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from zentra.core.money import UnknownCurrency, check_currency, exponent
from zentra.reconciliation.statements.formats.amounts import NotAnAmount, read_decimal
from zentra.reconciliation.statements.formats.camt053.elements import Elements, WrongElement, own_text, signed_minor
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, Problem, Totals

_MAX_ID: Final = 140


class Sums:
    """What is counted while a statement is read, entry by entry. Minor units; debits without sign."""

    __slots__ = ("credits", "credits_minor", "debits", "debits_minor")

    def __init__(self) -> None:
        self.credits = self.credits_minor = self.debits = self.debits_minor = 0

    def add(self, signed: int, *, is_credit: bool) -> None:
        """Count an entry; one of nothing has a side too."""
        if is_credit:
            self.credits += 1
            self.credits_minor += signed
        else:
            self.debits += 1
            self.debits_minor -= signed

    def totals(self) -> Totals:
        """As the file tells them."""
        return Totals(
            self.credits + self.debits, self.credits_minor + self.debits_minor, self.credits_minor - self.debits_minor,
            self.credits, self.credits_minor, self.debits, self.debits_minor,
        )  # fmt: skip


class StatementReader:
    """Reads statements of one namespace."""

    def __init__(self, elements: Elements, form: str) -> None:
        self._elements, self._format = elements, form

    def begins(self, statement: Any, number: int) -> Begins:
        """What is known of a statement when its first entry ends, or it has none."""
        within, place = self._elements, f"Stmt {number}"
        external_id, problems = within.text(statement, "Id"), []
        if not external_id or len(external_id) > _MAX_ID:
            problems.append(
                Problem(place, "statement_id_missing", f"The statement has no Id of 1 to {_MAX_ID} characters.")
            )
        accounts, currency = self._account(statement)
        if not accounts:
            problems.append(Problem(place, "account_missing", "The statement names no account."))
        try:
            check_currency(currency)
        except UnknownCurrency as error:
            problems.append(Problem(place, "unknown_currency", error.detail, {"currency": currency[:20]}))
        page = self._page(statement)
        return Begins(
            number=number,
            place=place,
            format=self._format,
            external_id=external_id if page is None else f"{external_id} page {page}",
            accounts=accounts,
            currency=currency,
            sequence=self._sequence(statement),
            page=page,
            starts_on=within.day(within.find(statement, "FrToDt", "FrDtTm")),
            ends_on=self._last_day(statement),
            problems=tuple(problems),
        )

    def ends(self, statement: Any, begins: Begins, booked: Sums, every: Sums) -> Ends:
        """Its balances and totals, and what is wrong in them."""
        problems: list[Problem] = []
        balances, days = self._balances(statement, begins, problems)
        opening = _first(balances, "OPBD", "PRCD")
        closing = balances["CLBD"][-1] if "CLBD" in balances else None
        if "ITBD" in balances:  # a page's own: it opens with the one and closes with the other
            interim = balances["ITBD"]
            if closing is None and (len(interim) > 1 or opening is not None):
                closing = interim[-1]
            opening = interim[0] if opening is None else opening
        return Ends(
            place=begins.place,
            opening_minor=opening,
            closing_minor=closing,
            told=self._told(statement, begins, problems),
            counted=booked.totals(),
            counted_all=every.totals(),
            starts_on=begins.starts_on or days.get("OPBD"),
            ends_on=begins.ends_on or days.get("CLBD"),
            problems=tuple(problems),
        )

    def _account(self, statement: Any) -> tuple[tuple[str, ...], str]:
        """The account's IBAN or other number, and its currency: its own, else that of a balance or an entry."""
        within = self._elements
        account = within.child(statement, "Acct")
        names = (within.text(account, "Id", "IBAN"), within.text(account, "Id", "Othr", "Id"))
        currency = within.text(account, "Ccy")
        for holder in ("Bal", "Ntry"):
            amount = None if currency else within.find(statement, holder, "Amt")
            if amount is not None:
                currency = (amount.get("Ccy") or "").strip()
        return tuple("".join(name.split()).upper() for name in names if name), currency

    def _sequence(self, statement: Any) -> int | None:
        for name in ("ElctrncSeqNb", "LglSeqNb"):
            text = self._elements.text(statement, name)
            if text.isascii() and text.isdecimal() and len(text) <= 18:
                return int(text)
        return None

    def _page(self, statement: Any) -> int | None:
        """Which page of a statement this is; None when it is the only one."""
        text = self._elements.text(statement, "StmtPgntn", "PgNb")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 1
        is_last = self._elements.text(statement, "StmtPgntn", "LastPgInd") in ("", "true", "1")
        return None if number == 1 and is_last else number

    def _last_day(self, statement: Any) -> date | None:
        """The last day of the period; one that ends at midnight sharp ends with the day before."""
        within = self._elements
        element = within.find(statement, "FrToDt", "ToDtTm")
        day, starts = within.day(element), within.day(within.find(statement, "FrToDt", "FrDtTm"))
        if day is not None and starts is not None and day > starts and own_text(element)[10:19] == "T00:00:00":
            return date.fromordinal(day.toordinal() - 1)
        return day

    def _balances(
        self, statement: Any, begins: Begins, problems: list[Problem]
    ) -> tuple[dict[str, list[int]], dict[str, date]]:
        """The balances by their code in the order of the file, and the day of each."""
        within, digits = self._elements, digits_of(begins)
        found: dict[str, list[int]] = {}
        days: dict[str, date] = {}
        for number, balance in enumerate(statement.iterchildren(within.prefix + "Bal"), start=1):
            code = within.text(balance, "Tp", "CdOrPrtry", "Cd")
            amount, sign = within.child(balance, "Amt"), within.text(balance, "CdtDbtInd")
            try:
                minor = signed_minor(amount, sign, currency=begins.currency, digits=digits)
            except WrongElement as wrong:
                extra = {**wrong.extra, "balance": code[:20]}
                problems.append(Problem(f"{begins.place}/Bal {number}", wrong.code, wrong.detail, extra))
                continue
            found.setdefault(code, []).append(minor)
            day = within.day(within.child(balance, "Dt"))
            if day is not None:
                days[code] = day
        problems.extend(_contradictions(found, begins.place))
        return found, days

    def _told(self, statement: Any, begins: Begins, problems: list[Problem]) -> Totals:
        within, digits = self._elements, digits_of(begins)
        summary = within.child(statement, "TxsSummry")
        every, credits_, debits = (
            within.child(summary, name) for name in ("TtlNtries", "TtlCdtNtries", "TtlDbtNtries")
        )  # fmt: skip
        try:
            return Totals(
                self._count(every), self._sum(every, digits), self._net(every, digits),
                self._count(credits_), self._sum(credits_, digits), self._count(debits), self._sum(debits, digits),
            )  # fmt: skip
        except WrongElement as wrong:
            problems.append(Problem(f"{begins.place}/TxsSummry", wrong.code, wrong.detail, wrong.extra))
            return Totals()

    def _count(self, element: Any) -> int | None:
        text = self._elements.text(element, "NbOfNtries")
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= 15):
            raise WrongElement("control_total_malformed", f"{text[:40]!r} is no number of entries.")
        return int(text)

    def _sum(self, element: Any, digits: int) -> int | None:
        text = self._elements.text(element, "Sum")
        return _decimal(text, digits) if text else None

    def _net(self, every: Any, digits: int) -> int | None:
        """``TtlNetNtryAmt`` with its sign beside it (02, 03), or both inside ``TtlNetNtry`` (since)."""
        within = self._elements
        inner = within.child(every, "TtlNetNtry")
        text = within.text(every, "TtlNetNtryAmt") if inner is None else within.text(inner, "Amt")
        sign = within.text(every if inner is None else inner, "CdtDbtInd")
        if not text:
            return None
        if sign not in ("CRDT", "DBIT"):
            raise WrongElement("control_total_malformed", "The net total has no CdtDbtInd.")
        return _decimal(text, digits) if sign == "CRDT" else -_decimal(text, digits)


def digits_of(begins: Begins) -> int:
    """How many decimals the statement's currency has; of an unknown one, which is refused anyway, two."""
    try:
        return exponent(check_currency(begins.currency))
    except UnknownCurrency:
        return 2


def _decimal(text: str, digits: int) -> int:
    try:
        return read_decimal(text, digits)
    except NotAnAmount as error:
        raise WrongElement("control_total_malformed", str(error)) from None


def _contradictions(balances: dict[str, list[int]], place: str) -> Iterator[Problem]:
    for code in ("OPBD", "CLBD"):
        if len(set(balances.get(code, ()))) > 1:
            extra = {"balance": code, "minor": balances[code][:5]}
            yield Problem(place, "balance_twice", f"{code} is there twice and differs.", extra)


def _first(balances: dict[str, list[int]], *codes: str) -> int | None:
    return next((balances[code][0] for code in codes if code in balances), None)
