"""The calls of the API as values: what to send and how to read the answer. The sync and async clients share them."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from zentra.sdk._errors import ConfigurationError
from zentra.sdk._records import AnswerInfo, Intent, Packet, Page, Record, Timeline

T = TypeVar("T")
R = TypeVar("R", bound=Record)

DEFAULT_WAIT_SECONDS: Final = 10
LONGEST_WAIT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer below 400, before a call reads it."""

    info: AnswerInfo
    headers: Mapping[str, str]
    content: bytes
    json: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in place of a JSON body: as the body itself, or with ``form`` as a part of a form beside those words."""

    content: bytes
    media_type: str
    file_name: str
    form: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One HTTP call. Every POST carries an idempotency key in one way or another, so each may be sent again."""

    method: str
    path: str
    read: Callable[[RawAnswer], T]
    body: Mapping[str, Any] | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: int = 0
    upload: Upload | None = None


def create_intent(body: Mapping[str, Any], *, wait: bool | int) -> Call[Intent]:
    """``POST /runtime/intents``; waits for the end state when asked to."""
    return build_post("/runtime/intents", body, Intent, wait_seconds=_wait_seconds(wait))


def get_intent(intent_id: str) -> Call[Intent]:
    """``GET /runtime/intents/{intent_id}``."""
    return build_get(path_of("/runtime/intents", intent_id), Intent)


def get_timeline(intent_id: str) -> Call[Timeline]:
    """``GET /runtime/intents/{intent_id}/timeline``."""
    return build_get(path_of("/runtime/intents", intent_id) + "/timeline", Timeline)


def list_intents(**params: object) -> Call[Page[Intent]]:
    """``GET /runtime/intents``."""
    return build_list("/runtime/intents", Intent, params)


def get_packet(intent_id: str) -> Call[Packet]:
    """``GET /audit-packets/{intent_id}``."""

    def read(answer: RawAnswer) -> Packet:
        revision = answer.headers.get("zentra-packet-revision", "")
        return Packet(
            intent_id=intent_id,
            content=answer.content,
            filename=f"{intent_id}.zip",
            revision=int(revision) if revision.isdigit() else None,
            answer=answer.info,
        )

    return Call("GET", path_of("/audit-packets", intent_id), read, headers={"Accept": "application/zip, */*;q=0.5"})


def merge_body(body: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A body from a mapping, from keywords, or from both where they do not speak of the same field."""
    merged = dict(body or {})
    twice = merged.keys() & fields.keys()
    if twice:
        raise ConfigurationError(f"Given twice, in the mapping and as a keyword: {', '.join(sorted(twice))}.")
    return merged | dict(fields)


def _wait_seconds(wait: bool | int) -> int:
    seconds = DEFAULT_WAIT_SECONDS if wait is True else int(wait)
    if not 0 <= seconds <= LONGEST_WAIT_SECONDS:
        raise ConfigurationError(f"wait is 0 to {LONGEST_WAIT_SECONDS} seconds, not {seconds}.")
    return seconds


def path_of(collection: str, name: object) -> str:
    """The address of one thing. A dot would be taken for a way up by whoever normalizes addresses."""
    if not isinstance(name, str) or name in {"", ".", ".."}:
        raise ConfigurationError(f"An id under {collection} is a non-empty string, not {name!r}.")
    return f"{collection}/{quote(name, safe='')}"


def build_post(
    path: str,
    body: Mapping[str, Any],
    record: type[R],
    *,
    wait_seconds: int = 0,
    method: str = "POST",
    params: Mapping[str, str] | None = None,
    intent_is_key: bool = True,
) -> Call[R]:
    """A write. ``intent_is_key``: an ``intent_id`` in the body makes a repeat safe by itself."""
    headers: dict[str, str] = {}
    # The caller's own key, or the intent's id, already makes a repeat safe; else we bring a key, once for all retries.
    if not body.get("idempotency_key") and not (intent_is_key and body.get("intent_id")):
        headers["Idempotency-Key"] = str(uuid.uuid4())
    if wait_seconds:
        headers["Prefer"] = f"wait={wait_seconds}"
    return Call(
        method, path, _reader(record), body=body, params=params or {}, headers=headers, wait_seconds=wait_seconds
    )


def build_get(path: str, record: type[R], params: Mapping[str, object] | None = None) -> Call[R]:
    """A reading of one thing."""
    given = {name: text_of(value) for name, value in (params or {}).items() if value is not None}
    return Call("GET", path, _reader(record), params=given)


def build_list(path: str, record: type[R], params: Mapping[str, object]) -> Call[Page[R]]:
    """A reading of one page."""
    given = {name: text_of(value) for name, value in params.items() if value is not None}
    return Call("GET", path, lambda answer: Page.read(answer.json(), answer.info, record), params=given)


def text_of(value: object) -> str:
    """A value as an address says it; raises ConfigurationError for a moment without its zone."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def moment_text(moment: datetime) -> str:
    """A moment in RFC 3339; raises ConfigurationError when it does not say its zone."""
    if moment.tzinfo is None:
        raise ConfigurationError(f"{moment.isoformat()} does not say its time zone.")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _reader(record: type[R]) -> Callable[[RawAnswer], R]:
    return lambda answer: record(answer.json(), answer.info)
