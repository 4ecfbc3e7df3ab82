"""Who did it. Every event, decision and posting keeps its actor."""

from dataclasses import dataclass
from typing import Final, Literal

ActorKind = Literal["service", "user", "key", "client", "end_user", "provider", "anonymous"]


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor as event bytes keep it: ids only, never a name or an address.

    ``responsible`` is the person who issued the credential, where one is known. It is no part of the bytes: it decides
    who may not approve what the credential made.
    """

    kind: ActorKind
    id: str
    role: str
    credential: str | None = None
    responsible: str = ""

    @property
    def maker(self) -> str:
        """The person behind it as far as one is known, else itself: who may not be the second pair of eyes."""
        return self.responsible or self.id

    def as_dict(self) -> dict[str, object]:
        """The four fields that events show of it."""
        return {"kind": self.kind, "id": self.id, "role": self.role, "credential": self.credential}

    @property
    def label(self) -> str:
        """One line for people: ``svc_edge · key_01…``."""
        return f"{self.id} · {self.credential}" if self.credential and self.credential != self.id else self.id


def _service(name: str) -> Actor:
    return Actor(kind="service", id=name, role="service")


EDGE: Final = _service("svc_edge")
POLICY: Final = _service("svc_policy")
LEDGER: Final = _service("svc_ledger")
ROUTES: Final = _service("svc_routes")
EVENTS: Final = _service("svc_events")
EVIDENCE: Final = _service("svc_evidence")
RUNTIME: Final = _service("svc_runtime")
WATCH: Final = _service("svc_watch")
RECONCILIATION: Final = _service("svc_reconciliation")
ANONYMOUS: Final = Actor(kind="anonymous", id="anonymous", role="none")
