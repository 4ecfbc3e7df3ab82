"""A statement of one or more messages: what names it, its pages, balances and sums."""

import re
from dataclasses import dataclass, field
from typing import Final

from zentra.core.money import UnknownCurrency, check_currency, exponent
from zentra.reconciliation.statements.formats.mt940.entries import Balance, read_balance, read_sum
from zentra.reconciliation.statements.formats.mt940.fields import Field
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, Problem, Totals
from zentra.reconciliation.statements.formats.sums import Sums, WrongField, problem_at

_NUMBER: Final = re.compile(r"([0-9]{1,5})(?:/([0-9]{1,5}))?")
_GERMAN_ACCOUNT: Final = re.compile(r"([0-9]{8})/([0-9]{1,10})")


@dataclass(slots=True)
class Message:
    """The head of a message as it was read: ``:20:``, ``:25:``, ``:28C:``, its opening balance."""

    number: int  # line of its :20:
    reference: str = ""
    account: str = ""
    sequence: int | None = None
    page: int | None = None
    opening: Balance | None = None
    opening_at: int = 0  # line of its :60a:
    is_page: bool = False  # opens with :60M:, goes on from another message
    problems: list[Problem] = field(default_factory=list)

    def take(self, part: Field) -> None:
        """Read a field of the head."""
        try:
            if part.tag == "20":
                self.reference = part.text.strip()
            elif part.tag in ("25", "25P"):
                self.account = "".join(part.lines[0].split()).upper()
            elif part.tag in ("28", "28C"):
                self._numbers(part)
            elif self.opening is not None:
                raise WrongField("balance_twice", "The message opens twice.")
            else:
                self.is_page, self.opening_at = part.tag == "60M", part.number
                self.opening = read_balance(part, None)
        except WrongField as wrong:
            self.problems.append(wrong.at(part.number, part.place))

    def _numbers(self, part: Field) -> None:
        found = _NUMBER.fullmatch(part.text.strip())
        if found is None:
            raise WrongField("statement_number_malformed", f"{part.text[:40]!r} is no number and page.")
        self.sequence = int(found[1]) or None
        self.page = int(found[2]) if found[2] else None

    def goes_on_from(self, before: "Statement | None") -> bool:
        """Whether this is the next page of the statement before it in the file."""
        return (
            before is not None and self.is_page and before.is_open_ended and self.sequence is not None
            and (before.head.account, before.head.sequence) == (self.account, self.sequence)
        )  # fmt: skip


class Statement:
    """A statement while it is read."""

    def __init__(self, head: Message, number: int) -> None:
        self.head = head
        self.page = head.page or 1
        self.place = f"line {head.number}, :20:"
        self.sums = Sums()
        self.opening = head.opening
        self.closing: Balance | None = None
        self.is_open_ended = False  # its last message closed with :62M:
        self.told: dict[str, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self.begins = self._begins(number)
        self.currency = self.begins.currency
        try:
            self.digits = exponent(check_currency(self.currency))
        except UnknownCurrency:
            self.digits = 2  # refused anyway

    def _begins(self, number: int) -> Begins:
        head, problems = self.head, list(self.head.problems)
        currency = "" if head.opening is None else head.opening.currency
        if head.opening is None and not problems:
            problems.append(problem_at(head.number, ":60F:", "balance_missing", "There is no opening balance."))
        elif head.opening is not None:
            try:
                check_currency(currency)
            except UnknownCurrency as error:
                problems.append(
                    problem_at(head.opening_at, ":60F:", "unknown_currency", error.detail, currency=currency)
                )
        if not head.account:
            problems.append(problem_at(head.number, ":25:", "account_missing", "The statement names no account."))
        is_later_page = self.page > 1 or head.is_page
        return Begins(
            number=number, place=self.place, format="mt940", external_id=self._name(is_later_page),
            accounts=_accounts(head.account, currency), currency=currency,
            sequence=head.sequence, page=self.page if is_later_page else None, problems=tuple(problems),
        )  # fmt: skip

    def _name(self, is_later_page: bool) -> str:
        """``:20:`` is the same every day at many banks, so it names a statement only where there is no number."""
        head = self.head
        day = "" if head.opening is None else f" {head.opening.day.isoformat()}"
        if head.sequence is not None:
            return f"{head.sequence}{day}" + (f" page {self.page}" if is_later_page else "")
        return f"{head.reference}{day} {'' if head.opening is None else head.opening.minor}"[:140]

    def go_on(self, head: Message) -> None:
        """The next page of it; what is wrong in how it goes on becomes a problem."""
        self.problems.extend(head.problems)
        page = head.page or self.page + 1
        if page != self.page + 1:
            detail = f"Page {page} comes after page {self.page}."
            self.problems.append(
                problem_at(head.number, ":28C:", "page_missing", detail, page=page, expected=self.page + 1)
            )
        self.page = page
        opening, closing = head.opening, self.closing
        if opening is not None and closing is not None and (
            (opening.minor, opening.currency) != (closing.minor, closing.currency)
        ):  # fmt: skip
            self.problems.append(
                problem_at(
                    head.opening_at,
                    ":60M:",
                    "page_balance_differs",
                    f"The page opens with {opening.minor}, the one before closed with {closing.minor}.",
                    opening_minor=opening.minor,
                    closing_minor=closing.minor,
                )
            )
        self.closing, self.is_open_ended = None, False

    def close(self, part: Field) -> None:
        """Read what comes after the lines: ``:62a:``, ``:64:``, ``:65:``, ``:90a:``."""
        try:
            if part.tag in ("90C", "90D"):
                if part.tag in self.told:
                    raise WrongField("control_total_malformed", "The sum is there twice.")
                self.told[part.tag] = read_sum(part, currency=self.currency, digits=self.digits)
                return
            balance = read_balance(part, self.digits)
            if balance.currency != self.currency:
                raise WrongField(
                    "currency_differs", f"The balance is in {balance.currency}, the account in {self.currency}.",
                    currency=balance.currency, expected=self.currency,
                )  # fmt: skip
            if part.tag in ("64", "65"):
                return
            if self.closing is not None:
                raise WrongField("balance_twice", "The message closes twice.")
            self.closing, self.is_open_ended = balance, part.tag == "62M"
        except WrongField as wrong:
            self.problems.append(wrong.at(part.number, part.place))

    def ends(self) -> Ends:
        """The end of it."""
        if self.closing is None and not any(problem.extra.get("tag", "")[:2] == "62" for problem in self.problems):
            self.problems.append(
                problem_at(self.head.number, ":62F:", "balance_missing", "There is no closing balance.")
            )
        counted = self.sums.totals()
        credits_, debits = self.told.get("90C", (None, None)), self.told.get("90D", (None, None))
        return Ends(
            place=self.place,
            opening_minor=None if self.opening is None else self.opening.minor,
            closing_minor=None if self.closing is None else self.closing.minor,
            told=Totals(
                credits=credits_[0], credits_minor=credits_[1], debits=debits[0], debits_minor=debits[1]
            ),
            counted=counted, counted_all=counted,
            ends_on=None if self.closing is None else self.closing.day, problems=tuple(self.problems),
        )  # fmt: skip


def _accounts(account: str, currency: str) -> tuple[str, ...]:
    """The names of an account: as written, without a currency after it, and the IBAN of a German number."""
    if not account:
        return ()
    names = [account]
    if currency and len(account) > 3 and account.endswith(currency):
        names.append(account.removesuffix(currency))
    german = _GERMAN_ACCOUNT.fullmatch(names[-1])
    if german is not None:
        plain = f"{german[1]}{german[2]:0>10}"
        names.append(f"DE{98 - int(plain + '131400') % 97:02}{plain}")
    return tuple(names)
