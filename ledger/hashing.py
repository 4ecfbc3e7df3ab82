"""The entry hash: SHA-256 over the canonical bytes of what the caller knew of a posting.

It covers the caller's words only, so that it can be computed before the call and again by anyone from the stored rows:
accounts as they were named, amounts, times to the millisecond, actor, and the ids that tie the posting to its cause.
"""

from collections.abc import Mapping
from uuid import UUID

from ledger.types import Fx, NewPosting, PostingFacts
from zentra.core import canonical, clock, ids


def account_ref(account: UUID | str) -> str:
    """The account in the caller's words: its public id or its code."""
    return ids.to_public("acct", account) if isinstance(account, UUID) else account


def posting_content(*, posting: NewPosting, facts: PostingFacts) -> bytes:
    """The canonical bytes that the entry hash covers. What only some postings have is left out where it is not."""
    return canonical.dumps(
        {
            **_rare(posting),
            "actor": facts.actor.as_dict(),
            "correlation_id": facts.correlation_id,
            "decision_id": facts.decision_id,
            "description": posting.description,
            "effective_at": clock.iso(posting.effective_at),
            "entries": _entries(posting),
            "external_reference": facts.external_reference,
            "idempotency_key": facts.idempotency_key,
            "intent_id": facts.intent_id,
            "metadata": dict(posting.metadata),
            "posting_id": posting.posting_id,
            "purpose": posting.purpose,
            "recorded_at": clock.iso(facts.recorded_at),
            "reverses_id": posting.reverses_id,
            "source_event_id": facts.source_event_id,
        }
    )


def entry_hash(*, posting: NewPosting, facts: PostingFacts) -> str:
    """The hash as lower-case hex; raises NotCanonical when the metadata has no canonical form."""
    return canonical.sha256_hex(posting_content(posting=posting, facts=facts))


def fx_content(fx: Fx) -> dict[str, object]:
    """The rate of a posting as it is hashed and stored."""
    quoted_at = None if fx.quoted_at is None else clock.iso(fx.quoted_at)
    return {"base": fx.base, "quote": fx.quote, "rate": fx.rate, "source": fx.source, "quoted_at": quoted_at}


def _rare(posting: NewPosting) -> dict[str, object]:
    rare: dict[str, object] = {}
    if posting.state != "posted":
        rare["state"] = posting.state
    if posting.hold_id is not None:
        rare["hold_id"] = posting.hold_id
    if posting.corrects_id is not None:
        rare["corrects_id"] = posting.corrects_id
    if posting.fx is not None:
        rare["fx"] = fx_content(posting.fx)
    return rare


def _entries(posting: NewPosting) -> list[Mapping[str, object]]:
    return [
        {
            "account": account_ref(line.account),
            "amount_minor": line.amount_minor,
            "currency": posting.currency_of(line),
            "direction": line.direction,
            "floor_minor": line.floor_minor,
        }
        for line in posting.lines
    ]
