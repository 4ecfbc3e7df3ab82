"""Rails as people who connect them read them: how they sign, with which secrets, how far they were asked."""

from collections.abc import Sequence
from datetime import datetime

from console.marks import mark
from console.presenters.callbacks import SCHEMES
from console.presenters.words import NONE, age, grouped, stamp
from console.types import Mark, Proof
from console.types.inbound import RailSecretLine
from webhooks.queries import PollResult, PollState
from zentra.routing.types import RailRecord, RailSecretRecord


def scheme_facts(rail: RailRecord) -> tuple[Proof, ...]:
    """How the rail signs: the scheme, and in which headers."""
    headers = tuple(
        Proof(name.replace("_", " "), value or "none: no moment is signed")
        for name, value in sorted(rail.scheme.settings.items())
    )
    return (Proof("scheme", SCHEMES.get(rail.scheme.name, rail.scheme.name)), *headers)


def secret_lines(secrets: Sequence[RailSecretRecord], *, now: datetime, expire_url: str) -> tuple[RailSecretLine, ...]:
    """The secrets that are valid now, the current one first; never more of one than its end."""
    return tuple(
        RailSecretLine(
            secret_id=each.id,
            shown=each.hint,
            since=stamp(each.created_at),
            until="the current one" if each.expires_at is None else f"also valid for {age(each.expires_at - now)}",
            is_current=each.is_current,
            expire_url="" if each.is_current else expire_url,
        )
        for each in secrets
    )


def poll_mark(state: PollState) -> Mark:
    """Whether asking works."""
    if state.failures:
        return mark("failing", says=f"failed {grouped(state.failures)} × in a row")
    return mark("active", says="answers") if state.asked_at else mark("pending", says="never asked yet")


def poll_facts(state: PollState, now: datetime) -> tuple[Proof, ...]:
    """When it was asked, what was found, when it is asked again."""
    again = NONE
    if state.next_at:
        again = f"in {age(state.next_at - now)}" if state.next_at > now else "now"
    return (
        Proof("last asked", f"{age(now - state.asked_at)} ago" if state.asked_at else "never"),
        Proof("asked", f"{grouped(state.asked)} ×"),
        Proof("found", f"{grouped(state.found)} that we had missed"),
        Proof("asked again", again),
        Proof("read up to", state.cursor or "the beginning"),
    )


def poll_words(rail: str, result: PollResult) -> str:
    """What asking once brought."""
    if result.error:
        return f"{rail} was asked, and it failed: {result.error}"
    if not result.asked:
        return f"{rail} was asked: it has told nothing since we asked last."
    missed = f"{grouped(result.found)} of them were missing and are taken in" if result.found else "none was missing"
    return f"{rail} was asked: {grouped(result.asked)} events since we asked last, {missed}."
