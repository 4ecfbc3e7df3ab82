"""Holds: funds set aside, with a source, a release condition and an expiry."""

from typing import Final

from evidence.catalogue.fields import currency, digest, flag, known, maybe, minor, moment, optional, ref
from evidence.catalogue.types import EventType

HOLD: Final = {
    "hold_id": ref("hold", "The hold."),
    "hold_state": known("Where it stands after this step.", "held", "captured", "released", "expired"),
    "account_id": ref("acct", "The account whose funds are held."),
    "destination_id": ref("acct", "The account that a capture pays."),
    "currency": currency(),
    "held_minor": minor("What was ever held, minor units.", 50_000),
    "captured_minor": minor("What was captured of it.", 0),
    "released_minor": minor("What was given back.", 0),
    "remaining_minor": minor("What is held now.", 50_000),
    "expires_at": maybe(moment("When it runs out by itself; null when it does not.")),
    "has_reason": flag("Whether somebody gave a reason; its words stay with the hold."),
}
_PROOF: Final = {
    "posting_id": ref("posting", "The posting of this step."),
    "entry_hash": digest("The hash over what the caller knew of it."),
}
_MOVED: Final = {**HOLD, "amount_minor": minor("What this step moved, minor units.", 50_000), **_PROOF}
# A step that moves nothing has neither an amount nor a posting; one that ran out when nothing was left has none either.
_MAY_MOVE: Final = {**_MOVED, **{name: optional(_MOVED[name]) for name in ("amount_minor", "posting_id", "entry_hash")}}

# fmt: off
ALL: Final = (
    EventType("hold.placed", "Hold placed", "beside", "svc_ledger",
              "Funds are held with a source, a release condition and an expiry.", "data.hold_id", data=_MOVED),
    EventType("hold.captured", "Hold captured", "beside", "svc_ledger", "Held funds were posted.", "data.hold_id",
              carried_by=("ledger.entry.posted",),
              data={
                  **{name: field for name, field in HOLD.items() if name != "currency"},
                  "release_posting_id": ref("posting", "The posting that gave the held funds back."),
              }),
    EventType("hold.released", "Hold released", "beside", "svc_ledger", "Held funds were given back.", "data.hold_id",
              data=_MOVED),
    EventType("hold.increased", "Hold increased", "beside", "svc_ledger", "More is held for the same reason.",
              "data.hold_id", data=_MOVED),
    EventType("hold.extended", "Hold extended", "beside", "svc_ledger", "The hold ends later than it would have.",
              "data.hold_id", data=HOLD),
    EventType("hold.reviewed", "Hold reviewed", "beside", "svc_ledger", "A person looked at the hold and said so.",
              "data.hold_id", data=HOLD),
    EventType("hold.expired", "Hold expired", "beside", "svc_ledger", "The hold ran out and its funds were given back.",
              "data.hold_id", data=_MAY_MOVE),
)
# fmt: on
