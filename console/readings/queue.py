"""The review queue as one person sees it: what the address asks for, tabs, chips, rows, saved views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from console import paging
from console.asked import asked
from console.doors import Visit
from console.presenters import cases
from console.presenters.words import age, grouped
from console.readings.cases import names_for
from console.types import Chip
from console.types.reviews import Field, QueueRow, SavedQuery
from policy.reviews.queries import count_reviews_by, list_reviews, saved_views
from policy.reviews.types import CASE_KINDS, QUEUES, ReviewCounts, ReviewFilter, ReviewRecord
from zentra.core.tenancy import current_tenant
from zentra.tenants.teams.queries import find_team, list_teams

PAGE: Final = 100
ROOM: Final = "reviews"
TABS: Final = ("open", "mine", "second", "snoozed", "claimed", "closed")
NAMED: Final = ("tab", "rule", "kind", "queue", "team", "sla", "q")
"""The parameters of the address that a saved view keeps."""

_QUEUE_WORDS: Final[Mapping[str, str]] = {"operations": "Operations", "compliance": "Compliance"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; what it does not know it leaves out."""

    tab: str
    rule: str
    kind: str
    queue: str
    sla: str
    text: str
    team: str = ""

    def query(self, **changed: str) -> str:
        """The same as a query string, with some of it changed; nothing for what is everything."""
        values = {
            "tab": "" if self.tab == "open" else self.tab,
            "rule": self.rule,
            "kind": self.kind,
            "queue": self.queue,
            "team": self.team,
            "sla": self.sla,
            "q": self.text,
            **changed,
        }
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def narrows(self) -> bool:
        """Whether anything but the tab is asked for."""
        return bool(self.rule or self.kind or self.queue or self.team or self.sla or self.text)

    def where(self, me: str) -> ReviewFilter:
        """The cases of the tab and the filters, for this person."""
        narrowed = ReviewFilter(
            queue=self.queue or None,
            case_kind=self.kind or None,
            rule=self.rule or None,
            breached=True if self.sla else None,
            text=self.text or None,
            owners=_people_of(self.team) if self.team else None,
        )
        match self.tab:
            case "closed":
                return replace(narrowed, state="closed")
            case "mine":
                return replace(narrowed, state="open", mine=me)
            case "second":
                return replace(narrowed, state="open", needs_second=True)
            case "snoozed":
                return replace(narrowed, state="open", snoozed=True)
            case "claimed":
                return replace(narrowed, state="open", is_claimed=True)
        return replace(narrowed, state="open", snoozed=False, free_for=me)

    @property
    def wants(self) -> tuple[str, ...]:
        """What a live row must be to show here, besides the tab."""
        named = (("rule", self.rule), ("kind", self.kind), ("queue", self.queue), ("team", self.team))
        return (*(f"{name}:{value}" for name, value in named if value), *(("breached",) if self.sla else ()))


def read_asked(get: Mapping[str, str]) -> Asked:
    """The filters of an address or a form."""
    tab, kind, queue = get.get("tab", ""), get.get("kind", ""), get.get("queue", "")
    return Asked(
        tab=tab if tab in TABS else "open",
        rule=get.get("rule", "").strip()[:80],
        kind=kind if kind in CASE_KINDS else "",
        queue=queue if queue in QUEUES else "",
        sla="breached" if get.get("sla") == "breached" else "",
        text=get.get("q", "").strip()[:80],
        team=get.get("team", "").strip()[:40],
    )


def _people_of(team: str) -> tuple[str, ...]:
    """The people of a team; nobody where there is none of that id."""
    found = find_team(workspace_id=current_tenant().id, team_id=team)
    return found.members if found else ()


def asked_of(visit: Visit) -> Asked:
    """The filters of this page's address."""
    return read_asked({name: asked(visit, name) for name in NAMED})


def read_page(visit: Visit, wanted: Asked, before: tuple[datetime, str] | None) -> tuple[list[ReviewRecord], str]:
    """A page of cases, and where the next one begins, if there is one."""
    me = visit.member.user_id
    found = list_reviews(where=wanted.where(me), now=visit.now, before=before, limit=PAGE + 1)
    if wanted.tab == "claimed":
        found = [each for each in found if each.claimed_by != me]
    if len(found) <= PAGE:
        return found, ""
    last = found[PAGE - 1]
    return found[:PAGE], paging.encode((last.decided_at or last.due_at, last.id))


def rows(
    visit: Visit, wanted: Asked, found: Sequence[ReviewRecord], *, link: str, selected: str
) -> tuple[QueueRow, ...]:
    """The lines of a page."""
    names = names_for(found)
    half = with_first_approval(found, visit.now)
    return tuple(
        replace(
            cases.row(
                each,
                given=1 if each.id in half else 0,
                link=link,
                names=names,
                now=visit.now,
                me=visit.member.user_id,
                is_snoozed=wanted.tab == "snoozed",
            ),
            selected=each.id == selected,
        )
        for each in found
    )


def with_first_approval(found: Sequence[ReviewRecord], now: datetime) -> frozenset[str]:
    """Which of these wait for their second approval."""
    if not any(each.is_open and each.needs_two for each in found):
        return frozenset()
    waiting = list_reviews(where=ReviewFilter(state="open", needs_second=True), now=now)
    return frozenset(each.id for each in waiting)


def tabs(here: str, wanted: Asked, counts: ReviewCounts) -> tuple[Chip, ...]:
    """The tabs with their counts; a change of tab keeps the filters."""
    named = (
        ("open", "Open", counts.free),
        ("mine", "Mine", counts.mine),
        ("second", "Second approval", counts.second),
        ("snoozed", "Snoozed", counts.snoozed),
        ("claimed", "Claimed by others", counts.claimed_by_others),
        ("closed", "Closed", None),
    )
    shown = [each for each in named if each[0] != "claimed" or each[2] or wanted.tab == "claimed"]
    return tuple(
        Chip(title, _address(here, wanted.query(tab="" if key == "open" else key)), key == wanted.tab, count, key)
        for key, title, count in shown
    )


def reasons(visit: Visit, here: str, wanted: Asked, counts: ReviewCounts) -> tuple[Chip, ...]:
    """A chip for each rule that brought cases of this tab here, most first."""
    where = replace(wanted, rule="", sla="").where(visit.member.user_id)
    found = count_reviews_by(column="rule", where=where, now=visit.now)[:12]
    chips = [Chip("All reasons", _address(here, wanted.query(rule="", sla="")), not wanted.rule and not wanted.sla)]
    if wanted.tab != "closed" and (counts.breached or wanted.sla):
        chips.append(
            Chip("breached", _address(here, wanted.query(sla="breached", rule="")), bool(wanted.sla), counts.breached)
        )
    known = [name for name, _ in found]
    if wanted.rule and wanted.rule not in known:
        found = [*found, (wanted.rule, 0)]
    chips += [
        Chip(
            cases.reason_words(name),
            _address(here, wanted.query(rule=name, sla="")),
            name == wanted.rule,
            count,
        )
        for name, count in found
        if name
    ]
    return tuple(chips)


def fields(wanted: Asked) -> tuple[Field, ...]:
    """The filters that are chosen from a list."""
    kinds = tuple((kind, cases.KIND_PLURALS.get(kind, kind), kind == wanted.kind) for kind in CASE_KINDS)
    queues = tuple((name, _QUEUE_WORDS.get(name, name), name == wanted.queue) for name in QUEUES)
    return (
        Field("kind", "Kind of case", (("", "All kinds", not wanted.kind), *kinds)),
        Field("queue", "Queue", (("", "Both queues", not wanted.queue), *queues)),
        *_team_field(wanted),
    )


def _team_field(wanted: Asked) -> tuple[Field, ...]:
    teams = list_teams(workspace_id=current_tenant().id)
    if not teams:
        return ()
    named = tuple((each.id, each.name, each.id == wanted.team) for each in teams)
    return (Field("team", "Team", (("", "All teams", not wanted.team), *named)),)


def hidden(wanted: Asked) -> tuple[tuple[str, str], ...]:
    """What the search form keeps of the address: the tab and the chips."""
    named = (("tab", "" if wanted.tab == "open" else wanted.tab), ("rule", wanted.rule), ("sla", wanted.sla))
    return tuple((name, value) for name, value in named if value)


def views(visit: Visit, here: str, wanted: Asked) -> tuple[SavedQuery, ...]:
    """This person's saved views."""
    now = wanted.query()
    return tuple(
        SavedQuery(
            each.name, _address(here, clean(each.query)), f"{here}views/{each.id}/remove/", clean(each.query) == now
        )
        for each in saved_views(user_id=visit.member.user_id, room=ROOM)
    )


def clean(query: str) -> str:
    """A query string with nothing but the queue's own filters in it."""
    return read_asked(dict(parse_qsl(query))).query()


def headline(counts: ReviewCounts, now: datetime) -> str:
    """ "12 open · oldest 9 m · 1 needs a second approver"."""
    if not counts.open:
        return "nothing waits for a decision"
    told = [f"{grouped(counts.open)} open"]
    if counts.oldest_opened_at:
        told.append(f"oldest {age(now - counts.oldest_opened_at)}")
    if counts.breached:
        told.append(f"{grouped(counts.breached)} breached")
    if counts.second:
        told.append(f"{grouped(counts.second)} need{'s' if counts.second == 1 else ''} a second approver")
    return " · ".join(told)


def nothing(wanted: Asked) -> tuple[str, str]:
    """What an empty page says: a title, and what would stand here."""
    if wanted.narrows:
        return "No case matches", "Take a filter off, or look into another tab."
    return {
        "open": ("The queue is empty", "Whatever a rule holds waits here, with an owner, before anything posts."),
        "mine": ("Nothing is yours", "Cases that you own or work on stand here. C claims the next one."),
        "second": (
            "Nothing waits for a second approver",
            "Where four eyes rule, a case stands here once one of two approved.",
        ),
        "snoozed": ("Nothing is snoozed", "A case that waits for something comes back by itself."),
        "claimed": ("Nobody else works on a case", "Cases that others have claimed stand here while they do."),
        "closed": ("Nothing was decided yet", "Decided cases stay here with who, when and why."),
    }[wanted.tab]


def _address(here: str, query: str) -> str:
    return f"{here}?{query}" if query else here
