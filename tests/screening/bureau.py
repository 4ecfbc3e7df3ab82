"""Screening as the tests speak to it: each call is a unit of work of its own, committed. The lists are a stand-in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection

from policy.screening import operations, queries
from policy.screening.matching.types import ScreenedParty
from policy.screening.types import Found, HitRecord, PartyRecord, ScreeningResult
from zentra.core import actors, clock, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work

LIST = "wls_01jd3x7c2m9v5t0qk8w4z6r1bn"
OFFICER = Actor(kind="user", id="usr_01jd3x7c2m9v5t0qk8w4z6r1bn", role="compliance")


@dataclass
class Lists:
    """Stands in for the watchlists: an entry matches whoever has its name among theirs."""

    entries: dict[str, Found] = field(default_factory=dict)
    asked: int = 0

    def add(self, name: str, *, score: int = 95, uid: str | None = None, digest: str = "d1") -> Found:
        """Put an entry on the list, or change the one of this name."""
        found = Found(
            list_id=LIST,
            entry_id=ids.new_id("wle"),
            entry_uid=uid or f"uid-{len(self.entries) + 1}",
            entry_digest=digest,
            score=score,
            parts=({"part": "name", "points": score, "of": 100, "words": "the same name"},),
        )
        self.entries[name] = found
        return found

    def change(self, name: str, **changes: Any) -> None:
        """The same entry, said otherwise."""
        self.entries[name] = replace(self.entries[name], **changes)

    def find(self, facts: ScreenedParty) -> list[Found]:
        """What `matches.find_matches` answers while this stands in."""
        self.asked += 1
        return [self.entries[name] for name in facts.names if name in self.entries]


@dataclass(frozen=True)
class Bureau:
    """Screening in one workspace."""

    ws: TenantRef
    lists: Lists

    def party(self, name: str = "Ada Lovelace", **more: Any) -> PartyRecord:
        """A new party."""
        words = {"kind": "person", "reference": f"cust_{ids.new_uuid().hex[:12]}", "name": name, **more}
        return self.do("create_party", **words)  # type: ignore[no-any-return]

    def do(self, operation: str, **words: Any) -> Any:
        """An operation by name, as the officer, now."""
        with tenant_work(self.ws):
            return getattr(operations, operation)(**{"actor": OFFICER, "now": clock.now(), **words})

    def run(self, operation: str, **words: Any) -> Any:
        """An operation that nobody does in person."""
        with tenant_work(self.ws):
            return getattr(operations, operation)(**{"now": clock.now(), **words})

    def ask(self, query: str, **words: Any) -> Any:
        """A query by name."""
        with tenant_work(self.ws):
            return getattr(queries, query)(**words)

    def get(self, party: PartyRecord) -> PartyRecord:
        """The party as it is now."""
        return self.ask("get_party", party_id=party.id)  # type: ignore[no-any-return]

    def change(self, party: PartyRecord, **changes: Any) -> PartyRecord:
        """Change fields of the party as it is now."""
        version = self.get(party).version
        return self.do("change_party", party_id=party.id, version=version, changes=changes)  # type: ignore[no-any-return]

    def screen(self, party: PartyRecord) -> ScreeningResult:
        """Screen the party now."""
        return self.do("screen_party", party_id=party.id)  # type: ignore[no-any-return]

    def hits(self, party: PartyRecord) -> list[HitRecord]:
        """The party's hits, open ones first."""
        return self.ask("hits_of", party_id=party.id)  # type: ignore[no-any-return]

    def resolve(
        self, hit: HitRecord, state: str, *, actor: Actor = OFFICER, note: str = "seen the papers"
    ) -> HitRecord:
        """A person's word on a hit."""
        return self.do("resolve_hit", hit_id=hit.id, state=state, note=note, actor=actor)  # type: ignore[no-any-return]

    def sql(self, statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows, read as the application."""
        with tenant_work(self.ws), connection.cursor() as cursor:
            cursor.execute(statement, values or [])
            return cursor.fetchall() if cursor.description else []

    def events(self, prefix: str = "") -> list[dict[str, Any]]:
        """What was recorded, in order, as it is in the evidence."""
        rows = self.sql("SELECT body FROM evidence_event WHERE type LIKE %s ORDER BY id", [f"{prefix}%"])
        return [json.loads(bytes(body)) for (body,) in rows]

    def types(self, prefix: str = "") -> list[str]:
        """The types of what was recorded, in order."""
        return [event["type"] for event in self.events(prefix)]

    def work(self, kind: str) -> list[str]:
        """What waits to be done, by ref."""
        rows = self.sql(
            "SELECT ref FROM public.work_item WHERE workspace_id = %s AND kind = %s AND done_at IS NULL ORDER BY id",
            [self.ws.id, kind],
        )
        return [ref for (ref,) in rows]

    def finish_runs(self, *, now: datetime | None = None) -> int:
        """Do every batch that waits; how many parties were screened."""
        return sum(
            self.run("screen_batch", batch_id=ref, now=now or clock.now()) for ref in self.work("screening.batch")
        )


SERVICE = actors.POLICY
