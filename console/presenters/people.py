"""People and roles as the room shows them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from console.marks import mark
from console.presenters.words import NONE, moment
from console.types import Mark, Proof
from console.types.ledger import Option
from console.types.people import MemberRow, RoleOption
from zentra.tenants.members.types import MemberRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.conflicts import ROLE_CONFLICTS
from zentra.tenants.roles.store import dangers_of
from zentra.tenants.roles.types import CustomRole

ROLES: Final[dict[str, str]] = {
    "operator": "works the review queue, replays webhooks, repairs callbacks",
    "support": "sees everything, assigns cases, replays webhooks",
    "finance": "posts, imports, reconciles and closes, pauses outgoing money, opens and freezes accounts",
    "compliance": "decides every review, writes and publishes rules, screens parties",
    "admin": "everything, people and keys included",
    "auditor": "reads everything, exports evidence",
    "developer": "sends intents, keeps endpoints, rails and alarms",
    "viewer": "reads everything but parties",
}


def role_options(
    known: Mapping[str, frozenset[Permission]], custom: Mapping[str, CustomRole], *, roles: Sequence[str]
) -> tuple[RoleOption, ...]:
    """Every role that can be given, with what its people do and what it does not go with."""
    return tuple(
        RoleOption(
            value=role,
            words=ROLES[role] if role in ROLES else custom[role].words or "a role of this workspace's own",
            chosen=role == roles[0],
            also=role in roles[1:],
            name=custom[role].name if role in custom else role,
            is_dangerous=bool(dangers_of(may)),
            apart=", ".join(_apart(role)),
        )
        for role, may in known.items()
    )


def _apart(role: str) -> list[str]:
    pairs = [pair for pair in ROLE_CONFLICTS if role in (pair.one, pair.other)]
    return [pair.other if pair.one == role else pair.one for pair in pairs]


def member_row(member: MemberRecord, *, base: str, now: datetime, me: str, may_manage: bool) -> MemberRow:
    """A person in the list."""
    here = f"{base}people/{member.user_id}/"
    is_me = member.user_id == me
    return MemberRow(
        user_id=member.user_id,
        url=here,
        name=name_of(member),
        email=member.email,
        is_me=is_me,
        role=member.role,
        also=" and ".join(member.also),
        shift=mark("active", says="on shift") if member.on_shift else mark("pending", says="off shift"),
        factor=_factor(member),
        seen=moment(member.last_seen_at, now) if member.last_seen_at else None,
        note="" if member.has_password else "has not set a password yet",
        shift_url=f"{here}shift/" if is_me or may_manage else "",
        shift_to="off" if member.on_shift else "on",
        shift_says="Go off shift" if member.on_shift else "Go on shift",
    )


def name_of(member: MemberRecord) -> str:
    """What a person is called."""
    return member.name or member.email.partition("@")[0]


def _factor(member: MemberRecord) -> Mark:
    return mark("passed", says="set up") if member.has_second_factor else mark("pending", says="none")


def member_facts(member: MemberRecord, *, now: datetime) -> tuple[Proof, ...]:
    """Since when, and when last."""
    joined = moment(member.joined_at, now)
    seen = moment(member.last_seen_at, now) if member.last_seen_at else None
    return (
        Proof("address", member.email),
        Proof("id", member.user_id, member.user_id),
        Proof("member since", joined.text),
        Proof("last seen", seen.text if seen else NONE),
        Proof("second factor", "set up" if member.has_second_factor else "none"),
        Proof("password", "set" if member.has_password else "not set yet"),
    )


def permissions_of(may: Collection[Permission]) -> tuple[Option, ...]:
    """What somebody may do, by what it is about."""
    by_noun: dict[str, list[str]] = {}
    for permission in (each for each in Permission if each in may):
        noun, _, verb = str(permission).partition(".")
        by_noun.setdefault(noun, []).append(verb)
    return tuple(Option(noun, ", ".join(verbs)) for noun, verbs in by_noun.items())
