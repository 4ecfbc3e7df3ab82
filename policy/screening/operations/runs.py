"""All parties screened again: batches, each one work item and one transaction, so that a killed worker costs one batch.

A party is screened once in a run: the batch is marked done with its checks, and the database refuses a second check.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import F

from policy.screening import matches, store
from policy.screening.matching.types import ScreenedParty
from policy.screening.models import Check, Party, Run, RunBatch
from policy.screening.operations.screenings import Outcome, read_ground, settle, write_checks
from policy.screening.operations.settings import lock_settings
from policy.screening.types import Found, RunReason, RunRecord
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.queue import enqueue_many
from zentra.core.tenancy import current_tenant

BATCH: Final = 50
WORK: Final = "screening.batch"
PRIORITY: Final = 7
"""After the money's own work."""

_CUT = """
INSERT INTO screening_run_batch (id, run_id, place, first_party, last_party, parties)
SELECT gen_random_uuid(), %s, place, (array_agg(id ORDER BY id))[1], (array_agg(id ORDER BY id DESC))[1], count(*)
  FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS place FROM screening_party WHERE state = 'active') p
 GROUP BY place ORDER BY place
RETURNING id, parties
"""


@transaction.atomic(savepoint=False)
def start_run(
    *,
    reason: RunReason,
    actor: Actor,
    now: datetime,
    list_id: str | None = None,
    list_version: int | None = None,
) -> RunRecord:
    """Begin to screen every active party again. For one version of a list it begins once, however often it is asked."""
    lock_settings()
    if list_id is not None:
        known = Run.objects.filter(list_id=list_id, list_version=list_version).first()
        if known is not None:
            return store.run_record(known)
    number = (Run.objects.order_by("-number").values_list("number", flat=True).first() or 0) + 1
    run = Run(
        id=ids.new_id("run"), number=number, reason=reason, list_id=list_id, list_version=list_version, total=0,
        started_at=now, started_by=actor.as_dict(),
    )  # fmt: skip
    run.save(force_insert=True)
    batches = _cut(run)
    run.total = sum(parties for _, parties in batches)
    run.save(update_fields=["total"])
    store.tell(
        type="screening.run_started", actor=actor, now=now, run_id=run.id, number=run.number, reason=reason,
        list_id=list_id, list_version=list_version, parties=run.total,
    )  # fmt: skip
    workspace = current_tenant().id
    enqueue_many([(workspace, WORK, batch_id, now, PRIORITY) for batch_id, _ in batches])
    if not batches:
        _finish(run.id, now=now)
        run.refresh_from_db()
    return store.run_record(run)


def _cut(run: Run) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_CUT, [ids.to_uuid(run.id, prefix="run"), BATCH])
        return [(ids.to_public("bat", batch_id), parties) for batch_id, parties in cursor.fetchall()]


@transaction.atomic(savepoint=False)
def screen_batch(*, batch_id: str, now: datetime) -> int:
    """Screen one batch of a run; returns how many parties. A batch that is done, or is just being done, is left."""
    batch = RunBatch.objects.select_related("run").get(id=batch_id)
    if batch.done_at is not None:
        return 0
    parties = _parties_of(batch)
    # Matching takes nearly all of the time, and needs no lock.
    found = _match(parties)
    if not RunBatch.objects.select_for_update().filter(id=batch_id, done_at__isnull=True).exists():
        return 0
    screened, new_hits = _screen(parties, found, run=batch.run, now=now)
    RunBatch.objects.filter(id=batch_id).update(done_at=now)
    Run.objects.filter(id=batch.run_id).update(done=F("done") + batch.parties, new_hits=F("new_hits") + new_hits)
    _finish(batch.run_id, now=now)
    return screened


def _parties_of(batch: RunBatch) -> Sequence[Party]:
    rows = Party.objects.filter(id__gte=batch.first_party, id__lte=batch.last_party, state="active")
    return list(rows.order_by("id"))


def _match(parties: Sequence[Party]) -> dict[str, tuple[int, ScreenedParty, list[Found]]]:
    facts = matches.screened_facts(parties)
    return {party.id: (party.version, facts[party.id], matches.find_matches(facts[party.id])) for party in parties}


def _screen(
    parties: Sequence[Party], found: dict[str, tuple[int, ScreenedParty, list[Found]]], *, run: Run, now: datetime
) -> tuple[int, int]:
    """Settle these parties under their locks; returns how many, and how many hits are new."""
    store.limit_wait()
    wanted = [party.id for party in parties]
    store.lock_cases(wanted)
    locked = list(Party.objects.select_for_update().filter(id__in=wanted, state="active").order_by("id"))
    done = set(Check.objects.filter(run=run, party__id__in=wanted).values_list("party_id", flat=True))
    ground = read_ground(party_ids=wanted, run_number=run.number, run_id=run.id)
    settled: list[tuple[Party, Outcome]] = []
    for party in locked:
        if party.id in done:
            continue
        version, facts, matched = found[party.id]
        if party.version != version:
            _, facts, matched = _match([party])[party.id]
        settled.append(
            (party, settle(party=party, facts=facts, found=matched, ground=ground, actor=actors.POLICY, now=now))
        )
    write_checks(settled=settled, reason="run", ground=ground, actor=actors.POLICY, now=now)
    return len(settled), sum(len(outcome.new) for _, outcome in settled)


def _finish(run_id: str, *, now: datetime) -> None:
    """The last batch ends the run: the row's own lock lets one of them see that all are done."""
    ended = Run.objects.filter(id=run_id, state="running", done__gte=F("total")).update(
        state="finished", finished_at=now
    )
    if ended == 1:
        run = Run.objects.get(id=run_id)
        store.tell(
            type="screening.run_finished", actor=actors.POLICY, now=now, run_id=run.id, number=run.number,
            parties=run.done, new_hits=run.new_hits,
        )  # fmt: skip


@transaction.atomic(savepoint=False)
def screen_stragglers(*, now: datetime, limit: int = BATCH) -> int:
    """Screen parties that were made while a version became active, and that its run could not see. Returns how many."""
    run = Run.objects.order_by("-number").first()
    if run is None or run.state != "finished":
        return 0
    parties = list(Party.objects.filter(state="active", screened_against__lt=run.number).order_by("id")[:limit])
    return _screen(parties, _match(parties), run=run, now=now)[0] if parties else 0
