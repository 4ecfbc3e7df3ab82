"""Writing attempts: one statement for a batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from zentra.core import ids
from zentra.core.db.hot import execute_bulk

_INSERT: Final = """
INSERT INTO webhooks_attempt (id, recorded_at, delivery_id, endpoint_id, number, trigger, started_at, duration_ms, url,
    request_headers, response_status, response_headers, response_body, is_truncated, error_class, error_detail,
    next_attempt_at, is_signature_verified, is_superseded, replay_id, connect_ms, first_byte_ms, remote_address)
SELECT n.id, %s::timestamptz, n.delivery_id, n.endpoint_id, n.number, n.trigger, n.started_at, n.duration_ms, n.url,
    n.request_headers::jsonb, n.status, n.response_headers::jsonb, n.body, n.is_truncated, n.error_class,
    n.error_detail, n.next_attempt_at, n.is_verified, n.is_superseded, n.replay_id, n.connect_ms, n.first_byte_ms,
    n.remote_address
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::int[], %s::text[], %s::timestamptz[], %s::int[], %s::text[],
    %s::text[], %s::smallint[], %s::text[], %s::bytea[], %s::bool[], %s::text[], %s::text[], %s::timestamptz[],
    %s::bool[], %s::bool[], %s::uuid[], %s::int[], %s::int[], %s::text[])
  AS n (id, delivery_id, endpoint_id, number, trigger, started_at, duration_ms, url, request_headers, status,
    response_headers, body, is_truncated, error_class, error_detail, next_attempt_at, is_verified, is_superseded,
    replay_id, connect_ms, first_byte_ms, remote_address)
"""


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """One attempt as it is written; the fields of ``webhooks_attempt``."""

    delivery_id: str
    endpoint_id: str
    number: int
    trigger: str
    replay_id: str | None
    started_at: datetime
    duration_ms: int
    url: str
    error_class: str | None
    error_detail: str = ""
    next_attempt_at: datetime | None = None
    request_headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    response_headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    is_truncated: bool = False
    is_signature_verified: bool = False
    is_superseded: bool = False
    connect_ms: int | None = None
    first_byte_ms: int | None = None
    remote_address: str = ""

    def values(self) -> tuple[Any, ...]:
        """In the order of the statement."""
        return (
            ids.new_uuid(),
            ids.to_uuid(self.delivery_id, prefix="dlv"),
            ids.to_uuid(self.endpoint_id, prefix="whe"),
            self.number,
            self.trigger,
            self.started_at,
            self.duration_ms,
            self.url,
            json.dumps(self.request_headers),
            self.status,
            # Neither jsonb nor text holds NUL.
            json.dumps([[name, value.replace("\x00", "")] for name, value in self.response_headers]),
            self.body,
            self.is_truncated,
            self.error_class,
            self.error_detail.replace("\x00", ""),
            self.next_attempt_at,
            self.is_signature_verified,
            self.is_superseded,
            ids.to_uuid(self.replay_id, prefix="rpl") if self.replay_id else None,
            self.connect_ms,
            self.first_byte_ms,
            self.remote_address,
        )


def keep(new: Sequence[NewAttempt], *, now: datetime) -> None:
    """Write attempts in the caller's transaction."""
    if new:
        execute_bulk(_INSERT, [now, *(list(column) for column in zip(*(each.values() for each in new), strict=True))])
