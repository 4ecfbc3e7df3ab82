"""The tie-outs of a closeout packet: their arithmetic, and that the people whom the log knows signed these figures."""

from typing import Final

from evidence.verifier import canonical
from evidence.verifier.closeout.reading import SIGN, Event, Events, Row, whole
from evidence.verifier.errors import VerificationError

_GROUPS: Final = ("in_transit", "explained", "unexplained")
_SAID: Final = ("explained_by", "explanation_version", "explanation_sha256")
_TOLD: Final = ("ledger_minor", "statement_minor", "in_transit_minor", "explained_minor", "unexplained_minor")


def check_tie_out(tie_out: Row, accounts: dict[str, Row], statements: dict[str, Row], events: Events) -> None:
    """One reconciled account: from the ledger's balance to the statement's, and who signed it."""
    what, figures = f"the tie-out of {tie_out['account']}", tie_out["figures"]
    if tie_out["figures_hash"] != canonical.sha256_hex(canonical.dumps(figures)):
        raise VerificationError(f"{what} does not have its hash")
    row = accounts.get(tie_out["ledger_account_id"])
    if row is None or (row["account"], row["currency"]) != (tie_out["account"], tie_out["currency"]):
        raise VerificationError(f"{what} is of an account that the trial balance does not have")
    side = "debit" if row["type"] in ("asset", "expense") else "credit"
    if tie_out["normal_balance"] != side or SIGN[side] * row["closing_minor"] != figures["ledger_minor"]:
        raise VerificationError(f"{what} starts from another ledger balance than the trial balance")
    _check_sums(figures, what)
    _check_statement(tie_out, statements, what)
    mine = [event for event in events if event["data"].get("tie_out_id") == tie_out["tie_out_id"]]
    _check_listed(tie_out, mine, what)
    if tie_out["state"] == "approved":
        _check_approved(tie_out, mine, what)


def _check_sums(figures: Row, what: str) -> None:
    if figures["difference_minor"] != (figures["statement_minor"] or 0) - figures["ledger_minor"]:
        raise VerificationError(f"{what} does not subtract")
    if any(part["group"] not in _GROUPS for part in figures["parts"]):
        raise VerificationError(f"{what} has a part that counts nowhere")
    for group in _GROUPS:
        parts = sum(whole(part["amount_minor"]) for part in figures["parts"] if part["group"] == group)
        if parts != figures[f"{group}_minor"]:
            raise VerificationError(f"{what} does not add up: {group}")
    if sum(figures[f"{group}_minor"] for group in _GROUPS) != figures["difference_minor"]:
        raise VerificationError(f"{what} leaves a difference that nothing tells of")


def _check_statement(tie_out: Row, statements: dict[str, Row], what: str) -> None:
    """The statement that it names is here, of this account; a bank's says this very balance."""
    figures = tie_out["figures"]
    if figures["statement_id"] is None:
        return
    found = statements.get(figures["statement_id"])
    if found is None or found["account_id"] != tie_out["account_id"] or found["currency"] != tie_out["currency"]:
        raise VerificationError(f"{what} rests on a statement that is not in the packet")
    if tie_out["kind"] == "bank" and found["closing_minor"] != figures["statement_minor"]:
        raise VerificationError(f"{what} has another balance than its statement")
    if found["ends_on"] != figures["statement_ends_on"]:
        raise VerificationError(f"{what} has another day than its statement")


def _check_listed(tie_out: Row, mine: list[Event], what: str) -> None:
    """Every signature that the log knows is listed with who gave it, and no other."""
    logged, listed = {}, {}
    for event in mine:
        if event["type"] == "tie_out.signed":
            data = event["data"]
            if any(name not in data for name in _SAID):
                raise VerificationError(f"{what} was signed without saying to the log what was explained, and by whom")
            said = (data["explanation_version"], data["explanation_sha256"])
            logged[data["sign_off_id"]] = (data["step"], data["figures_hash"], event["actor"]["id"], *said)
    for each in tie_out["sign_offs"]:
        told = (each["explanation_version"], words_hash(each["explanation"]))
        listed[each["sign_off_id"]] = (each["step"], each["figures_hash"], each["by"], *told)
    if listed != logged or len(listed) != len(tie_out["sign_offs"]):
        raise VerificationError(f"{what} lists other signatures than the log")
    standing = {event["data"]["sign_off_id"] for event in _standing(mine).values()}
    if {each["sign_off_id"] for each in tie_out["sign_offs"] if each["suspended_at"] is None} != standing:
        raise VerificationError(f"{what} lets other signatures stand than the log")
    said = (tie_out["explained_by"], words_hash(tie_out["explanation"]))
    for event in _standing(mine).values():
        if (event["data"]["explained_by"], event["data"]["explanation_sha256"]) != said:
            raise VerificationError(f"{what} was signed with another explanation, or by another hand, than it has here")


def words_hash(words: str) -> str | None:
    """What the log knows of an explanation; None: there was none."""
    return canonical.sha256_hex(words.encode()) if words else None


def _standing(mine: list[Event]) -> dict[str, Event]:
    """The signatures that nothing after them takes back, by step."""
    standing: dict[str, Event] = {}
    for event in mine:
        if event["type"] == "tie_out.suspended":
            standing = {}
        elif event["type"] == "tie_out.signed":
            standing[event["data"]["step"]] = event
    return standing


def _check_approved(tie_out: Row, mine: list[Event], what: str) -> None:
    """Two signed events of these very figures by two people; what is left was explained, not by who approved."""
    standing, figures = _standing(mine), tie_out["figures"]
    hashes = {event["data"]["figures_hash"] for event in standing.values()}
    if standing.keys() != {"prepared", "approved"} or hashes != {tie_out["figures_hash"]}:
        raise VerificationError(f"{what} says that it is approved, and the log does not")
    prepared, approved = standing["prepared"]["actor"]["id"], standing["approved"]["actor"]["id"]
    if prepared == approved or standing["approved"]["data"]["prepared_by"] != prepared:
        raise VerificationError(f"{what} was prepared and approved by the same person")
    for event in standing.values():
        if any(str(event["data"][name]) != str(figures[name]) for name in _TOLD):
            raise VerificationError(f"{what} has other figures than those that the log tells of")
    # Parts that happen to add up to zero are unexplained all the same.
    if figures["statement_minor"] is not None and all(part["group"] != "unexplained" for part in figures["parts"]):
        return
    if not tie_out["explanation"] or tie_out["explained_by"] is None:
        raise VerificationError(f"{what} was signed although nobody said why something is left")
    if tie_out["explained_by"] == approved:
        raise VerificationError(f"{what} was explained and approved by the same person")
