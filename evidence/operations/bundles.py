"""Packets of what is no intent: files of an app, with the events that prove them, sealed like any packet.

The app says what the packet is of and gives the files; here they get the events' exact bytes and proofs, the
checkpoint, the manifest and the log's signature, and must pass our own offline verifier.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evidence import queries, store
from evidence.operations.events import SCHEMA
from evidence.operations.log import read_signer
from evidence.operations.packets import RETRY_AFTER_SECONDS, NotYetCheckpointed, PacketUnverifiable
from evidence.types import Checkpoint, RecordedEvent
from evidence.verifier import packet, tree
from evidence.verifier.archive import write_archive
from evidence.verifier.checkpoint import InclusionProof
from evidence.verifier.errors import VerificationError
from zentra.core import clock
from zentra.core.canonical import dumps, sha256_hex
from zentra.core.tenancy import TenantRef


@dataclass(frozen=True, slots=True)
class SealedBundle:
    """A sealed zip: its bytes, their SHA-256, that of its manifest, and the hash of each file."""

    content: bytes
    sha256: str
    manifest_sha256: str
    files: Mapping[str, str]


def seal_bundle(
    *,
    kind: str,
    subject: str,
    revision: int,
    previous_sha256: str | None,
    facts: Mapping[str, Any],
    files: Mapping[str, bytes],
    event_ids: Sequence[str],
    ws: TenantRef,
    now: datetime,
) -> SealedBundle:
    """Seal files and events into one zip that the offline verifier accepts. Nothing is stored.

    ``kind`` is one of ``evidence.verifier.packet.SUBJECTS``; ``facts`` go into the manifest beside what every packet
    says. Raises NotYetCheckpointed (an event is not under a signed checkpoint yet), PacketUnverifiable, NoLog.
    """
    events, checkpoint = _covered(event_ids)
    signer = read_signer()
    whole = {**files, **_proved(events, checkpoint)}
    manifest: dict[str, Any] = {
        **facts,
        "kind": kind,
        "schema": SCHEMA,
        packet.SUBJECTS[kind]: subject,
        "workspace": ws.slug,
        "mode": ws.mode,
        "revision": revision,
        "previous_sha256": previous_sha256,
        "created_at": clock.iso(now),
        "log": {
            "origin": signer.name,
            "verifier_key": str(signer.verifier),
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "signed_at": clock.iso(checkpoint.signed_at),
        },
        "events": [{"index": event.index, "id": event.id, "type": event.type} for event in events],
        "files": [
            {"path": name, "sha256": sha256_hex(content), "bytes": len(content)}
            for name, content in sorted(whole.items())
        ],
    }
    whole[packet.MANIFEST] = dumps(manifest)
    sha256 = sha256_hex(whole[packet.MANIFEST])
    note = packet.manifest_note(origin=signer.name, intent_id=subject, revision=revision, sha256=sha256)
    whole[packet.SIGNATURE] = signer.sign(note)
    content = write_archive(whole)
    try:
        packet.verify_packet(content, signer.verifier)
    except VerificationError as error:
        raise PacketUnverifiable(f"The packet of {subject} does not verify: {error}.") from error
    except Exception as error:  # a verifier that stumbles refuses too: tried again, it would stumble again
        raise PacketUnverifiable(f"The packet of {subject} is malformed ({type(error).__name__}: {error}).") from error
    return SealedBundle(content, sha256_hex(content), sha256, {name: sha256_hex(files[name]) for name in sorted(files)})


def check_covered(*, event_ids: Sequence[str]) -> None:
    """Raises NotYetCheckpointed while one of these events is not under a signed checkpoint."""
    _covered(event_ids)


def _covered(event_ids: Sequence[str]) -> tuple[list[RecordedEvent], Checkpoint]:
    # The checkpoint first: what it covers was sequenced, and thus committed, before the events are read.
    checkpoint = queries.latest_checkpoint()
    events = queries.find_events(event_ids=event_ids)
    size = checkpoint.size if checkpoint else 0
    waiting = sum(event.index is None or event.index >= size for event in events)
    if checkpoint is None or waiting or not events:
        raise NotYetCheckpointed(
            f"{waiting} events are not under a signed checkpoint yet.", retry_after=RETRY_AFTER_SECONDS, waiting=waiting
        )
    return sorted(events, key=_index), checkpoint


def _index(event: RecordedEvent) -> int:
    return -1 if event.index is None else event.index


def _proved(events: Sequence[RecordedEvent], checkpoint: Checkpoint) -> dict[str, bytes]:
    indexes = [_index(event) for event in events]
    proofs = tree.inclusion_proofs(indexes, checkpoint.size, store.read_nodes)
    note = checkpoint.note.encode()
    files = {packet.CHECKPOINT: note}
    for event, index, hashes in zip(events, indexes, proofs, strict=True):
        files[packet.event_path(index)] = event.body
        files[packet.proof_path(index)] = InclusionProof(index=index, hashes=hashes, checkpoint=note).encode()
    return files
