"""Reading a packet: from the pinned key to every byte of it, and from the bytes to what the packet claims."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from evidence.verifier import canonical, checkpoint, closeout, story, tree
from evidence.verifier.archive import read_archive
from evidence.verifier.errors import VerificationError
from evidence.verifier.note import Verifier

SCHEMA: Final = "v2026.04"
KIND: Final = "audit_packet"
# What each kind of packet is of, as its manifest names it: an intent, or a period of the books.
SUBJECTS: Final = {KIND: "intent_id", closeout.KIND: "period_id"}
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
CHECKPOINT: Final = "checkpoint"
# An origin never holds a space, so this first line keeps the note from ever being read as a checkpoint.
MANIFEST_NOTE: Final = "zentra packet manifest"
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Claims:
    """The manifest, after its signature held; ``intent_id`` is its subject: of a closeout packet, the period."""

    workspace: str
    intent_id: str
    revision: int
    manifest: Mapping[str, Any]

    @property
    def is_closeout(self) -> bool:
        """Whether it is of a period of the books."""
        return bool(self.manifest["kind"] == closeout.KIND)


def event_path(index: int) -> str:
    """Where a packet keeps the exact bytes of the leaf at this index."""
    return f"events/{index:012d}.json"


def proof_path(index: int) -> str:
    """Where a packet keeps that leaf's inclusion proof."""
    return f"proofs/{index:012d}.tlog-proof"


def workspace_of(origin: str) -> str:
    """The workspace whose log this origin names: its last part."""
    return origin.rsplit("/", 1)[-1]


def manifest_note(*, origin: str, intent_id: str, revision: int, sha256: str) -> str:
    """The text that the log's key signs to bind a manifest, and through it every file, to this revision."""
    return f"{MANIFEST_NOTE}\n{origin}\n{intent_id}\nrevision {revision}\nsha256 {sha256}\n"


def verify_packet(content: bytes, verifier: Verifier) -> list[str]:
    """Verify a packet against a key from outside it; what was verified, one sentence a line.

    Raises VerificationError with one sentence at the first thing that does not hold.
    """
    files = read_archive(content)
    lines = [f"The zip is whole and holds {len(files)} files."]
    claims = _check_manifest(files, verifier)
    lines.append(f"The manifest of revision {claims.revision} of {claims.intent_id} is signed by {verifier.name}.")
    _check_files(files, claims)
    lines.append(f"Every one of the {len(files)} files is exactly the one that the manifest names.")
    head = checkpoint.open_checkpoint(_file(files, CHECKPOINT), verifier)
    lines.append(f"The checkpoint of {head.size} leaves is signed by the same log.")
    events = _check_events(files, claims, head)
    lines.append(
        f"Each of the {len(events)} events leads from its bytes to its leaf and from its leaf to the signed root"
        f" {head.root.hex()}."
    )
    subject = f"period {claims.intent_id}" if claims.is_closeout else f"intent {claims.intent_id}"
    lines.append(f"Each event is canonical and belongs to workspace {claims.workspace} and {subject}.")
    _check_head(claims, head)
    if claims.is_closeout:
        return [*lines, *closeout.check(claims.manifest, files, events), _previous(claims.manifest)]
    return [*lines, *_check_claims(claims, events)]


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    try:
        return files[name]
    except KeyError:
        raise VerificationError(f"{name} is missing from the packet") from None


def _check_manifest(files: Mapping[str, bytes], verifier: Verifier) -> Claims:
    content = _file(files, MANIFEST)
    signed = verifier.open(_file(files, SIGNATURE), what=SIGNATURE).split("\n")
    if len(signed) != 6 or signed[0] != MANIFEST_NOTE:
        raise VerificationError(f"{SIGNATURE} does not speak of a packet manifest")
    _, origin, intent_id, revision, sha256, _ = signed
    if origin != verifier.name:
        raise VerificationError(f"{SIGNATURE} is of the log {origin}, not of {verifier.name}")
    if sha256 != f"sha256 {canonical.sha256_hex(content)}":
        raise VerificationError(f"{MANIFEST} is not the one that was signed")
    manifest = canonical.read_object(content, what=MANIFEST)
    subject = SUBJECTS.get(str(manifest.get("kind")))
    if subject is None or manifest.get("schema") != SCHEMA:
        raise VerificationError(f"{MANIFEST} is not an audit packet of schema {SCHEMA}")
    if manifest.get(subject) != intent_id or f"revision {manifest.get('revision')}" != revision:
        raise VerificationError(f"{MANIFEST} is of another intent or revision than its signature")
    if manifest.get("workspace") != workspace_of(verifier.name):
        raise VerificationError(f"{MANIFEST} is of another workspace than the log {verifier.name}")
    return Claims(manifest["workspace"], intent_id, manifest["revision"], manifest)


def _check_files(files: Mapping[str, bytes], claims: Claims) -> None:
    named = claims.manifest.get("files")
    if not isinstance(named, list):
        raise VerificationError(f"{MANIFEST} names no files")
    expected = {MANIFEST, SIGNATURE}
    for row in named:
        name, sha256 = row.get("path"), row.get("sha256")
        if canonical.sha256_hex(_file(files, name)) != sha256:
            raise VerificationError(f"{name} is not the file that the manifest names: its SHA-256 differs")
        expected.add(name)
    for name in sorted(files.keys() - expected):
        raise VerificationError(f"{name} is in the zip, but not in the manifest")


def _check_events(files: Mapping[str, bytes], claims: Claims, head: checkpoint.TreeHead) -> list[dict[str, Any]]:
    rows = claims.manifest.get("events")
    if not isinstance(rows, list) or not rows:
        raise VerificationError(f"{MANIFEST} names no events")
    indexes = [row.get("index") for row in rows]
    if any(type(index) is not int for index in indexes) or indexes != sorted(set(indexes)):
        raise VerificationError(f"the events in {MANIFEST} are not in log order")
    inside = {name for name in files if name.startswith(("events/", "proofs/"))}
    expected = {path(index) for index in indexes for path in (event_path, proof_path)}
    for name in sorted(inside ^ expected):
        raise VerificationError(f"{name} is an event or a proof without its counterpart in the manifest")
    return [_check_event(files, claims, head, row) for row in rows]


def _check_event(
    files: Mapping[str, bytes], claims: Claims, head: checkpoint.TreeHead, row: Mapping[str, Any]
) -> dict[str, Any]:
    index, what = row["index"], event_path(row["index"])
    content = _file(files, what)
    proof = checkpoint.parse_proof(_file(files, proof_path(index)), what=proof_path(index))
    if proof.index != index:
        raise VerificationError(f"{proof_path(index)} proves leaf {proof.index}")
    if proof.checkpoint != files[CHECKPOINT]:
        raise VerificationError(f"{proof_path(index)} carries another checkpoint than the packet")
    tree.check_inclusion(tree.leaf_hash(content), index, head.size, proof.hashes, head.root)
    event = canonical.read_object(content, what=what)
    if not isinstance(event.get("data"), dict) or not isinstance(event.get("actor"), dict):
        raise VerificationError(f"{what} is not an event")
    if event.get("schema") != SCHEMA:
        raise VerificationError(f"{what} is not of schema {SCHEMA}")
    if event.get("workspace") != claims.workspace:
        raise VerificationError(f"{what} belongs to the workspace {event.get('workspace')}")
    if claims.is_closeout:
        if event["data"].get("period_id") != claims.intent_id:
            raise VerificationError(f"{what} belongs to the period {event['data'].get('period_id')}")
    elif event.get("intent_id") != claims.intent_id:
        raise VerificationError(f"{what} belongs to the intent {event.get('intent_id')}")
    if (event.get("id"), event.get("type")) != (row.get("id"), row.get("type")):
        raise VerificationError(f"{what} is another event than the manifest says")
    return event


def _check_head(claims: Claims, head: checkpoint.TreeHead) -> None:
    log = {"origin": head.origin, "size": head.size, "root": head.root.hex()}
    if {key: claims.manifest.get("log", {}).get(key) for key in log} != log:
        raise VerificationError(f"{MANIFEST} names another tree head than the checkpoint")


def _check_claims(claims: Claims, events: list[dict[str, Any]]) -> list[str]:
    manifest, what = claims.manifest, [event_path(row["index"]) for row in claims.manifest["events"]]
    entries = [
        story.check_balanced(event, what=name)
        for event, name in zip(events, what, strict=True)
        if event["type"] == story.POSTING
    ]
    compared = sum(
        story.check_comparison(event, before=events[:number], among=events, what=what[number])
        for number, event in enumerate(events)
    )
    if manifest.get("trust") != story.trust_block(events, intent_id=claims.intent_id):
        raise VerificationError("the trust block does not agree with the events")
    _check_rows(manifest, events)
    return [
        f"The {sum(entries)} entries of {len(entries)} postings sum to zero in every currency."
        if entries
        else "No posting belongs to this intent, so there are no entries to balance.",
        "Entries, provider outcome and amount were compared and are equal."
        if compared
        else "No comparison of entries and provider outcome was due.",
        "The trust block and every row of the first page agree with the events.",
        _previous(manifest),
    ]


def _check_rows(manifest: Mapping[str, Any], events: list[dict[str, Any]]) -> None:
    rows = manifest.get("rows")
    if not isinstance(rows, list) or len(rows) != len(events):
        raise VerificationError("the rows of the packet are not one for each event")
    for row, event in zip(rows, events, strict=True):
        said = (row.get("event"), row.get("actor"), row.get("proof"))
        if said != (event["type"], event["actor"].get("id"), story.field_value(event, str(row.get("proof_field")))):
            raise VerificationError(f"a row of the packet does not agree with its event {event['id']}")


def _previous(manifest: Mapping[str, Any]) -> str:
    revision, previous = manifest["revision"], manifest.get("previous_sha256")
    if type(revision) is not int or revision < 1 or (previous is None) != (revision == 1):
        raise VerificationError(f"{MANIFEST} does not name the revision before it")
    if previous is None:
        return "It is the first revision of this packet."
    if not isinstance(previous, str) or not _HEX.fullmatch(previous):
        raise VerificationError(f"{MANIFEST} does not name the revision before it")
    return f"It follows the revision whose zip has the SHA-256 {previous}."
