"""The closeout packet verifies offline, whole; whatever is changed in it is found."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tracemalloc
import zipapp
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.models import Event
from evidence.operations import NotYetCheckpointed
from evidence.queries import find_verifier_key
from evidence.verifier import canonical, closeout
from evidence.verifier.closeout.reading import read_table, uuid_of
from evidence.verifier.errors import VerificationError
from evidence.verifier.note import Verifier
from evidence.verifier.packet import verify_packet
from ledger.operations import open_account
from ledger.queries import journal, turnovers
from ledger.types import Turnover
from tests.evidence.sealing import seal
from tests.reconciliation.closing import LAST, Closing
from zentra.core import clock
from zentra.core.queue import Defer, WorkItem
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout import errors, exports, operations, queries, tasks
from zentra.reconciliation.closeout.operations.packets import SEAL
from zentra.reconciliation.closeout.types import PacketRecord


@pytest.fixture
def closed(workspace: TenantRef) -> Closing:
    closing = Closing(workspace)
    for number in range(12):
        closing.money(100 + number, f"B{number}")
    closing.money(77, "B99")
    closing.state(*((100 + number, f"B{number}") for number in range(12)), (77, "B99"))
    closing.run()
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    return closing


def packet(closing: Closing, *, size: int = 5) -> PacketRecord:
    asked = closing.do(
        operations.request_packet, period_id=closing.period.id, sample_size=size, actor=closing.preparer,
        now=clock.now(),
    )  # fmt: skip
    seal(closing.ws)
    return closing.do(operations.seal_requested, packet_id=asked.id, now=clock.now())


def verifier(closing: Closing) -> Verifier:
    return Verifier.parse(str(closing.do(find_verifier_key)))


def test_a_packet_is_asked_for_sealed_and_verified_and_says_what_was_signed(closed: Closing) -> None:
    asked = closed.do(
        operations.request_packet, period_id=closed.period.id, sample_size=5, actor=closed.preparer, now=clock.now()
    )
    assert asked.state == "pending"
    with pytest.raises(NotYetCheckpointed):
        closed.do(operations.seal_requested, packet_id=asked.id, now=clock.now())
    sealed = packet(closed)

    assert (sealed.id, sealed.state, sealed.revision) == (asked.id, "ready", 1)
    lines = verify_packet(closed.do(queries.open_packet, packet_id=sealed.id), verifier(closed))
    words = "\n".join(lines)
    assert "1 are signed by two people under these very figures" in words
    assert "The seed draws exactly these 5 of 13 postings" in words
    assert "The period is locked" in words
    assert closed.do(operations.seal_requested, packet_id=sealed.id, now=clock.now()) == sealed

    second = packet(closed)
    assert second.revision == 2
    assert "It follows the revision" in "\n".join(
        verify_packet(closed.do(queries.open_packet, packet_id=second.id), verifier(closed))
    )


def test_a_month_that_is_not_locked_has_no_packet(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.money(1, "R1")
    closing.run()
    with pytest.raises(errors.WrongState):
        packet(closing)


def test_a_byte_changed_anywhere_is_found(closed: Closing) -> None:
    content = closed.do(queries.open_packet, packet_id=packet(closed).id)
    key = verifier(closed)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        places = [archive.getinfo(name).header_offset + 60 for name in archive.namelist()]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(VerificationError):
            verify_packet(bytes(changed), key)


# -- Tampering by whoever has the log's key ----------------------------------------------------------------------------

Raw = dict[str, bytes]
Change = Callable[[dict[str, Any]], Any]


def opened(content: bytes) -> tuple[dict[str, Any], Raw, list[dict[str, Any]]]:
    """Manifest, files and events of a packet, as its checks read them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        raw = {name: archive.read(name) for name in archive.namelist()}
    events = [json.loads(raw[name]) for name in sorted(raw) if name.startswith("events/")]
    return json.loads(raw["manifest.json"]), raw, events


def first(path: str) -> Callable[[dict[str, Any]], Any]:
    """What stands at ``rows.0.account`` of a file."""

    def read(said: dict[str, Any]) -> Any:
        value: Any = said
        for name in path.split("."):
            value = value[int(name)] if name.isdigit() else value[name]
        return value

    return read


def put(path: str, value: Any) -> Change:
    """Something else at a place of a file; a whole number is added to what is there."""
    where, _, name = path.rpartition(".")

    def change(said: dict[str, Any]) -> None:
        holder = first(where)(said) if where else said
        key: Any = int(name) if name.isdigit() else name
        holder[key] = holder[key] + value if type(value) is int else value

    return change


def out(path: str) -> Change:
    """The last of a list left out."""
    return lambda said: first(path)(said).pop()


def hashed(change: Change) -> Change:
    """The same to a tie-out's figures, with their hash made again."""

    def both(said: dict[str, Any]) -> None:
        change(said)
        tie_out = said["tie_outs"][0]
        tie_out["figures_hash"] = canonical.sha256_hex(canonical.dumps(tie_out["figures"]))

    return both


def booked(change: Change) -> Change:
    """The same to a trial balance, with its hash made again."""

    def both(said: dict[str, Any]) -> None:
        change(said)
        for book in said["currencies"]:
            told = {"currency": book["currency"], "rows": book["rows"]}
            book["sha256"] = canonical.sha256_hex(canonical.dumps(told))

    return both


def rows_by_code(said: dict[str, Any]) -> dict[str, Any]:
    return {row["account"]: row for row in said["currencies"][0]["rows"]}


def shifted(said: dict[str, Any]) -> None:
    """A book that balances and rolls forward, with one unit more on both sides."""
    found = rows_by_code(said)
    for code, side, sign in (("bank", "debits_minor", -1), ("suspense", "credits_minor", 1)):
        found[code][side] += 1
        found[code]["closing_minor"] += sign


def opening_moved(said: dict[str, Any]) -> None:
    """What was there before, and nothing that moved."""
    found = rows_by_code(said)
    for code, sign in (("bank", -1), ("suspense", 1)):
        found[code]["opening_minor"] += sign
        found[code]["closing_minor"] += sign


def untold(said: dict[str, Any]) -> None:
    for name in ("statement_minor", "difference_minor"):
        said["tie_outs"][0]["figures"][name] += 5


def explained(said: dict[str, Any]) -> None:
    figures = said["tie_outs"][0]["figures"]
    for name in ("statement_minor", "difference_minor", "explained_minor"):
        figures[name] += 5
    figures["parts"].append({"kind": "explained", "group": "explained", "count": 1, "amount_minor": 5})


def cancelling(said: dict[str, Any]) -> None:
    for amount in (5, -5):
        part = {"kind": "line_open", "group": "unexplained", "count": 1, "amount_minor": amount}
        said["tie_outs"][0]["figures"]["parts"].append(part)


def swapped(said: dict[str, Any]) -> None:
    items = said["items"]
    items[0], items[1] = items[1], items[0]


def drawn_otherwise(said: dict[str, Any]) -> None:
    """The last of the sample left out, and every count made to agree."""
    said["items"].pop()
    said["size"] -= 1
    said["asked"] -= 1


def seeded(said: dict[str, Any]) -> None:
    """A seed that somebody chose, with every rank made to agree."""
    said["seed"] = "mine"
    for item in said["items"]:
        item["digest"] = hashlib.sha256(f"mine{uuid_of(item['posting_id'])}".encode()).hexdigest()
    said["items"].sort(key=lambda item: item["digest"])
    for place, item in enumerate(said["items"], start=1):
        item["place"] = place


def entries_moved(said: dict[str, Any]) -> None:
    for entry in said["items"][0]["entries"]:
        entry["amount_minor"] += 1


def other_content(said: dict[str, Any]) -> None:
    """A posting of another amount throughout, with its hash made again."""
    item = said["items"][0]
    content = json.loads(item["hashed_content"])
    for entry in [*item["entries"], *content["entries"]]:
        entry["amount_minor"] += 1_000_000
    item["amount_minor"] += 1_000_000
    item["hashed_content"] = canonical.dumps(content).decode()
    item["entry_hash"] = canonical.sha256_hex(item["hashed_content"].encode())


EXPLAINED = "tie_out_explained"
TRIAL, TIES, SAMPLE, MONEY = "trial-balance.json", "tie-outs.json", "sample.json", "customer-money.json"
ROW, TIE, ITEM = "currencies.0.rows.0", "tie_outs.0", "items.0"
CHANGES: list[tuple[str, str, Change]] = [
    # Trial balance: opening + movement = closing, debits = credits, hash, log.
    ("does not roll forward", TRIAL, put(f"{ROW}.credits_minor", 1)),
    ("does not roll forward", TRIAL, put(f"{ROW}.opening_minor", 1)),
    ("does not roll forward", TRIAL, put(f"{ROW}.closing_minor", 1)),
    ("does not have its hash", TRIAL, put(f"{ROW}.account_id", "acct_00000000000000000000000000")),
    ("does not balance", TRIAL, lambda said: said["currencies"][0]["rows"].remove(rows_by_code(said)["bank"])),
    ("does not have its hash", TRIAL, shifted),
    ("something else than the trial balance", TRIAL, booked(shifted)),
    ("something else than the trial balance", TRIAL, booked(opening_moved)),
    ("of no class", TRIAL, put(f"{ROW}.type", "other")),
    ("not a whole number", TRIAL, put(f"{ROW}.credits_minor", "0")),
    ("of no class", TRIAL, lambda said: said["currencies"].append(said["currencies"][0])),
    # Tie-outs.
    ("does not have its hash", TIES, put(f"{TIE}.figures.statement_minor", 5)),
    ("does not subtract", TIES, hashed(put(f"{TIE}.figures.statement_minor", 5))),
    ("leaves a difference", TIES, hashed(untold)),
    ("another balance than its statement", TIES, hashed(explained)),
    ("log does not|other signatures", TIES, hashed(cancelling)),
    ("another ledger balance", TIES, hashed(put(f"{TIE}.figures.ledger_minor", 5))),
    ("does not add up", TIES, hashed(put(f"{TIE}.figures.in_transit_minor", 5))),
    ("another ledger balance", TIES, put(f"{TIE}.normal_balance", "credit")),
    ("does not have", TIES, put(f"{TIE}.ledger_account_id", "acct_00000000000000000000000000")),
    ("does not have", TIES, put(f"{TIE}.account", "cash")),
    ("not in the packet", TIES, hashed(put(f"{TIE}.figures.statement_id", "stm_00000000000000000000000000"))),
    ("another day", TIES, hashed(put(f"{TIE}.figures.statement_ends_on", "2020-01-01"))),
    ("other signatures", TIES, put(f"{TIE}.sign_offs.0.by", "usr_00000000000000000000000000")),
    ("other signatures", TIES, put(f"{TIE}.sign_offs.1.step", "prepared")),
    ("other signatures", TIES, put(f"{TIE}.sign_offs.0.suspended_at", "2020-01-01T00:00:00.000Z")),
    ("other signatures", TIES, out(f"{TIE}.sign_offs")),
    ("not in the packet", TIES, out("tie_outs")),
    # Customers' money.
    ("another balance", MONEY, put("currencies.0.held.0.amount_minor", 1)),
    ("does not add up", MONEY, put("currencies.0.owed_minor", 1)),
    ("leaves an account out|add up", MONEY, lambda said: said["currencies"][0]["own"].remove(
        next(each for each in said["currencies"][0]["own"] if each["amount_minor"]))),
    ("leaves an account out", MONEY, out("currencies")),
    # The sample: seed, size, order, draw, entries, hashed content, table.
    ("another size", SAMPLE, out("items")),
    ("another one than the log", SAMPLE, put("size", 1)),
    ("another size", SAMPLE, put("asked", -1)),
    ("another one than the log", SAMPLE, drawn_otherwise),
    ("hash of its population|another one than the log", SAMPLE, seeded),
    ("another one than the log", SAMPLE, put("seed", "mine")),
    ("another one than the log", SAMPLE, put("population", 1)),
    ("hash of its population", SAMPLE, put("population_sha256", "0" * 64)),
    ("order of its seed", SAMPLE, swapped),
    ("order of its seed", SAMPLE, put(f"{ITEM}.digest", "0" * 64)),
    ("places", SAMPLE, put(f"{ITEM}.place", 1)),
    ("not have its entry hash", SAMPLE, put(f"{ITEM}.entry_hash", "0" * 64)),
    ("not have its entry hash", SAMPLE, put(f"{ITEM}.hashed_content", "{}")),
    ("another purpose", SAMPLE, put(f"{ITEM}.purpose", "success")),
    ("another intent_id", SAMPLE, put(f"{ITEM}.intent_id", "intent_1")),
    ("another effective_at", SAMPLE, put(f"{ITEM}.effective_at", "2020-01-01T00:00:00.000Z")),
    ("hashed content does not have", SAMPLE, put(f"{ITEM}.entries.0.amount_minor", 1)),
    ("hashed content does not have", SAMPLE, entries_moved),
    ("hashed content does not have", SAMPLE, put(f"{ITEM}.entries.0.direction", "credit")),
    ("lacks an entry", SAMPLE, out(f"{ITEM}.entries")),
    ("another amount", SAMPLE, put(f"{ITEM}.amount_minor", 1)),
    ("moves another amount", SAMPLE, other_content),
    ("does not: bank|does not have|trial balance does not", SAMPLE, put(f"{ITEM}.entries.0.account_id", "acct_0")),
    ("matched by entries", SAMPLE, put(f"{ITEM}.matched.0.entry_id", "entry_00000000000000000000000000")),
    ("lines that do not add up", SAMPLE, put(f"{ITEM}.matched.0.lines.0.amount_minor", 1)),
    ("lines that do not add up", SAMPLE, out(f"{ITEM}.matched.0.lines")),
    ("rules that matched", "rules.json", out("rule_sets")),
    ("rules that matched", SAMPLE, put(f"{ITEM}.matched.0.rules_version", 7)),
    # The other papers.
    ("closing balance|another balance", "statements.json", put("statements.0.closing_minor", 1)),
    ("closing balance", "statements.json", put("statements.0.credits_minor", 1)),
    ("not in the packet", "statements.json", out("statements")),
    ("another share", "matches.json", put("by_rule.0.share_bp", -1)),
    ("something else moved", "flux.json", put("accounts.0.movement_minor", 1)),
    ("something else of suspense", "aged.json", put("items.0.amount_minor", 1)),
    ("other acts", "history.json", put("acts.1.by", "usr_00000000000000000000000000")),
    ("other acts", "history.json", lambda said: said["acts"].remove(
        next(each for each in said["acts"] if each["act"] == "locked"))),
    ("other acts", "history.json", lambda said: next(
        each for each in said["acts"] if each["act"] == "locked").update(at="2020-01-01T00:00:00.000Z")),
    ("something else of the lock", "checklist.json", lambda said: [
        each.update(state="todo") for each in said["tasks"] if each["key"] == "lock"]),
    ("who ticked it off", "checklist.json", lambda said: [each.update(done_by=None) for each in said["tasks"]]),
    ("how and by whom", "exceptions.json", lambda said: said["exceptions"].append(
        {"exception_id": "exc_1", "state": "resolved", "resolution": "explained", "resolved_by": None,
         "resolved_at": None, "amount_minor": 1, "difference_minor": 1})),
    ("explained, and let stand", "exceptions.json", lambda said: said["exceptions"].append(
        {"exception_id": "exc_1", "state": "resolved", "resolution": "explained", "explained_by": "usr_1",
         "resolved_by": "usr_1", "resolved_at": "2020", "amount_minor": 1, "difference_minor": 1})),
    ("no adjustment of it", "exceptions.json", lambda said: said["exceptions"].append(
        {"exception_id": "exc_1", "state": "resolved", "resolution": "adjusted", "resolved_by": "usr_1",
         "resolved_at": "2020", "amount_minor": 1, "difference_minor": 1})),
    ("without a second person", "adjustments.json", lambda said: said["adjustments"].append(
        {"adjustment_id": "adj_1", "exception_id": "exc_1", "state": "posted", "posting_id": "posting_1", "lines": [],
         "amount_minor": 0, "proposed_by": "usr_1", "decided_by": "usr_1"})),
    ("does not balance", "adjustments.json", lambda said: said["adjustments"].append(
        {"adjustment_id": "adj_1", "exception_id": "exc_1", "state": "proposed", "posting_id": None,
         "lines": [{"direction": "debit", "amount_minor": 1}], "amount_minor": 1})),
    ("does not say why", "matches.json", lambda said: said["by_hand"].append(
        {"match_id": "mat_1", "how": "forced", "reason": "", "entry_minor": 1, "line_minor": 0, "fee_minor": 0,
         "difference_minor": 1, "made_by": "usr_1", "decided_by": None})),
    ("by the same person", "matches.json", lambda said: said["by_hand"].append(
        {"match_id": "mat_1", "how": "forced", "reason": "x", "entry_minor": 1, "line_minor": 0, "fee_minor": 0,
         "difference_minor": 1, "made_by": "usr_1", "decided_by": "usr_1"})),
]  # fmt: skip


def caught(sealed: bytes, files: Callable[[Raw], Raw], *, events: Any = None, manifest: Any = None) -> str:
    said, raw, known = opened(sealed)
    for change, value in ((manifest, said), (events, known)):
        if change:
            change(value)
    with pytest.raises(VerificationError) as error:
        closeout.check(said, files(raw), known)
    return str(error.value)


def test_what_was_changed_and_sealed_again_by_whoever_has_the_key_is_found_each_kind(closed: Closing) -> None:
    """The claims are checked by themselves, as if the log's key were in the wrong hands."""
    sealed = closed.do(queries.open_packet, packet_id=packet(closed).id)
    manifest, raw, events = opened(sealed)
    closeout.check(manifest, raw, events)
    missed = []
    for number, (words, name, change) in enumerate(CHANGES):
        said = json.loads(raw[name])
        change(said)
        try:
            closeout.check(manifest, {**raw, name: canonical.dumps(said)}, events)
        except VerificationError as error:
            if not re.search(words, str(error)):
                missed.append(f"{number} {name}: {words}: {error}")
        else:
            missed.append(f"{number} {name}: {words}: passed")
    assert missed == []


def test_a_file_left_out_or_a_table_that_differs_is_found(closed: Closing) -> None:
    sealed = closed.do(queries.open_packet, packet_id=packet(closed).id)
    _, raw, _ = opened(sealed)
    for name in closeout.FILES:
        assert f"{name} is missing" in caught(sealed, partial(without, name))
    for name in (closeout.TRIAL_TABLE, closeout.SAMPLE_TABLE):
        place = raw[name].index(b",1") + 1
        other = raw[name][:place] + b"7" + raw[name][place + 1 :]
        assert "something else" in caught(sealed, partial(replaced, name, other))
    lines = raw[closeout.POPULATION].splitlines(keepends=True)
    for other in (b"".join(lines[1:]), b"".join([*lines[1:], lines[0]]), b"".join([*lines, lines[0]])):
        assert "population" in caught(sealed, partial(replaced, closeout.POPULATION, other))


def without(name: str, raw: Raw) -> Raw:
    return {each: content for each, content in raw.items() if each != name}


def replaced(name: str, content: bytes, raw: Raw) -> Raw:
    return {**raw, name: content}


def test_hands_that_the_log_does_not_know_apart_are_found(closed: Closing) -> None:
    sealed = closed.do(queries.open_packet, packet_id=packet(closed).id)

    def one_hand(events: list[dict[str, Any]]) -> None:
        for event in events:
            event["actor"]["id"] = "usr_one"
            if event["data"].get("prepared_by"):
                event["data"]["prepared_by"] = "usr_one"

    def signed_by_one(raw: Raw) -> Raw:
        said = json.loads(raw["tie-outs.json"])
        for each in said["tie_outs"][0]["sign_offs"]:
            each["by"] = "usr_one"
        return {**raw, "tie-outs.json": canonical.dumps(said)}

    assert "same person" in caught(sealed, signed_by_one, events=one_hand)

    def never_asked(events: list[dict[str, Any]]) -> None:
        events[:] = [event for event in events if event["type"] != "closeout.requested"]

    assert "does not know that this packet" in caught(sealed, dict, events=never_asked)
    open_again = lambda manifest: manifest["period"].update(state="open")  # noqa: E731
    assert "the log: closed" in caught(sealed, dict, manifest=open_again)
    moved = lambda manifest: manifest["period"].update(starts_on="2020-01-01")  # noqa: E731
    assert "another starts_on" in caught(sealed, dict, manifest=moved)


def test_acts_whose_hosts_have_other_clocks_are_in_the_order_of_the_log(closed: Closing) -> None:
    sealed = closed.do(queries.open_packet, packet_id=packet(closed).id)
    manifest, raw, events = opened(sealed)
    said = json.loads(raw["history.json"])
    said["acts"].reverse()
    closeout.check(manifest, {**raw, "history.json": canonical.dumps(said)}, events)


def test_a_stranger_verifies_with_one_file_and_neither_us_nor_django_nor_a_network(
    closed: Closing, tmp_path: Path
) -> None:
    sealed = packet(closed)
    (tmp_path / "packet.zip").write_bytes(closed.do(queries.open_packet, packet_id=sealed.id))
    (tmp_path / "source" / "evidence").mkdir(parents=True)
    shutil.copytree(Path(closeout.__file__).parents[1], tmp_path / "source" / "evidence" / "verifier",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    zipapp.create_archive(tmp_path / "source", tmp_path / "verify.pyz", main="evidence.verifier.__main__:run")
    shutil.rmtree(tmp_path / "source")
    script = (
        "import sys, runpy\n"
        "for name in ('django', 'zentra', 'socket', 'ssl', 'psycopg'): sys.modules[name] = None\n"
        "sys.argv = ['verify.pyz', *sys.argv[1:]]\n"
        "runpy.run_path('verify.pyz', run_name='__main__')"
    )

    def run(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-c", script, name, "--key", str(verifier(closed))],
            cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = run("packet.zip")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Verified: the packet is exactly what this log sealed.\n")
    changed = bytearray((tmp_path / "packet.zip").read_bytes())
    changed[len(changed) // 3] ^= 1
    (tmp_path / "other.zip").write_bytes(changed)
    refused = run("other.zip")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Not verified: ")


# -- What was explained ------------------------------------------------------------------------------------------------

WORDS = "an opening balance of before the first month"


@pytest.fixture
def told(workspace: TenantRef) -> Closing:
    """A month whose bank begins with 5 that the ledger does not know; somebody says why."""
    closing = Closing(workspace)
    closing.money(1_000, "R1")
    closing.run()
    closing.bank.state(
        {"amount": 1_000, "reference": "R1", "on": closing.day(9)}, ends_on=LAST, opening_minor=5, closing_minor=1_005
    )
    closing.run()
    closing.soft_close()
    closing.explain(words=WORDS)
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    return closing


def test_an_explanation_is_under_the_log_with_its_words_and_whoever_gave_it(told: Closing) -> None:
    sealed = told.do(queries.open_packet, packet_id=packet(told).id)
    verify_packet(sealed, verifier(told))
    manifest, raw, events = opened(sealed)
    signed = [event["data"] for event in events if event["type"] == "tie_out.signed"]
    digest = hashlib.sha256(WORDS.encode()).hexdigest()
    assert [(each["explained_by"], each["explanation_version"], each["explanation_sha256"]) for each in signed] == [
        (told.preparer.id, 1, digest)
    ] * 2

    other = "usr_00000000000000000000000000"
    said_again = [put(f"{TIE}.{name}explanation", "-") for name in ("", "sign_offs.0.", "sign_offs.1.")]
    act = next(at for at, each in enumerate(json.loads(raw["history.json"])["acts"]) if each["act"] == EXPLAINED)
    changes: list[tuple[str, str, list[Change]]] = [
        ("another explanation", TIES, said_again[:1]),
        ("other signatures", TIES, said_again),
        ("other signatures", TIES, [put(f"{TIE}.sign_offs.0.explanation_version", 1)]),
        ("by another hand", TIES, [put(f"{TIE}.explained_by", other)]),
        ("another explanation than", "history.json", [put(f"acts.{act}.reason", "-")]),
        ("another explanation than", "history.json", [put(f"acts.{act}.by", other)]),
        ("another explanation than", "history.json", [lambda said: said["acts"].pop(act)]),
    ]
    for words, name, steps in changes:
        said = json.loads(raw[name])
        for change in steps:
            change(said)
        with pytest.raises(VerificationError, match=words):
            closeout.check(manifest, {**raw, name: canonical.dumps(said)}, events)

    for name in ("explained_by", "explanation_version", "explanation_sha256"):
        silent = lambda events, name=name: [each["data"].pop(name, None) for each in events]  # noqa: E731
        assert "without saying" in caught(sealed, dict, events=silent)


# -- After a re-opening; refusals --------------------------------------------------------------------------------------


def test_a_month_that_locked_again_by_itself_has_a_packet_which_says_what_is_not_signed(closed: Closing) -> None:
    packet(closed)
    closed.ask_reopen()
    closed.let_reopen()
    closed.money(5, "FEE", purpose="adjustment.fee", before_the_end=20)
    with pytest.raises(errors.WrongState):
        closed.do(operations.request_packet, period_id=closed.period.id, sample_size=5, actor=closed.preparer,
                  now=clock.now())  # fmt: skip
    closed.do(operations.lock_expired, period_id=closed.period.id, now=clock.now() + timedelta(minutes=61))

    found = packet(closed)
    assert (found.state, found.revision) == ("ready", 2)
    words = "\n".join(verify_packet(closed.do(queries.open_packet, packet_id=found.id), verifier(closed)))
    assert "0 are signed by two people" in words
    assert "NOT signed: bank (suspended)" in words
    assert "of 14 postings" in words


def work(closing: Closing, packet_id: str) -> None:
    now = clock.now()
    tasks.seal(WorkItem(closing.ws.id, closing.ws.id, SEAL, packet_id, now, 1, closing.ws.id), closing.ws)


def test_a_packet_that_cannot_be_sealed_says_why_and_ends_and_another_one_can_be_asked_for(
    closed: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = closed.do(
        operations.request_packet, period_id=closed.period.id, sample_size=5, actor=closed.preparer, now=clock.now()
    )
    with pytest.raises(Defer):
        work(closed, asked.id)
    assert closed.do(queries.get_packet, packet_id=asked.id).state == "pending"
    seal(closed.ws)
    with monkeypatch.context() as broken:
        broken.setattr("evidence.verifier.closeout.check", unverifiable)
        work(closed, asked.id)

    failed = closed.do(queries.get_packet, packet_id=asked.id)
    assert failed.state == "failed"
    assert "does not verify: the books are upside down" in failed.problem
    with pytest.raises(errors.CloseoutPacketFailed):
        closed.do(queries.open_packet, packet_id=asked.id)
    work(closed, asked.id)
    again = packet(closed)
    assert (again.state, again.revision) == ("ready", 1)
    assert [each.state for each in closed.do(queries.list_packets, period_id=closed.period.id)] == ["ready", "failed"]


def unverifiable(*_: object) -> list[str]:
    raise VerificationError("the books are upside down")


def test_a_month_opened_again_before_it_was_sealed_ends_its_packet(closed: Closing) -> None:
    asked = closed.do(
        operations.request_packet, period_id=closed.period.id, sample_size=5, actor=closed.preparer, now=clock.now()
    )
    closed.ask_reopen()
    closed.let_reopen()
    seal(closed.ws)
    work(closed, asked.id)

    failed = closed.do(queries.get_packet, packet_id=asked.id)
    assert (failed.state, failed.problem) == ("failed", "A closeout packet is of a locked period.")


def test_the_sample_is_drawn_when_the_packet_is_asked_for_and_read_from_then_on(closed: Closing) -> None:
    period = closed.period.id
    assert closed.do(queries.drawn_sample, period_id=period) is None
    asked = closed.do(
        operations.request_packet, period_id=period, sample_size=5, actor=closed.preparer, now=clock.now()
    )
    with tenant_work(closed.ws), CaptureQueriesContext(connection) as seen:
        drawn = queries.drawn_sample(period_id=period)
    assert drawn == closed.do(queries.audit_sample, period_id=period, size=5)
    assert not any("ledger_posting" in each["sql"] for each in seen.captured_queries)
    seal(closed.ws)
    closed.do(operations.seal_requested, packet_id=asked.id, now=clock.now())
    said = json.loads(opened(closed.do(queries.open_packet, packet_id=asked.id))[1]["sample.json"])
    assert drawn is not None
    assert [each["posting_id"] for each in said["items"]] == [each.posting_id for each in drawn.items]


def test_a_packet_reads_the_books_once_when_asked_for_and_once_when_sealed(
    closed: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[datetime] = []

    def counted(*, start: datetime, end: datetime) -> list[Turnover]:
        read.append(start)
        return turnovers(start=start, end=end)

    monkeypatch.setattr("zentra.reconciliation.closeout.queries.balances.turnovers", counted)
    packet(closed)
    assert read.count(closed.period.starts_at) == 2
    assert len(read) <= 3  # and the month before, beside which it says what moved


# -- Books and exports -------------------------------------------------------------------------------------------------


def test_the_trial_balance_rolls_forward_and_balances(closed: Closing) -> None:
    (book,) = closed.do(queries.roll_forward, period_id=closed.period.id)
    bank = next(row for row in book.rows if row.account_code == "bank")

    assert book.is_balanced
    assert (bank.opening_minor, bank.debits_minor, bank.closing_minor) == (0, 1_343, -1_343)
    moved = {row.account_code: row.movement_minor for row in closed.do(queries.flux, period_id=closed.period.id)}
    assert moved == {"bank": -1_343, "suspense": 1_343}


def test_customer_money_is_owed_held_and_our_own_and_adds_up(closed: Closing) -> None:
    closed.book.move("customer_balance", "merchant_balance", 500)
    (proof,) = closed.do(queries.customer_money, at=clock.now())

    assert proof.difference_minor == proof.own_minor
    owed = {row.account_code: row.amount_minor for row in proof.owed}
    assert owed["merchant_balance"] >= 500
    assert sum(owed.values()) == proof.owed_minor
    (then,) = closed.do(queries.customer_money, at=closed.period.ends_at)
    assert (then.owed_minor, then.held_minor, then.own_minor, then.is_covered) == (0, 1_343, 1_343, True)


def test_aged_items_late_ones_and_intents_in_flight_are_listed(closed: Closing) -> None:
    period = closed.period
    (suspense,) = closed.do(queries.list_aged, period_id=period.id, now=clock.now())
    assert (suspense.kind, suspense.account_code, suspense.amount_minor) == ("suspense", "suspense", 1_343)
    closed.book.move("bank", "suspense", 9, metadata={"late_for": period.month})
    (late,) = closed.do(queries.list_late, period_id=period.id)
    assert (late.amount_minor, late.belongs_to) == (9, period.month)
    assert closed.do(queries.list_in_flight, period_id=period.id) == []
    assert [(each.rule, each.lines) for each in closed.do(queries.matched_by_rule, period_id=period.id)] == [
        ("exact", 13)
    ]


def test_the_journal_goes_out_with_its_general_ledger_accounts(closed: Closing) -> None:
    accounts = {each.ledger_account_code: each for each in closed.do(queries.list_gl_accounts)}
    closed.do(operations.save_gl_account, ledger_account_id=accounts["bank"].ledger_account_id, gl_code="1200",
              gl_name="Bank", actor=closed.preparer, now=clock.now())  # fmt: skip
    with pytest.raises(errors.CloseoutInvalid):
        closed.do(operations.save_gl_account, ledger_account_id=accounts["bank"].ledger_account_id, gl_code="=1",
                  gl_name="", actor=closed.preparer, now=clock.now())  # fmt: skip
    period = closed.period.id

    content = closed.do(lambda: b"".join(exports.journal_csv(period_id=period)))
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert len(rows) == 26
    assert sum(int(row["debit_minor"]) for row in rows) == sum(int(row["credit_minor"]) for row in rows) == 1_343
    bank = next(row for row in rows if row["account"] == "bank")
    assert (bank["gl_account"], bank["gl_name"], bank["debit"]) == ("1200", "Bank", "1.00")
    trial = list(csv.DictReader(io.StringIO(closed.do(exports.trial_balance_csv, period_id=period).decode())))
    assert trial[-1]["account"] == "total"
    assert trial[-1]["closing_minor"] == "0"
    for made in (exports.journal_xlsx, exports.trial_balance_xlsx):
        with zipfile.ZipFile(io.BytesIO(closed.do(made, period_id=period))) as book:
            assert "xl/worksheets/sheet1.xml" in book.namelist()


def test_who_maps_an_account_is_recorded_when_anything_changes(closed: Closing) -> None:
    account = closed.do(queries.list_gl_accounts)[0].ledger_account_id
    for code in ("1200", "1200", "1300"):
        closed.do(operations.save_gl_account, ledger_account_id=account, gl_code=code, gl_name="Bank",
                  actor=closed.preparer, now=clock.now())  # fmt: skip
    with tenant_work(closed.ws):
        bodies = [json.loads(bytes(row.body)) for row in Event.objects.filter(type="gl_account.mapped").order_by("id")]
    assert [(each["data"]["gl_code_before"], each["data"]["gl_code"]) for each in bodies] == [
        (None, "1200"), ("1200", "1300"),
    ]  # fmt: skip
    assert {each["actor"]["id"] for each in bodies} == {closed.preparer.id}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_a_text_is_never_a_formula(text: str) -> None:
    ((cell,),) = list(csv.reader(io.StringIO(exports.as_csv(("a",), [(text,)]).decode()[3:], newline="")))
    assert cell == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["-clearing", "'-clearing", "''=1", "'", "''", "'a", "a'-", "", " ", "  -1", "\t", "\n@x", "' +1", "@", "+", "="],
)
def test_the_verifier_reads_a_text_as_it_was_before_it_was_guarded(text: str) -> None:
    files = {"x.csv": exports.as_csv(("a", "b"), [(text, -5)])}
    assert read_table(files, "x.csv") == [{"a": text, "b": "-5"}]


def test_an_account_whose_code_begins_like_a_formula_is_in_a_packet_that_verifies(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.do(
        open_account, code="-clearing", name="=clearing", account_type="suspense", currency="USD",
        actor=closing.preparer, now=clock.now(),
    )  # fmt: skip
    closing.close()

    sealed = packet(closing)
    assert sealed.state == "ready"
    content = closing.do(queries.open_packet, packet_id=sealed.id)
    verify_packet(content, verifier(closing))
    assert b"'-clearing,'=clearing" in opened(content)[1]["trial-balance.csv"]
    other = opened(content)[1]["trial-balance.csv"].replace(b"'-clearing", b"''-clearing")
    assert "something else" in caught(content, partial(replaced, "trial-balance.csv", other))


def test_money_is_exact_in_csv_and_xlsx() -> None:
    most = 2**53 - 1
    assert exports._decimal(most, "USD") == Decimal("90071992547409.91")
    assert exports.as_csv(("a",), [(exports._decimal(-5, "USD"),), (exports._decimal(7, "JPY"),), (-5,)]) == (
        b"a\r\n-0.05\r\n7\r\n-5\r\n"
    )
    content = exports._workbook("x", ("a",), [(most,), (exports._decimal(most, "USD"),), (exports._decimal(5, "USD"),)])
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<is><t>9007199254740991</t></is>" in sheet
    assert "<is><t>90071992547409.91</t></is>" in sheet
    assert "<v>0.05</v>" in sheet


def test_the_journal_streams_however_long_it_is(monkeypatch: pytest.MonkeyPatch, closed: Closing) -> None:
    """Memory is that of one piece: the rows come from a cursor of the server's, and go out as they come."""
    with tenant_work(closed.ws), CaptureQueriesContext(connection) as seen:
        assert sum(1 for _ in exports.journal_csv(period_id=closed.period.id)) == 1
    assert any("DECLARE" in each["sql"] for each in seen.captured_queries)
    with tenant_work(closed.ws):
        (row, *_) = journal(start=closed.period.starts_at, end=closed.period.ends_at)
        monkeypatch.setattr(exports, "journal", lambda **_: (row for _ in range(30_000)))
        pieces = exports.journal_csv(period_id=closed.period.id)
    tracemalloc.start()
    length = sum(len(each) for each in pieces)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length > 4_000_000
    assert peak < 1_000_000
