"""The audit sample of a closeout packet: drawn by the rule, from the postings of the period, as they were posted.

The rule: the seed is the SHA-256 over the ids of all postings of the period in their order, each with a line feed;
drawn are the first ones in the order of SHA-256(seed ‖ the posting's uuid as text). Nobody chooses either.
"""

import hashlib
from collections import Counter, defaultdict
from typing import Any, Final

from evidence.verifier import canonical
from evidence.verifier.closeout.reading import SIGN, Files, Row, read_table, uuid_of, whole
from evidence.verifier.errors import VerificationError

POPULATION: Final = "sample-population.txt"
TABLE: Final = "sample.csv"
_COLUMNS: Final = ("place", "posting_id", "purpose", "amount_minor", "currency", "effective_at", "entry_hash")


def check_sample(sample: Row, files: Files, accounts: dict[str, Row], period: Row) -> str:
    """Seed, size and order; each posting against its hashed bytes, the period and the trial balance."""
    items, population = sample["items"], whole(sample["population"], what="the population")
    if sample["seed"] != sample["population_sha256"]:
        raise VerificationError("the seed of the audit sample is not the hash of its population: somebody chose it")
    asked = whole(sample["asked"], what="the size asked for")
    if len(items) != whole(sample["size"], what="the size") or len(items) != min(asked, population):
        raise VerificationError("the audit sample has another size than it says")
    ranks = [_rank(sample["seed"], item["posting_id"]) for item in items]
    if ranks != sorted(set(ranks)) or ranks != [item["digest"] for item in items]:
        raise VerificationError("the audit sample is not in the order of its seed")
    if [item["place"] for item in items] != list(range(1, len(items) + 1)):
        raise VerificationError("the places of the audit sample are not 1 to its size")
    for item in items:
        _check_item(item, period)
    _check_moved(items, accounts, is_all=len(items) == population)
    _check_table(files, items)
    return _check_drawn(sample, files)


def _check_drawn(sample: Row, files: Files) -> str:
    items, content = sample["items"], files.get(POPULATION)
    if content is None:
        return (
            f"{len(items)} of {sample['population']} postings are in the order of their seed, balance and have their"
            " entry hash. The list of all postings is NOT here, so that the draw was not made again."
        )
    known = content.decode().splitlines()
    if len(known) != sample["population"] or canonical.sha256_hex(content) != sample["population_sha256"]:
        raise VerificationError("the population of the audit sample is another one")
    if known != sorted(set(known)) or not content.endswith(b"\n" if known else b""):
        raise VerificationError("the population of the audit sample is not in its order, each posting once")
    drawn = sorted((_rank(sample["seed"], each), each) for each in known)
    if [each for _, each in drawn[: len(items)]] != [item["posting_id"] for item in items]:
        raise VerificationError("the seed draws other postings than the audit sample")
    return f"The seed draws exactly these {len(items)} of {len(known)} postings; each balances and has its entry hash."


def _rank(seed: str, posting_id: str) -> str:
    return hashlib.sha256(f"{seed}{uuid_of(posting_id)}".encode()).hexdigest()


def _check_item(item: Row, period: Row) -> None:
    """A drawn posting says what the bytes under its hash say, balances, and counts in the period."""
    what, content = f"the posting {item['posting_id']} of the sample", item["hashed_content"].encode()
    if canonical.sha256_hex(content) != item["entry_hash"]:
        raise VerificationError(f"{what} does not have its entry hash")
    said = canonical.read_object(content, what=what)
    for name in ("posting_id", "purpose", "intent_id", "effective_at"):
        if item[name] != said[name]:
            raise VerificationError(f"{what} says another {name} than its hashed content")
    if not period["starts_at"] <= item["effective_at"] < period["ends_at"]:
        raise VerificationError(f"{what} does not count in the period")
    _check_entries(item["entries"], said["entries"], what)
    first = item["entries"][0]["currency"]
    debits = sum(e["amount_minor"] for e in item["entries"] if e["direction"] == "debit" and e["currency"] == first)
    if (item["currency"], item["amount_minor"]) != (first, debits):
        raise VerificationError(f"{what} has another amount than its entries")
    matched = {each["entry_id"]: each for each in item["matched"]}
    if len(matched) != len(item["matched"]) or not matched.keys() <= {each["entry_id"] for each in item["entries"]}:
        raise VerificationError(f"{what} is matched by entries that are not its own")
    for each in matched.values():
        if sum(whole(line["amount_minor"]) for line in each["lines"]) != each["line_minor"]:
            raise VerificationError(f"{what} is matched with lines that do not add up")


def _check_entries(entries: Any, said: Any, what: str) -> None:
    sums: defaultdict[str, int] = defaultdict(int)
    left = Counter((one["account"], one["direction"], one["amount_minor"], one["currency"]) for one in said)
    for entry in entries:
        if whole(entry["amount_minor"]) <= 0:
            raise VerificationError(f"{what} has an entry that is not positive")
        sums[entry["currency"]] += SIGN[entry["direction"]] * entry["amount_minor"]
        rest = (entry["direction"], entry["amount_minor"], entry["currency"])
        # The caller named the account by its code or by its id.
        key = next((each for name in ("account", "account_id") if left[each := (entry[name], *rest)]), None)
        if key is None:
            raise VerificationError(f"{what} has an entry that its hashed content does not have")
        left[key] -= 1
    if not entries or any(left.values()):
        raise VerificationError(f"{what} lacks an entry of its hashed content")
    if any(sums.values()):
        raise VerificationError(f"{what} does not balance")


def _check_moved(items: Any, accounts: dict[str, Row], *, is_all: bool) -> None:
    """No account moved more in the sample than in the trial balance; where all postings are here, exactly as much."""
    moved: Counter[tuple[str, str]] = Counter()
    for item in items:
        for entry in item["entries"]:
            known = accounts.get(entry["account_id"])
            if known is None or (known["account"], known["currency"]) != (entry["account"], entry["currency"]):
                raise VerificationError(
                    f"the sample has an account that the trial balance does not: {entry['account']}"
                )
            moved[entry["account_id"], f"{entry['direction']}s_minor"] += entry["amount_minor"]
    for key, row in accounts.items():
        for side in ("debits_minor", "credits_minor"):
            if moved[key, side] > row[side] or (is_all and moved[key, side] != row[side]):
                raise VerificationError(f"the sample moves another amount on {row['account']} than the trial balance")


def _check_table(files: Files, items: Any) -> None:
    found = [tuple(row[name] for name in _COLUMNS) for row in read_table(files, TABLE)]
    if found != [tuple(str(item[name]) for name in _COLUMNS) for item in items]:
        raise VerificationError(f"{TABLE} says something else than the audit sample")
