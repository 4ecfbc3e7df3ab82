"""Words, glyphs and tones: how a state looks, in one table."""

from typing import Final

from console.types import Mark, Tone

_MARKS: Final[dict[str, tuple[str, Tone]]] = {
    # the six states
    "accepted": ("ring", "accepted"),
    "controlled": ("gate", "controlled"),
    "ledgered": ("lines", "ledgered"),
    "routed": ("route", "routed"),
    "synchronized": ("sync", "synchronized"),
    "evidenced": ("check", "evidenced"),
    # beside them
    "syncing": ("arc", "syncing"),
    "review": ("bars", "review"),
    "held": ("bars", "review"),
    "declined": ("cross", "failed"),
    "failed": ("cross", "failed"),
    "expired": ("clock", "failed"),
    "canceled": ("dash", "quiet"),
    "reversed": ("back", "quiet"),
    # deliveries
    "queued": ("ring", "quiet"),
    "retained": ("bars", "review"),
    "retrying": ("arc", "review"),
    "resolved": ("check", "synchronized"),
    "exhausted": ("cross", "failed"),
    # endpoints, accounts, attempts
    "enabled": ("check", "synchronized"),
    "failing": ("bars", "review"),
    "removed": ("dash", "quiet"),
    "closed circuit": ("lines", "quiet"),
    "open circuit": ("off", "failed"),
    "probing": ("arc", "review"),
    "active": ("check", "synchronized"),
    "disabled": ("dash", "failed"),
    "frozen": ("bars", "review"),
    "closed": ("dash", "quiet"),
    "passed": ("check", "synchronized"),
    "ready": ("check", "evidenced"),
    "audit_ready": ("check", "evidenced"),
    "pending": ("ring", "quiet"),
    "degraded": ("arc", "review"),
    "delivered": ("check", "synchronized"),
    "succeeded": ("check", "synchronized"),
    "settled": ("check", "synchronized"),
    "unavailable": ("cross", "failed"),
    "outcome unknown": ("arc", "review"),
    "unknown": ("arc", "review"),
    "timeout": ("clock", "review"),
    "approved": ("check", "synchronized"),
    "open": ("bars", "review"),
    "not asked": ("dash", "quiet"),
    "not sent": ("dash", "quiet"),
    # postings and holds
    "posted": ("check", "ledgered"),
    "on hold": ("bars", "ledgered"),
    "captured": ("check", "ledgered"),
    "released": ("back", "quiet"),
    "overdue": ("clock", "failed"),
    "matched": ("check", "synchronized"),
    "unmatched": ("ring", "quiet"),
    # callbacks
    "applied": ("check", "synchronized"),
    "duplicate": ("back", "quiet"),
    "late": ("clock", "quiet"),
    "mismatch": ("cross", "failed"),
    "quarantined": ("bars", "review"),
    "refused": ("cross", "failed"),
    "dismissed": ("dash", "quiet"),
    # what checks and workers came to
    "sound": ("check", "synchronized"),
    "diverged": ("cross", "failed"),
    "running": ("arc", "syncing"),
    "done": ("check", "synchronized"),
    "crossed": ("bars", "review"),
    # what rules came to, and the sets they stand in
    "noted": ("lines", "routed"),
    "blocked": ("lock", "failed"),
    "not_applicable": ("dash", "quiet"),
    "draft": ("ring", "quiet"),
    "validated": ("check", "ledgered"),
    "live": ("check", "live"),
    "superseded": ("back", "quiet"),
    "published": ("check", "synchronized"),
    "discarded": ("dash", "quiet"),
    "allow": ("check", "synchronized"),
    "deny": ("cross", "failed"),
    "watch": ("bars", "review"),
    # parties and what lists say of them
    "verified": ("check", "synchronized"),
    "rejected": ("cross", "failed"),
    "none": ("dash", "quiet"),
    "unscreened": ("ring", "quiet"),
    "clear": ("check", "synchronized"),
    "unresolved": ("bars", "review"),
    "confirmed": ("cross", "failed"),
    "cleared": ("check", "synchronized"),
    "lapsed": ("back", "quiet"),
    "low": ("ring", "quiet"),
    "medium": ("bars", "routed"),
    "high": ("bars", "review"),
    "importing": ("arc", "syncing"),
    "finished": ("check", "synchronized"),
    "abandoned": ("dash", "quiet"),
    "inside": ("check", "synchronized"),
}

# A stage's tone by the first word of an event type, where the catalogue is not at hand.
_EVENT_TONES: Final[dict[str, Tone]] = {
    "ingress": "accepted",
    "limit": "controlled",
    "policy": "controlled",
    "ledger": "ledgered",
    "posting": "ledgered",
    "account": "ledgered",
    "hold": "ledgered",
    "provider": "routed",
    "callback": "routed",
    "routing": "routed",
    "outgoing": "review",
    "idempotency": "accepted",
    "webhook": "synchronized",
    "endpoint": "synchronized",
    "alarm": "review",
    "money_runtime": "synchronized",
    "evidence": "evidenced",
    "review": "evidenced",
    "access": "failed",
    "staff": "controlled",
    "sign_in": "review",
}
_LOUD: Final[dict[str, Tone]] = {
    "policy.review": "review",
    "policy.declined": "failed",
    "webhook.retrying": "review",
    "webhook.exhausted": "failed",
    "webhook.retained": "review",
    "endpoint.failing": "review",
    "endpoint.disabled": "failed",
    "callback.quarantined": "review",
    "provider.unknown": "review",
    "provider.declined": "failed",
    "provider.failed": "failed",
    "callback.refused": "failed",
    "access.denied": "failed",
    "ledger.export.ready": "evidenced",
}


def mark(word: str, *, says: str = "") -> Mark:
    """The mark of a state; ``says`` replaces the word that people read."""
    glyph, tone = _MARKS.get(word, ("ring", "quiet"))
    return Mark(word=says or word, glyph=glyph, tone=tone)


def event_tone(event_type: str) -> Tone:
    """The tone of an event on tape and timeline."""
    found = _LOUD.get(event_type)
    if found is None and event_type.startswith(("intent.", "runtime.")):
        found = "failed" if event_type.endswith(("failed", "declined", "expired")) else "quiet"
    return found or _EVENT_TONES.get(event_type.partition(".")[0], "quiet")
