"""The papers beside the books: statements, matches, exceptions, adjustments, checklist and history."""

from typing import Any, Final

from evidence.verifier.closeout.reading import Events, Files, Row, read, whole
from evidence.verifier.closeout.tie_outs import words_hash
from evidence.verifier.errors import VerificationError

_OF_THE_LOG: Final = {
    "soft_closed": "period.soft_closed",
    "locked": "period.locked",
    "locked_again": "period.locked",
    "reopened": "period.reopened",
}
_SIGN: Final = {"credit": 1, "debit": -1}


def read_statements(files: Files) -> dict[str, Row]:
    """The statements by id; each goes from its opening balance over its lines to its closing balance."""
    found: dict[str, Row] = {}
    for each in read(files, "statements.json")["statements"]:
        what = f"the statement {each['external_id']}"
        if each["statement_id"] in found:
            raise VerificationError(f"{what} is there twice")
        moved = whole(each["credits_minor"]) - whole(each["debits_minor"])
        opening, closing = each["opening_minor"], each["closing_minor"]
        if opening is not None and closing is not None and opening + moved != closing:
            raise VerificationError(f"{what} does not go from its opening to its closing balance")
        found[each["statement_id"]] = each
    for each in found.values():
        before = found.get(each["previous_id"] or "")
        if (
            before is not None
            and each["continuity"] == "continuous"
            and before["closing_minor"] != each["opening_minor"]
        ):
            raise VerificationError(f"the statement {each['external_id']} does not go on where the one before ended")
    return found


def check_matches(files: Files) -> None:
    """Shares are of all lines; what people matched by force says why, and was let by a second one."""
    found = read(files, "matches.json")
    total = sum(whole(each["lines"], what="a count") for each in found["by_rule"])
    for each in found["by_rule"]:
        if each["share_bp"] != each["lines"] * 10_000 // total:
            raise VerificationError("matches.json says another share of a rule than its lines")
    for each in found["by_hand"]:
        what = f"the match {each['match_id']}"
        left = each["entry_minor"] - each["line_minor"] - each["fee_minor"]
        if each["difference_minor"] != left:
            raise VerificationError(f"{what} leaves another difference than it says")
        if left and each["how"] != "forced":
            raise VerificationError(f"{what} leaves a difference, and nobody forced it")
        if each["how"] == "forced" and not each["reason"]:
            raise VerificationError(f"{what} was forced, and does not say why")
        if each["decided_by"] is not None and each["decided_by"] == each["made_by"]:
            raise VerificationError(f"{what} was made and let stand by the same person")


def check_exceptions(files: Files) -> str:
    """Each resolved exception says how and by whom; each adjustment balances and was let by a second person."""
    adjustments = read(files, "adjustments.json")["adjustments"]
    posted = {each["exception_id"] for each in adjustments if each["state"] == "posted"}
    for each in adjustments:
        _check_adjustment(each)
    exceptions = read(files, "exceptions.json")["exceptions"]
    for each in exceptions:
        what = f"the exception {each['exception_id']}"
        if (each["state"] == "resolved") != bool(each["resolution"] and each["resolved_by"] and each["resolved_at"]):
            raise VerificationError(f"{what} does not say how and by whom it was resolved")
        if each["resolution"] == "explained" and each["explained_by"] == each["resolved_by"]:
            raise VerificationError(f"{what} was explained, and let stand, by the same person")
        if each["resolution"] in ("adjusted", "written_off") and each["exception_id"] not in posted:
            raise VerificationError(f"{what} was {each['resolution']}, and no adjustment of it was posted")
        whole(each["amount_minor"])
        whole(each["difference_minor"])
    resolved = sum(each["state"] == "resolved" for each in exceptions)
    return (
        f"{resolved} of {len(exceptions)} exceptions are resolved, each with how and by whom; {len(posted)} by an"
        " adjustment that balances and that a second person let through."
    )


def _check_adjustment(each: Row) -> None:
    what = f"the adjustment {each['adjustment_id']}"
    total = sum(_SIGN[line["direction"]] * whole(line["amount_minor"]) for line in each["lines"])
    debits = sum(line["amount_minor"] for line in each["lines"] if line["direction"] == "debit")
    if total or debits != each["amount_minor"]:
        raise VerificationError(f"{what} does not balance, or is of another amount")
    if each["state"] == "posted" and (not each["posting_id"] or each["decided_by"] in (None, each["proposed_by"])):
        raise VerificationError(f"{what} was posted without a second person")


def check_rules(files: Files, items: Any) -> None:
    """The rules by which the sample was matched are here, in the version that was used."""
    known = {(each["account_id"], each["version"]) for each in read(files, "rules.json")["rule_sets"]}
    for item in items:
        for each in item["matched"]:
            if each["how"] == "rule" and (each["account_id"], each["rules_version"]) not in known:
                raise VerificationError(f"the rules that matched {item['posting_id']} are not in the packet")


def check_aged(files: Files, accounts: dict[str, Row]) -> None:
    """Suspense is what the trial balance closes with."""
    told = {each["account_id"]: each for each in read(files, "aged.json")["items"] if each["kind"] == "suspense"}
    for key, row in accounts.items():
        if (
            row["account_type"] == "suspense"
            and (told[key]["amount_minor"] if key in told else 0) != row["closing_minor"]
        ):
            raise VerificationError(f"aged.json says something else of {row['account']} than the trial balance")


def check_history(files: Files, events: Events) -> None:
    """What was done to the period is what the log says, by the same people, and no step of two was one person's."""
    history = read(files, "history.json")["acts"]
    _check_explanations(history, events)
    acts = [each for each in history if each["act"] in _OF_THE_LOG]
    logged = [event for event in events if event["type"] in _OF_THE_LOG.values()]
    # Which came first is the log's word: an act's moment is its host's clock, and two of them may differ.
    told = sorted((_OF_THE_LOG[each["act"]], each["by"], each["at"]) for each in acts)
    if told != sorted((event["type"], event["actor"]["id"], event["occurred_at"]) for event in logged):
        raise VerificationError("history.json tells of other acts than the log")
    opened_by = None
    for event in logged:
        by, data = event["actor"]["id"], event["data"]
        if event["type"] == "period.locked" and not data["locked_again"] and by == opened_by:
            raise VerificationError("the same person closed the period softly, or re-opened it, and locked it")
        if event["type"] == "period.reopened" and data["requested_by"] == by:
            raise VerificationError("the same person asked for the period to be re-opened and let it")
        opened_by = by


def _check_explanations(history: Any, events: Events) -> None:
    """What was signed with an explanation: the history has its words, of that number, by whom the log says."""
    said = {
        (each["facts"]["tie_out_id"], each["facts"]["explanation_version"]): (each["by"], words_hash(each["reason"]))
        for each in history
        if each["act"] == "tie_out_explained"
    }
    for event in events:
        data = event["data"]
        if event["type"] == "tie_out.signed" and data["explanation_sha256"] is not None:
            known = said.get((data["tie_out_id"], data["explanation_version"]))
            if known != (data["explained_by"], data["explanation_sha256"]):
                raise VerificationError("history.json tells of another explanation than the one that was signed")


def check_tasks(files: Files, *, is_locked: bool) -> str:
    """What was ticked off says by whom and when; what the facts say agrees with the period's state."""
    tasks = read(files, "checklist.json")["tasks"]
    for each in tasks:
        if not each["is_computed"] and (each["state"] == "done") != bool(each["done_by"] and each["done_at"]):
            raise VerificationError(f"the task {each['key']} does not say who ticked it off")
    if any((each["state"] == "done") != is_locked for each in tasks if each["key"] == "lock"):
        raise VerificationError("the checklist says something else of the lock than the log")
    left = [each["title"] for each in tasks if each["state"] != "done" and each["key"] != "packet"]
    return f"{len(tasks) - len(left)} of {len(tasks)} tasks are done." + (
        f" NOT done: {'; '.join(left)}." if left else ""
    )
