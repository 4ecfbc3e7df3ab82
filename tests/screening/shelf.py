"""Watchlists as the tests speak to them: files of a few invented entries, imported by hand as a worker does."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from policy.screening.matching import queries as matching
from policy.screening.matching.types import Match, ScreenedParty
from policy.screening.watchlists import operations, queries
from policy.screening.watchlists.tasks import advance_import
from policy.screening.watchlists.types import EntryRecord, Source, VersionRecord
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work

OFFICER = Actor(kind="user", id="usr_01jd3x7c2m9v5t0qk8w4z6r1bn", role="compliance")


def sdn(*rows: str, end: str = "\x1a") -> bytes:
    """A file as OFAC writes it: rows without a header, and its mark at the end."""
    return ("".join(f"{row}\r\n" for row in rows) + end).encode()


def row(number: int, name: str, *, kind: str = "individual", remarks: str = "-0- ", program: str = "TEST") -> str:
    """A row of SDN.CSV with the columns that matter."""
    said = remarks if remarks == "-0- " else f'"{remarks}"'
    typed = "-0- " if kind == "entity" else f'"{kind}"'
    return f'{number},"{name}",{typed},"{program}",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,{said}'


@dataclass(frozen=True)
class Shelf:
    """The watchlists of one workspace. Each call is a unit of work of its own, committed."""

    ws: TenantRef

    def new_list(self, name: str = "Invented list", source: Source = "ofac_csv") -> str:
        """A list without a version; its id."""
        with tenant_work(self.ws):
            return operations.create_list(name=name, source=source, actor=OFFICER, now=clock.now()).id

    def start(self, list_id: str, content: bytes, **more: Any) -> VersionRecord:
        """A new version, taken in and not yet read."""
        with tenant_work(self.ws):
            return operations.start_import(
                list_id=list_id,
                file_name="sdn.csv",
                content=io.BytesIO(content),
                actor=OFFICER,
                now=clock.now(),
                **more,
            )

    def advance(self, version: VersionRecord, *, seconds: float = 60) -> VersionRecord:
        """Import as the worker does, for about so long."""
        return advance_import(ws=self.ws, version_id=version.id, seconds=seconds)

    def imported(self, list_id: str, content: bytes, **more: Any) -> VersionRecord:
        """A new version, read to its end."""
        return self.advance(self.start(list_id, content, **more))

    def activate(self, version: VersionRecord, *, confirms_shrinking: bool = False) -> VersionRecord:
        """Screen against it from now on."""
        with tenant_work(self.ws):
            return operations.activate_version(
                version_id=version.id, confirms_shrinking=confirms_shrinking, actor=OFFICER, now=clock.now()
            )

    def active(self, list_id: str, content: bytes, **more: Any) -> VersionRecord:
        """A new version, imported and active."""
        return self.activate(self.imported(list_id, content, **more), confirms_shrinking=True)

    def version(self, version: VersionRecord) -> VersionRecord:
        """The version as it stands now."""
        with tenant_work(self.ws):
            return queries.get_version(version_id=version.id)

    def entries(self, list_id: str, number: int) -> dict[str, EntryRecord]:
        """What the list had in one of its versions, by uid."""
        with tenant_work(self.ws):
            found = queries.entries_at(list_id=list_id, number=number, limit=10_000)
        return {entry.uid: entry for entry in found}

    def changes(self, version: VersionRecord) -> dict[str, list[str]]:
        """The uids that a version adds, changes and removes."""
        with tenant_work(self.ws):
            return {
                what: [one.entry.uid for one in queries.changes_of(version_id=version.id, what=what, limit=100)]
                for what in ("added", "changed", "removed")
            }  # fmt: skip

    def matches(self, *names: str, kind: str = "person", **facts: Any) -> list[Match]:
        """Whom somebody of these names may be."""
        party = ScreenedParty(kind="person" if kind == "person" else "company", names=names, **facts)
        with tenant_work(self.ws):
            return matching.match_party(party=party, from_score=80)
