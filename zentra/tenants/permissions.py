"""Who may do what: one table, used by API scopes, pages, sockets and tasks alike."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal


class Permission(StrEnum):
    """A named operation."""

    ROOM_READ = "room.read"
    INTENTS_READ = "intents.read"
    INTENTS_CREATE = "intents.create"
    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_CREATE = "accounts.create"
    ACCOUNTS_MANAGE = "accounts.manage"
    ACCOUNTS_FREEZE = "accounts.freeze"
    LEDGER_READ = "ledger.read"
    LEDGER_POST = "ledger.post"
    LEDGER_IMPORT = "ledger.import"
    LEDGER_EXPORT = "ledger.export"
    HOLDS_MANAGE = "holds.manage"
    RECONCILIATION_READ = "reconciliation.read"
    RECONCILIATION_IMPORT = "reconciliation.import"
    RECONCILIATION_MATCH = "reconciliation.match"
    RECONCILIATION_APPROVE = "reconciliation.approve"
    CLOSEOUT_PREPARE = "closeout.prepare"
    CLOSEOUT_APPROVE = "closeout.approve"
    EVENTS_READ = "events.read"
    PACKETS_READ = "packets.read"
    PACKETS_EXPORT = "packets.export"
    EVIDENCE_READ = "evidence.read"
    REVIEWS_READ = "reviews.read"
    REVIEWS_DECIDE = "reviews.decide"
    REVIEWS_DECIDE_COMPLIANCE = "reviews.decide_compliance"
    REVIEWS_ASSIGN = "reviews.assign"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_MANAGE = "webhooks.manage"
    WEBHOOKS_REPLAY = "webhooks.replay"
    CALLBACKS_READ = "callbacks.read"
    CALLBACKS_REPAIR = "callbacks.repair"
    RAILS_MANAGE = "rails.manage"
    ROUTING_READ = "routing.read"
    ROUTING_PAUSE = "routing.pause"
    ROUTING_RESUME = "routing.resume"
    POLICY_READ = "policy.read"
    POLICY_DRAFT = "policy.draft"
    POLICY_PUBLISH = "policy.publish"
    POLICY_LISTS = "policy.lists"
    PARTIES_READ = "parties.read"
    PARTIES_MANAGE = "parties.manage"
    PARTIES_SCREEN = "parties.screen"
    WATCHLISTS_MANAGE = "watchlists.manage"
    PEOPLE_READ = "people.read"
    PEOPLE_MANAGE = "people.manage"
    ROLES_READ = "roles.read"
    ROLES_MANAGE = "roles.manage"
    KEYS_READ = "keys.read"
    KEYS_MANAGE = "keys.manage"
    END_USERS_ISSUE = "end_users.issue"
    ACCESS_READ = "access.read"
    ACCESS_REVIEW = "access.review"
    WORKSPACE_READ = "workspace.read"
    WORKSPACE_CONFIGURE = "workspace.configure"
    WORKSPACE_EXPORT = "workspace.export"
    SANDBOX_SEND = "sandbox.send"
    ALARMS_READ = "alarms.read"
    ALARMS_ACKNOWLEDGE = "alarms.acknowledge"
    ALARMS_MANAGE = "alarms.manage"
    # Of the platform's own staff, in the platform's rooms only.
    WORKSPACES_READ = "workspaces.read"
    WORKSPACES_MANAGE = "workspaces.manage"
    STAFF_ENTER = "staff.enter"


Role = Literal["operator", "support", "finance", "compliance", "admin", "auditor", "developer", "viewer"]

P = Permission
_READ: Final = frozenset(
    {P.ROOM_READ, P.INTENTS_READ, P.ACCOUNTS_READ, P.LEDGER_READ, P.EVENTS_READ, P.PACKETS_READ, P.EVIDENCE_READ,
     P.REVIEWS_READ, P.WEBHOOKS_READ, P.CALLBACKS_READ, P.ROUTING_READ, P.POLICY_READ, P.ALARMS_READ,
     P.PARTIES_READ, P.PEOPLE_READ, P.ROLES_READ, P.WORKSPACE_READ, P.RECONCILIATION_READ}
)  # fmt: skip

PLATFORM_PERMISSIONS: Final[dict[str, frozenset[Permission]]] = {
    "platform_admin": frozenset({P.WORKSPACES_READ, P.WORKSPACES_MANAGE, P.STAFF_ENTER}),
    "platform_support": frozenset({P.WORKSPACES_READ, P.STAFF_ENTER}),
}
"""What members of the ``platform`` workspace may do. Nothing of a tenant's: they enter one by a grant."""

_PLATFORM: Final[frozenset[Permission]] = frozenset().union(*PLATFORM_PERMISSIONS.values())

PERMISSIONS: Final[dict[str, frozenset[Permission]]] = {
    "operator": _READ
    | {P.REVIEWS_DECIDE, P.REVIEWS_ASSIGN, P.PACKETS_EXPORT, P.WEBHOOKS_REPLAY, P.SANDBOX_SEND, P.HOLDS_MANAGE,
       P.ALARMS_ACKNOWLEDGE, P.CALLBACKS_REPAIR},
    "support": _READ | {P.REVIEWS_ASSIGN, P.WEBHOOKS_REPLAY, P.PACKETS_EXPORT, P.ALARMS_ACKNOWLEDGE},
    "finance": _READ
    | {P.PACKETS_EXPORT, P.ROUTING_PAUSE, P.ROUTING_RESUME, P.LEDGER_POST, P.LEDGER_IMPORT, P.LEDGER_EXPORT,
       P.ACCOUNTS_CREATE, P.ACCOUNTS_MANAGE, P.ACCOUNTS_FREEZE, P.HOLDS_MANAGE, P.ALARMS_ACKNOWLEDGE,
       P.CALLBACKS_REPAIR, P.RECONCILIATION_IMPORT, P.RECONCILIATION_MATCH, P.RECONCILIATION_APPROVE,
       P.CLOSEOUT_PREPARE, P.CLOSEOUT_APPROVE},
    "compliance": _READ
    | {P.REVIEWS_DECIDE, P.REVIEWS_DECIDE_COMPLIANCE, P.REVIEWS_ASSIGN, P.PACKETS_EXPORT, P.ACCOUNTS_FREEZE,
       P.LEDGER_EXPORT, P.ALARMS_ACKNOWLEDGE, P.POLICY_DRAFT, P.POLICY_PUBLISH, P.POLICY_LISTS, P.PARTIES_MANAGE,
       P.PARTIES_SCREEN, P.WATCHLISTS_MANAGE, P.ACCESS_READ},
    "admin": frozenset(Permission) - _PLATFORM,
    "auditor": _READ | {P.PACKETS_EXPORT, P.LEDGER_EXPORT, P.KEYS_READ, P.ACCESS_READ, P.ACCESS_REVIEW},
    "developer": _READ
    | {P.INTENTS_CREATE, P.ACCOUNTS_CREATE, P.LEDGER_POST, P.LEDGER_IMPORT, P.LEDGER_EXPORT, P.HOLDS_MANAGE,
       P.WEBHOOKS_MANAGE, P.WEBHOOKS_REPLAY, P.PACKETS_EXPORT, P.SANDBOX_SEND, P.ALARMS_ACKNOWLEDGE,
       P.ALARMS_MANAGE, P.RAILS_MANAGE, P.PARTIES_MANAGE, P.KEYS_READ, P.KEYS_MANAGE, P.END_USERS_ISSUE},
    "viewer": _READ - {P.PARTIES_READ, P.PEOPLE_READ},
}  # fmt: skip
"""The built-in roles. A workspace adds its own (``zentra.tenants.roles``); those are rows."""

DANGEROUS: Final = frozenset(
    {P.PEOPLE_MANAGE, P.ROLES_MANAGE, P.KEYS_MANAGE, P.WORKSPACE_CONFIGURE, P.WORKSPACE_EXPORT, P.LEDGER_POST,
     P.LEDGER_IMPORT, P.REVIEWS_DECIDE, P.REVIEWS_DECIDE_COMPLIANCE, P.POLICY_PUBLISH, P.POLICY_LISTS,
     P.ROUTING_RESUME, P.ROUTING_PAUSE, P.RAILS_MANAGE, P.CALLBACKS_REPAIR, P.ACCOUNTS_FREEZE, P.HOLDS_MANAGE,
     P.WATCHLISTS_MANAGE, P.ACCESS_REVIEW, P.PARTIES_SCREEN, P.INTENTS_CREATE, P.RECONCILIATION_MATCH,
     P.RECONCILIATION_APPROVE, P.CLOSEOUT_PREPARE, P.CLOSEOUT_APPROVE}
)  # fmt: skip
"""What moves or releases money, or says who may: giving it takes a second admin.

``reconciliation.import`` is none: what a file says moves no money. Only the collector's own reports post by themselves;
of a report that a person or a key imported, somebody with ``ledger.post`` posts the payout.
"""

SECOND_FACTOR_ROLES: Final = frozenset(
    {*PLATFORM_PERMISSIONS, *(role for role, may in PERMISSIONS.items() if not DANGEROUS.isdisjoint(may))}
)
"""Built-in roles whose people need a second factor to enter: as with a custom role, those that may do a dangerous
thing, and the platform's."""

STAFF_ROLE: Final = "staff"
"""What pages and events call the platform's staff inside a workspace."""

STAFF_PERMISSIONS: Final[dict[str, frozenset[Permission]]] = {
    "viewer": PERMISSIONS["viewer"],
    "support": PERMISSIONS["viewer"] | {P.PEOPLE_READ, P.WEBHOOKS_REPLAY, P.ALARMS_ACKNOWLEDGE},
}
"""What a staff grant lets do: look, and for support what costs nothing to repeat."""

API_SCOPES: Final = frozenset(
    {P.INTENTS_READ, P.INTENTS_CREATE, P.ACCOUNTS_READ, P.ACCOUNTS_CREATE, P.ACCOUNTS_MANAGE, P.ACCOUNTS_FREEZE,
     P.LEDGER_READ, P.LEDGER_POST, P.LEDGER_IMPORT, P.LEDGER_EXPORT, P.HOLDS_MANAGE,
     P.EVENTS_READ, P.PACKETS_READ, P.PACKETS_EXPORT, P.WEBHOOKS_READ, P.WEBHOOKS_MANAGE, P.WEBHOOKS_REPLAY,
     P.CALLBACKS_READ, P.CALLBACKS_REPAIR, P.RAILS_MANAGE, P.ALARMS_READ, P.ALARMS_ACKNOWLEDGE, P.ALARMS_MANAGE,
     P.POLICY_READ, P.POLICY_DRAFT, P.POLICY_LISTS, P.REVIEWS_READ, P.PARTIES_READ, P.PARTIES_MANAGE, P.PARTIES_SCREEN,
     P.END_USERS_ISSUE, P.RECONCILIATION_READ, P.RECONCILIATION_IMPORT}
)  # fmt: skip
"""What a key can be given. It reads and proposes; it never decides a review, publishes rules or pauses money."""

DEFAULT_SCOPES: Final = API_SCOPES - {
    P.CALLBACKS_REPAIR, P.RAILS_MANAGE, P.ALARMS_MANAGE, P.POLICY_LISTS, P.END_USERS_ISSUE,
}  # fmt: skip
"""What a key has unless somebody says otherwise: not what repairs callbacks, holds rail secrets, moves alarms, puts
names on lists that rules ask, or makes tokens for end users."""

PLATFORM_SCOPES: Final = frozenset({P.WORKSPACES_READ, P.WORKSPACES_MANAGE})
"""What a key of the ``platform`` workspace can be given, and nothing else."""

END_USER_SCOPES: Final = frozenset({P.ACCOUNTS_READ, P.INTENTS_READ, P.INTENTS_CREATE})
"""What an end user's token can be given, for that customer's own accounts and intents."""


def allows(role: str, permission: Permission) -> bool:
    """Whether people of this built-in role may do it."""
    return permission in permissions_of_role(role)


def permissions_of_role(role: str) -> frozenset[Permission]:
    """What a built-in role, a tenant's or the platform's, includes; nothing for any other name."""
    return PERMISSIONS.get(role) or PLATFORM_PERMISSIONS.get(role, frozenset())


def known_permissions(names: Iterable[str]) -> frozenset[Permission]:
    """Of stored names those that are permissions of a tenant's people; what was renamed since counts for nothing."""
    return frozenset(_BY_NAME[name] for name in names if name in _BY_NAME) - _PLATFORM


_BY_NAME: Final = {str(each): each for each in Permission}
