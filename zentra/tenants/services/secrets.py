"""The forms of what services prove themselves with, and how a leak of one is recognised.

A key is ``zk_test_<key id>_<secret>``, a client's secret ``zs_test_<client id>_<secret>``; ``live`` in a live
workspace. The id is 26 characters of Crockford's base32 in lower case, the secret 256 random bits as 43 characters of
base64url. ``LEAKED`` finds either in any text; nothing else looks like it.
"""

import hashlib
import re
import secrets
from typing import Final

_ID: Final = "[0-7][0-9a-hjkmnp-tv-z]{25}"
_SECRET: Final = "[A-Za-z0-9_-]{43}"  # noqa: S105  # the form of a secret
LEAKED: Final = re.compile(rf"(?<![A-Za-z0-9])(zk|zs)_(test|live)_({_ID})_({_SECRET})(?![A-Za-z0-9_-])")
"""Kind, mode, id, secret. Source scanners take the pattern as it stands in docs/api.md."""


def hash_secret(secret: str) -> bytes:
    """SHA-256: the secret has 256 random bits, so a slow hash would add nothing but load."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> str:
    """256 random bits, as 43 characters of base64url."""
    return secrets.token_urlsafe(32)


def write_token(*, kind: str, mode: str, holder: str, secret: str) -> str:
    """``zk_test_…`` of an id with its prefix; ``live`` in a live workspace only."""
    return f"{kind}_{'live' if mode == 'live' else 'test'}_{holder.partition('_')[2]}_{secret}"


def prefix_of(*, kind: str, mode: str, holder: str) -> str:
    """What of it may be shown for ever: all but the secret."""
    return f"{kind}_{'live' if mode == 'live' else 'test'}_{holder.partition('_')[2]}"
