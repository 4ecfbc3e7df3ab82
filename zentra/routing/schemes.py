"""How a rail may sign its callbacks: the schemes' names, their settings, and what a secret of each looks like.

What verifies is ``webhooks/inbound/schemes/``, which stands above routing; here is what an administrator may set.
"""

import base64
import binascii
import os
import re
import secrets as dice
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zentra.core.errors import DomainError

SchemeName = Literal["standard_webhooks", "stripe", "hmac_hex", "ed25519"]
SCHEME_NAMES: Final[tuple[SchemeName, ...]] = get_args(SchemeName)

SETTINGS_OF: Final[Mapping[SchemeName, Mapping[str, str]]] = {
    "standard_webhooks": {},
    "stripe": {"header": "stripe-signature"},
    # Without a timestamp header only the kept event ids recognise a repeat; with one, the timestamp is signed.
    "hmac_hex": {"header": "x-signature", "timestamp_header": ""},
    "ed25519": {"header": "x-signature-ed25519", "timestamp_header": "x-signature-timestamp"},
}
"""The settings of each scheme with their defaults; all are names of headers."""

_OPTIONAL: Final = {("hmac_hex", "timestamp_header")}
_HEADER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
# These mean something to servers and proxies on the way, or hold what must not be kept.
_RESERVED: Final = frozenset(
    {"authorization", "connection", "content-encoding", "content-length", "content-type", "cookie", "expect", "host",
     "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}
)  # fmt: skip
_TEXT_SECRET: Final = re.compile(r"[\x21-\x7e]{16,256}", re.ASCII)
_KEY_PREFIXES: Final = ("whpk_", "whsk_")
_HEX_KEY: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_KEY_BYTES: Final = 32


class UnknownCallbackScheme(DomainError):
    """Callbacks are not signed in this way here; the detail names the ways that there are."""

    code = "unknown_callback_scheme"
    title = "There is no signature scheme of this name"


class BadSchemeSettings(DomainError):
    """A setting that the scheme does not have, or no usable name of a header."""

    code = "bad_scheme_settings"
    title = "The scheme's settings cannot be used"


class UnusableRailSecret(DomainError):
    """The secret has not the form that the rail's scheme needs. Its text is not repeated."""

    code = "unusable_rail_secret"
    title = "This secret does not fit the rail's scheme"


class RailSecretNeeded(DomainError):
    """With Ed25519 the provider makes the key pair: we hold its public half only, and cannot make it."""

    code = "rail_secret_needed"
    title = "The provider's public key is needed"


@dataclass(frozen=True, slots=True)
class CallbackScheme:
    """How a rail signs: the scheme and all its settings, defaults included."""

    name: SchemeName
    settings: Mapping[str, str] = field(default_factory=dict)


STANDARD_WEBHOOKS: Final = CallbackScheme("standard_webhooks")
"""How a rail signs unless somebody said otherwise."""


def read_scheme(name: str, settings: Mapping[str, str]) -> CallbackScheme:
    """The scheme as it is stored and used, header names in lower case.

    Raises UnknownCallbackScheme, BadSchemeSettings.
    """
    known = next((each for each in SCHEME_NAMES if each == name), None)
    if known is None:
        raise UnknownCallbackScheme(f"{str(name)[:40]!r} is none of {', '.join(SCHEME_NAMES)}.", known=SCHEME_NAMES)
    defaults = SETTINGS_OF[known]
    unknown = sorted(set(settings) - set(defaults))
    if unknown:
        raise BadSchemeSettings(f"{known} has no setting {unknown[0][:40]!r}.", known=sorted(defaults))
    chosen = {name: str(settings.get(name, default)).lower() for name, default in defaults.items()}
    for setting, header in chosen.items():
        _check_header(known, setting, header)
    if len(set(chosen.values())) != len(chosen):
        raise BadSchemeSettings("The signature and the timestamp need a header each.")
    return CallbackScheme(known, chosen)


def _check_header(scheme: SchemeName, setting: str, header: str) -> None:
    if not header and (scheme, setting) in _OPTIONAL:
        return
    if not _HEADER.fullmatch(header) or header in _RESERVED:
        raise BadSchemeSettings(f"{header[:64]!r} cannot be the {setting} of {scheme}.", setting=setting)


def new_secret_for(scheme: SchemeName, *, is_simulated: bool) -> str:
    """A fresh secret of a scheme. Raises RailSecretNeeded where only the provider can make one."""
    if scheme == "ed25519":
        if not is_simulated:
            raise RailSecretNeeded("Give the Ed25519 public key of the provider.")
        return "whsk_" + _base64(Ed25519PrivateKey.generate().private_bytes_raw())
    return dice.token_hex(_KEY_BYTES) if scheme == "hmac_hex" else "whsec_" + _base64(os.urandom(_KEY_BYTES))


def check_secret_for(scheme: SchemeName, secret: str, *, is_simulated: bool) -> str:
    """The secret, when the scheme can use it. Raises UnusableRailSecret, which never tells the secret.

    A simulated rail signs itself, so it needs the private half of an Ed25519 key (``whsk_``), and an HMAC secret.
    """
    form, accepts = _FORMS[scheme]
    if not accepts(secret, is_simulated):
        raise UnusableRailSecret(f"A secret of {scheme} is {form}.", scheme=scheme)
    return secret


def carries_over(secret: str, *, old: SchemeName, new: SchemeName, is_simulated: bool) -> bool:
    """Whether a secret stays valid when its rail changes its scheme.

    A key that verified signatures never becomes the text of an HMAC secret: it is public, and whoever knows it could
    sign. Nor the other way round.
    """
    return _FORMS[new][1](secret, is_simulated) and _is_public(old, secret) == _is_public(new, secret)


def _is_public(scheme: SchemeName, secret: str) -> bool:
    return scheme == "ed25519" or secret.startswith("whpk_")


def _fits_standard(secret: str, is_simulated: bool) -> bool:
    if secret.startswith("whsec_"):
        return 16 <= len(_unbase64(secret.removeprefix("whsec_"))) <= 64
    return not is_simulated and _is_key(secret, "whpk_")


def _fits_text(secret: str, _: bool) -> bool:
    return _TEXT_SECRET.fullmatch(secret) is not None and not secret.startswith(_KEY_PREFIXES)


def _fits_ed25519(secret: str, is_simulated: bool) -> bool:
    if is_simulated:
        return _is_key(secret, "whsk_")
    return _is_key(secret, "whpk_") or _HEX_KEY.fullmatch(secret) is not None or _is_key(secret, "")


Accepts = Callable[[str, bool], bool]
_FORMS: Final[Mapping[SchemeName, tuple[str, Accepts]]] = {
    "standard_webhooks": ("whsec_ and 16 to 64 bytes in base64, or whpk_ and 32", _fits_standard),
    "stripe": ("16 to 256 printable ASCII characters, and no Ed25519 key", _fits_text),
    "hmac_hex": ("16 to 256 printable ASCII characters, and no Ed25519 key", _fits_text),
    "ed25519": ("a public key of 32 bytes in hex or base64, or whpk_ and base64 (a simulated rail: whsk_)",
                _fits_ed25519),
}  # fmt: skip


def _is_key(secret: str, prefix: str) -> bool:
    return secret.startswith(prefix) and len(_unbase64(secret.removeprefix(prefix))) == _KEY_BYTES


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
