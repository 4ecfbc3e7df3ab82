"""Packets: what is recorded of an intent, sealed once per revision, verified offline, and never changed."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from evidence import queries, types
from evidence.operations import (
    NothingToSeal,
    NotYetCheckpointed,
    PacketNotFound,
    PacketUnverifiable,
    ProjectionDisagrees,
    read_packet,
    record_events,
    seal_packet,
    sealed_event,
)
from evidence.types import NewEvent, ProjectionResult, SealedPacket
from evidence.verifier.archive import read_archive
from evidence.verifier.note import Verifier
from evidence.verifier.packet import verify_packet
from tests.evidence.sealing import INTENT, an_intents_events, record, seal, sequence, some_events
from tests.evidence.test_sealing import execute, tampering
from zentra.core.actors import EVENTS, LEDGER
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

ROOT = Path(__file__).resolve().parents[2]


def seal_it(workspace: TenantRef, intent_id: str = INTENT) -> SealedPacket:
    with tenant_work(workspace) as ws:
        return seal_packet(intent_id=intent_id, ws=ws, now=now())


def key_of(workspace: TenantRef) -> str:
    with tenant_work(workspace):
        return queries.find_verifier_key() or ""


@pytest.fixture
def sealed(workspace: TenantRef) -> SealedPacket:
    record(workspace, *some_events(3), *an_intents_events(), *some_events(2))
    seal(workspace)
    return seal_it(workspace)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sections and checks of this test alone: the other apps know nothing of intents made of bare events."""
    monkeypatch.setattr(types, "_sections", {})
    monkeypatch.setattr(types, "_checks", {})


def test_a_sealed_packet_verifies_from_the_command_line(
    workspace: TenantRef, sealed: SealedPacket, tmp_path: Path
) -> None:
    path = tmp_path / sealed.filename
    path.write_bytes(sealed.content)

    done = subprocess.run(
        [sys.executable, "-m", "evidence.verifier", str(path), "--key", key_of(workspace)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert f"revision 1 of {INTENT} is signed by localhost/{workspace.slug}" in done.stdout


def test_a_packet_of_one_workspace_does_not_verify_under_the_key_of_another(
    sealed: SealedPacket, other_workspace: TenantRef, tmp_path: Path
) -> None:
    record(other_workspace, *some_events(1))
    seal(other_workspace)
    path = tmp_path / sealed.filename
    path.write_bytes(sealed.content)

    done = subprocess.run(
        [sys.executable, "-m", "evidence.verifier", str(path), "--key", key_of(other_workspace)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Not verified: manifest.sig is not signed by")


def test_it_holds_the_exact_bytes_of_the_intents_events_and_no_others(
    workspace: TenantRef, sealed: SealedPacket
) -> None:
    files = read_archive(sealed.content)
    with tenant_work(workspace):
        bodies = [event.body for event in queries.timeline(intent_id=INTENT)]

    assert [files[f"events/{index:012d}.json"] for index in range(3, 8)] == bodies
    assert sum(name.startswith("events/") for name in files) == 5


def test_its_trust_block_and_rows_come_from_the_events(workspace: TenantRef, sealed: SealedPacket) -> None:
    manifest = json.loads(read_archive(sealed.content)["manifest.json"])

    assert manifest["trust"] == {
        "actor": "svc_edge",
        "scope": workspace.slug,
        "timestamp": manifest["rows"][-1]["occurred_at"],
        "policy": "policy.accepted · dec_1",
        "intent": INTENT,
        "signature": "verified",
        "ledger": ["posting_1 · 9f2c"],
        "status": "audit_ready",
    }
    assert [(row["event"], row["proof_field"], row["proof"], row["actor"]) for row in manifest["rows"][:3]] == [
        ("ingress.accepted", "trace_id", "ab" * 16, "svc_edge"),
        ("policy.accepted", "data.decision_id", "dec_1", "svc_policy"),
        ("ledger.entry.posted", "data.entry_hash", "9f2c", "svc_ledger"),
    ]


def test_its_first_page_is_for_people_and_lets_no_markup_through(workspace: TenantRef) -> None:
    record(workspace, NewEvent("ingress.accepted", EVENTS, {"a": 1}, "intent_x", "<script>alert(1)</script>"))
    seal(workspace)

    page = read_archive(seal_it(workspace, "intent_x").content)["first-page.html"].decode()

    assert "Evidence packet of intent_x" in page
    assert "<script>" not in page


def test_it_is_stored_as_it_was_sealed_and_sealing_again_changes_nothing(
    workspace: TenantRef, sealed: SealedPacket
) -> None:
    again = seal_it(workspace)

    assert not again.fresh
    assert (again.id, again.content, again.sha256) == (sealed.id, sealed.content, sealed.sha256)
    with tenant_work(workspace):
        assert read_packet(intent_id=INTENT).content == sealed.content
        assert queries.packet_status(intent_id=INTENT) == "ready"
        assert queries.packet_statuses(intent_ids=[INTENT, "other"]) == {INTENT: "ready", "other": "pending"}


def test_a_later_fact_makes_the_next_revision_which_names_the_one_before(
    workspace: TenantRef, sealed: SealedPacket
) -> None:
    with tenant_work(workspace):
        record_events(events=[sealed_event(sealed=sealed)], now=now())
    seal(workspace)
    assert seal_it(workspace).revision == 1

    record(workspace, NewEvent("webhook.delivered", EVENTS, {"delivery_id": "dlv_1"}, INTENT))
    seal(workspace)
    second = seal_it(workspace)

    assert (second.fresh, second.revision, second.previous_sha256) == (True, 2, sealed.sha256)
    lines = verify_packet(second.content, Verifier.parse(key_of(workspace)))
    assert lines[-1] == f"It follows the revision whose zip has the SHA-256 {sealed.sha256}."
    with tenant_work(workspace):
        assert read_packet(intent_id=INTENT, revision=1).content == sealed.content
        assert read_packet(intent_id=INTENT).content == second.content
        with pytest.raises(PacketNotFound):
            read_packet(intent_id=INTENT, revision=3)


def test_it_is_not_sealed_before_every_fact_is_under_a_checkpoint(workspace: TenantRef) -> None:
    record(workspace, *an_intents_events())

    for step in (lambda: None, lambda: sequence(workspace)):
        step()
        with pytest.raises(NotYetCheckpointed) as caught:
            seal_it(workspace)
        assert (caught.value.retry_after, caught.value.retryable) == (1, True)
        with tenant_work(workspace):
            assert queries.packet_status(intent_id=INTENT) == "pending"
            with pytest.raises(NotYetCheckpointed):
                read_packet(intent_id=INTENT)


def test_a_client_that_keeps_repeating_itself_cannot_keep_evidence_from_sealing(workspace: TenantRef) -> None:
    record(workspace, *an_intents_events())
    seal(workspace)
    record(workspace, NewEvent("idempotency.replayed", EVENTS, {"key": INTENT}, INTENT))

    assert seal_it(workspace).revision == 1


def test_an_unknown_intent_has_no_packet(workspace: TenantRef) -> None:
    with pytest.raises(NothingToSeal):
        seal_it(workspace)
    with tenant_work(workspace), pytest.raises(NothingToSeal):
        read_packet(intent_id=INTENT)


def test_another_workspaces_packet_is_not_there(sealed: SealedPacket, other_workspace: TenantRef) -> None:
    with tenant_work(other_workspace), pytest.raises(NothingToSeal):
        read_packet(intent_id=INTENT)


class AccountsSection:
    name = "accounts"

    def build(self, *, intent_id: str) -> dict[str, object] | None:
        return {"intent": intent_id, "accounts": 2}


class SilentSection:
    name = "silent"

    def build(self, *, intent_id: str) -> dict[str, object] | None:
        return None


class BalanceCheck:
    name = "ledger.balance"

    def __init__(self, *, agrees: bool) -> None:
        self.agrees = agrees

    def check(self, *, intent_id: str) -> ProjectionResult:
        return ProjectionResult(agrees=self.agrees, detail="balances and entries were compared")


def test_registered_apps_add_their_sections_and_checks(workspace: TenantRef) -> None:
    for section in (AccountsSection(), SilentSection()):
        types.register_section(section)
    types.register_check(BalanceCheck(agrees=True))
    record(workspace, *an_intents_events())
    seal(workspace)

    sealed = seal_it(workspace)

    files = read_archive(sealed.content)
    assert [name for name in files if name.startswith("sections/")] == ["sections/accounts.json"]
    assert json.loads(files["sections/accounts.json"]) == {"intent": INTENT, "accounts": 2}
    assert sealed.manifest["checks"] == [{"name": "ledger.balance", "detail": "balances and entries were compared"}]


def test_an_app_whose_state_tells_another_story_keeps_the_packet_back(workspace: TenantRef) -> None:
    types.register_check(BalanceCheck(agrees=False))
    record(workspace, *an_intents_events())
    seal(workspace)

    with pytest.raises(ProjectionDisagrees, match=r"ledger\.balance"):
        seal_it(workspace)
    with tenant_work(workspace):
        assert queries.packet_status(intent_id=INTENT) == "pending"


def test_a_packet_that_would_not_verify_is_not_stored(workspace: TenantRef) -> None:
    unbalanced = {"entries": [{"direction": "debit", "amount_minor": 5, "currency": "USD"}]}
    record(workspace, NewEvent("ledger.entry.posted", LEDGER, unbalanced, INTENT))
    seal(workspace)

    with pytest.raises(PacketUnverifiable, match="does not balance"):
        seal_it(workspace)


def test_a_leaf_changed_long_after_it_was_signed_keeps_the_packet_back(workspace: TenantRef) -> None:
    record(workspace, *an_intents_events())
    seal(workspace)
    with tampering(workspace, "evidence_leaf"):
        execute("UPDATE evidence_leaf SET leaf_hash = sha256('x') WHERE index = 1")

    with pytest.raises(PacketUnverifiable):
        seal_it(workspace)


def test_every_flipped_byte_of_every_file_of_a_real_packet_is_refused(
    workspace: TenantRef, sealed: SealedPacket
) -> None:
    from tests.evidence.test_verifier import flipped, refusal

    key = key_of(workspace)
    with zipfile.ZipFile(io.BytesIO(sealed.content)) as archive:
        for member in archive.infolist():
            start = member.header_offset + 30 + len(member.filename)
            for offset in range(start, start + member.file_size, 7):
                assert refusal(flipped(sealed.content, offset), key)
