"""Who may do what: one table, used by API scopes, pages, sockets and tasks alike."""

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
    EVENTS_READ = "events.read"
    PACKETS_READ = "packets.read"
    PACKETS_EXPORT = "packets.export"
    EVIDENCE_READ = "evidence.read"
    REVIEWS_READ = "reviews.read"
    REVIEWS_DECIDE = "reviews.decide"
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
    SANDBOX_SEND = "sandbox.send"
    ALARMS_READ = "alarms.read"
    ALARMS_ACKNOWLEDGE = "alarms.acknowledge"
    ALARMS_MANAGE = "alarms.manage"


Role = Literal["operator", "support", "finance", "compliance", "admin", "auditor", "developer"]

P = Permission
_READ: Final = frozenset(
    {P.ROOM_READ, P.INTENTS_READ, P.ACCOUNTS_READ, P.LEDGER_READ, P.EVENTS_READ, P.PACKETS_READ, P.EVIDENCE_READ,
     P.REVIEWS_READ, P.WEBHOOKS_READ, P.CALLBACKS_READ, P.ROUTING_READ, P.POLICY_READ, P.ALARMS_READ,
     P.PARTIES_READ, P.PEOPLE_READ}
)  # fmt: skip

PERMISSIONS: Final[dict[str, frozenset[Permission]]] = {
    "operator": _READ
    | {P.REVIEWS_DECIDE, P.REVIEWS_ASSIGN, P.PACKETS_EXPORT, P.WEBHOOKS_REPLAY, P.SANDBOX_SEND, P.HOLDS_MANAGE,
       P.ALARMS_ACKNOWLEDGE, P.CALLBACKS_REPAIR},
    "support": _READ | {P.REVIEWS_ASSIGN, P.WEBHOOKS_REPLAY, P.PACKETS_EXPORT, P.ALARMS_ACKNOWLEDGE},
    "finance": _READ
    | {P.PACKETS_EXPORT, P.ROUTING_PAUSE, P.ROUTING_RESUME, P.LEDGER_POST, P.LEDGER_IMPORT, P.LEDGER_EXPORT,
       P.ACCOUNTS_CREATE, P.ACCOUNTS_MANAGE, P.ACCOUNTS_FREEZE, P.HOLDS_MANAGE, P.ALARMS_ACKNOWLEDGE,
       P.CALLBACKS_REPAIR},
    "compliance": _READ
    | {P.REVIEWS_DECIDE, P.REVIEWS_ASSIGN, P.PACKETS_EXPORT, P.ACCOUNTS_FREEZE, P.LEDGER_EXPORT, P.ALARMS_ACKNOWLEDGE,
       P.POLICY_DRAFT, P.POLICY_PUBLISH, P.POLICY_LISTS, P.PARTIES_MANAGE, P.PARTIES_SCREEN, P.WATCHLISTS_MANAGE},
    "admin": frozenset(Permission),
    "auditor": _READ | {P.PACKETS_EXPORT, P.LEDGER_EXPORT},
    "developer": _READ
    | {P.INTENTS_CREATE, P.ACCOUNTS_CREATE, P.LEDGER_POST, P.LEDGER_IMPORT, P.LEDGER_EXPORT, P.HOLDS_MANAGE,
       P.WEBHOOKS_MANAGE, P.WEBHOOKS_REPLAY, P.PACKETS_EXPORT, P.SANDBOX_SEND, P.ALARMS_ACKNOWLEDGE,
       P.ALARMS_MANAGE, P.RAILS_MANAGE, P.PARTIES_MANAGE},
}  # fmt: skip

API_SCOPES: Final = frozenset(
    {P.INTENTS_READ, P.INTENTS_CREATE, P.ACCOUNTS_READ, P.ACCOUNTS_CREATE, P.ACCOUNTS_MANAGE, P.ACCOUNTS_FREEZE,
     P.LEDGER_READ, P.LEDGER_POST, P.LEDGER_IMPORT, P.LEDGER_EXPORT, P.HOLDS_MANAGE,
     P.EVENTS_READ, P.PACKETS_READ, P.PACKETS_EXPORT, P.WEBHOOKS_READ, P.WEBHOOKS_MANAGE, P.WEBHOOKS_REPLAY,
     P.CALLBACKS_READ, P.CALLBACKS_REPAIR, P.RAILS_MANAGE, P.ALARMS_READ, P.ALARMS_ACKNOWLEDGE, P.ALARMS_MANAGE,
     P.POLICY_READ, P.POLICY_DRAFT, P.POLICY_LISTS, P.REVIEWS_READ, P.PARTIES_READ, P.PARTIES_MANAGE, P.PARTIES_SCREEN}
)  # fmt: skip
"""What a key can be given. It reads and proposes; it never decides a review, publishes rules or pauses money."""

DEFAULT_SCOPES: Final = API_SCOPES - {P.CALLBACKS_REPAIR, P.RAILS_MANAGE, P.ALARMS_MANAGE, P.POLICY_LISTS}
"""What a key has unless somebody says otherwise: not what repairs callbacks, holds rail secrets, moves alarms or
puts names on lists that rules ask."""

REVIEW_ROLES: Final = ("operator", "compliance")
"""Who may own a review, and so who is assigned one."""


def allows(role: str, permission: Permission) -> bool:
    """Whether people of this role may do it."""
    return permission in PERMISSIONS.get(role, frozenset())
