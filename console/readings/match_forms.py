"""What may be done to a match, by this person."""

from console.doors import Visit
from console.readings.recon import home
from console.types.finance import Act, Ask
from zentra.reconciliation.matching.types import MatchRecord
from zentra.tenants.permissions import Permission


def match_acts(visit: Visit, match: MatchRecord) -> tuple[Act, ...]:
    """What may be done to a match here, by this person."""
    here = f"{home(visit)}matches/{match.id}/"
    why = Ask("reason", "Why, kept in the evidence", maximum=300)
    acts = []
    is_mine = match.made_by.get("id") == visit.member.user_id
    if match.state == "proposed" and visit.may(Permission.RECONCILIATION_APPROVE) and not is_mine:
        acts.append(Act("approve", "Approve", f"{here}approve/", shortcut="a", is_primary=True))
    if match.state == "proposed" and visit.may(Permission.RECONCILIATION_MATCH):
        title = "Withdraw" if is_mine else "Decline"
        acts.append(Act("decline", title, f"{here}decline/", shortcut="d", asks=(why,), is_warning=True))
    if match.state == "confirmed" and visit.may(Permission.RECONCILIATION_MATCH):
        acts += _undo_acts(visit, match, here, why)
    return tuple(acts)


def _undo_acts(visit: Visit, match: MatchRecord, here: str, why: Ask) -> list[Act]:
    """Undoing a match; where somebody asked for it already, a second person does it or leaves it as it is."""
    asker = (match.undo_asked_by or {}).get("id")
    words = "The match stays as history; its lines and entries are open again."
    undo = Act(
        "undo", "Undo", f"{here}undo/", verb="Undo the match", shortcut="u", asks=(why,), is_warning=True, words=words
    )
    if asker is None:
        return [undo]
    title = "Take the asking back…" if asker == visit.member.user_id else "Leave it matched…"
    keep = Act("keep", title, f"{here}keep/", verb="Leave it matched", asks=(why,))
    able = asker != visit.member.user_id and visit.may(Permission.RECONCILIATION_APPROVE)
    return [undo, keep] if able else [keep]
