"""The books of a closeout packet: trial balance with roll-forward, customers' money, flux."""

from typing import Any, Final

from evidence.verifier import canonical
from evidence.verifier.closeout.reading import Files, Row, read_table, whole
from evidence.verifier.errors import VerificationError

AMOUNTS: Final = ("opening_minor", "debits_minor", "credits_minor", "closing_minor")
CLASSES: Final = frozenset({"asset", "liability", "equity", "income", "expense"})


def books_hash(books: Any) -> str:
    """The hash under which the log knows a trial balance: every account that has an amount, by currency."""
    said = [
        {
            "currency": book["currency"],
            "rows": [
                {"account_id": row["account_id"], **{name: row[name] for name in AMOUNTS}}
                for row in sorted(book["rows"], key=lambda row: str(row["account_id"]))
                if any(row[name] for name in AMOUNTS)
            ],
        }
        for book in sorted(books, key=lambda book: str(book["currency"]))
    ]
    return canonical.sha256_hex(canonical.dumps({"currencies": [book for book in said if book["rows"]]}))


def check_books(books: Any) -> dict[str, Row]:
    """Every account of the trial balance by id, with its currency, after its sums held."""
    accounts: dict[str, Row] = {}
    for book in books:
        currency, rows = book["currency"], book["rows"]
        sums = dict.fromkeys(AMOUNTS, 0)
        for row in rows:
            for name in sums:
                sums[name] += whole(row[name])
            if row["opening_minor"] + row["credits_minor"] - row["debits_minor"] != row["closing_minor"]:
                raise VerificationError(f"the account {row['account']} of {currency} does not roll forward")
            if row["account_id"] in accounts or row["type"] not in CLASSES:
                raise VerificationError(f"the account {row['account']} is there twice, or of no class")
            if row["debits_minor"] < 0 or row["credits_minor"] < 0:
                raise VerificationError(f"the account {row['account']} of {currency} moved less than nothing")
            accounts[row["account_id"]] = {**row, "currency": currency}
        if sums["opening_minor"] or sums["closing_minor"] or sums["debits_minor"] != sums["credits_minor"]:
            raise VerificationError(f"the trial balance of {currency} does not balance")
        said = {"currency": currency, "rows": rows}
        if book["sha256"] != canonical.sha256_hex(canonical.dumps(said)):
            raise VerificationError(f"the trial balance of {currency} does not have its hash")
    if len({book["currency"] for book in books}) != len(books):
        raise VerificationError("a currency is in the trial balance twice")
    return accounts


def check_table(files: Files, name: str, books: Any) -> None:
    """The CSV beside the trial balance says the same amounts, in the same order, with a row of totals a currency."""
    found = [(row["currency"], row["account"], *(row[each] for each in AMOUNTS)) for row in read_table(files, name)]
    expected = []
    for book in books:
        lines = [(row["account"], *(row[each] for each in AMOUNTS)) for row in book["rows"]]
        total = ("total", *(sum(row[each] for row in book["rows"]) for each in AMOUNTS))
        expected += [(book["currency"], *(str(cell) for cell in line)) for line in [*lines, total]]
    if found != expected:
        raise VerificationError(f"{name} says something else than the trial balance")


def check_money(books: Any, accounts: dict[str, Row]) -> str:
    """Owed, held and our own are the closing balances of every account, each once, and add up."""
    seen: list[str] = []
    for book in books:
        for side, sign in (("owed", 1), ("held", -1), ("own", 1)):
            rows = book[side]
            seen += [row["account_id"] for row in rows]
            for row in rows:
                known = accounts.get(row["account_id"])
                if known is None or sign * known["closing_minor"] != whole(row["amount_minor"]):
                    raise VerificationError(f"the customer-money proof has another balance of {row['account']}")
            if sum(row["amount_minor"] for row in rows) != book[f"{side}_minor"]:
                raise VerificationError(f"the customer-money proof of {book['currency']} does not add up")
        if book["held_minor"] - book["owed_minor"] != book["own_minor"]:
            raise VerificationError(f"the customer-money proof of {book['currency']} leaves a difference")
    missing = {key for key, row in accounts.items() if row["closing_minor"]} - set(seen)
    if missing or len(set(seen)) != len(seen):
        raise VerificationError("the customer-money proof leaves an account out, or counts one twice")
    short = [book["currency"] for book in books if book["held_minor"] < book["owed_minor"]]
    return (
        f"What is owed to customers is NOT there in full in {', '.join(short)}; the proof adds up and says so."
        if short
        else f"In each of {len(books)} currencies, what is owed to customers is there."
    )


def check_flux(rows: Any, accounts: dict[str, Row]) -> None:
    """What the flux says to have moved is what the trial balance says."""
    told = {row["account_id"]: whole(row["movement_minor"]) for row in rows}
    moved = {key: row["credits_minor"] - row["debits_minor"] for key, row in accounts.items()}
    if {key: amount for key, amount in moved.items() if amount} != {key: each for key, each in told.items() if each}:
        raise VerificationError("flux.json says that something else moved than the trial balance")
