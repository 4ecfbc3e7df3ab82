"""What must not meet in one person, and what a permission is of no use without: data, each pair with its reason.

The pairs of roles stand in ``sql/members.sql`` too, where a trigger holds them; a test compares the two.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from zentra.tenants.permissions import PERMISSIONS, Permission

P = Permission


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two roles, or two permissions, that one person does not have together, and why."""

    one: str
    other: str
    why: str


_AUDITOR: Final = "who checks the books takes no part in what is checked"

ROLE_CONFLICTS: Final = (
    Conflict("finance", "operator", "who posts and pays out does not release what is held"),
    Conflict("compliance", "finance", "who posts and pays out does not decide what is allowed"),
    Conflict("developer", "finance", "who keeps keys and the rails' secrets does not let money out"),
    Conflict("developer", "operator", "who sends intents does not release what is held of them"),
    Conflict("compliance", "developer", "who sends intents does not write the rules that hold them"),
    Conflict("admin", "auditor", _AUDITOR),
    *(Conflict("auditor", role, _AUDITOR) for role in ("compliance", "developer", "finance", "operator", "support")),
)  # fmt: skip
"""Pairs of built-in roles, each pair in the order of the alphabet."""

PERMISSION_CONFLICTS: Final = (
    Conflict(P.LEDGER_POST, P.REVIEWS_DECIDE, "who posts does not release what is held"),
    Conflict(P.LEDGER_POST, P.REVIEWS_DECIDE_COMPLIANCE, "who posts does not release what is held"),
    Conflict(P.LEDGER_IMPORT, P.REVIEWS_DECIDE, "who imports postings does not release what is held"),
    Conflict(P.LEDGER_POST, P.POLICY_PUBLISH, "who posts does not write the rules that hold it"),
    Conflict(P.INTENTS_CREATE, P.REVIEWS_DECIDE, "who sends intents does not release what is held of them"),
    Conflict(P.INTENTS_CREATE, P.POLICY_PUBLISH, "who sends intents does not write the rules that hold them"),
    Conflict(P.KEYS_MANAGE, P.REVIEWS_DECIDE, "who issues keys does not release what they send"),
    Conflict(P.KEYS_MANAGE, P.POLICY_PUBLISH, "who issues keys does not publish what they draft"),
    Conflict(P.RAILS_MANAGE, P.ROUTING_RESUME, "who keeps the rails' secrets does not let money out"),
    Conflict(P.CALLBACKS_REPAIR, P.RAILS_MANAGE, "who corrects callbacks does not keep the secrets that sign them"),
    Conflict(P.PARTIES_MANAGE, P.PARTIES_SCREEN, "who writes down a party does not clear its hits"),
    Conflict(P.LEDGER_POST, P.PEOPLE_MANAGE, "who gives roles does not move money"),
    Conflict(P.LEDGER_POST, P.ROLES_MANAGE, "who writes roles does not move money"),
    Conflict(P.PEOPLE_MANAGE, P.REVIEWS_DECIDE, "who gives roles does not release money"),
    Conflict(P.REVIEWS_DECIDE, P.ROLES_MANAGE, "who writes roles does not release money"),
    Conflict(P.ACCESS_REVIEW, P.PEOPLE_MANAGE, "who gives roles does not sign the review of them"),
    Conflict(P.ACCESS_REVIEW, P.ROLES_MANAGE, "who writes roles does not sign the review of them"),
)
"""Pairs of permissions that meet neither in one custom role nor in all the roles of one person.

A built-in role that has both is exempt, and whoever has it: today ``admin``, who starts a workspace alone, and
``compliance``, whose every act on a party leaves who did it.
"""

NEEDS: Final[Mapping[Permission, frozenset[Permission]]] = {
    P.REVIEWS_DECIDE_COMPLIANCE: frozenset({P.REVIEWS_DECIDE}),
    P.HOLDS_MANAGE: frozenset({P.ACCOUNTS_READ}),
    P.RAILS_MANAGE: frozenset({P.ROUTING_READ}),
    P.SANDBOX_SEND: frozenset({P.INTENTS_READ}),
    P.WATCHLISTS_MANAGE: frozenset({P.PARTIES_READ}),
    P.END_USERS_ISSUE: frozenset({P.KEYS_READ}),
}
"""What a permission is of no use without, beside its own noun's ``read``, which it always takes along."""

_BY_NAME: Final = {str(each): each for each in Permission}
_LOOKS_ONLY: Final = frozenset({"read", "export", "review"})


def complete(permissions: Iterable[Permission]) -> frozenset[Permission]:
    """The permissions with what they are of no use without; every role sees the operations room."""
    found, waiting = {P.ROOM_READ}, list(permissions)
    while waiting:
        each = waiting.pop()
        found.add(each)
        waiting += [need for need in needs_of(each) if need not in found]
    return frozenset(found)


def needs_of(permission: Permission) -> frozenset[Permission]:
    """What one permission is of no use without."""
    read = _BY_NAME.get(f"{permission.partition('.')[0]}.read")
    return NEEDS.get(permission, frozenset()) | ({read} if read is not None and read != permission else frozenset())


def changes_something(permission: Permission) -> bool:
    """Whether it does more than look."""
    return permission.partition(".")[2] not in _LOOKS_ONLY


def conflicts_in(permissions: Collection[str]) -> tuple[Conflict, ...]:
    """The pairs of permissions that meet in a custom role."""
    return tuple(pair for pair in PERMISSION_CONFLICTS if pair.one in permissions and pair.other in permissions)


def conflicts_of_roles(roles: Collection[str], custom: Mapping[str, frozenset[Permission]]) -> tuple[Conflict, ...]:
    """What of one person's roles must not meet. ``custom`` says what each custom role includes."""
    pairs = [pair for pair in ROLE_CONFLICTS if pair.one in roles and pair.other in roles]
    if pairs:
        return tuple(pairs)
    if "auditor" in roles:
        writing = [role for role in roles if any(map(changes_something, custom.get(role, ())))]
        return tuple(Conflict("auditor", role, _AUDITOR) for role in writing)
    union = frozenset().union(*(PERMISSIONS.get(role) or custom.get(role, frozenset()) for role in roles))
    exempt = [PERMISSIONS[role] for role in roles if role in PERMISSIONS]
    return tuple(
        pair for pair in conflicts_in(union) if not any(pair.one in may and pair.other in may for may in exempt)
    )
