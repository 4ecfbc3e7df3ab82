"""Opaque places in lists for people: newest first, after the row whose key is in the URL."""

import base64
import binascii
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

Key = tuple[datetime, str]


def encode(key: Key | None) -> str:
    """The key as a short URL-safe text; empty for none."""
    if key is None:
        return ""
    return base64.urlsafe_b64encode(json.dumps([key[0].isoformat(), key[1]]).encode()).decode().rstrip("=")


def decode(text: str) -> Key | None:
    """The key of a text, or None when it is empty or not one of ours: a broken link shows the first page."""
    if not text:
        return None
    try:
        at, identity = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment = datetime.fromisoformat(at)
    except (ValueError, TypeError, binascii.Error):
        return None
    return (moment, identity) if isinstance(identity, str) and moment.tzinfo else None


def link(base: str, **parameters: Any) -> str:
    """An address with those parameters that have a value."""
    chosen = {name: value for name, value in parameters.items() if value not in (None, "", False)}
    return f"{base}?{urlencode(chosen)}" if chosen else base
