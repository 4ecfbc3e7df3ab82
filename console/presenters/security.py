"""One's passkeys and sessions as the pages show them."""

import re
from typing import Final

from console.presenters.words import stamp
from console.types.step_up import PasskeyRow, SessionRow
from zentra.tenants.passkeys.types import PasskeyRecord
from zentra.tenants.sessions.types import SessionRecord

METHODS: Final = {
    "password": "password",
    "totp": "password and code",
    "recovery_codes": "password and recovery code",
    "passkey": "passkey",
}
# The first that fits: most browsers name those that they descend from, too.
_BROWSERS: Final = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("HeadlessChrome", "Chrome"), ("CriOS", "Chrome"), ("Chrome", "Chrome"),
    ("Version", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def passkey_row(passkey: PasskeyRecord) -> PasskeyRow:
    """A passkey in the list."""
    return PasskeyRow(
        id=passkey.id,
        name=passkey.name,
        words="synced by its provider" if passkey.is_synced else "on one device",
        since=stamp(passkey.created_at),
        used=stamp(passkey.last_used_at) if passkey.last_used_at else "",
    )


def session_row(session: SessionRecord, *, mine: str) -> SessionRow:
    """A session in the list."""
    return SessionRow(
        id=session.id,
        browser=browser_name(session.browser),
        address=session.address or "this machine",
        method=METHODS.get(session.method, session.method),
        since=stamp(session.created_at),
        seen=stamp(session.last_seen_at),
        is_mine=session.id == mine,
        title=session.browser,
    )


def browser_name(said: str) -> str:
    """What a browser says of itself, in two words: ``Firefox on Linux``. Anybody can say anything here."""
    browser = next((name for mark, name in _BROWSERS if re.search(rf"\b{mark}/", said)), "")
    system = next((name for mark, name in _SYSTEMS if mark in said), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or (said.split("/", maxsplit=1)[0][:40] or "no name")
