"""The reasons that end an exception, and where each one's money goes by default. Data; pages and the API list them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from zentra.reconciliation.matching.desk.errors import ExceptionReasonInvalid

LONGEST_REASON: Final = 2000
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason in words, and the ledger account that takes the difference when money is posted for it."""

    title: str
    account: str = ""
    needs_words: bool = False


EXPLAIN: Final[Mapping[str, Reason]] = {
    "in_transit": Reason("In transit: it arrives in the next statement"),
    "timing": Reason("Booked on another day"),
    "next_period": Reason("Belongs to the next period"),
    "bank_error": Reason("The bank's mistake, corrected by the bank"),
    "known_duplicate": Reason("Sent twice by the bank, moved once"),
    "immaterial": Reason("Immaterial", needs_words=True),
    OTHER: Reason("Other: say what", needs_words=True),
}
"""Why an exception may stand as it is; no money moves."""

ADJUST: Final[Mapping[str, Reason]] = {
    "bank_fee": Reason("Charge of the bank", "fees"),
    "rail_fee": Reason("Fee of the rail", "fees"),
    "interest": Reason("Interest", "fees"),
    "rounding": Reason("Rounding", "fees"),
    "unidentified": Reason("Unidentified money, to suspense", "suspense"),
    "returned": Reason("Returned payment", "suspense"),
    "correction": Reason("Correction of a wrong posting", "suspense", needs_words=True),
    OTHER: Reason("Other: say what", "suspense", needs_words=True),
}
"""Why an adjustment is posted."""

WRITE_OFF: Final[Mapping[str, Reason]] = {
    "uncollectable": Reason("Will not be paid any more", "fees"),
    "small_difference": Reason("Too small to pursue", "fees"),
    "lost_dispute": Reason("The provider rejected the dispute", "fees"),
    OTHER: Reason("Other: say what", "fees", needs_words=True),
}
"""Why a difference is given up."""

DISPUTE: Final[Mapping[str, Reason]] = {
    "not_received": Reason("The money did not arrive"),
    "amount_wrong": Reason("The amount is wrong"),
    "fee_wrong": Reason("The fee is not the agreed one"),
    "charged_twice": Reason("Charged or paid twice"),
    "unknown_item": Reason("We do not know this item"),
    OTHER: Reason("Other: say what", needs_words=True),
}
"""What a provider is told."""


def check_reason(code: str, words: str, among: Mapping[str, Reason]) -> str:
    """The words, trimmed; raises ExceptionReasonInvalid for an unknown code or where the code alone says nothing."""
    reason = among.get(code)
    if reason is None:
        raise ExceptionReasonInvalid(f"{code[:40]!r} is none of {', '.join(among)}.", allowed=list(among))
    trimmed = words.strip()[:LONGEST_REASON]
    if reason.needs_words and not trimmed:
        raise ExceptionReasonInvalid("Say why in words; the reason is kept.", allowed=list(among))
    return trimmed


def title_of(kind: str, code: str) -> str:
    """A reason of an adjustment or a write-off in words; the code itself where the list has it no more."""
    reason = (ADJUST if kind == "adjustment" else WRITE_OFF).get(code)
    return reason.title.partition(":")[0] if reason else code
