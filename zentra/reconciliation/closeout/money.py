"""Customers' money when a business day is cut off: what the ledger says of it, and what the banks say."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from ledger.queries import Standing, balances_as_of, standing_before
from zentra.core import ids
from zentra.reconciliation.closeout.money_types import BankWord, MoneyFigures, MoneyPart
from zentra.reconciliation.closeout.queries.balances import HELD, OWED
from zentra.reconciliation.closeout.store import rows

MOST_NAMED: Final = 100
"""So many accounts of a type are named in a proof, the largest ones; the others are summed up."""
RAILS: Final = ("receivable", "payable")
"""Account types whose money is with rails."""
_INSTANT: Final = timedelta(microseconds=1)

# The newest statement that covers a day: its closing balance where it ends then, else its opening and the lines up to
# then. A statement of many days so says what the bank held on each of them.
_BANKS: Final = """
SELECT a.currency, a.id, a.ledger_account_id, a.ledger_account_code, w.id, w.held
  FROM recon_account a
  LEFT JOIN LATERAL (
    SELECT s.id,
           CASE WHEN s.ends_on = %(day)s THEN s.closing_minor
                ELSE s.opening_minor + (SELECT coalesce(sum(l.amount_minor), 0) FROM recon_line l
                                         WHERE l.statement_id = s.id AND l.booked_on <= %(day)s) END AS held
      FROM recon_statement s
     WHERE s.account_id = a.id AND s.is_complete AND s.starts_on <= %(day)s AND s.ends_on >= %(day)s
       AND CASE WHEN s.ends_on = %(day)s THEN s.closing_minor ELSE s.opening_minor END IS NOT NULL
     ORDER BY s.ends_on = %(day)s DESC, s.sequence DESC NULLS LAST, s.created_at DESC, s.id DESC LIMIT 1
  ) w ON true
 WHERE a.kind = 'bank' AND (a.closed_at IS NULL OR a.closed_at > %(cut_off)s)
 ORDER BY a.currency, a.ledger_account_code, a.id
"""


def figures_of(*, day: date, cut_off: datetime) -> list[MoneyFigures]:
    """What is owed and held in every currency that has entries before the cut-off of a day, by effective time.

    What it reads is a row a day and account, and the entries of five minutes, however long the history is.
    """
    by_currency: defaultdict[str, list[Standing]] = defaultdict(list)
    for each in standing_before(before=cut_off, most=MOST_NAMED):
        by_currency[each.currency].append(each)
    banks = _banks(day, cut_off)
    return [_figures(currency, found, banks.get(currency, ())) for currency, found in sorted(by_currency.items())]


def stored_parts(*, figures: MoneyFigures) -> dict[str, Any]:
    """The parts as they are stored."""
    return {
        "parts": [each.as_dict() for each in figures.parts],
        "banks": [each.as_dict() for each in figures.banks],
    }


def _figures(currency: str, found: Sequence[Standing], banks: Sequence[BankWord]) -> MoneyFigures:
    sides = [("owed", 1, each) for each in found if each.account_type in OWED]
    sides += [("held", -1, each) for each in found if each.account_type in HELD]
    is_said = bool(banks) and all(each.bank_minor is not None for each in banks)
    return MoneyFigures(
        currency=currency,
        owed_minor=sum(each.net_minor for side, _, each in sides if side == "owed"),
        held_minor=-sum(each.net_minor for side, _, each in sides if side == "held"),
        in_transit_minor=-sum(each.net_minor for _, _, each in sides if each.account_type in RAILS),
        advanced_minor=sum(each.negative_minor for _, _, each in sides if each.account_type == "customer"),
        bank_minor=sum(each.bank_minor or 0 for each in banks) if is_said else None,
        bank_ledger_minor=sum(each.ledger_minor for each in banks) if is_said else None,
        parts=tuple(
            MoneyPart(side, each.account_type, each.account_id, each.account_code, each.accounts, sign * each.net_minor)
            for side, sign, each in sides
            if each.net_minor
        ),
        banks=tuple(banks),
    )


def _banks(day: date, cut_off: datetime) -> dict[str, list[BankWord]]:
    found = rows(_BANKS, {"day": day, "cut_off": cut_off})
    keys = [ids.to_public("acct", ledger) for _, _, ledger, *_ in found]
    held = balances_as_of(at=cut_off - _INSTANT, account_ids=keys) if keys else {}
    by_currency: defaultdict[str, list[BankWord]] = defaultdict(list)
    for currency, account, ledger, code, statement, said in found:
        moment = held.get(ids.to_public("acct", ledger))
        by_currency[currency].append(
            BankWord(
                account_id=ids.to_public("rca", account),
                account_code=code,
                ledger_minor=0 if moment is None else moment.posted_minor,
                bank_minor=None if said is None else int(said),
                statement_id=None if statement is None else ids.to_public("stm", statement),
            )
        )
    return by_currency
