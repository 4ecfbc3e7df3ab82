"""What the pages of a closeout share: the period of an address, its tabs, its steps, and what may be done to it."""

from collections.abc import Callable
from typing import Final

from django.http import HttpResponse

from console.doors import Visit
from console.forms import act_once
from console.presenters.accounts import Names, person
from console.types import Chip
from console.types.finance import Act, Ask
from zentra.reconciliation.closeout.errors import PeriodNotFound
from zentra.reconciliation.closeout.operations.reopening import LONGEST_MINUTES, SHORTEST_MINUTES
from zentra.reconciliation.closeout.queries import find_period
from zentra.reconciliation.closeout.reasons import MOST
from zentra.reconciliation.closeout.types import Overview, PeriodRecord
from zentra.tenants.permissions import Permission

ROOM: Final = "closeout"
SIGN: Final = 5  # the step at which everything else is done
TABS: Final = (
    ("checklist", "Checklist"),
    ("exceptions", "Exceptions"),
    ("trial", "Trial balance"),
    ("packet", "Packet"),
)
WHY: Final = Ask("reason", "Why, kept in the evidence", maximum=MOST)


def home(visit: Visit) -> str:
    """Where the room is."""
    return f"{visit.base}closeout/"


def period_url(visit: Visit, period: PeriodRecord) -> str:
    """The page of a period."""
    return f"{home(visit)}{period.month}/"


def period_of(month: str) -> PeriodRecord:
    """The period of an address such as 2026-04; raises PeriodNotFound."""
    found = find_period(month=month) if len(month) == len("2026-04") else None
    if found is None:
        raise PeriodNotFound(f"There is no period {month[:20]}.")
    return found


def tabs(visit: Visit, period: PeriodRecord, current: str, exceptions: int) -> tuple[Chip, ...]:
    """The four views of a period."""
    here = period_url(visit, period)
    return tuple(
        Chip(title, f"{here}?tab={key}", key == current, exceptions if key == "exceptions" else None)
        for key, title in TABS
    )


def words_of(period: PeriodRecord) -> str:
    """``business day ends 17:00 Europe/Berlin``."""
    hour = f"{period.cut_off_hour:02d}:00"
    return f"{period.starts_on:%d %b} to {period.ends_on:%d %b %Y} · cut-off {hour} {period.time_zone}"


def crumbs(visit: Visit, *further: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The way back."""
    return (("Closeout", home(visit)), *further)


def period_acts(visit: Visit, period: PeriodRecord, view: Overview) -> tuple[Act, ...]:
    """What this person may do to the period as it stands."""
    acts = _locked_acts(visit, period) if period.state == "closed" else _open_acts(visit, period, view)
    return tuple(acts)


def whose_turn(visit: Visit, period: PeriodRecord, names: Names) -> str:
    """Why this person has no Lock here although they may lock: who closed it softly, or let it be opened, is not the
    one who locks it."""
    closer = period.soft_closed_by
    if period.state != "soft" or closer is None or closer.get("id") != visit.member.user_id:
        return ""
    if not visit.may(Permission.CLOSEOUT_APPROVE):
        return ""
    did = "let it be opened" if period.until is not None else "closed it softly"
    return f"{person(dict(closer), names)} {did}; another person locks it."


def _locked_acts(visit: Visit, period: PeriodRecord) -> list[Act]:
    here, version = period_url(visit, period), (("version", str(period.version)),)
    prepares, request = visit.may(Permission.CLOSEOUT_PREPARE), period.request
    if request is None:
        minutes = Ask(
            "minutes",
            "For how many minutes",
            "60",
            type="number",
            maximum=5,
            hint=f"{SHORTEST_MINUTES} to {LONGEST_MINUTES:,}; an hour is 60, a day 1,440",
        )
        words = "A second person lets it; then adjustments post for that long."
        asked = Act(
            "reopen", "Re-open…", f"{here}reopen/", verb="Ask for it", hidden=version, asks=(WHY, minutes), words=words,
            is_warning=True,
        )  # fmt: skip
        return [asked, _anew(here)] if prepares else []
    acts = []
    if visit.may(Permission.CLOSEOUT_APPROVE) and request.by.get("id") != visit.member.user_id:
        words = f"For {request.minutes} minutes, adjustments only; it locks again by itself"
        acts.append(
            Act(
                "approve-reopen",
                "Let it be opened",
                f"{here}reopen/approve/",
                hidden=version,
                is_primary=True,
                words=words,
            )
        )
    if prepares:
        acts.append(Act("decline-reopen", "Decline…", f"{here}reopen/decline/", hidden=version, asks=(WHY,)))
        acts.append(_anew(here))
    return acts


def _anew(here: str) -> Act:
    return Act("refresh", "Compute anew", f"{here}refresh/", shortcut="r")


def _open_acts(visit: Visit, period: PeriodRecord, view: Overview) -> list[Act]:
    here, version = period_url(visit, period), (("version", str(period.version)),)
    prepares, acts = visit.may(Permission.CLOSEOUT_PREPARE), []
    if period.state == "open" and prepares:
        words = "From then on only adjustments post into it"
        acts.append(
            Act("soft-close", "Soft close", f"{here}soft-close/", hidden=version, shortcut="c", words=words,
                is_primary=view.step >= SIGN)
        )  # fmt: skip
    closer = (period.soft_closed_by or {}).get("id")
    if period.state == "soft" and visit.may(Permission.CLOSEOUT_APPROVE) and closer != visit.member.user_id:
        sure = Ask("sure", "Every account is signed and I looked at it", type="checkbox")
        acts.append(
            Act("lock", "Lock…", f"{here}lock/", verb="Lock the period", hidden=version, is_primary=True, asks=(sure,),
                words="Nothing posts into it any more; the database refuses.")
        )  # fmt: skip
    if period.state == "soft" and prepares and period.until is None:
        acts.append(Act("soft-open", "Open it again…", f"{here}soft-open/", hidden=version, asks=(WHY,)))
    if prepares:
        acts.append(_anew(here))
    return acts


def act_on_period(visit: Visit, name: str, to: str, effect: Callable[[], str]) -> HttpResponse:
    """Do it once, and go there."""
    return act_once(visit, operation=f"closeout.{name}", effect=effect, to=to)
