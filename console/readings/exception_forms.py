"""What may be done to an exception, by this person, with the forms of it."""

from typing import Any, Final

from console.doors import Visit
from console.presenters.finance import options
from console.presenters.words import grouped
from console.readings.match_forms import match_acts
from console.readings.recon import home
from console.types.finance import Act, Ask
from zentra.reconciliation.matching.desk.codes import ADJUST, DISPUTE, EXPLAIN, WRITE_OFF, Reason
from zentra.reconciliation.matching.desk.queries import list_owners, suggest_adjustment
from zentra.reconciliation.matching.desk.types import ExceptionCase, ExceptionRecord
from zentra.reconciliation.matching.queries import get_match
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users

_REASON: Final = Ask("reason", "In words, kept in the evidence", is_long=True, is_required=False)


def exception_acts(visit: Visit, case: ExceptionCase) -> tuple[Act, ...]:
    """Everything, those that wait for a second person first."""
    record, here = case.exception, exception_url(visit, case.exception.id)
    version = (("version", str(record.version)),)
    acts: list[Act] = [*_decide_acts(visit, case)]
    if not visit.may(Permission.RECONCILIATION_MATCH):
        return tuple(acts)
    acts += _answer_acts(case, here, version)
    if record.state == "resolved" and record.resolution in {"explained", "disputed"}:
        why = Ask("reason", "Why, kept in the evidence", maximum=300)
        acts.append(Act("reopen", "Open again…", f"{here}reopen/", verb="Open it again", hidden=version, asks=(why,)))
    if record.is_resolved:
        return tuple(acts)
    if record.owner_id != visit.member.user_id:
        acts.append(Act("take", "Take it", f"{here}take/", hidden=version, shortcut="t"))
    acts.append(Act("assign", "Assign…", f"{here}assign/", hidden=version, asks=(owner_asks(with_nobody=True),)))
    if record.state == "open":
        acts += _open_acts(visit, record, here, version)
    acts.append(
        Act(
            "attach",
            "Attach…",
            f"{here}file/",
            verb="Attach the file",
            takes_file=True,
            asks=(Ask("file", "File, at most 10 MB", type="file"),),
        )
    )
    return tuple(acts)


def _decide_acts(visit: Visit, case: ExceptionCase) -> list[Act]:
    """What waits for a second person, here and of a forced match."""
    acts = []
    for each in case.adjustments:
        if each.state != "proposed":
            continue
        where = f"{home(visit)}adjustments/{each.id}/"
        is_mine = each.proposed_by.get("id") == visit.member.user_id
        if visit.may(Permission.RECONCILIATION_APPROVE) and not is_mine:
            note = Ask("note", "Note", is_required=False, maximum=300)
            acts.append(
                Act(
                    "approve",
                    "Approve…",
                    f"{where}approve/",
                    verb="Post it",
                    shortcut="a",
                    is_primary=True,
                    words=f"{grouped(each.amount_minor)} {each.currency} is posted at once.",
                    asks=(note,),
                )
            )
        if visit.may(Permission.RECONCILIATION_MATCH):
            why = Ask("reason", "Why, kept in the evidence", maximum=300)
            title = "Withdraw…" if is_mine else "Decline…"
            acts.append(Act("decline", title, f"{where}decline/", shortcut="d", is_warning=True, asks=(why,)))
    record = case.exception
    acts += _explained_acts(visit, record)
    if record.waits_for == "match" and record.match_id and get_match(match_id=record.match_id).state == "proposed":
        acts += match_acts(visit, get_match(match_id=record.match_id))
    return acts


def _explained_acts(visit: Visit, record: ExceptionRecord) -> list[Act]:
    """An explanation of much money that somebody proposed."""
    if record.waits_for != "explanation":
        return []
    here, version = f"{exception_url(visit, record.id)}explanation/", (("version", str(record.version)),)
    is_mine = (record.explained_by or {}).get("id") == visit.member.user_id
    why, acts = Ask("reason", "Why, kept in the evidence", maximum=300), []
    if visit.may(Permission.RECONCILIATION_APPROVE) and not is_mine:
        words = f"{record.reason_code.replace('_', ' ')}: {record.reason or 'without words'}"
        acts.append(
            Act("approve-explanation", "Let it stand", f"{here}approve/", hidden=version, is_primary=True, words=words)
        )
    if visit.may(Permission.RECONCILIATION_MATCH if is_mine else Permission.RECONCILIATION_APPROVE):
        title = "Take it back…" if is_mine else "Decline…"
        acts.append(Act("decline-explanation", title, f"{here}decline/", hidden=version, asks=(why,), is_warning=True))
    return acts


def _answer_acts(case: ExceptionCase, here: str, version: tuple[tuple[str, str], ...]) -> list[Act]:
    if not any(each.state == "open" for each in case.disputes):
        return []
    choices = (("accepted", "They accept it"), ("rejected", "They reject it"), ("withdrawn", "We withdraw it"))
    asks = (Ask("outcome", "Answer", options=options(choices)), Ask("answer", "In words", is_long=True))
    return [
        Act("answer", "Answer of the provider…", f"{here}answer/", verb="Keep the answer", hidden=version, asks=asks)
    ]


def _open_acts(visit: Visit, record: ExceptionRecord, here: str, version: tuple[tuple[str, str], ...]) -> list[Act]:
    today = Ask("effective_on", "Counts on", f"{visit.now:%Y-%m-%d}", type="date", maximum=10)
    return [
        Act(
            "explain",
            "Explain…",
            f"{here}explain/",
            verb="Explain it",
            shortcut="e",
            hidden=version,
            words="No money moves. It counts as explained in the tie-out.",
            asks=(Ask("reason_code", "Reason", options=reason_options(EXPLAIN)), _REASON),
        ),
        Act(
            "adjust",
            "Adjust…",
            f"{here}adjust/",
            verb="Propose the posting",
            hidden=version,
            words="A second person lets it through; then it is posted.",
            asks=(*_line_asks(visit, record), today),
        ),
        Act(
            "write-off",
            "Write off…",
            f"{here}write-off/",
            verb="Propose the write-off",
            hidden=version,
            is_warning=True,
            words="The difference is given up. A second person lets it through.",
            asks=(Ask("reason_code", "Reason", options=reason_options(WRITE_OFF)), _REASON, today),
        ),
        Act(
            "dispute",
            "Dispute…",
            f"{here}dispute/",
            verb="Dispute it",
            hidden=version,
            asks=(
                Ask("provider", "Provider", str(record.facts.get("source", "")), maximum=80),
                Ask("claim", "The reference that they know", str(record.facts.get("reference", "")), maximum=120),
                Ask("reason_code", "Reason", options=reason_options(DISPUTE)),
                _REASON,
                Ask("answer_due_on", "Answer due", type="date", maximum=10),
            ),
        ),
    ]


def _line_asks(visit: Visit, record: ExceptionRecord) -> tuple[Ask, ...]:
    """The lines of an adjustment, filled in for the likeliest reason."""
    kind = "bank_fee" if record.kind in {"line_only", "amount_differs"} else "correction"
    lines = suggest_adjustment(exception_id=record.id, kind="adjustment", reason_code=kind, now=visit.now)
    amount_ = str(abs(record.difference_minor or record.amount_minor))
    asks = [Ask("reason_code", "Reason", options=reason_options(ADJUST, kind if lines else "")), _REASON]
    sides = (("debit", "debit"), ("credit", "credit"))
    for at in range(max(2, len(lines))):
        line = lines[at] if at < len(lines) else None
        asks += [
            Ask(f"account_{at}", f"Line {at + 1}: account", line.account if line else "", maximum=80),
            Ask(f"direction_{at}", "Side", options=options(sides, line.direction if line else sides[at % 2][0])),
            Ask(f"amount_{at}", "Minor units", str(line.amount_minor) if line else amount_, type="number", maximum=20),
        ]
    return tuple(asks)


def exception_url(visit: Visit, exception_id: str) -> str:
    """The page of an exception."""
    return f"{home(visit)}exceptions/{exception_id}/"


def reason_options(codes: Any, chosen: str = "") -> tuple[Any, ...]:
    """The reason codes of an act as choices."""
    found: dict[str, Reason] = codes
    return options([("", "Choose a reason"), *((code, each.title) for code, each in found.items())], chosen)


def owner_asks(*, with_nobody: bool) -> Ask:
    """Who may own an exception."""
    able = list_owners()
    names = names_of_users(user_ids=[user_id for user_id, _ in able])
    people_ = [(user_id, f"{names.get(user_id, user_id)} · {role}") for user_id, role in able]
    first = [("", "nobody")] if with_nobody else [("", "Choose a colleague")]
    return Ask("owner", "Owner", options=options([*first, *people_]), is_required=not with_nobody)
