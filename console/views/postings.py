"""One posting: its entries, what it hangs together with, and what proves it; undoing and correcting it."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import optional_minor
from console.doors import Visit, room
from console.forms import act_once, words
from console.marks import mark
from console.presenters import postings as present
from console.presenters.accounts import Names, person
from console.presenters.events import ReadEvent
from console.presenters.words import NONE, dated, grouped, shorten, step
from console.readings.ledger import find_causes, find_event_of, names_of
from console.rehearsal import rehearse
from console.shell import build_shell
from console.types import Proof, TrustView
from console.types.postings import LinkLine, PostingView
from evidence.operations import record_events
from evidence.queries import sealed_to
from evidence.types import RecordedEvent
from ledger.hashing import entry_hash, posting_content
from ledger.operations import posting_events, reverse_posting
from ledger.queries import StoredPosting, corrections_of, entries_of_posting, get_posting, list_balances, reversals_of
from ledger.types import Posted
from zentra.core import ids
from zentra.core.clock import iso
from zentra.core.telemetry import correlation_id
from zentra.runtime.queries import find_intent
from zentra.tenants.permissions import Permission
from zentra.tenants.step_up import require_step_up

_PREVIEW: Final = "preview"


@room(Permission.LEDGER_READ)
def show_posting(visit: Visit, posting_id: str) -> HttpResponse:
    """The page of a posting."""
    return _show(visit, "console/posting.html", _page(visit, get_posting(posting_id=posting_id)))


def _show(visit: Visit, template: str, page: object) -> HttpResponse:
    return render(visit.request, template, {"shell": build_shell(visit, room="ledger"), "page": page})


def _page(visit: Visit, stored: StoredPosting) -> PostingView:
    posted, facts = stored.posted, stored.facts
    entries = entries_of_posting(posting_id=posted.posting_id)
    balances = list_balances(account_ids=list({entry.account_id for entry in entries}))
    undone = [*reversals_of(posting_id=posted.posting_id), *corrections_of(posting_id=posted.posting_id)]
    event, (source, decision) = find_event_of(stored), find_causes(stored)
    signed = sealed_to(now=visit.now).signed
    names = names_of([facts.actor.as_dict(), *(each.facts.actor.as_dict() for each in undone)])
    left = posted.amount_minor - sum(
        each.posted.amount_minor for each in undone if each.posted.reverses_id == posted.posting_id
    )
    cannot = _cannot_undo(stored, left) if visit.may(Permission.LEDGER_POST) else ""
    here = f"{visit.base}ledger/postings/{posted.posting_id}/"
    can_undo = visit.may(Permission.LEDGER_POST) and not cannot
    is_intact = entry_hash(posting=stored.asked, facts=facts) == posted.entry_hash
    content = posting_content(posting=stored.asked, facts=facts).decode()
    return PostingView(
        posting_id=posted.posting_id,
        purpose=step(posted.purpose),
        state=mark(posted.state),
        money=grouped(posted.amount_minor),
        major=present.major(posted.amount_minor, posted.currency),
        currency=posted.currency,
        words=stored.asked.description,
        entries=present.entry_lines(entries, base=visit.base, balances=balances),
        t_accounts=present.t_accounts(posted.entries, base=visit.base),
        totals=present.totals(posted.entries),
        links=_links(visit, stored, event, source, decision, names),
        trust=_trust(visit, stored, event, signed, names),
        proof=_proof(event, signed),
        hash=posted.entry_hash,
        verified=mark("sound", says="verified now") if is_intact else mark("diverged", says="does not match"),
        content=content,
        copyable=content,
        undone=tuple(present.posting_line(each, base=visit.base, names=names) for each in undone),
        fx=present.rate_facts(posted.fx),
        reverse_url=f"{here}reverse/" if can_undo else "",
        correct_url=f"{here}correct/" if can_undo else "",
        can_split=len(posted.entries) == 2,
        left=str(left),
        cannot=cannot,
    )


def _cannot_undo(stored: StoredPosting, left: int) -> str:
    posted = stored.posted
    if posted.state != "posted":
        return "Pending and released entries are undone through their hold."
    if posted.reverses_id is not None:
        return "This is a reversal. Post the original again instead."
    return "" if left > 0 else "All of it is reversed."


def _links(
    visit: Visit,
    stored: StoredPosting,
    event: RecordedEvent | None,
    source: RecordedEvent | None,
    decision: RecordedEvent | None,
    names: Names,
) -> tuple[LinkLine, ...]:
    """Everything that explains the posting, each one click away."""
    posted, facts, base = stored.posted, stored.facts, visit.base
    lines = [_source(base, facts.source_event_id, source)]
    if event is not None:
        name = ReadEvent(event).name
        lines.append(LinkLine("its event", name, f"{base}events/{event.id}/", event.id))
    lines.append(LinkLine("actor", f"{person(facts.actor.as_dict(), names)} · {facts.actor.role}", "", facts.actor.id))
    if facts.decision_id:
        intent_url = f"{base}intents/{posted.intent_id}/" if posted.intent_id else ""
        url = f"{base}events/{decision.id}/" if decision else intent_url
        lines.append(LinkLine("policy decision", shorten(facts.decision_id), url, facts.decision_id))
    else:
        lines.append(LinkLine("policy decision", "none was needed" if not posted.intent_id else "with its intent"))
    if posted.intent_id:
        lines.append(LinkLine("intent", posted.intent_id, f"{base}intents/{posted.intent_id}/", posted.intent_id))
    if posted.hold_id:
        lines.append(LinkLine("hold", shorten(posted.hold_id), f"{base}holds/{posted.hold_id}/", posted.hold_id))
    for name, other in (("reverses", posted.reverses_id), ("corrects", posted.corrects_id)):
        if other:
            lines.append(LinkLine(name, shorten(other, head=16), f"{base}ledger/postings/{other}/", other))
    lines.append(LinkLine("effective", f"{dated(posted.effective_at)} UTC"))
    lines.append(LinkLine("recorded", f"{dated(posted.recorded_at)} UTC"))
    if facts.external_reference:
        lines.append(
            LinkLine(
                "reference",
                facts.external_reference,
                paging.link(f"{base}ledger/", reference=facts.external_reference),
                facts.external_reference,
            )
        )
    lines.append(LinkLine("correlation", shorten(facts.correlation_id, head=18), "", facts.correlation_id))
    key = facts.idempotency_key
    lines.append(LinkLine("key", shorten(key, head=18) if key else NONE, "", key or ""))
    return tuple(lines)


def _source(base: str, named: str | None, first: RecordedEvent | None) -> LinkLine:
    if named:
        url = f"{base}events/{named}/" if named.startswith("evt_") else ""
        return LinkLine("source event", shorten(named), url, named)
    if first is not None:
        return LinkLine("source event", ReadEvent(first).name, f"{base}events/{first.id}/", first.id)
    return LinkLine("source event", "none: made by its actor")


def _trust(visit: Visit, stored: StoredPosting, event: RecordedEvent | None, signed: int, names: Names) -> TrustView:
    posted, facts = stored.posted, stored.facts
    is_sealed = event is not None and event.index is not None and event.index < signed
    credential = facts.actor.credential
    who = person(facts.actor.as_dict(), names)
    return TrustView(
        rows=(
            Proof(
                "actor", f"{who} · {shorten(credential, head=12)}" if credential else who, credential or facts.actor.id
            ),
            Proof("scope", visit.workspace.slug),
            Proof("timestamp", iso(posted.recorded_at)),
            Proof(
                "policy", shorten(facts.decision_id) if facts.decision_id else "not applicable", facts.decision_id or ""
            ),
            Proof("intent", posted.intent_id or "none", posted.intent_id or ""),
            Proof("signature", _signature(stored)),
            Proof("ledger", f"{shorten(posted.posting_id, head=14)} · {posted.entry_hash[:8]}…", posted.posting_id),
        ),
        status="audit_ready" if is_sealed else "pending",
        ready=is_sealed,
        sealed_by=f"{visit.workspace.slug} log · {grouped(signed)} leaves signed" if is_sealed else "",
    )


def _signature(stored: StoredPosting) -> str:
    """The provider callback's, where the posting followed from one."""
    intent_id = stored.posted.intent_id
    if intent_id is None or stored.posted.purpose == "reserve":
        return "not applicable"
    intent = find_intent(intent_id=intent_id)
    return f"verified · {intent.rail} callback" if intent is not None and intent.callback_id else "not applicable"


def _proof(event: RecordedEvent | None, signed: int) -> tuple[Proof, ...]:
    """The leaf that tells of the posting, and the checkpoint over it."""
    if event is None:
        return (Proof("leaf", "none: it was written when the workspace was made"),)
    if event.index is None:
        return (Proof("event", event.id, event.id), Proof("leaf", "waits for its place"))
    covered = f"signed tree of {grouped(signed)} leaves" if event.index < signed else "waits for the next one"
    return (
        Proof("event", event.id, event.id),
        Proof("leaf", grouped(event.index), str(event.index)),
        Proof("checkpoint", covered),
    )


# --- undoing ---------------------------------------------------------------------------------------------------------


@room(Permission.LEDGER_POST)
def reverse(visit: Visit, posting_id: str) -> HttpResponse:
    """Show what a reversal would do, or with a fresh code do it: all that is left, or a part."""
    reason = words(visit, "reason")
    amount = optional_minor(visit.request.POST.get("amount_minor", ""), what="The amount")
    here = f"{visit.base}ledger/postings/{posting_id}/"

    def undo() -> list[Posted]:
        return [
            reverse_posting(
                posting_id=posting_id,
                reversal_id=ids.new_id("posting"),
                actor=visit.actor(),
                correlation_id=correlation_id(),
                recorded_at=visit.now,
                reason=reason,
                amount_minor=amount,
                idempotency_key=visit.request.POST.get("idempotency_key") or None,
            )
        ]

    if visit.request.POST.get("do") == _PREVIEW:
        page = {
            "posting_id": posting_id,
            "back_url": here,
            "action": f"{here}reverse/",
            "reason": reason,
            "amount": "" if amount is None else str(amount),
            "preview": rehearse(undo, base=visit.base),
        }
        return _show(visit, "console/reversal.html", page)
    require_step_up(visit.request, visit.now)

    def effect() -> str:
        (posted,) = undo()
        record_events(events=posting_events(postings=[posted], actor=visit.actor()), now=visit.now)
        return f"{grouped(posted.amount_minor)} {posted.currency} are reversed by {posted.posting_id}."

    return act_once(visit, operation="ledger.reverse", effect=effect, to=here)
