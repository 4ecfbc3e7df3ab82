"""What the simulators answer and what they do not understand, apart from how it is served."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,255}")


class BadRequest(Exception):
    """Words that the rail does not understand; nothing was executed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; `is_dropped` means that the connection is reset instead. `content` is a file, not JSON."""

    status: int
    body: dict[str, Any]
    is_replay: bool = False
    is_dropped: bool = False
    content: bytes | None = None
    content_type: str = "application/json"


def refusal(status: int, code: str) -> Reply:
    return Reply(status, {"error": code, "executed": False} if status != 422 else {"error": code})


def page(data: list[dict[str, Any]], limit: int) -> Reply:
    has_more = len(data) == limit
    return Reply(200, {"data": data, "next_after": data[-1]["number"] if data else None, "has_more": has_more})


def check_key(key: str) -> str:
    if KEY_PATTERN.fullmatch(key) is None:
        raise BadRequest("the idempotency key is missing or not printable ASCII")
    return key
