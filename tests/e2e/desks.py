"""A desk in front of running Zentra: one workspace's key, its books, its people's browsers, its packets."""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import sys
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.e2e.books import END_STATES, HELD, Books, Simulators
from tests.e2e.waiting import PATIENCE_SECONDS, wait_until
from zentra.embedded.layout import CLONE

if TYPE_CHECKING:
    from tests.people import Person

FIRST_CALL: Final = {
    "intent_id": "intent_042",
    "scope": "workspace_scope",
    "money_model": "minor_units + ledger_currency",
    "primitives": ["policy", "ledger", "events"],
}


def rehearsal(intent_id: str, **metadata: str) -> dict[str, Any]:
    """The documents' first call under another id; `sandbox_scenario` chooses what the rail does."""
    return FIRST_CALL | {"intent_id": intent_id} | ({"metadata": metadata} if metadata else {})


def movement(intent_id: str, amount_minor: int = 125_000, currency: str = "USD", **more: Any) -> dict[str, Any]:
    """A real payment."""
    return {"intent_id": intent_id, "kind": "payment", "amount_minor": amount_minor, "currency": currency, **more}


@dataclass(frozen=True)
class Desk:
    """One workspace of a running Zentra, seen from outside."""

    slug: str
    base_url: str
    token: str
    http: httpx.Client
    books: Books
    simulators: Simulators

    @property
    def api_url(self) -> str:
        """Where the API answers; ends in /v1."""
        return f"{self.base_url}/v1"

    def send(self, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """POST an intent; the answer of a 201."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.post("/runtime/intents", json=body, headers=named)
        assert answer.status_code == 201, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def wait_for_end(self, *intent_ids: str, seconds: float = PATIENCE_SECONDS) -> dict[str, dict[str, Any]]:
        """Wait until each of these is at an end with its packet sealed; their rows."""

        def ended() -> dict[str, dict[str, Any]]:
            found = self.books.intents()
            done = {i: found[i] for i in intent_ids if i in found and is_at_an_end(found[i])}
            return done if len(done) == len(set(intent_ids)) else {}

        return wait_until(ended, why="all at an end, and sealed", seconds=seconds, told=lambda: self.tell(*intent_ids))

    def wait_for_end_of_review(self, intent_id: str) -> str:
        """Wait until a decided intent is at its end; its status."""
        wait_until(lambda: self.books.intent(intent_id)["status"] != HELD, why=f"{intent_id} is decided")
        return str(self.wait_for_end(intent_id)[intent_id]["status"])

    def tell(self, *intent_ids: str) -> list[str]:
        """Where each intent that is not at an end stands, and its work: for a failure's message."""
        found = self.books.intents()
        missing = [f"{intent_id}: not there" for intent_id in intent_ids if intent_id not in found]
        waiting = [i for i in intent_ids if i in found and not is_at_an_end(found[i])]
        work = self.books.rows(
            "SELECT kind, ref, attempts, due_at - now() AS due_in, last_error FROM public.work_item"
            " WHERE done_at IS NULL AND ref = ANY(%s)",
            waiting,
        )
        return missing + [
            f"{i}: {found[i]['status']}, outcome {found[i]['outcome']}, stream {found[i]['event_stream']}, work "
            + "; ".join(f"{w['kind']} in {w['due_in']} after {w['attempts']}: {w['last_error'][:120]}"
                        for w in work if w["ref"] == i)
            for i in waiting
        ]  # fmt: skip

    def packet(self, intent_id: str, *, revision: int | None = None) -> bytes:
        """The zip of a packet."""
        query = {} if revision is None else {"revision": str(revision)}
        answer = self.http.get(f"/audit-packets/{intent_id}", params=query)
        while answer.status_code == 429:  # packets are of the heavy class: whoever takes many is asked to wait
            time.sleep(float(answer.headers["Retry-After"]))
            answer = self.http.get(f"/audit-packets/{intent_id}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.content

    @property
    def evidence_key(self) -> str:
        """What `--key` takes; read from outside any packet."""
        return str(self.books.value("SELECT verifier_key FROM evidence_log"))

    def verify(self, packet: bytes, directory: Path) -> str:
        """What the offline verifier says of a packet, as a stranger runs it; fails unless it exits 0."""
        path = directory / f"{secrets.token_hex(4)}.zip"
        path.write_bytes(packet)
        done = subprocess.run(
            [sys.executable, "-m", "evidence.verifier", str(path), "--key", self.evidence_key],
            cwd=CLONE, env={}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def visit(self, person: Person, *, with_code: bool = False) -> Room:
        """This person's browser, signed in, without the browser; `with_code` has proven the second factor too."""
        from django.test import Client

        enter = person.sign_in_with_code if with_code else person.sign_in
        session = enter(Client()).cookies["sessionid"].value
        return Room(self.base_url, self.slug, session)


class Room:
    """The console over real HTTP as one signed-in person sees it."""

    def __init__(self, base_url: str, slug: str, session: str) -> None:
        self._token = secrets.token_hex(16)
        cookies = {"sessionid": session, "csrftoken": self._token}
        self._http = httpx.Client(base_url=base_url, cookies=cookies, headers={"Origin": base_url}, timeout=30)
        self._base = f"/w/{slug}/"

    def get(self, path: str = "") -> httpx.Response:
        """A page of the workspace."""
        return self._http.get(self._base + path)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form once."""
        own = {"csrfmiddlewaretoken": self._token, "idempotency_key": str(uuid.uuid4())}
        return self._http.post(self._base + path, data=own | fields)


def read_packet_file(packet: bytes, name: str) -> dict[str, Any]:
    """A JSON file of a packet."""
    with zipfile.ZipFile(io.BytesIO(packet)) as archive:
        content: dict[str, Any] = json.loads(archive.read(name))
    return content


def is_at_an_end(intent: dict[str, Any]) -> bool:
    """Evidenced, declined or failed, and sealed; what is in review waits for a person and counts as at rest."""
    return intent["status"] == HELD or (intent["status"] in END_STATES and intent["packet_revision"] >= 1)
