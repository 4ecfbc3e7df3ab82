"""What a closeout packet claims, computed again from its own files: the books of a period, tied out and signed.

Only the files' bytes and the signed events are trusted; every sum, hash and draw is made anew.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from evidence.verifier import canonical
from evidence.verifier.errors import VerificationError

KIND: Final = "closeout_packet"
TRIAL_BALANCE: Final = "trial-balance.json"
TIE_OUTS: Final = "tie-outs.json"
SAMPLE: Final = "sample.json"
POPULATION: Final = "sample-population.txt"
CUSTOMER_MONEY: Final = "customer-money.json"
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PARTS: Final = ("in_transit", "explained", "unexplained")
_SIGN: Final = {"credit": 1, "debit": -1}

Files = Mapping[str, bytes]
Events = Sequence[Mapping[str, Any]]


def check(manifest: Mapping[str, Any], files: Files, events: Events) -> list[str]:
    """Compute again what the packet says; what was found, one sentence a line. Raises VerificationError."""
    books = _read(files, TRIAL_BALANCE)["currencies"]
    accounts = _check_books(books)
    lines = [f"The trial balance ({len(books)} currencies, {len(accounts)} accounts) balances and rolls forward."]
    tie_outs = _read(files, TIE_OUTS)["tie_outs"]
    for each in tie_outs:
        _check_tie_out(each, accounts, events)
    signed = sum(each.get("state") == "approved" for each in tie_outs)
    lines.append(
        f"Each of the {len(tie_outs)} tie-outs adds up to the ledger's balance; {signed} are signed by two people"
        " under these very figures."
    )
    lines.append(_check_money(_read(files, CUSTOMER_MONEY)["currencies"], accounts))
    lines.append(_check_sample(_read(files, SAMPLE), files))
    lines.append(_check_state(manifest, events))
    return lines


def _check_books(books: Any) -> dict[str, Mapping[str, Any]]:
    """Every account of the trial balance by id, after its sums held."""
    accounts: dict[str, Mapping[str, Any]] = {}
    for book in books:
        currency, rows = book["currency"], book["rows"]
        sums = dict.fromkeys(("opening_minor", "debits_minor", "credits_minor", "closing_minor"), 0)
        for row in rows:
            for name in sums:
                sums[name] += _whole(row[name])
            if row["opening_minor"] + row["credits_minor"] - row["debits_minor"] != row["closing_minor"]:
                raise VerificationError(f"the account {row['account']} of {currency} does not roll forward")
            accounts[row["account_id"]] = row
        if sums["opening_minor"] or sums["closing_minor"] or sums["debits_minor"] != sums["credits_minor"]:
            raise VerificationError(f"the trial balance of {currency} does not balance")
        said = {"currency": currency, "rows": rows}
        if book["sha256"] != canonical.sha256_hex(canonical.dumps(said)):
            raise VerificationError(f"the trial balance of {currency} does not have its hash")
    return accounts


def _check_tie_out(tie_out: Mapping[str, Any], accounts: Mapping[str, Mapping[str, Any]], events: Events) -> None:
    what, figures = f"the tie-out of {tie_out['account']}", tie_out["figures"]
    if tie_out["figures_hash"] != canonical.sha256_hex(canonical.dumps(figures)):
        raise VerificationError(f"{what} does not have its hash")
    row = accounts.get(tie_out["ledger_account_id"])
    side = _SIGN[tie_out["normal_balance"]]
    if row is None or side * row["closing_minor"] != figures["ledger_minor"]:
        raise VerificationError(f"{what} starts from another ledger balance than the trial balance")
    if figures["difference_minor"] != (figures["statement_minor"] or 0) - figures["ledger_minor"]:
        raise VerificationError(f"{what} does not subtract")
    for group in _PARTS:
        parts = sum(_whole(part["amount_minor"]) for part in figures["parts"] if part["group"] == group)
        if parts != figures[f"{group}_minor"]:
            raise VerificationError(f"{what} does not add up: {group}")
    if sum(figures[f"{group}_minor"] for group in _PARTS) != figures["difference_minor"]:
        raise VerificationError(f"{what} leaves a difference that nothing tells of")
    if tie_out["state"] == "approved":
        _check_signatures(tie_out, events, what)


def _check_signatures(tie_out: Mapping[str, Any], events: Events, what: str) -> None:
    """Two signed events of these figures, by two actors, and nothing after them that takes them back."""
    mine = [event for event in events if event["data"].get("tie_out_id") == tie_out["tie_out_id"]]
    standing: dict[str, Mapping[str, Any]] = {}
    for event in mine:
        if event["type"] == "tie_out.suspended":
            standing = {}
        elif event["type"] == "tie_out.signed":
            standing[event["data"]["step"]] = event
    hashes = {event["data"]["figures_hash"] for event in standing.values()}
    if standing.keys() != {"prepared", "approved"} or hashes != {tie_out["figures_hash"]}:
        raise VerificationError(f"{what} says that it is approved, and the log does not")
    if len({event["actor"]["id"] for event in standing.values()}) != len(standing):
        raise VerificationError(f"{what} was prepared and approved by the same person")


def _check_money(books: Any, accounts: Mapping[str, Mapping[str, Any]]) -> str:
    for book in books:
        for side, sign in (("owed", 1), ("held", -1), ("own", 1)):
            rows = book[side]
            for row in rows:
                known = accounts.get(row["account_id"])
                if known is None or sign * known["closing_minor"] != row["amount_minor"]:
                    raise VerificationError(f"the customer-money proof has another balance of {row['account']}")
            if sum(row["amount_minor"] for row in rows) != book[f"{side}_minor"]:
                raise VerificationError(f"the customer-money proof of {book['currency']} does not add up")
        if book["held_minor"] - book["owed_minor"] != book["own_minor"]:
            raise VerificationError(f"the customer-money proof of {book['currency']} leaves a difference")
    short = [book["currency"] for book in books if book["held_minor"] < book["owed_minor"]]
    return (
        f"What is owed to customers is NOT there in full in {', '.join(short)}; the proof adds up and says so."
        if short
        else f"In each of {len(books)} currencies, what is owed to customers is there."
    )


def _check_sample(sample: Mapping[str, Any], files: Files) -> str:
    items, seed = sample["items"], sample["seed"]
    ranks = [hashlib.sha256(f"{seed}{_uuid(item['posting_id'])}".encode()).hexdigest() for item in items]
    if ranks != sorted(ranks) or ranks != [item["digest"] for item in items]:
        raise VerificationError("the audit sample is not in the order of its seed")
    for item in items:
        if canonical.sha256_hex(item["hashed_content"].encode()) != item["entry_hash"]:
            raise VerificationError(f"the posting {item['posting_id']} of the sample does not have its entry hash")
        _check_balanced(item)
    population = files.get(POPULATION)
    if population is None:
        return (
            f"{len(items)} of {sample['population']} postings are in the order of their seed; the others are not here."
        )
    known = population.decode().splitlines()
    if len(known) != sample["population"] or canonical.sha256_hex(population) != sample["population_sha256"]:
        raise VerificationError("the population of the audit sample is another one")
    drawn = sorted((hashlib.sha256(f"{seed}{_uuid(each)}".encode()).hexdigest(), each) for each in known)
    if [each for _, each in drawn[: len(items)]] != [item["posting_id"] for item in items]:
        raise VerificationError("the seed draws other postings than the audit sample")
    return f"The seed draws exactly these {len(items)} of {len(known)} postings; each balances and has its entry hash."


def _check_balanced(item: Mapping[str, Any]) -> None:
    sums: dict[str, int] = {}
    for entry in item["entries"]:
        sums[entry["currency"]] = sums.get(entry["currency"], 0) + _SIGN[entry["direction"]] * entry["amount_minor"]
    if any(sums.values()):
        raise VerificationError(f"the posting {item['posting_id']} of the sample does not balance")


def _check_state(manifest: Mapping[str, Any], events: Events) -> str:
    """The last thing that the log says of the period is what the packet says of it."""
    said = [event for event in events if event["type"] in ("period.soft_closed", "period.locked", "period.reopened")]
    state = said[-1]["data"]["state"] if said else "open"
    # A soft close that was taken back leaves no event, since nothing was closed.
    if manifest["period"]["state"] != state and not (state == "soft" and manifest["period"]["state"] == "open"):
        raise VerificationError(f"the packet says that the period is {manifest['period']['state']}, the log: {state}")
    return (
        f"The period is locked, as the log says at {said[-1]['occurred_at']}."
        if state == "closed"
        else f"The period is not locked: it is {manifest['period']['state']}."
    )


def _read(files: Files, name: str) -> dict[str, Any]:
    if name not in files:
        raise VerificationError(f"{name} is missing from the packet")
    return canonical.read_object(files[name], what=name)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise VerificationError("an amount is not a whole number")
    return value


def _uuid(posting_id: str) -> UUID:
    """The uuid in a public id: 26 characters of 5 bits after the prefix."""
    number = 0
    for char in posting_id.rpartition("_")[2]:
        number = number << 5 | _ALPHABET.index(char)
    return UUID(int=number)
