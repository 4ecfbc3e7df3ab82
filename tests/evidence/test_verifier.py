"""The offline verifier: exit 0 only when everything holds, and one sentence, never a traceback, when it does not."""

import io
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.verifier import archive, canonical, packet
from evidence.verifier.__main__ import main
from evidence.verifier.archive import read_archive, write_archive
from evidence.verifier.errors import VerificationError
from evidence.verifier.note import Signer, Verifier
from evidence.verifier.packet import verify_packet
from tests.evidence.packets import COMPARISON, KEY, POSTING, SIGNER, Packet, entries, event

ROOT = Path(__file__).resolve().parents[2]


def refusal(content: bytes, key: str = KEY) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_packet(content, Verifier.parse(key))
    return str(caught.value)


def flipped(content: bytes, offset: int, bit: int = 1) -> bytes:
    return content[:offset] + bytes([content[offset] ^ bit]) + content[offset + 1 :]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def verify(content: bytes, key: str = KEY) -> tuple[int, str, str]:
        path = tmp_path / "packet.zip"
        path.write_bytes(content)
        code = main([str(path), "--key", key])
        out, err = capsys.readouterr()
        return code, out, err

    return verify


def test_a_whole_packet_verifies_and_says_line_by_line_what_was_checked(
    run: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = run(Packet().seal())

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "The zip is whole and holds 14 files.",
        "The manifest of revision 1 of intent_042 is signed by localhost/acme-sandbox.",
        "Every one of the 14 files is exactly the one that the manifest names.",
        "The checkpoint of 10 leaves is signed by the same log.",
        (
            "Each of the 5 events leads from its bytes to its leaf and from its leaf to the signed root"
            f" {Packet().manifest['log']['root']}."
        ),
        "Each event is canonical and belongs to workspace acme-sandbox and intent intent_042.",
        "The 2 entries of 1 postings sum to zero in every currency.",
        "Entries, provider outcome and amount were compared and are equal.",
        "The trust block and every row of the first page agree with the events.",
        "It is the first revision of this packet.",
        "Verified: the packet is exactly what this log sealed.",
    ]


def test_it_runs_where_nothing_of_django_is_configured(tmp_path: Path) -> None:
    path = tmp_path / "packet.zip"
    path.write_bytes(Packet().seal())
    environment = {"PATH": os.environ["PATH"]}
    script = (
        "import sys, runpy; sys.argv = ['v', *sys.argv[1:]]\n"
        "try: runpy.run_module('evidence.verifier', run_name='__main__')\n"
        "finally: assert not [m for m in sys.modules if m.split('.')[0] in ('django', 'zentra')]"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, str(path), "--key", KEY],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Verified: the packet is exactly what this log sealed.\n")


def test_the_same_files_always_make_the_same_zip() -> None:
    assert Packet().seal() == Packet().seal()


def test_a_packet_that_was_packed_again_by_another_tool_still_verifies() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in reversed(Packet().sealed_files().items()):
            zipped.writestr(name, content)

    assert verify_packet(target.getvalue(), SIGNER.verifier)


@pytest.mark.parametrize("name", sorted(Packet().sealed_files()))
def test_every_single_flipped_byte_of_a_file_is_refused(name: str) -> None:
    files = Packet().sealed_files()

    for offset in range(len(files[name])):
        changed = {**files, name: flipped(files[name], offset, 1 << offset % 8)}
        assert refusal(write_archive(changed))


def test_every_single_flipped_byte_of_a_files_content_inside_the_zip_is_refused(
    run: Callable[..., tuple[int, str, str]],
) -> None:
    content = Packet().seal()
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        spans = [(m.header_offset + 30 + len(m.filename), m.compress_size) for m in zipped.infolist()]

    for start, size in spans:
        for offset in range(start, start + size):
            assert refusal(flipped(content, offset))


def test_no_flipped_byte_anywhere_in_the_zip_ever_gives_a_traceback_or_other_content() -> None:
    content, files = Packet().seal(), Packet().sealed_files()
    dice = random.Random(7)

    for offset in range(len(content)):
        changed = flipped(content, offset, 1 << dice.randrange(8))
        try:
            verify_packet(changed, SIGNER.verifier)
        except VerificationError:
            continue
        # Only what no reader takes for content may differ: a permission bit or the archiver's version.
        assert read_archive(changed) == files


@pytest.mark.parametrize("length", [0, 1, 10, 100, 1000, -1, -10, -30])
def test_a_truncated_zip_is_refused_with_one_sentence(run: Callable[..., tuple[int, str, str]], length: int) -> None:
    code, out, err = run(Packet().seal()[:length])

    assert (code, out) == (1, "")
    assert err.startswith("Not verified: ")
    assert err.count("\n") == 1


def test_a_packet_that_is_not_there_is_refused_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere/packet.zip", "--key", KEY]) == 1
    assert capsys.readouterr().err == "Not verified: the packet cannot be opened: No such file or directory.\n"


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("manifest.json", bytes(64 * 1024 * 1024))

    assert "would unpack to more than" in refusal(target.getvalue())


def test_many_files_that_are_each_small_enough_are_refused_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", len(Packet().seal()) // 2)

    assert "would unpack to more than" in refusal(Packet().seal())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_in_the_zip_twice_is_refused() -> None:
    target = io.BytesIO(Packet().seal())
    with zipfile.ZipFile(target, "a") as zipped:
        zipped.writestr("checkpoint", b"another")

    assert refusal(target.getvalue()) == "checkpoint is in the zip twice"


@pytest.mark.parametrize("name", ["../manifest.json", "/etc/passwd", "a\\b", "folder/"])
def test_an_unsafe_name_is_refused(name: str) -> None:
    target = io.BytesIO(Packet().seal())
    with zipfile.ZipFile(target, "a") as zipped:
        zipped.writestr(name, b"")

    assert "unsafe name" in refusal(target.getvalue())


def test_an_added_file_is_refused() -> None:
    files = Packet().sealed_files() | {"sections/extra.json": b"{}"}

    assert refusal(write_archive(files)) == "sections/extra.json is in the zip, but not in the manifest"


@pytest.mark.parametrize("name", sorted(Packet().sealed_files()))
def test_a_missing_file_is_refused(name: str) -> None:
    files = Packet().sealed_files()
    del files[name]

    assert name in refusal(write_archive(files))


def test_another_key_of_the_same_log_name_is_refused() -> None:
    other = Signer.generate(SIGNER.name)

    assert "signed with another key" in refusal(Packet().seal(), str(other.verifier))


def test_a_key_of_another_log_is_refused() -> None:
    other = Signer(name="localhost/other", seed=SIGNER.seed)

    assert "not signed by localhost/other" in refusal(Packet().seal(), str(other.verifier))


@pytest.mark.parametrize(
    "key", ["", "nonsense", "a+b", KEY[:-2], KEY.replace("acme", "emca"), KEY.replace("+A", "+B"), "a+00000000+AQ=="]
)
def test_a_malformed_key_is_refused_with_one_sentence(run: Callable[..., tuple[int, str, str]], key: str) -> None:
    code, out, err = run(Packet().seal(), key)

    assert (code, out, err.count("\n")) == (1, "", 1)


def test_a_whole_packet_of_another_log_is_refused_although_it_names_its_own_key() -> None:
    forged = Packet(signer=Signer.generate("localhost/acme-sandbox"))

    assert "signed with another key" in refusal(forged.seal())


def test_a_key_holder_cannot_pass_a_packet_whose_origin_is_another_workspace() -> None:
    other = Signer(name="localhost/other", seed=SIGNER.seed)

    assert "of another workspace" in refusal(Packet(signer=other).seal(), str(other.verifier))


# What follows is signed with the right key: the claims themselves are wrong.


def test_entries_that_do_not_balance_are_refused() -> None:
    posting = {"posting_id": "posting_1", "entries": entries(credit=124_999)}
    sealed = Packet([event(10, "ingress.accepted", {}), event(12, "ledger.entry.posted", posting)])

    assert refusal(sealed.seal()) == (
        "events/000000000006.json does not balance: its USD entries sum to -1 minor units"
    )


def test_entries_that_balance_only_across_currencies_are_refused() -> None:
    sealed = Packet([event(12, "ledger.entry.posted", {"entries": entries(currency="EUR")})])

    assert "does not balance" in refusal(sealed.seal())


def test_a_posting_without_entries_is_refused() -> None:
    assert "without entries" in refusal(Packet([event(12, "ledger.entry.posted", {"entries": []})]).seal())


@pytest.mark.parametrize("amount", [0, -5, "125000", True, None])
def test_an_entry_without_a_positive_whole_amount_is_refused(amount: object) -> None:
    wrong = [{**entry, "amount_minor": amount} for entry in entries()]

    assert "positive debit or credit" in refusal(Packet([event(12, "ledger.entry.posted", {"entries": wrong})]).seal())


@pytest.mark.parametrize(
    "changed",
    [
        {"equal": False},
        {"sums_to_zero": False},
        {"provider_amount_minor": 124_999},
        {"posted_minor": {"reserve": 1, "release": 0}},
        {"expected_minor": {"reserve": 1}, "posted_minor": {"reserve": 1}},
        {"entries": 3},
    ],
)
def test_a_comparison_that_is_not_equal_or_not_of_these_postings_is_refused(changed: dict[str, object]) -> None:
    posting, closed = event(12, "ledger.entry.posted", POSTING), {"comparison": {**COMPARISON, **changed}}

    assert "compar" in refusal(Packet([posting, event(14, "review.closed", closed)]).seal())


def test_the_trust_block_names_who_took_the_request_in_and_on_whose_credential() -> None:
    assert Packet().manifest["trust"]["actor"] == "svc_ledger · key_1"


@pytest.mark.parametrize("name", list(Packet().manifest["trust"]))
def test_a_trust_block_that_the_events_do_not_support_is_refused(name: str) -> None:
    sealed = Packet()
    sealed.manifest["trust"] |= {name: "something else"}

    assert refusal(sealed.seal()) == "the trust block does not agree with the events"


@pytest.mark.parametrize("name", ["event", "proof", "proof_field", "actor"])
def test_a_row_that_its_event_does_not_support_is_refused(name: str) -> None:
    sealed = Packet()
    sealed.manifest["rows"][2] |= {name: "something else"}

    assert "a row of the packet does not agree" in refusal(sealed.seal())


@pytest.mark.parametrize(("field", "value"), [("workspace", "other"), ("intent_id", "other"), ("schema", "v1")])
def test_an_event_of_another_workspace_intent_or_schema_is_refused(field: str, value: str) -> None:
    foreign = {**event(12, "policy.accepted", {}), field: value}

    assert "events/000000000006.json" in refusal(Packet([event(10, "ingress.accepted", {}), foreign]).seal())


def test_an_event_left_out_of_the_manifest_is_refused() -> None:
    sealed = Packet()
    sealed.manifest["events"].pop()

    assert "without its counterpart" in refusal(sealed.seal())


def test_an_event_that_claims_another_place_is_refused() -> None:
    sealed = Packet()
    first, second = (packet.event_path(index) for index in sealed.indexes[:2])
    sealed.files[first], sealed.files[second] = sealed.files[second], sealed.files[first]

    assert "does not lead to the signed root" in refusal(sealed.seal())


def test_a_changed_event_is_refused_even_when_manifest_and_signature_were_made_again() -> None:
    sealed = Packet()
    name = packet.event_path(sealed.indexes[2])
    sealed.files[name] = sealed.files[name].replace(b"125000", b"925000")

    assert "does not lead to the signed root" in refusal(sealed.seal())


@pytest.mark.parametrize("changed", [{"revision": 2}, {"previous_sha256": "ab"}, {"revision": 0}])
def test_a_revision_that_does_not_name_the_one_before_is_refused(changed: dict[str, object]) -> None:
    sealed = Packet()
    sealed.manifest |= changed

    assert "does not name the revision before it" in refusal(sealed.seal())


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b'{"a":1, "b":2}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1.5}', b'{"a":NaN}', b'{"a":1e3}',
     b'{"a":9007199254740992}', b'{"a":-0}', b"\xff", b'{"a":"\\u0041"}', b"[" * 100_000, '{"ä":1}'.encode(),
     b'{"a":"\\ud800"}'],
)  # fmt: skip
def test_json_that_is_not_canonical_is_refused(content: bytes) -> None:
    with pytest.raises(VerificationError):
        canonical.read_object(content, what="it")
