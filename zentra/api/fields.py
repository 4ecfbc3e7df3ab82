"""The types of request bodies: strict, closed, and refusing with codes rather than with a library's words.

Every model is strict (no text becomes a number) and forbids fields that the contract does not name.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from zentra.core import clock, money

# The documents' word for the workspace's own currency.
LEDGER_CURRENCY: Final = "ledger_currency"
MAX_VERSION: Final = 2**31 - 1
MAX_METADATA_KEYS: Final = 50
MAX_METADATA_KEY: Final = 64
MAX_METADATA_VALUE: Final = 500
# An idempotency key: printable ASCII without spaces, as a header can carry it.
KEY_PATTERN: Final = r"^[\x21-\x7e]{1,255}$"
# RFC 3339, with a time zone: without one nobody knows which moment is meant.
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
# What a ledger can speak of, and every system that reads it can hold.
_FIRST_MOMENT: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LAST_MOMENT: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Body(BaseModel):
    """A request body."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _check_amount(value: Any) -> int:
    """A positive whole number of minor units. A bool is an int to Python, and a float or text somebody's rounding."""
    if type(value) is not int:
        raise PydanticCustomError("amount_not_integer", "must be an integer of minor units")
    if value <= 0:
        raise PydanticCustomError("amount_not_positive", "must be at least 1")
    if value > money.MAX_AMOUNT_MINOR:
        raise PydanticCustomError("amount_too_large", "must be at most 9007199254740991 (2^53−1)")
    return value


def _check_currency(value: str) -> str:
    try:
        return money.check_currency(value)
    except money.UnknownCurrency as error:
        raise PydanticCustomError("unknown_currency", "is not an ISO 4217 currency in use") from error


def _check_any_currency(value: str) -> str:
    return value if value == LEDGER_CURRENCY else _check_currency(value)


def _check_metadata(value: Any) -> dict[str, Any]:
    """Up to 50 short ASCII keys with texts, whole numbers, booleans or null: what canonical JSON can hold."""
    if not isinstance(value, dict):
        raise PydanticCustomError("wrong_type", "must be an object")
    if len(value) > MAX_METADATA_KEYS:
        raise PydanticCustomError("bad_length", "must have at most 50 keys")
    for key, item in value.items():
        if not key.isascii() or not 1 <= len(key) <= MAX_METADATA_KEY:
            raise PydanticCustomError("bad_format", "must have ASCII keys of 1 to 64 characters")
        _check_metadata_value(item)
    return value


def _check_metadata_value(item: Any) -> None:
    if isinstance(item, str):
        if len(item) > MAX_METADATA_VALUE:
            raise PydanticCustomError("bad_length", "must have values of at most 500 characters")
    elif isinstance(item, int):
        if not isinstance(item, bool) and abs(item) > money.MAX_AMOUNT_MINOR:
            raise PydanticCustomError("out_of_range", "must have numbers within 2^53−1")
    elif item is not None:
        raise PydanticCustomError("wrong_type", "must have texts, whole numbers, booleans or null as values")


def _check_moment(value: Any) -> datetime:
    """A moment of RFC 3339 with its zone, to the millisecond that hashes and answers have."""
    if not isinstance(value, str):
        raise PydanticCustomError("wrong_type", "must be a text such as 2026-04-01T12:00:00Z")
    if not _MOMENT.fullmatch(value):
        raise PydanticCustomError("bad_format", "must be a moment with its zone, such as 2026-04-01T12:00:00Z")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError("bad_format", "is no moment of the calendar") from error
    if not _FIRST_MOMENT <= moment <= _LAST_MOMENT:
        raise PydanticCustomError("out_of_range", "must lie between the years 1900 and 9000")
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _check_edge(value: Any) -> datetime:
    """A moment, or a day for its beginning in UTC."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        value += "T00:00:00Z"
    return _check_moment(value)


def _check_last(value: Any) -> datetime:
    """A moment that is included, or a day for its end in UTC."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return _check_moment(value + "T00:00:00Z") + timedelta(days=1) - timedelta(microseconds=1)
    return _check_moment(value)


def _check_signed(value: Any) -> int:
    """A whole number of minor units, of either sign: a limit or a threshold."""
    if type(value) is not int:
        raise PydanticCustomError("amount_not_integer", "must be an integer of minor units")
    if abs(value) > money.MAX_AMOUNT_MINOR:
        raise PydanticCustomError("out_of_range", "must lie within 2^53−1")
    return value


def _check_version(value: int) -> int:
    if not 1 <= value <= MAX_VERSION:
        raise PydanticCustomError("out_of_range", "must lie within 1 and 2^31−1")
    return value


# The version of a row that was looked at.
RowVersion = Annotated[int, AfterValidator(_check_version)]

AmountMinor = Annotated[
    int,
    PlainValidator(_check_amount),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": money.MAX_AMOUNT_MINOR}),
]
Currency = Annotated[str, AfterValidator(_check_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]
AnyCurrency = Annotated[
    str,
    AfterValidator(_check_any_currency),
    WithJsonSchema({"type": "string", "pattern": "^([A-Z]{3}|ledger_currency)$"}),
]
Metadata = Annotated[
    dict[str, Any],
    PlainValidator(_check_metadata),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MAX_METADATA_KEYS,
            "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
        }
    ),
]
SignedMinor = Annotated[
    int,
    PlainValidator(_check_signed),
    WithJsonSchema({"type": "integer", "minimum": -money.MAX_AMOUNT_MINOR, "maximum": money.MAX_AMOUNT_MINOR}),
]
Moment = Annotated[
    datetime,
    PlainValidator(_check_moment),
    PlainSerializer(clock.iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
# In addresses: the edge of a period, and "as of".
Edge = Annotated[datetime, PlainValidator(_check_edge), WithJsonSchema({"type": "string"})]
AsOf = Annotated[datetime, PlainValidator(_check_last), WithJsonSchema({"type": "string"})]
IntentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
IdempotencyKey = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
# A code, an id or a caller's reference: one line of visible text.
Reference = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(max_length=500)]
# Why somebody did something; people write it, so it is kept beside the ledger and never in a leaf.
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]

T = TypeVar("T")


class _NotNull:
    """What may be left out is not the same as what may be null: a null amount must never pass for no amount."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_refuse_null, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        variants = [each for each in described.pop("anyOf", ()) if each != {"type": "null"}]
        return variants[0] | described if variants else described


def _refuse_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("wrong_type", "must not be null; leave the field out instead")
    return value


# A field that may be left out. Its default of None never stands for a null that was sent.
Maybe = Annotated[T | None, _NotNull()]

SECONDS_OF_A_DAY: Final = 86_400
# How long what was valid before stays so: 0 to 7 days.
Overlap = Annotated[int, Field(ge=0, le=7 * SECONDS_OF_A_DAY)]
# A signing secret of the caller's own, whsec_ and base64.
OwnSecret = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class EmptyBody(Body):
    """Nothing has to be said."""

    idempotency_key: Maybe[IdempotencyKey] = None


class ReasonBody(Body):
    """Why."""

    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None
