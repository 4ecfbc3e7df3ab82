"""The body of a provider callback: strict JSON, read into one typed value."""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn, cast, get_args

from zentra.core import money
from zentra.core.errors import DomainError

Outcome = Literal["accepted", "succeeded", "settled", "declined", "failed"]
OUTCOMES: Final[frozenset[str]] = frozenset(get_args(Outcome))
_MAX_TEXT: Final = 200
# What of a callback moves money.
_SAID: Final = ("type", "reference", "amount_minor", "currency")


class MalformedCallback(DomainError):
    """The signature is good, but the body is not a callback that we understand. It is kept in quarantine."""

    code = "malformed_callback"
    status = 400
    title = "The callback cannot be read"


@dataclass(frozen=True, slots=True)
class ProviderOutcome:
    """What a rail says of one of our orders. ``amount_minor`` in minor units of ``currency``."""

    type: str
    outcome: Outcome
    reference: str
    provider_reference: str
    amount_minor: int
    currency: str


def parse_callback(body: bytes) -> ProviderOutcome:
    """Read a callback ``{type, reference, provider_reference, amount_minor, currency, …}``; unknown fields are ignored.

    ``type`` ends in the outcome: ``payment.succeeded``. Providers add fields without asking, hence the tolerance.

    Raises:
        MalformedCallback: not UTF-8, not strict JSON, or a field is missing or of the wrong kind.
    """
    fields = _parse_object(body)
    kind = _text(fields, "type")
    outcome = kind.rpartition(".")[2]
    if outcome not in OUTCOMES:
        raise MalformedCallback(f"The type {kind!r} names no outcome.", field="type")
    try:
        amount_minor = money.check_amount_minor(fields.get("amount_minor"))
        currency = money.check_currency(_text(fields, "currency"))
    except MalformedCallback:
        raise
    except DomainError as error:
        at = "currency" if isinstance(error, money.UnknownCurrency) else "amount_minor"
        raise MalformedCallback(error.detail, field=at) from error
    return ProviderOutcome(
        type=kind,
        outcome=cast(Outcome, outcome),
        reference=_text(fields, "reference"),
        provider_reference=_text(fields, "provider_reference"),
        amount_minor=amount_minor,
        currency=currency,
    )


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise MalformedCallback(_where(error)) from error
    if not isinstance(value, dict):
        raise MalformedCallback("The body is not a JSON object.")
    return value


def _where(error: Exception) -> str:
    """Where reading stopped, for whoever corrects it; never what stands there."""
    if isinstance(error, UnicodeDecodeError):
        return f"The body is not UTF-8: byte {error.start + 1} cannot be read."
    if isinstance(error, json.JSONDecodeError):
        return f"The body is not strict JSON: {error.msg}, line {error.lineno} column {error.colno}."
    return f"The body is not strict JSON: {type(error).__name__}."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedCallback("The body names a field twice.")
    return fields


def _refuse_constant(word: str) -> NoReturn:
    raise MalformedCallback(f"{word} is not JSON.")


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    # PostgreSQL text cannot hold NUL, and no identifier has a control character.
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise MalformedCallback(
            f"The field {name!r} must be text of 1 to {_MAX_TEXT} printable characters.", field=name
        )
    return value


def peek_event_id(body: bytes) -> str:
    """The provider's event id in a *verified* body; without one the body's hash, so that its copies are repeats."""
    try:
        return _text(_parse_object(body), "id")
    except MalformedCallback:
        return "sha256:" + hashlib.sha256(body).hexdigest()


def find_contradiction(original: bytes, corrected: bytes) -> str | None:
    """The field in which a corrected body says something else than the *verified* original, which can be read there.

    None when it says the same of outcome, reference and money as far as the original says anything of them. Raises
    MalformedCallback for a correction that is no callback.
    """
    wanted, fixed = parse_callback(corrected), _parse_object(corrected)
    try:
        said = _parse_object(original)
    except MalformedCallback:
        return None
    for name in _SAID:
        if isinstance(said.get(name), str | int) and _is_other(wanted, fixed, {name: said[name]}):
            return name
    return None


def _is_other(wanted: ProviderOutcome, fixed: dict[str, Any], said: dict[str, Any]) -> bool:
    """Whether the callback would be another with what was said; what cannot be read by itself says nothing."""
    words = {name: fixed[name] for name in (*_SAID, "provider_reference")} | said
    try:
        kept = parse_callback(json.dumps(words).encode())
    except MalformedCallback:
        return False
    return replace(kept, type=wanted.type) != wanted
