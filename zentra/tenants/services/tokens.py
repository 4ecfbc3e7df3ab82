"""JSON Web Tokens of ours: written and read strictly, by one algorithm (EdDSA over Ed25519, RFC 8037).

An access token follows RFC 9068 (``typ: at+jwt``). An end user's token has a ``typ`` of its own, so that neither is
ever taken for the other. What a header could smuggle in (``jku``, ``jwk``, ``x5u``, ``crit``, another ``alg``) is
refused before anything else is looked at, since the key is found by ``kid`` among our own and nowhere else.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from zentra.core import ids
from zentra.core.errors import DomainError

ALGORITHM: Final = "EdDSA"
ACCESS_TYPE: Final = "at+jwt"
END_USER_TYPE: Final = "zentra-eut+jwt"
SKEW: Final = timedelta(seconds=30)
MAX_TOKEN: Final = 4096
_REMEMBERED: Final = 2048
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{2,1024}\.[A-Za-z0-9_-]{2,3072}\.[A-Za-z0-9_-]{86}")
_HEADER: Final = frozenset({"alg", "typ", "kid"})


class NotOurToken(DomainError):
    """The text is no token that we could have made: its form, its header, or its signature is another."""

    code = "token_not_ours"
    status = 401
    title = "That is no token of ours"


@dataclass(frozen=True, slots=True)
class Unproven:
    """A token before its signature was looked at: only what finds the key and the row. Nothing of it counts yet."""

    text: str
    kind: str
    kid: str
    token_id: str
    holder: str


class _OnlyEdDSA(JWSRegistry):
    """One algorithm. Not by the library's list, which warns of the name ``EdDSA``: RFC 9864 says it in another word."""

    def get_alg(self, name: str) -> Any:
        if name != ALGORITHM:
            raise UnsupportedAlgorithmError("Only EdDSA is taken.")
        return self.algorithms[name]


_registry: Final = _OnlyEdDSA(algorithms=[ALGORITHM])


def write_token(*, kind: str, kid: str, seed: bytes, claims: Mapping[str, Any]) -> str:
    """A signed token; ``seed`` is the 32 bytes of the private key."""
    header = {"alg": ALGORITHM, "kid": kid, "typ": kind}
    content = json.dumps(claims, separators=(",", ":")).encode()
    return jws.serialize_compact(header, content, private_key(seed), registry=_registry)


def read_unproven(text: str) -> Unproven:
    """What a token says of itself, as far as it is needed to look it up; raises NotOurToken."""
    if len(text) > MAX_TOKEN or _SHAPE.fullmatch(text) is None:
        raise NotOurToken
    head, body, _ = text.split(".")
    header, claims = _decode(head), _decode(body)
    if set(header) != _HEADER or header["alg"] != ALGORITHM or header["typ"] not in (ACCESS_TYPE, END_USER_TYPE):
        raise NotOurToken
    holder = claims.get("sub") if header["typ"] == ACCESS_TYPE else claims.get("cred")
    return Unproven(text, header["typ"], _text(header["kid"]), _text(claims.get("jti")), _text(holder))


def prove(token: Unproven, *, public_key: bytes) -> dict[str, Any]:
    """The claims of a token whose signature this key made; raises NotOurToken."""
    claims: dict[str, Any] = json.loads(_signed_by(token.text, public_key))
    return claims


@lru_cache(maxsize=_REMEMBERED)
def _signed_by(text: str, public_key: bytes) -> bytes:
    """What these bytes say, signed by this key: that never changes, so the newest are not verified at each request.

    Whether the token still counts does change, and is asked each time.
    """
    try:
        proven = jws.deserialize_compact(text, OKPKey.import_key(_jwk(public_key)), registry=_registry)
    except (JoseError, ValueError) as error:
        raise NotOurToken from error
    return bytes(proven.payload)


def is_in_time(claims: Mapping[str, Any], *, now: datetime) -> bool | None:
    """Whether a token counts at this moment, give or take 30 seconds; None when its time has not come yet."""
    at, skew = now.timestamp(), SKEW.total_seconds()
    times = [claims.get(name) for name in ("iat", "nbf", "exp")]
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in times):
        raise NotOurToken
    issued, starts, ends = (int(each or 0) for each in times)
    if at + skew < max(issued, starts):
        return None
    return at - skew < ends


def private_key(seed: bytes) -> OKPKey:
    """The signing key of a seed."""
    return OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(seed))


def as_jwk(*, kid: str, public_key: bytes) -> dict[str, Any]:
    """A public key as the JWKS address shows it (RFC 7517, RFC 8037)."""
    return {**_jwk(public_key), "kid": kid, "use": "sig", "alg": ALGORITHM}


def _jwk(public_key: bytes) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(public_key)}


def encode(content: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(part: str) -> dict[str, Any]:
    try:
        found = json.loads(
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise NotOurToken from error
    if not isinstance(found, dict):
        raise NotOurToken
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isascii() or len(value) > 64:
        raise NotOurToken
    return value


def token_uuid(token_id: str) -> Any:
    """The uuid of a ``jti``: ``tok_…`` or ``eut_…``; raises NotOurToken."""
    prefix = token_id.partition("_")[0]
    try:
        return ids.to_uuid(token_id, prefix=prefix if prefix in ("tok", "eut") else "tok")
    except ids.BadId as error:
        raise NotOurToken from error
