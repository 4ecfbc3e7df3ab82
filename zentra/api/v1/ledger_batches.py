"""``/ledger-entries/batch``: up to a thousand postings in one transaction and one call of the posting function.

The batch has a key like any write. Beside it each posting may have a key of its own, which is that of a single
``POST /ledger-entries``: whichever came first, the other finds its answer, and nothing posts twice.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.errors import BatchRefused, batch_refused
from ledger.operations import post_batch, posting_event
from ledger.types import BatchItem, Posted
from zentra.api import idempotency
from zentra.api.auth import Caller
from zentra.api.doors import answer_write, caller_of, door, repeat_event, what_stands, words_of, write
from zentra.api.fields import Body, IdempotencyKey, Maybe
from zentra.api.problems import describe_refusal
from zentra.api.v1.ledger_answers import BatchAnswer
from zentra.api.v1.ledger_entries import OPERATION as SINGLE
from zentra.api.v1.ledger_entries import ROUTE as SINGLE_ROUTE
from zentra.api.v1.posting_answers import show_written
from zentra.api.v1.posting_bodies import Asked, BatchEntryBody, check_form, posting_item
from zentra.core import telemetry
from zentra.core.errors import DomainError
from zentra.core.idempotency.operations import (
    Answer,
    IdempotencyKeyReused,
    find_answers,
    fingerprint,
    keep_answers,
    key_reused,
)
from zentra.core.tenancy import TenantRef
from zentra.tenants.permissions import Permission

router = Router(tags=["Ledgers"])

ROUTE: Final = "/v1/ledger-entries/batch"
MOST_POSTINGS: Final = 1_000

# An item's own key, None without one, and the fingerprint of its words.
Mark = tuple[str | None, bytes]


class PostBatchBody(Body):
    """Postings as in ``POST /ledger-entries``, each by itself or all or none. None of them is pending."""

    mode: Literal["all_or_nothing", "each"]
    entries: Annotated[list[BatchEntryBody], Field(min_length=1, max_length=MOST_POSTINGS)]
    idempotency_key: Maybe[IdempotencyKey] = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one posting: the document of the one that stands, or why there is none."""

    document: dict[str, Any] | None = None
    is_replay: bool = False
    refusal: DomainError | None = None
    posted: Posted | None = None

    @property
    def status(self) -> Literal["posted", "replayed", "refused"]:
        """The word for it."""
        if self.refusal is not None:
            return "refused"
        return "replayed" if self.is_replay else "posted"


@door(router, "POST", "/ledger-entries/batch", permission=Permission.LEDGER_POST, response={201: BatchAnswer})
def create_batch(request: HttpRequest, body: PostBatchBody) -> HttpResponse:
    """Post up to 1,000 postings in one transaction: all or none of them, or each by itself.

    With ``all_or_nothing`` the first refusal refuses the batch (409 ``batch_refused``, with its index, code and
    numbers). With ``each`` every posting has an answer of its own. A malformed one refuses the whole batch in both.
    """
    for index, entry in enumerate(body.entries):
        check_form(entry, at=f"/entries/{index}")
    caller = caller_of(request)
    answer = write(
        request,
        operation="ledger_entries.create_batch",
        route=ROUTE,
        body=words_of(body),
        effect=lambda tenant, now: (201, _post(body, caller=caller, tenant=tenant, now=now)),
    )
    return answer_write(answer)


def _post(body: PostBatchBody, *, caller: Caller, tenant: TenantRef, now: datetime) -> dict[str, Any]:
    marks = [_mark(entry) for entry in body.entries]
    first_of: dict[str, int] = {}
    for index, (key, _) in enumerate(marks):
        if key is not None:
            first_of.setdefault(key, index)
    known = find_answers(operation=SINGLE, keys=first_of)
    fresh = [
        index for index, (key, _) in enumerate(marks) if key is None or (key not in known and first_of[key] == index)
    ]
    asked = Asked.by(caller.actor, tenant=tenant, now=now)
    is_atomic = body.mode == "all_or_nothing"
    written = _write(body.entries, fresh, asked=asked, is_atomic=is_atomic)
    outcomes = [
        written[index] if index in written else _repeat(marks, index, known=known, first_of=first_of, written=written)
        for index in range(len(marks))
    ]
    refused = next((index for index, outcome in enumerate(outcomes) if outcome.refusal is not None), None)
    if is_atomic and refused is not None:
        raise batch_refused(refused, outcomes[refused].refusal or DomainError())
    keep_answers(operation=SINGLE, answers=_to_keep(marks, written), now=now)
    record_events(events=_events(outcomes, marks, caller), now=now)
    return _show(body.mode, outcomes)


def _mark(entry: BatchEntryBody) -> Mark:
    """The fingerprint that the same words have as a single request."""
    return entry.idempotency_key, fingerprint(method="POST", route=SINGLE_ROUTE, body=words_of(entry))


def _write(
    entries: Sequence[BatchEntryBody], places: Sequence[int], *, asked: Asked, is_atomic: bool
) -> dict[int, Outcome]:
    """Post the entries at these places in one call; what became of each."""
    outcomes: dict[int, Outcome] = {}
    items: dict[int, BatchItem] = {}
    for index in places:
        try:
            items[index] = posting_item(entries[index], asked=asked, key=entries[index].idempotency_key)
        except DomainError as error:
            if is_atomic:
                raise batch_refused(index, error) from error
            outcomes[index] = Outcome(refusal=error)
    if not items:
        return outcomes
    indexes = list(items)
    try:
        answers = post_batch(items=list(items.values()), is_atomic=is_atomic)
    except BatchRefused as error:
        raise _at(error, indexes[error.extra["index"]]) from error
    for index, answer in zip(indexes, answers, strict=True):
        outcomes[index] = (
            Outcome(document=show_written(answer, items[index]), posted=answer)
            if isinstance(answer, Posted)
            else Outcome(refusal=answer)
        )
    return outcomes


def _at(error: BatchRefused, index: int) -> BatchRefused:
    """The refusal with the place that its posting has in the batch, those that were not posted anew counted."""
    sentence = error.detail.partition(": ")[2]
    return BatchRefused(f"Posting {index} of the batch: {sentence}", **{**error.extra, "index": index})


def _repeat(
    marks: Sequence[Mark],
    index: int,
    *,
    known: Mapping[str, tuple[bytes, Answer]],
    first_of: Mapping[str, int],
    written: Mapping[int, Outcome],
) -> Outcome:
    """What an item is answered whose key was used before: earlier, or by an item above it."""
    key, mark = marks[index]
    assert key is not None  # noqa: S101  # items without a key are always written
    if key in known:
        stored, answer = known[key]
        first = Outcome(document=orjson.loads(answer.body))
    else:
        stored = marks[first_of[key]][1]
        first = written.get(first_of[key], Outcome())
    if stored != mark:
        return Outcome(refusal=key_reused(key=key, stored=stored, mark=mark))
    return first if first.refusal is not None else Outcome(document=first.document, is_replay=True)


def _to_keep(marks: Sequence[Mark], written: Mapping[int, Outcome]) -> dict[str, tuple[bytes, Answer]]:
    """What a single request under each new key will be answered. A refusal keeps nothing: the key stays free."""
    kept: dict[str, tuple[bytes, Answer]] = {}
    for index, outcome in written.items():
        key, mark = marks[index]
        if key is not None and outcome.document is not None:
            kept[key] = (mark, Answer(201, idempotency.dump(outcome.document)))
    return kept


def _events(outcomes: Sequence[Outcome], marks: Sequence[Mark], caller: Caller) -> list[NewEvent]:
    """One event for each posting that was written, repeated or refused."""
    return [_event(index, outcome, marks[index][0], caller) for index, outcome in enumerate(outcomes)]


def _event(index: int, outcome: Outcome, key: str | None, caller: Caller) -> NewEvent:
    trace_id = telemetry.trace_id()
    if outcome.posted is not None:
        return posting_event(outcome.posted, actor=caller.actor, intent_id=None, trace_id=trace_id)
    if outcome.refusal is None:
        facts = what_stands(Answer(201, idempotency.dump(outcome.document or {})))
        return repeat_event(caller, operation=SINGLE, key=key or "", facts=facts)
    error = outcome.refusal
    data: dict[str, object] = {
        "code": error.code,
        "status": error.status,
        "method": "POST",
        "route": ROUTE,
        "request_id": telemetry.request_id(),
        "index": index,
    }
    if isinstance(error, IdempotencyKeyReused):
        data |= {"key": key, **error.extra}
        return NewEvent("idempotency.refused", caller.actor, data, trace_id=trace_id)
    return NewEvent("ingress.refused", caller.actor, data, trace_id=trace_id)


def _show(mode: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    words = Counter(outcome.status for outcome in outcomes)
    return {
        "object": "posting_batch",
        "mode": mode,
        "posted": words["posted"],
        "replayed": words["replayed"],
        "refused": words["refused"],
        "evidence": {"posting_ids": [outcome.posted.posting_id for outcome in outcomes if outcome.posted is not None]},
        "data": [
            {
                "index": index,
                "status": outcome.status,
                "posting": outcome.document,
                "problem": None if outcome.refusal is None else describe_refusal(outcome.refusal),
            }
            for index, outcome in enumerate(outcomes)
        ],
    }
