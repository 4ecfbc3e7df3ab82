"""Strict JSON. Two parsers must never read one body differently, so what is ambiguous in JSON is refused here.

Refused before any field is looked at: another content type, more than 256 KiB (a batch: 1 MiB), a byte order mark,
bytes that are not UTF-8, a key twice in one object, NaN and Infinity, nesting deeper than 20, and characters that
PostgreSQL or canonical JSON cannot hold (NUL and lone surrogates). Sources: RFC 8259 sections 4 and 8, RFC 7493
(I-JSON).
"""

import json
from collections import Counter
from typing import Any, Final

from django.http import HttpRequest, UnreadablePostError
from ninja.parser import Parser

from zentra.core.errors import DomainError

MAX_BODY_BYTES: Final = 256 * 1024
# A batch of a thousand postings, up to what the server reads of any body.
MAX_BATCH_BYTES: Final = 1024 * 1024
_BATCH: Final = "/ledger-entries/batch"
# A file to import is no JSON: it is never in memory, and read piece by piece.
LARGEST_IMPORT: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 20


class UnsupportedContentType(DomainError):
    """The body is not declared as JSON in UTF-8, a file not as what its door reads, or it is compressed."""

    code = "unsupported_content_type"
    status = 415
    title = "The body is not of a type that is read here"


class BodyTooLarge(DomainError):
    """The body is larger than 256 KiB, or a batch than 1 MiB."""

    code = "body_too_large"
    status = 413
    title = "The body is too large"


class BodyIncomplete(DomainError):
    """The body is shorter than its declared length: it was cut off, or came too slowly. Nothing was done."""

    code = "body_incomplete"
    status = 408
    title = "The body did not arrive in full"
    retryable = True


class MalformedJson(DomainError):
    """The body is not one JSON object that every parser reads alike."""

    code = "malformed_json"
    status = 400
    title = "The body is not valid JSON"


class DuplicateKey(MalformedJson):
    """An object names a key twice."""

    code = "duplicate_key"
    title = "An object in the body names a key twice"


class TooDeep(MalformedJson):
    """The body nests deeper than 20 levels."""

    code = "json_too_deep"
    title = "The body is nested too deeply"


class StrictParser(Parser):
    """What django-ninja reads request bodies with."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The body's object; raises one of this module's errors."""
        check_size(request)
        check_content_type(request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", ""))
        return parse_object(request.body)


def check_size(request: HttpRequest) -> None:
    """Refuse a body over the limit, and one that was cut off; raises BodyTooLarge, BodyIncomplete."""
    most = MAX_BATCH_BYTES if request.path.endswith(_BATCH) else MAX_BODY_BYTES
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if (declared.isdigit() and int(declared) > most) or len(_read(request)) > most:
        raise BodyTooLarge(f"A body has at most {most} bytes here.", max_bytes=most)
    if declared.isdigit() and "HTTP_TRANSFER_ENCODING" not in request.META and len(request.body) < int(declared):
        raise BodyIncomplete(f"{len(request.body)} of {declared} bytes came.")


def _read(request: HttpRequest) -> bytes:
    try:
        return request.body
    except UnreadablePostError as error:
        raise BodyIncomplete("The connection was lost before the end of the body.") from error


def check_content_type(content_type: str, content_encoding: str = "") -> None:
    """Refuse what is not plain JSON in UTF-8; raises UnsupportedContentType."""
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in {"", "charset=utf-8"}:
        raise UnsupportedContentType(f"The content type is {content_type[:80]!r}; send application/json in UTF-8.")
    if content_encoding.lower() not in {"", "identity"}:
        raise UnsupportedContentType(f"The content encoding {content_encoding[:40]!r} is not accepted.")


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in the bytes; raises MalformedJson or one of its kinds."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise MalformedJson("The body begins with a byte order mark.")
    try:
        text = body.decode("utf-8")
        value = _decode(text)
    except UnicodeDecodeError as error:
        raise MalformedJson(f"The body is not UTF-8 at byte {error.start}.") from error
    except RecursionError as error:
        raise TooDeep(f"The body nests deeper than {MAX_DEPTH} levels.") from error
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}.") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise MalformedJson("A number in the body is too long.") from error
    if not isinstance(value, dict):
        raise MalformedJson("The body must be one JSON object.")
    check_depth(value)
    # Only an escape can bring these in: raw ones are refused by UTF-8 and by JSON itself.
    if "\\u" in text:
        check_text(value)
    return value


def check_depth(value: Any) -> None:
    """Refuse nesting beyond the limit, level by level and without recursion; raises TooDeep."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise TooDeep(f"The body nests deeper than {MAX_DEPTH} levels.", max_depth=MAX_DEPTH)


def check_text(value: Any) -> None:
    """Refuse NUL and lone surrogates anywhere in a value; raises MalformedJson."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise MalformedJson("A text in the body holds a NUL or half of a surrogate pair.")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key)
            check_text(item)
    elif isinstance(value, list):
        for item in value:
            check_text(item)


def _refuse_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not JSON.")


def _read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise DuplicateKey(f"The key {twice[:80]!r} is there twice.", key=twice[:80])
    return read


_decode: Final = json.JSONDecoder(object_pairs_hook=_read_pairs, parse_constant=_refuse_constant).decode
