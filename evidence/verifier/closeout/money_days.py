"""The daily proofs of customers' money in a closeout packet: each adds up, none is missing, the last is the books'."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

from evidence.verifier.closeout.reading import Events, Row, whole
from evidence.verifier.errors import VerificationError

_AMOUNTS: Final = ("owed_minor", "held_minor", "in_transit_minor", "difference_minor", "advanced_minor")
_BANK: Final = ("bank_minor", "bank_ledger_minor")
_RAILS: Final = ("receivable", "payable")
_SAID: Final = ("period_id", "business_day", "currency", "revision", "cut_off_at", *_AMOUNTS, *_BANK)


def check_money_days(proofs: Sequence[Row], books: Any, period: Mapping[str, Any], events: Events) -> str:
    """Each proof adds up and is the log's; no day or revision is left out; the last day is the packet's own proof."""
    logged = {each["data"]["proof_id"]: each["data"] for each in events if each["type"] == "customer_money.proven"}
    if set(logged) != {each["id"] for each in proofs} or len(logged) != len(proofs):
        raise VerificationError("the log knows of other daily proofs of customers' money than the packet")
    for proof in proofs:
        _check_sums(proof)
        if any(proof[name] != logged[proof["id"]][name] for name in _SAID):
            raise VerificationError(f"the proof of {_name(proof)} is another one than the log was told of")
    newest = _newest(proofs)
    for currency in sorted({key[0] for key in newest}):
        days = [proof for (each, _), proof in sorted(newest.items()) if each == currency]
        _check_days(days, period)
        _check_end(days[-1], books)
    if not proofs:
        return "No day of the period was proven on its own: it has no daily proof of customers' money."
    short = sorted({f"{key[0]} {key[1]}" for key, proof in newest.items() if proof["difference_minor"] < 0})
    days_said = len({key[1] for key in newest})
    return (
        f"Customers' money was NOT there in full on {len(short)} of {len(newest)} daily proofs, first {short[0]}."
        if short
        else f"On each of {days_said} days, in every currency, what was owed to customers was there."
    )


def _check_sums(proof: Row) -> None:
    for name in _AMOUNTS:
        whole(proof[name])
    if proof["held_minor"] - proof["owed_minor"] != proof["difference_minor"]:
        raise VerificationError(f"the proof of {_name(proof)} leaves a difference that it does not say")
    for side in ("owed", "held"):
        if (
            sum(whole(each["amount_minor"]) for each in proof["parts"] if each["side"] == side)
            != proof[f"{side}_minor"]
        ):
            raise VerificationError(f"the proof of {_name(proof)}: its parts are not what is {side}")
    with_rails = sum(each["amount_minor"] for each in proof["parts"] if each["account_type"] in _RAILS)
    if with_rails != proof["in_transit_minor"]:
        raise VerificationError(f"the proof of {_name(proof)} says something else to be with the rails")
    banks = proof["banks"]
    is_said = bool(banks) and all(each["bank_minor"] is not None for each in banks)
    told = (
        (sum(whole(each["bank_minor"]) for each in banks), sum(whole(each["ledger_minor"]) for each in banks))
        if is_said
        else (None, None)
    )
    if (proof["bank_minor"], proof["bank_ledger_minor"]) != told:
        raise VerificationError(f"the proof of {_name(proof)} has another word of the banks than they said")


def _newest(proofs: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """The newest proof of each currency and day, after its revisions were seen to be 1, 2, 3 …"""
    revisions: dict[tuple[str, str], list[Row]] = {}
    for proof in proofs:
        revisions.setdefault((proof["currency"], proof["business_day"]), []).append(proof)
    for found in revisions.values():
        found.sort(key=lambda each: whole(each["revision"]))
        if [each["revision"] for each in found] != list(range(1, len(found) + 1)):
            raise VerificationError(f"a revision of the proof of {_name(found[-1])} is missing")
    return {key: found[-1] for key, found in revisions.items()}


def _check_days(days: Sequence[Row], period: Mapping[str, Any]) -> None:
    """One a day, without a gap, to the period's last one."""
    for before, after in pairwise(days):
        if date.fromisoformat(after["business_day"]) - date.fromisoformat(before["business_day"]) != timedelta(days=1):
            raise VerificationError(f"a day between the proofs of {_name(before)} and {_name(after)} is missing")
        if before["cut_off_at"] >= after["cut_off_at"]:
            raise VerificationError(f"the day of {_name(after)} is cut off before the one before it")
    first, last = days[0], days[-1]
    if first["business_day"] < period["starts_on"] or first["cut_off_at"] <= period["starts_at"]:
        raise VerificationError(f"the proof of {_name(first)} is of a day before the period")
    if (last["business_day"], last["cut_off_at"]) != (period["ends_on"], period["ends_at"]):
        raise VerificationError(f"the last daily proof, of {_name(last)}, is not of the period's last day")


def _check_end(last: Row, books: Any) -> None:
    """The last day ends when the period does, so it says what the packet's own proof says."""
    book = next((each for each in books if each["currency"] == last["currency"]), None)
    said = ("owed_minor", "held_minor", "advanced_minor")
    if book is None or any(book[name] != last[name] for name in said):
        raise VerificationError(f"the proof of {_name(last)} is not what the books say at the period's end")


def _name(proof: Row) -> str:
    return f"{proof['business_day']} in {proof['currency']}"
