"""A simulated vendor that verifies people and companies, served under ``/kyc`` by the rails' process.

What it does is asked for by a word in the name: *reject*, *slow*, *unavailable*, *timeout*; anybody else is approved.
A name is read and not kept: the file holds a fingerprint, so that the same key with other words is refused.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from zentra.routing.sandbox.callbacks import wall_ms
from zentra.routing.sandbox.replies import BadRequest, Reply, refusal
from zentra.routing.sandbox.scenarios import Timing
from zentra.routing.sandbox.store import NAMESPACE, open_database

SCHEMA = """
CREATE TABLE IF NOT EXISTS verification (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL, reference TEXT NOT NULL, scenario TEXT NOT NULL,
    outcome TEXT NOT NULL, reason_code TEXT NOT NULL, taken_ms INTEGER NOT NULL, decided_ms INTEGER NOT NULL,
    replays INTEGER NOT NULL DEFAULT 0
) STRICT;
"""


class KycScenario(StrEnum):
    """The ways of the vendor, each asked for by its word in a name."""

    APPROVE = "approve"
    REJECT = "reject"
    SLOW = "slow"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"


class KeyTaken(Exception):
    """The key came before with other words; nothing was taken."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom to verify, person or company. Days are ISO 8601 texts."""

    kind: str
    name: str
    country: str
    born_on: str
    document_ends: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        words = [self.kind, self.name, self.country, self.born_on, list(self.document_ends)]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()

    @property
    def scenario(self) -> KycScenario:
        said = set(self.name.lower().split())
        return next((each for each in KycScenario if each.value in said), KycScenario.APPROVE)


@dataclass(frozen=True, slots=True)
class Verified:
    """A verification: the columns of its table, in their order."""

    number: int
    key: str
    fingerprint: str
    reference: str
    scenario: str
    outcome: str
    reason_code: str
    taken_ms: int
    decided_ms: int
    replays: int

    def body(self, now_ms: int) -> dict[str, Any]:
        """As the vendor answers it: pending until it is decided."""
        is_decided = now_ms >= self.decided_ms
        return {
            "key": self.key,
            "reference": self.reference,
            "state": self.outcome if is_decided else "pending",
            "reason_code": self.reason_code if is_decided else "",
            "executed": True,
        }


class KycDesk:
    """The vendor's file. What it took is durable before it is answered."""

    def __init__(self, path: Path, *, timing: Timing) -> None:
        self._database = open_database(path, synchronous="FULL")
        self._database.executescript(SCHEMA)
        self._lock = threading.Lock()
        self._timing = timing

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def take(self, *, key: str, person: Person, now_ms: int) -> tuple[Verified, bool]:
        """Take a verification once per key; a repeat answers the first. Returns (it, is new). Raises KeyTaken."""
        outcome, reason_code = _outcome(person, now_ms)
        wait_ms = self._timing.late_ms if person.scenario is KycScenario.SLOW else self._timing.succeed_ms
        reference = f"kyc-{uuid.uuid5(NAMESPACE, f'kyc/{key}').hex[:20]}"
        with self._lock:
            added = self._database.execute(
                "INSERT INTO verification"
                " (key, fingerprint, reference, scenario, outcome, reason_code, taken_ms, decided_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET replays = replays + 1 RETURNING *",
                (
                    key, person.fingerprint, reference, person.scenario.value, outcome, reason_code, now_ms,
                    now_ms + wait_ms,
                ),
            ).fetchone()  # fmt: skip
        verified = Verified(*added)
        if verified.fingerprint != person.fingerprint:
            raise KeyTaken
        return verified, verified.replays == 0

    def find(self, *, key: str) -> Verified | None:
        with self._lock:
            row = self._database.execute("SELECT * FROM verification WHERE key = ?", (key,)).fetchone()
        return Verified(*row) if row else None

    def list_all(self, *, after: int, limit: int) -> list[Verified]:
        """Everything that was taken, in order."""
        with self._lock:
            rows = self._database.execute(
                "SELECT * FROM verification WHERE number > ? ORDER BY number LIMIT ?", (after, limit)
            ).fetchall()
        return [Verified(*row) for row in rows]


def read_person(body: Mapping[str, Any]) -> Person | None:
    """The person of a request's body; None when it cannot be read."""
    kind, name, country, born_on = texts = [body.get(name, "") for name in ("kind", "name", "country", "born_on")]
    papers = body.get("documents", [])
    if not all(isinstance(text, str) and len(text) <= 2000 for text in texts) or not isinstance(papers, list):
        return None
    if kind not in ("person", "company") or not name.strip():
        return None
    ends = tuple(str(paper.get("expires_on", "")) for paper in papers if isinstance(paper, dict))
    return Person(kind, name, country, born_on, ends)


def _outcome(person: Person, now_ms: int) -> tuple[str, str]:
    """What is decided, and its code."""
    if person.scenario is KycScenario.REJECT:
        return "rejected", "documents_unreadable"
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
    ends = person.document_ends
    if ends and all(end and end < today for end in ends):
        return "rejected", "documents_expired"
    return "approved", "documents_match"


def take_verification(desk: KycDesk | None, key: str, body: Mapping[str, Any], hang: Callable[[], None]) -> Reply:
    """Taken once per key, decided a little later."""
    person = read_person(body)
    if person is None or desk is None:
        raise BadRequest("whom to verify cannot be read")
    if person.scenario is KycScenario.UNAVAILABLE:
        return refusal(503, "unavailable")
    now_ms = wall_ms()
    try:
        verified, is_new = desk.take(key=key, person=person, now_ms=now_ms)
    except KeyTaken:
        return refusal(422, "key_reused")
    if person.scenario is KycScenario.TIMEOUT and is_new:
        # Taken, and the answer never comes: only who asks learns of it.
        hang()
        return Reply(504, {}, is_dropped=True)
    return Reply(202 if is_new else 200, verified.body(now_ms), is_replay=not is_new)


def read_verification(desk: KycDesk | None, key: str) -> Reply:
    """What became of a key; 404 ``not_found`` says that it was never seen."""
    verified = desk.find(key=key) if desk is not None else None
    return refusal(404, "not_found") if verified is None else Reply(200, verified.body(wall_ms()))
