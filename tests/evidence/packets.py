"""A packet made with the verifier's own parts, so that its checks can be tested without a database."""

from typing import Any

from evidence.verifier import canonical, packet, story, tree
from evidence.verifier.archive import write_archive
from evidence.verifier.checkpoint import InclusionProof, TreeHead
from evidence.verifier.note import Signer
from evidence.verifier.tree import Node

WORKSPACE = "acme-sandbox"
INTENT = "intent_042"
SIGNER = Signer(name=f"localhost/{WORKSPACE}", seed=bytes(range(32)))
KEY = str(SIGNER.verifier)
STRANGERS = 5

Event = dict[str, Any]


def event(number: int, type_: str, data: dict[str, Any], *, intent_id: str | None = INTENT) -> Event:
    return {
        "id": f"evt_{number:026d}",
        "type": type_,
        "schema": packet.SCHEMA,
        "occurred_at": f"2026-04-26T14:12:{number:02d}.000Z",
        "workspace": WORKSPACE,
        "actor": {"kind": "service", "id": "svc_ledger", "role": "service", "credential": None},
        "intent_id": intent_id,
        "trace_id": "ab" * 16,
        "data": data,
    }


def entries(*, debit: int = 125_000, credit: int = 125_000, currency: str = "USD") -> list[dict[str, Any]]:
    return [
        {"account_code": "customer_balance", "direction": "debit", "amount_minor": debit, "currency": "USD"},
        {"account_code": "reserved_balance", "direction": "credit", "amount_minor": credit, "currency": currency},
    ]


POSTING = {"posting_id": "posting_1", "entry_hash": "9f2c", "purpose": "reserve", "entries": entries()}
COMPARISON = {
    "amount_minor": 125_000,
    "provider_amount_minor": 125_000,
    "expected_minor": {"reserve": 125_000, "release": 0},
    "posted_minor": {"reserve": 125_000, "release": 0},
    "entries": 2,
    "sums_to_zero": True,
    "equal": True,
}


def story_of_an_intent() -> list[Event]:
    return [
        event(10, "ingress.accepted", {"requested_by": {"id": "key_1", "credential": "key_1"}}),
        event(11, "policy.accepted", {"decision_id": "dec_1", "summary": "limit_check.passed"}),
        event(12, "ledger.entry.posted", POSTING),
        event(13, "callback.applied", {"callback_id": "cb_1", "note": "grüße"}),
        event(14, "review.closed", {"comparison": COMPARISON}),
    ]


class Packet:
    """The parts of a packet, each of which a test may change before it is packed. Signatures are made last."""

    def __init__(self, events: list[Event] | None = None, *, signer: Signer = SIGNER) -> None:
        self.signer = signer
        self.events = events if events is not None else story_of_an_intent()
        others = [event(number, "account.created", {"n": number}, intent_id=None) for number in range(STRANGERS)]
        leaves = [tree.leaf_hash(canonical.dumps(body)) for body in [*others, *self.events]]
        nodes = {Node(0, index): leaf for index, leaf in enumerate(leaves)}
        frontier = tree.Frontier()
        nodes.update(frontier.append(leaves))
        self.size = frontier.size
        head = TreeHead(origin=signer.name, size=self.size, root=frontier.root)
        self.checkpoint = signer.sign(head.text())
        self.files: dict[str, bytes] = {"README.txt": b"Read me.\n", "checkpoint": self.checkpoint}
        self.indexes = [STRANGERS + offset for offset in range(len(self.events))]
        proofs = tree.inclusion_proofs(self.indexes, self.size, lambda wanted: {node: nodes[node] for node in wanted})
        for index, body, hashes in zip(self.indexes, self.events, proofs, strict=True):
            self.files[packet.event_path(index)] = canonical.dumps(body)
            proof = InclusionProof(index=index, hashes=hashes, checkpoint=self.checkpoint)
            self.files[packet.proof_path(index)] = proof.encode()
        self.manifest: dict[str, Any] = {
            "kind": packet.KIND,
            "schema": packet.SCHEMA,
            "workspace": WORKSPACE,
            "intent_id": INTENT,
            "revision": 1,
            "previous_sha256": None,
            "log": {"origin": head.origin, "size": head.size, "root": head.root.hex()},
            "trust": story.trust_block(self.events, intent_id=INTENT),
            "rows": [
                {"event": body["type"], "proof_field": "id", "proof": body["id"], "actor": body["actor"]["id"]}
                for body in self.events
            ],
            "events": [
                {"index": index, "id": body["id"], "type": body["type"]}
                for index, body in zip(self.indexes, self.events, strict=True)
            ],
        }

    def sealed_files(self) -> dict[str, bytes]:
        """Every file, with a manifest and a signature that fit: what a holder of the key could make."""
        named = [
            {"path": name, "sha256": canonical.sha256_hex(content)} for name, content in sorted(self.files.items())
        ]
        manifest = canonical.dumps({**self.manifest, "files": named})
        note = packet.manifest_note(
            origin=self.signer.name,
            intent_id=self.manifest["intent_id"],
            revision=self.manifest["revision"],
            sha256=canonical.sha256_hex(manifest),
        )
        return {**self.files, "manifest.json": manifest, "manifest.sig": self.signer.sign(note)}

    def seal(self) -> bytes:
        return write_archive(self.sealed_files())
