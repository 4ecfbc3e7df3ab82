"""One shape for every refusal: RFC 9457 ``application/problem+json`` with a stable ``code``.

``{type, title, status, detail, code, retryable, request_id, trace_id, errors: [{pointer, code, detail}], …}``. What a
DomainError carries in ``extra`` is added as members of its own, never over the standard ones.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError

from zentra.api import parser
from zentra.core import telemetry
from zentra.core.errors import DomainError

CONTENT_TYPE: Final = "application/problem+json"
# Absolute, as RFC 9457 section 3.1.1 recommends, and no server has to answer for it.
TYPE_BASE: Final = "urn:zentra:problem:"
_QUERY_CANCELED: Final = "57014"

# django-ninja answers these itself unless a handler of exactly their type is registered.
NINJA_ERRORS: Final = (Http404, HttpError, ValidationError)

log = structlog.get_logger(__name__)


class RouteNotFound(DomainError):
    """There is no such address, or no such thing in this workspace."""

    code = "not_found"
    status = 404
    title = "There is nothing here"


class MethodNotAllowed(DomainError):
    """The address exists, with other methods; ``Allow`` names them."""

    code = "method_not_allowed"
    status = 405
    title = "The method is not allowed here"


class InternalError(DomainError):
    """We failed. Ask again with the same idempotency key; the request id finds it in our log."""

    code = "internal_error"
    status = 500
    title = "Something failed on our side"
    retryable = True


class Unavailable(DomainError):
    """The database is away or too busy to answer in time. Nothing was done, or its idempotency key knows what was."""

    code = "unavailable"
    status = 503
    title = "Not available for a moment"
    retryable = True
    retry_after = 1


class TookTooLong(DomainError):
    """A statement of the request ran longer than one may. PostgreSQL ended it and its transaction: nothing was done."""

    code = "took_too_long"
    status = 504
    title = "It took too long and was ended"
    retryable = True
    retry_after = 1


class BadRequest(DomainError):
    """The request is malformed before its body was looked at."""

    code = "bad_request"
    status = 400
    title = "The request is malformed"


class InvalidRequest(DomainError):
    """Several fields are wrong in different ways; ``errors`` has each."""

    code = "invalid_request"
    status = 422
    title = "Some fields are not valid"


# The code of a field's error, by the type that pydantic gives it. What our own validators raise are codes already.
FIELD_CODES: Final[Mapping[str, str]] = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "string_type": "wrong_type",
    "int_type": "wrong_type",
    "int_parsing": "wrong_type",
    "int_from_float": "wrong_type",
    "bool_type": "wrong_type",
    "dict_type": "wrong_type",
    "list_type": "wrong_type",
    "model_type": "wrong_type",
    "model_attributes_type": "wrong_type",
    "string_pattern_mismatch": "bad_format",
    "string_too_short": "bad_length",
    "string_too_long": "bad_length",
    "too_short": "bad_length",
    "too_long": "bad_length",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "literal_error": "not_one_of",
    "enum": "not_one_of",
}
# What a field's code is called for the request as a whole, where that differs.
_REQUEST_CODES: Final[Mapping[str, str]] = {
    "amount_not_integer": "invalid_amount",
    "amount_not_positive": "invalid_amount",
    "amount_too_large": "invalid_amount",
}
FIELD_TITLES: Final[Mapping[str, str]] = {
    "missing_field": "A required field is missing",
    "unknown_field": "The contract does not know this field",
    "wrong_type": "The value has another type than the contract says",
    "bad_format": "The text does not have the form that the contract says",
    "bad_length": "The value is too short or too long",
    "out_of_range": "The number is outside of the allowed range",
    "not_one_of": "The value is not one of the allowed ones",
    "invalid_field": "The value is not valid",
    "invalid_amount": "The amount is not a positive integer of minor units",
    "amount_not_integer": "The amount is a float, a text or another thing that is no integer",
    "amount_not_positive": "The amount is zero or negative",
    "amount_too_large": "The amount is beyond 2^53−1",
    "unknown_primitive": "There is no primitive of this name",
    "unknown_money_model": "There is one money model: minor_units + ledger_currency",
    "unknown_kind": "There is no kind of intent of this name",
    "unknown_account_type": "There is no account type of this name",
}


def problem_response(error: DomainError, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The answer that a refusal becomes."""
    answer = _answer(describe_refusal(error), headers)
    if error.retry_after is not None:
        answer["Retry-After"] = str(error.retry_after)
    for name, value in getattr(error, "headers", {}).items():
        answer[name] = value
    return answer


def describe_refusal(error: DomainError) -> dict[str, Any]:
    """The problem document of a refusal: also of one among many, which is no answer by itself."""
    return _document(
        code=error.code,
        status=error.status,
        title=error.title,
        detail=error.detail,
        retryable=error.retryable,
        extra=error.extra,
    )


def build_problem(
    *,
    code: str,
    status: int,
    title: str,
    detail: str,
    retryable: bool = False,
    errors: Sequence[Mapping[str, str]] = (),
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A problem document as an answer."""
    document = _document(
        code=code, status=status, title=title, detail=detail, retryable=retryable, errors=errors, extra=extra
    )
    return _answer(document, headers)


def _document(
    *,
    code: str,
    status: int,
    title: str,
    detail: str,
    retryable: bool = False,
    errors: Sequence[Mapping[str, str]] = (),
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": TYPE_BASE + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retryable,
        "request_id": telemetry.request_id(),
        "trace_id": telemetry.trace_id(),
    }
    if errors:
        document["errors"] = list(errors)
    for name, value in (extra or {}).items():
        document.setdefault(name, value)
    return document


def _answer(document: Mapping[str, Any], headers: Mapping[str, str] | None) -> HttpResponse:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    answer = HttpResponse(body, status=document["status"], content_type=CONTENT_TYPE, headers=dict(headers or {}))
    # Read back by those who record refusals, so that nobody parses our own answer.
    answer.problem_code = document["code"]  # type: ignore[attr-defined]
    return answer


def validation_response(errors: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """The answer to fields that are not valid: each named by a JSON pointer (RFC 6901) or by its query parameter."""
    if any(error["type"] == "missing" and len(error["loc"]) <= 2 and error["loc"][0] == "body" for error in errors):
        # django-ninja does not parse what is empty.
        return problem_response(parser.MalformedJson("The body is empty; send one JSON object."))
    described = [_describe(error) for error in errors]
    codes = {_REQUEST_CODES.get(error["code"], error["code"]) for error in described}
    code = codes.pop() if len(codes) == 1 else InvalidRequest.code
    return build_problem(
        code=code,
        status=422,
        title=FIELD_TITLES.get(code, InvalidRequest.title),
        detail=" ".join(error["detail"] for error in described[:5]),
        errors=described[:50],
    )


def exception_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to anything that a view raises."""
    if isinstance(error, DomainError):
        if error.status >= 500:
            log.error("api.domain_error", code=error.code, detail=error.detail, exc_info=error)
        # Such a one speaks of our insides, of a tenant boundary for instance; the log has it, the caller needs it not.
        return problem_response(InternalError() if error.status == 500 else error)
    if isinstance(error, ValidationError):
        return validation_response(error.errors)
    if isinstance(error, HttpError):
        return _http_error_response(error)
    if isinstance(error, Http404):
        return problem_response(RouteNotFound())
    if isinstance(error, RequestDataTooBig):
        return problem_response(parser.BodyTooLarge())
    if isinstance(error, OperationalError | InterfaceError):
        log.error("api.database_error", method=request.method, path=request.path, exc_info=error)
        ended = getattr(error.__cause__, "sqlstate", None) == _QUERY_CANCELED
        return problem_response(TookTooLong() if ended else Unavailable())
    log.error("api.unexpected_error", method=request.method, path=request.path, exc_info=error)
    return problem_response(InternalError())


def status_response(status: int, *, allow: str | None = None) -> HttpResponse:
    """The problem for a bare status that Django answered with, such as 404 or 405."""
    if status == 404:
        return problem_response(RouteNotFound())
    if status == 405:
        return problem_response(MethodNotAllowed(), headers={"Allow": allow} if allow else None)
    if status == 413:
        return problem_response(parser.BodyTooLarge())
    if status < 500:
        return build_problem(code=BadRequest.code, status=status, title=BadRequest.title, detail=BadRequest.title)
    return problem_response(InternalError())


def _http_error_response(error: HttpError) -> HttpResponse:
    # django-ninja wraps what a parser raises; the reason is what the caller needs.
    if isinstance(error.__cause__, DomainError):
        return problem_response(error.__cause__)
    return status_response(error.status_code)


def _describe(error: Mapping[str, Any]) -> dict[str, str]:
    """One field's error. ``loc`` starts with where (body, query, path) and, for a body, the parameter's own name."""
    where, *path = error["loc"]
    kind = str(error["type"])
    code = FIELD_CODES.get(kind, kind if kind in FIELD_TITLES or kind in _OWN_KINDS else "invalid_field")
    if where != "body":
        name = str(path[-1]) if path else ""
        return {"parameter": name, "code": code, "detail": f"{name}: {error['msg']}."}
    fields = path[1:]
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in fields)
    return {"pointer": pointer, "code": code, "detail": f"{pointer or 'The body'}: {str(error['msg']).rstrip('.')}."}


# Codes that validators take over from the domain, where they are documented.
_OWN_KINDS: Final = frozenset({"unknown_currency", "not_canonical", "bad_id"})


class FieldRefusal(DomainError):
    """A refusal of one field that its type alone cannot see; subclasses give the code."""

    code = "invalid_field"
    title = "The value is not valid"

    def __init__(self, pointer: str, reason: str) -> None:
        detail = f"{pointer}: {reason}."
        super().__init__(detail, errors=[{"pointer": pointer, "code": self.code, "detail": detail}])


class MissingField(FieldRefusal):
    """The request says a part of something and leaves out another that goes with it."""

    code = "missing_field"
    title = "A required field is missing"


class ConflictingFields(FieldRefusal):
    """Two fields say the same thing in two ways, or do not go together."""

    code = "conflicting_fields"
    title = "Two fields exclude each other"
