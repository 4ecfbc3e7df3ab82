"""What a closeout packet claims, computed again from its own files: the books of a period, tied out and signed.

Only the files' bytes and the signed events are trusted; every sum, hash and draw is made anew.
"""

from collections.abc import Mapping
from typing import Any, Final

from evidence.verifier.closeout.books import books_hash, check_books, check_flux, check_money, check_table
from evidence.verifier.closeout.money_days import check_money_days
from evidence.verifier.closeout.papers import (
    check_aged,
    check_exceptions,
    check_history,
    check_matches,
    check_rules,
    check_tasks,
    read_statements,
)
from evidence.verifier.closeout.reading import Events, Files, read, whole
from evidence.verifier.closeout.sample import POPULATION, TABLE, check_sample
from evidence.verifier.closeout.tie_outs import check_tie_out
from evidence.verifier.errors import VerificationError

__all__ = [
    "CUSTOMER_MONEY", "FILES", "KIND", "MONEY_DAYS", "POPULATION", "SAMPLE", "SAMPLE_TABLE", "TIE_OUTS",
    "TRIAL_BALANCE", "TRIAL_TABLE", "books_hash", "check",
]  # fmt: skip

KIND: Final = "closeout_packet"
TRIAL_BALANCE: Final = "trial-balance.json"
TRIAL_TABLE: Final = "trial-balance.csv"
TIE_OUTS: Final = "tie-outs.json"
SAMPLE: Final = "sample.json"
SAMPLE_TABLE: Final = TABLE
CUSTOMER_MONEY: Final = "customer-money.json"
MONEY_DAYS: Final = "customer-money-days.json"
FILES: Final = (
    TRIAL_BALANCE, TRIAL_TABLE, TIE_OUTS, CUSTOMER_MONEY, SAMPLE, SAMPLE_TABLE, "statements.json", "matches.json",
    "rules.json", "exceptions.json", "adjustments.json", "checklist.json", "history.json", "in-flight.json",
    "late.json", "aged.json", "flux.json", "README.txt",
)  # fmt: skip
"""What every closeout packet holds, beside the list of the population where it is not too long."""


def check(manifest: Mapping[str, Any], files: Files, events: Events) -> list[str]:
    """Compute again what the packet says; what was found, one sentence a line. Raises VerificationError."""
    for name in FILES:
        if name not in files:
            raise VerificationError(f"{name} is missing from the packet")
    books, sample = read(files, TRIAL_BALANCE)["currencies"], read(files, SAMPLE)
    accounts = check_books(books)
    check_table(files, TRIAL_TABLE, books)
    check_flux(read(files, "flux.json")["accounts"], accounts)
    _check_asked(manifest, books_hash(books), sample, events)
    lines = [
        f"The trial balance ({len(books)} currencies, {len(accounts)} accounts) balances and is the one in the log.",
        _check_tie_outs(files, accounts, events),
        check_money(read(files, CUSTOMER_MONEY)["currencies"], accounts),
        *_check_days(files, manifest, events),
        check_sample(sample, files, accounts, manifest["period"]),
        check_exceptions(files),
    ]
    check_matches(files)
    check_rules(files, sample["items"])
    check_aged(files, accounts)
    check_history(files, events)
    state = _check_state(manifest, events)
    return [*lines, check_tasks(files, is_locked=manifest["period"]["state"] == "closed"), state, *_unread(files)]


def _check_days(files: Files, manifest: Mapping[str, Any], events: Events) -> list[str]:
    """The daily proofs; a packet of a version before has none, and then the log knows of none either."""
    if MONEY_DAYS not in files:
        if any(event["type"] == "customer_money.proven" for event in events):
            raise VerificationError(f"{MONEY_DAYS} is missing from the packet")
        return []
    books = read(files, CUSTOMER_MONEY)["currencies"]
    return [check_money_days(read(files, MONEY_DAYS)["proofs"], books, manifest["period"], events)]


def _check_asked(
    manifest: Mapping[str, Any], trial_balance_hash: str, sample: Mapping[str, Any], events: Events
) -> None:
    """Before it was sealed the log was told of this trial balance and this draw."""
    asked = [
        event["data"]
        for event in events
        if event["type"] == "closeout.requested" and event["data"]["packet_id"] == manifest["packet_id"]
    ]
    if len(asked) != 1 or asked[0]["revision"] != manifest["revision"]:
        raise VerificationError("the log does not know that this packet was asked for")
    if asked[0]["trial_balance_hash"] != trial_balance_hash:
        raise VerificationError("the trial balance is another one than the log was told of")
    drawn = (sample["seed"], whole(sample["size"]), whole(sample["population"]))
    if drawn != (asked[0]["sample_seed"], asked[0]["sample_size"], asked[0]["sample_population"]):
        raise VerificationError("the audit sample is another one than the log was told of")


def _check_tie_outs(files: Files, accounts: dict[str, Mapping[str, Any]], events: Events) -> str:
    tie_outs, statements = read(files, TIE_OUTS)["tie_outs"], read_statements(files)
    for each in tie_outs:
        check_tie_out(each, accounts, statements, events)
    known = {each["tie_out_id"] for each in tie_outs}
    if len(known) != len(tie_outs) or any(
        event["data"].get("tie_out_id", None) not in {None, *known} for event in events
    ):
        raise VerificationError("a tie-out that the log knows is not in the packet")
    signed = sum(each["state"] == "approved" for each in tie_outs)
    left = [f"{each['account']} ({each['state']})" for each in tie_outs if each["state"] != "approved"]
    return (
        f"Each of the {len(tie_outs)} tie-outs adds up to the ledger's balance; {signed} are signed by two people"
        " under these very figures." + (f" NOT signed: {', '.join(left)}." if left else "")
    )


def _check_state(manifest: Mapping[str, Any], events: Events) -> str:
    """The last thing that the log says of the period is what the packet says of it."""
    said = [event for event in events if event["type"] in ("period.soft_closed", "period.locked", "period.reopened")]
    state = said[-1]["data"]["state"] if said else "open"
    # A soft close that was taken back leaves no event, since nothing was closed.
    if manifest["period"]["state"] != state and not (state == "soft" and manifest["period"]["state"] == "open"):
        raise VerificationError(f"the packet says that the period is {manifest['period']['state']}, the log: {state}")
    for name in ("period_id", "starts_on", "ends_on", "starts_at", "ends_at"):
        if any(event["data"][name] != manifest["period"][name] for event in said):
            raise VerificationError(f"the packet is of a period with another {name} than the log's")
    return (
        f"The period is locked, as the log says at {said[-1]['occurred_at']}."
        if state == "closed"
        else f"The period is not locked: it is {manifest['period']['state']}."
    )


def _unread(files: Files) -> list[str]:
    """Files that this verifier knows nothing of are whole, as the manifest's signature says, and no more."""
    own = {*FILES, MONEY_DAYS, POPULATION, "manifest.json", "manifest.sig", "checkpoint"}
    other = sorted(name for name in files if name not in own and not name.startswith(("events/", "proofs/")))
    return [f"These files are whole, and their content was not checked: {', '.join(other)}."] if other else []
