"""Reading endpoints: as people see them, and with everything that sending needs, many at once.

What is secret leaves the database encrypted and is opened here. It stands in no ``repr``, no log and no error; opened
values are remembered by their ciphertext, in this process only, because each delivery needs several.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from webhooks.models import Endpoint, EndpointHeader, EndpointSecret
from webhooks.types import EndpointRecord
from zentra.core import crypto
from zentra.core.errors import DomainError

_REMEMBERED: Final = 4096


class EndpointNotFound(DomainError):
    """There is no such endpoint in this workspace."""

    code = "endpoint_not_found"
    status = 404
    title = "There is no such endpoint"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Everything that signs one message: ``whsec_`` secrets and ``whsk_`` keys, the newest of each first."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    private_keys: tuple[str, ...] = field(default=(), repr=False)
    public_keys: tuple[str, ...] = ()

    @property
    def signing(self) -> list[str]:
        """What goes into the signature header."""
        return [*self.secrets, *self.private_keys]


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How an endpoint is called at this moment. Times are seconds; ``schedule`` None is the workspace's.

    ``problem`` is the code of an error that keeps its secrets shut (``unreadable_secret``): nothing can be signed then.
    """

    endpoint_id: str
    url: str
    timeout_seconds: int
    enabled: bool
    removed: bool
    unverified: bool
    schedule: tuple[int, ...] | None
    api_version: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    sensitive: frozenset[str] = frozenset()
    keys: SigningKeys = field(default_factory=SigningKeys)
    problem: str = ""


def get_endpoint(*, endpoint_id: str) -> EndpointRecord:
    """An endpoint, a removed one too; raises EndpointNotFound."""
    row = _rows().filter(id=endpoint_id).first()
    if row is None:
        raise EndpointNotFound(f"There is no endpoint {endpoint_id}.")
    return to_record(row)


def list_endpoints() -> list[EndpointRecord]:
    """Every endpoint of the workspace that was not removed, oldest first."""
    return [to_record(row) for row in _rows().filter(removed_at=None).order_by("created_at", "id")]


def settings_of(*, endpoint_ids: Sequence[str], now: datetime) -> dict[str, EndpointSettings]:
    """How these endpoints are called now, in three queries; unknown ones are not in it.

    An endpoint whose secrets cannot be opened has a ``problem`` and no keys, and does not stop the others.
    """
    rows = list(Endpoint.objects.filter(id__in=set(endpoint_ids)))
    found = [row.id for row in rows]
    keys = _by_endpoint(_valid_keys(found, now=now))
    headers = _by_endpoint(EndpointHeader.objects.filter(endpoint_id__in=found).order_by("name"))
    return {row.id: _settings(row, keys.get(row.id, ()), headers.get(row.id, ())) for row in rows}


def signing_keys(*, endpoint_id: str, now: datetime) -> SigningKeys:
    """The keys that sign for an endpoint now, in the clear: for sending and for seeding, never for a page."""
    return _open_keys(_valid_keys([endpoint_id], now=now))


@lru_cache(maxsize=_REMEMBERED)
def open_sealed(sealed: bytes) -> str:
    """A stored secret in the clear; raises UnreadableSecret."""
    return crypto.decrypt(sealed).decode()


def to_record(row: Any) -> EndpointRecord:
    """The row without its secrets."""
    return EndpointRecord(
        id=row.id,
        url=row.url,
        description=row.description,
        event_filter=tuple(row.event_filter),
        state="enabled" if row.state == "enabled" else "disabled",
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
        disabled_by=row.disabled_by,
        removed_at=row.removed_at,
        timeout_seconds=row.timeout_seconds,
        rate_per_second=row.rate_per_second,
        max_in_flight=row.max_in_flight,
        schedule=None if row.schedule is None else tuple(row.schedule),
        api_version=row.api_version,
        public_key=row.public_key or "",
        consecutive_failures=row.consecutive_failures,
        failing_since=row.failing_since,
        warnings=row.warnings,
        warned_at=row.warned_at,
        breaker=row.breaker,
        breaker_opened_at=row.breaker_opened_at,
        breaker_until=row.breaker_until,
        breaker_opens=row.breaker_opens,
        probe_at=row.probe_at,
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _rows() -> QuerySet[Endpoint]:
    """Endpoints with the newest public key beside them."""
    newest = EndpointSecret.objects.filter(endpoint_id=OuterRef("id"), kind="ed25519").order_by("-created_at", "-id")
    return Endpoint.objects.annotate(public_key=Subquery(newest.values("public_key")[:1]))


def _valid_keys(endpoint_ids: Sequence[str], *, now: datetime) -> QuerySet[EndpointSecret]:
    valid = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return EndpointSecret.objects.filter(valid, endpoint_id__in=endpoint_ids).order_by("-created_at", "-id")


def _by_endpoint(rows: Iterable[Any]) -> Mapping[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.endpoint_id, []).append(row)
    return grouped


def _settings(row: Endpoint, keys: Sequence[EndpointSecret], headers: Sequence[EndpointHeader]) -> EndpointSettings:
    opened: tuple[tuple[str, str], ...] = ()
    signing, problem = SigningKeys(), ""
    try:
        signing = _open_keys(keys)
        opened = tuple((each.name, open_sealed(bytes(each.value))) for each in headers)
    except crypto.UnreadableSecret as error:
        signing, problem = SigningKeys(), error.code
    return EndpointSettings(
        endpoint_id=row.id,
        url=row.url,
        timeout_seconds=row.timeout_seconds,
        enabled=row.state == "enabled",
        removed=row.removed_at is not None,
        unverified=row.disabled_by == "unverified",
        schedule=None if row.schedule is None else tuple(row.schedule),
        api_version=row.api_version,
        headers=opened,
        sensitive=frozenset(each.name for each in headers if each.is_sensitive),
        keys=signing,
        problem=problem,
    )


def _open_keys(rows: Iterable[EndpointSecret]) -> SigningKeys:
    keys = list(rows)
    return SigningKeys(
        secrets=tuple(open_sealed(bytes(each.secret)) for each in keys if each.kind == "hmac"),
        private_keys=tuple(open_sealed(bytes(each.secret)) for each in keys if each.kind == "ed25519"),
        public_keys=tuple(each.public_key for each in keys if each.kind == "ed25519"),
    )
