"""How denied access is shown: who, what they asked for, why not, and in whose log it stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from console import paging
from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.health import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, foot_labels, left_label, round_step, up_to
from console.presenters.words import NONE, dated, grouped, moment, short
from console.types import Proof
from console.types.access import ActorLine, DenialRow
from console.types.plots import Chart
from zentra.tenants.denials.types import ActorCount, Denial, DenialCount

# What a recorded reason means, in the words of whoever looks at it.
REASONS: Final[Mapping[str, str]] = {
    "no membership": "no member here",
    "role": "role lacks it",
    "step_up": "code was refused",
    "second factor": "no second factor",
    "workspace suspended": "workspace suspended",
    "workspace archived": "workspace archived",
    "permission_denied": "scope is missing",
    "scope_mismatch": "named another workspace",
    "credential_malformed": "malformed credential",
    "credential_unknown": "unknown credential",
    "credential_expired": "expired credential",
    "credential_revoked": "revoked credential",
    "workspace_suspended": "workspace suspended",
    "guessing": "searched by ids",
    "foreign cursor": "another’s cursor",
    "not here": "not this workspace’s",
}
_LONG: Final[Mapping[str, str]] = {
    "no membership": "They are no member of the workspace that they asked for. They were told that nothing is there.",
    "role": "They are a member, and none of their roles includes what they asked for. Nothing was shown or changed.",
    "step_up": "The form came with a code of the second factor that was not valid, or was used already.",
    "second factor": "A role of theirs is entered with a second factor only, and they have none.",
    "permission_denied": "The credential is good, and lacks the scope for this.",
    "scope_mismatch": "The credential belongs to one workspace, and the request named another one.",
    "guessing": "They asked for many ids that are not here within a minute. One is a slip; a row of them is a search.",
    "foreign cursor": "They showed a cursor that another workspace gave out. Nothing of either was read.",
    "not here": "Work named something that is not this workspace’s. It was ended without an effect.",
    "workspace_suspended": "The workspace takes no requests now.",
    "workspace suspended": "The workspace is suspended; nobody enters.",
}
SURFACES: Final[Mapping[str, str]] = {
    "console": "page",
    "live": "socket",
    "api": "API",
    "download": "download",
    "task": "background work",
    "platform": "platform",
}
SIDES: Final[Mapping[str, str]] = {"target": "tried here", "actor": "one of ours, elsewhere"}
_WHO: Final[Mapping[str, str]] = {"anonymous": "nobody known", "service": "Zentra itself"}
_BAR: Final = 0.74


def who_is(kind: str, actor_id: str, names: Names) -> str:
    """A member's name; of anybody else their kind and a short form of the id."""
    return _WHO.get(kind) or person({"id": actor_id}, names)


def reason_words(reason: str) -> str:
    """Why, in a few words; what has none is shown as it was recorded."""
    return REASONS.get(reason, reason.replace("_", " ") or NONE)


def explained(denial: Denial) -> str:
    """Why, in a sentence."""
    if denial.side == "actor":
        return "One of this workspace’s own was refused somewhere else. What they named stands below."
    return _LONG.get(denial.reason, "It was refused before anything was shown or changed.")


def denial_row(denial: Denial, *, base: str, names: Names, now: datetime) -> DenialRow:
    """A denial in the list."""
    return DenialRow(
        event_id=denial.id,
        url=f"{base}access/{denial.id}/",
        who=who_is(denial.actor_kind, denial.actor_id, names),
        who_title=denial.actor_id,
        role=denial.role if denial.role != "none" else "not a member",
        action=denial.action or NONE,
        reason=mark("refused", says=reason_words(denial.reason)),
        surface=SURFACES.get(denial.surface, denial.surface),
        side=SIDES.get(denial.side, denial.side),
        also=f"+{grouped(denial.suppressed)}" if denial.suppressed else "",
        moment=moment(denial.recorded_at, now),
    )


def actor_line(found: ActorCount, *, here: str, names: Names) -> ActorLine:
    """Somebody who was refused, most often first."""
    return ActorLine(
        who=who_is(found.actor_kind, found.actor_id, names),
        title=found.actor_id,
        count=grouped(found.count),
        url=paging.link(here, actor=found.actor_id),
    )


def facts(denial: Denial, *, names: Names) -> tuple[Proof, ...]:
    """Who, where, when."""
    return (
        Proof("recorded", f"{dated(denial.recorded_at)} UTC"),
        Proof("actor", who_is(denial.actor_kind, denial.actor_id, names)),
        Proof("actor’s id", denial.actor_id, denial.actor_id),
        Proof("role", denial.role if denial.role != "none" else "not a member here"),
        Proof("asked for", denial.action or NONE),
        Proof("why not", reason_words(denial.reason)),
        Proof("where", SURFACES.get(denial.surface, denial.surface)),
        Proof("in whose log", SIDES.get(denial.side, denial.side)),
        Proof("workspace named", denial.workspace or NONE),
        Proof("event", denial.id, denial.id),
    )


def more(denial: Denial) -> tuple[Proof, ...]:
    """What else the event says."""
    said = [(name.replace("_", " "), _text(value)) for name, value in sorted(denial.more.items())]
    if denial.suppressed:
        said.append(("not recorded just before", grouped(denial.suppressed)))
    return tuple(Proof(name, value) for name, value in said if value)


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return str(value)


def plot(points: Sequence[DenialCount], *, until: datetime, step_words: str) -> Chart:
    """Denials of each span as bars; words alone when there was none."""
    total = sum(point.count for point in points)
    if not total:
        return Chart("Denials", "Nobody was refused in this time.")
    highest = max(point.count for point in points)
    step = round_step(highest)
    top, floor = up_to(highest, step), HEIGHT - BOTTOM
    scale = (floor - TOP) / top
    return Chart(
        title="Denials",
        words=f"{grouped(total)} denied, at most {grouped(highest)} {step_words}",
        height=f"{HEIGHT:.0f}",
        zero=f"{floor:.1f}",
        bad=_bars([point.count * scale for point in points], floor),
        grid=tuple(f"{floor - tick * scale:.1f}" for tick in range(step, top + 1, step)),
        labels=(
            *(left_label(floor - tick * scale, short(tick)) for tick in range(0, top + 1, step)),
            *foot_labels(points[0].at, until),
        ),
    )


def table(points: Sequence[DenialCount]) -> tuple[tuple[str, ...], ...]:
    """The same figures as rows; quiet spans are left out."""
    return tuple((f"{point.at:%d %b %Y %H:%M}", grouped(point.count)) for point in points if point.count)


def _bars(heights: Sequence[float], floor: float) -> str:
    slot = (WIDTH - LEFT) / max(len(heights), 1)
    width = max(slot * _BAR, 0.6)
    return "".join(
        f"M{LEFT + at * slot + (slot - width) / 2:.1f},{floor:.1f}v-{max(height, 1.0):.1f}h{width:.1f}V{floor:.1f}Z"
        for at, height in enumerate(heights)
        if height
    )
