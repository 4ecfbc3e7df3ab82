"""``/healthz`` touches nothing; ``/readyz`` says whether money moves, and names what does not."""

import logging
import threading
import time
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from zentra.core import telemetry
from zentra.core.clock import iso, now
from zentra.core.queue.queries import heartbeats
from zentra.tenants.access import PUBLIC, require
from zentra.tenants.schemas.heads import schemas_behind

FRESH_SECONDS = 1.0
_found: tuple[float, dict[str, dict[str, Any]]] | None = None
_looking = threading.Lock()
logger = logging.getLogger(__name__)

SILENT_AFTER = timedelta(seconds=30)
"""A process that consumed or sealed nothing for this long is not working, whatever its pid says."""


@require(PUBLIC)
def alive(_request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require(PUBLIC)
def ready(_request: HttpRequest) -> JsonResponse:
    """200 only when every part works; 503 names the one that does not. Each part tells the age of its last sign."""
    checks = _recent_checks()
    failing = [name for name, check in checks.items() if not check["ok"]]
    body = {"ready": not failing, "failing": failing, "checks": checks, "counters": telemetry.counters()}
    response = JsonResponse(body, status=503 if failing else 200)
    # Whoever asks is told; the log need not repeat it at every poll.
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return response


def _recent_checks() -> dict[str, dict[str, Any]]:
    """What was found in the last second, or a fresh look: anybody may ask, so asking often must cost nothing."""
    global _found
    with _looking:
        if _found is None or time.monotonic() - _found[0] > FRESH_SECONDS:
            _found = (time.monotonic(), _checks(now()))
        return _found[1]


def _checks(moment: datetime) -> dict[str, dict[str, Any]]:
    checks: dict[str, dict[str, Any]] = {"redis": _redis()}
    try:
        connection.ensure_connection()
        behind = schemas_behind()
        signs = heartbeats()
    except DatabaseError as error:
        logger.warning("readyz: the database: %s", error)
        return {"database": {"ok": False, "detail": "not reachable"}, **checks}
    if behind:
        logger.warning("readyz: schemas behind: %s", ", ".join(behind))
    checks["database"] = {"ok": not behind, "detail": f"{len(behind)} schemas behind" if behind else "at head"}
    for name in ("worker", "beat", "sealer", "watch"):
        checks[name] = _sign_of_life(signs.get(name), moment)
    return checks


def _sign_of_life(sign: tuple[datetime, str] | None, moment: datetime) -> dict[str, Any]:
    if sign is None:
        return {"ok": False, "detail": "no sign yet"}
    age = moment - sign[0]
    return {"ok": age < SILENT_AFTER, "age_seconds": round(age.total_seconds(), 1), "at": iso(sign[0])}


def _redis() -> dict[str, Any]:
    try:
        client = redis.Redis.from_url(settings.ZENTRA_REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
        client.ping()
        client.close()
    except (redis.RedisError, OSError) as error:
        logger.warning("readyz: Redis: %s", error)
        return {"ok": False, "detail": "not reachable"}
    return {"ok": True, "detail": "answers"}
