"""The restricted canonical JSON of events and manifests, read strictly: the bytes must be the only way to write it."""

import hashlib
import json
from typing import Any, Final, NoReturn

from evidence.verifier.errors import VerificationError

MAX_INTEGER: Final = 2**53 - 1


def dumps(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_hex(content: bytes) -> str:
    """SHA-256 as lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def read_object(content: bytes, *, what: str) -> dict[str, Any]:
    """The JSON object that these canonical bytes say; raises VerificationError naming ``what``."""
    try:
        value = json.loads(
            content.decode(),
            object_pairs_hook=_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_integer,
        )
        again = dumps(value)
    except (ValueError, RecursionError) as error:
        raise VerificationError(f"{what} is not canonical JSON: {error}") from error
    if not isinstance(value, dict):
        raise VerificationError(f"{what} is not a JSON object")
    if again != content:
        raise VerificationError(f"{what} is not canonical JSON: its keys or spaces could have been written otherwise")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    if not all(key.isascii() for key in value):
        raise ValueError("a key is not ASCII")
    return value


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) > MAX_INTEGER or str(value) != text:
        raise ValueError("an integer is beyond 2^53−1 or oddly written")
    return value


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a whole number")
