"""Packets: an intent's events with everything an auditor needs to check them without us."""

from datetime import datetime
from typing import Any, Final

from django.db import connection

from evidence import catalogue, queries, store, types
from evidence.operations.events import SCHEMA
from evidence.operations.first_page import README, first_page
from evidence.operations.log import read_signer
from evidence.types import Checkpoint, NewEvent, RecordedEvent, SealedPacket
from evidence.verifier import canonical, packet, story, tree
from evidence.verifier.archive import write_archive
from evidence.verifier.checkpoint import InclusionProof
from evidence.verifier.errors import VerificationError
from evidence.verifier.note import Signer
from zentra.core import clock, ids
from zentra.core.actors import EVIDENCE, Actor
from zentra.core.canonical import dumps, sha256_hex
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef

RETRY_AFTER_SECONDS: Final = 1
# These tell of attempts around an intent, for as long as somebody makes them. A packet holds those that are signed,
# but never waits for the newest: a client that repeats a call every second must not keep evidence from sealing.
_NEVER_AWAITED: Final = ("idempotency.", "webhook.", "evidence.", "callback.", "access.")


class NotYetCheckpointed(DomainError):
    """Some of the intent's events are not under a signed checkpoint yet; ask again after ``retry_after`` seconds."""

    code = "packet_not_ready"
    status = 409
    title = "The packet is not sealed yet"
    retryable = True
    retry_after = RETRY_AFTER_SECONDS


class NothingToSeal(DomainError):
    """No event was recorded for this intent."""

    code = "nothing_to_seal"
    status = 404
    title = "There is no evidence for this intent"


class ProjectionDisagrees(DomainError):
    """An app's own state does not say what the recorded events say; the packet waits for a person."""

    code = "projection_disagrees"
    status = 409
    title = "The stored state does not agree with the events"


class PacketUnverifiable(DomainError):
    """The finished packet did not pass our own verifier, so it was not stored."""

    code = "packet_unverifiable"
    status = 500
    title = "The packet would not verify"


class PacketNotFound(DomainError):
    """The intent has no packet of this revision."""

    code = "packet_not_found"
    status = 404
    title = "There is no such packet revision"


def seal_packet(*, intent_id: str, ws: TenantRef, now: datetime) -> SealedPacket:
    """Seal what is recorded of an intent into the next revision of its packet, and store it.

    When no new fact was recorded since the latest revision, that one is returned with ``fresh`` false: doing it twice
    is harmless. Record ``sealed_event`` in the same transaction when it is fresh.

    Raises:
        NotYetCheckpointed: an event of the intent is not under a signed checkpoint yet.
        NothingToSeal: no event names this intent.
        ProjectionDisagrees: a registered check found another story in an app's state.
        PacketUnverifiable: the packet did not pass the offline verifier; nothing was stored.
        NoLog: the workspace has no evidence log yet.
    """
    events, checkpoint = _covered_events(intent_id)
    latest = _find(intent_id, None)
    if latest is not None and not _has_news(events, latest):
        return latest
    signer = read_signer()
    files = _content(intent_id, events, checkpoint)
    manifest = _manifest(intent_id, ws, events, checkpoint, latest, files, now=now, signer=signer)
    files["manifest.json"] = dumps(manifest)
    sha256 = sha256_hex(files["manifest.json"])
    note = packet.manifest_note(origin=signer.name, intent_id=intent_id, revision=manifest["revision"], sha256=sha256)
    files["manifest.sig"] = signer.sign(note)
    content = write_archive(files)
    try:
        packet.verify_packet(content, signer.verifier)
    except VerificationError as error:
        raise PacketUnverifiable(f"The packet of {intent_id} does not verify: {error}.") from error
    sealed = SealedPacket(
        id=ids.new_id("pkt"),
        intent_id=intent_id,
        revision=manifest["revision"],
        sha256=sha256_hex(content),
        manifest_sha256=sha256,
        previous_sha256=latest.sha256 if latest else None,
        checkpoint_size=checkpoint.size,
        created_at=now,
        content=content,
        manifest=manifest,
        fresh=True,
    )
    _store(sealed, leaf_count=len(events))
    return sealed


def sealed_event(*, sealed: SealedPacket, actor: Actor = EVIDENCE, trace_id: str | None = None) -> NewEvent:
    """``evidence.sealed``: puts the packet's hashes into the log, after the leaves that it holds."""
    return NewEvent(
        type="evidence.sealed",
        actor=actor,
        intent_id=sealed.intent_id,
        trace_id=trace_id,
        data={
            "packet_id": sealed.id,
            "revision": sealed.revision,
            "packet_sha256": sealed.sha256,
            "manifest_sha256": sealed.manifest_sha256,
            "previous_sha256": sealed.previous_sha256,
            "checkpoint_size": sealed.checkpoint_size,
        },
    )


def read_packet(*, intent_id: str, revision: int | None = None) -> SealedPacket:
    """A stored revision, the latest unless one is named.

    Raises:
        NotYetCheckpointed: evidence is there, and no packet was sealed yet.
        NothingToSeal: no event names this intent.
        PacketNotFound: the intent has packets, but not this revision.
    """
    found = _find(intent_id, revision)
    if found is not None:
        return found
    if revision is not None and _find(intent_id, None) is not None:
        raise PacketNotFound(f"The packet of {intent_id} has no revision {revision}.")
    if not queries.timeline(intent_id=intent_id, limit=1):
        raise NothingToSeal(f"No evidence names {intent_id}.")
    raise NotYetCheckpointed(
        f"The packet of {intent_id} is not sealed yet; ask again in {RETRY_AFTER_SECONDS} s.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def _covered_events(intent_id: str) -> tuple[list[RecordedEvent], Checkpoint]:
    """The intent's events under the newest checkpoint, in log order."""
    # The checkpoint first: what it covers was sequenced, and thus committed, before the events are read.
    checkpoint = queries.latest_checkpoint()
    events = queries.timeline(intent_id=intent_id, limit=100_000)
    if not events:
        raise NothingToSeal(f"No evidence names {intent_id}.")
    size = checkpoint.size if checkpoint else 0
    covered = [event for event in events if event.index is not None and event.index < size]
    inside = {event.id for event in covered}
    open_facts = [event for event in events if event.id not in inside and not event.type.startswith(_NEVER_AWAITED)]
    if checkpoint is None or open_facts or not covered:
        raise NotYetCheckpointed(
            f"{len(open_facts)} events of {intent_id} are not under a signed checkpoint yet.",
            retry_after=RETRY_AFTER_SECONDS,
            waiting=len(open_facts),
        )
    return sorted(covered, key=_index), checkpoint


def _index(event: RecordedEvent) -> int:
    return -1 if event.index is None else event.index


def _has_news(events: list[RecordedEvent], latest: SealedPacket) -> bool:
    """Whether something happened since; that the packet itself was sealed or read is not news."""
    known: Any = latest.manifest["events"]
    inside = {row["id"] for row in known}
    return any(event.id not in inside and not event.type.startswith("evidence.") for event in events)


def _content(intent_id: str, events: list[RecordedEvent], checkpoint: Checkpoint) -> dict[str, bytes]:
    indexes = [_index(event) for event in events]
    proofs = tree.inclusion_proofs(indexes, checkpoint.size, store.read_nodes)
    note = checkpoint.note.encode()
    files = {"README.txt": README.encode(), packet.CHECKPOINT: note}
    for event, index, hashes in zip(events, indexes, proofs, strict=True):
        files[packet.event_path(index)] = event.body
        files[packet.proof_path(index)] = InclusionProof(index=index, hashes=hashes, checkpoint=note).encode()
    for section in types.sections():
        built = section.build(intent_id=intent_id)
        if built is not None:
            files[f"sections/{section.name}.json"] = dumps(built)
    return files


def _manifest(
    intent_id: str,
    ws: TenantRef,
    events: list[RecordedEvent],
    checkpoint: Checkpoint,
    latest: SealedPacket | None,
    files: dict[str, bytes],
    *,
    now: datetime,
    signer: Signer,
) -> dict[str, Any]:
    """What the packet says about itself; adds the first page, which shows the same, to ``files``."""
    bodies = [canonical.read_object(event.body, what=event.id) for event in events]
    manifest: dict[str, Any] = {
        "kind": packet.KIND,
        "schema": SCHEMA,
        "intent_id": intent_id,
        "workspace": ws.slug,
        "mode": ws.mode,
        "revision": latest.revision + 1 if latest else 1,
        "previous_sha256": latest.sha256 if latest else None,
        "created_at": clock.iso(now),
        "log": {
            "origin": signer.name,
            "verifier_key": str(signer.verifier),
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "signed_at": clock.iso(checkpoint.signed_at),
        },
        "trust": story.trust_block(bodies, intent_id=intent_id),
        "rows": [_row(body) for body in bodies],
        "events": [{"index": event.index, "id": event.id, "type": event.type} for event in events],
        "checks": _run_checks(intent_id),
    }
    files["first-page.html"] = first_page(manifest).encode()
    manifest["files"] = [
        {"path": name, "sha256": sha256_hex(content), "bytes": len(content)} for name, content in sorted(files.items())
    ]
    return manifest


def _row(body: dict[str, Any]) -> dict[str, Any]:
    """event · proof field · actor, with the proof's value and when."""
    field = catalogue.describe(body["type"]).proof
    if story.field_value(body, field) is None:
        field = "id"
    return {
        "event": body["type"],
        "occurred_at": body["occurred_at"],
        "proof_field": field,
        "proof": story.field_value(body, field),
        "actor": body["actor"]["id"],
    }


def _run_checks(intent_id: str) -> list[dict[str, Any]]:
    done = []
    for check in types.checks():
        result = check.check(intent_id=intent_id)
        if not result.agrees:
            raise ProjectionDisagrees(f"{check.name}: {result.detail}", check=check.name)
        done.append({"name": check.name, "detail": result.detail})
    return done


def _store(sealed: SealedPacket, *, leaf_count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO evidence_packet (id, intent_id, revision, content, sha256, manifest, manifest_sha256,"
            " previous_sha256, checkpoint_size, leaf_count, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                ids.to_uuid(sealed.id, prefix="pkt"),
                sealed.intent_id,
                sealed.revision,
                sealed.content,
                sealed.sha256,
                dumps(sealed.manifest),
                sealed.manifest_sha256,
                sealed.previous_sha256,
                sealed.checkpoint_size,
                leaf_count,
                sealed.created_at,
            ],
        )


def _find(intent_id: str, revision: int | None) -> SealedPacket | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, intent_id, revision, sha256, manifest_sha256, previous_sha256, checkpoint_size, created_at,"
            " content, manifest FROM evidence_packet WHERE intent_id = %s AND (%s::int IS NULL OR revision = %s)"
            " ORDER BY revision DESC LIMIT 1",
            [intent_id, revision, revision],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    identity, intent, number, sha256, manifest_sha256, previous, size, created_at, content, manifest = row
    return SealedPacket(
        id=ids.to_public("pkt", identity),
        intent_id=intent,
        revision=number,
        sha256=sha256,
        manifest_sha256=manifest_sha256,
        previous_sha256=previous,
        checkpoint_size=size,
        created_at=created_at,
        content=bytes(content),
        manifest=canonical.read_object(bytes(manifest), what="manifest"),
    )
