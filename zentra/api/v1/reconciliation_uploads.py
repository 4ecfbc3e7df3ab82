"""How a statement file is sent: as the body itself with words in the address, or in a form with words beside it."""

from collections.abc import Mapping
from typing import IO, Annotated, Any, Final, get_args

from django.http import HttpRequest
from ninja.errors import ValidationError as NinjaValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zentra.api.parser import LARGEST_IMPORT, MalformedJson, UnsupportedContentType, parse_object
from zentra.api.upload_forms import FORM, UploadInvalid, is_form, take_form
from zentra.api.uploads import take_in
from zentra.core.errors import DomainError
from zentra.reconciliation.statements.errors import StatementFileTooLarge
from zentra.reconciliation.statements.types import StatementFormat

_MEDIA_TYPES: Final[dict[str, frozenset[str]]] = {
    "camt053": frozenset(["application/xml", "text/xml"]),
    "csv": frozenset(["text/csv"]),
    "settlement": frozenset(["text/csv"]),
}
_PLAIN: Final = frozenset(["text/plain", "application/octet-stream"])  # formats that have no media type of their own
_TEXT: Final = {"schema": {"type": "string"}}
_FORM: Final = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "format": {"type": "string", "enum": list(get_args(StatementFormat))},
            "account_id": {"type": "string", "maxLength": 60},
            "dry_run": {"type": "boolean"},
            "file_name": {"type": "string", "maxLength": 200},
            "mapping": {"type": "string", "description": "A CSV mapping for this file alone, as one JSON object."},
        },
    }
}
BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/xml": _TEXT, "text/csv": _TEXT, "text/plain": _TEXT, FORM: _FORM},
    }
}


class _Words(BaseModel):
    """The words of an import; texts of a form become what they stand for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: StatementFormat
    account_id: Annotated[str, Field(max_length=60)] | None = None
    dry_run: bool = False
    file_name: Annotated[str, Field(max_length=200)] = ""
    mapping: Annotated[str, Field(max_length=20_000)] | None = None


class ImportWords:
    """What was asked of an import. ``mapping`` is for this file alone; ``said`` stands for all of it in the
    fingerprint, so that a form and a body that say the same are one request.
    """

    def __init__(self, words: _Words, sha256: str) -> None:
        self.format = words.format
        self.account_id = words.account_id
        self.dry_run = words.dry_run
        self.file_name = words.file_name
        self.mapping = None if words.mapping is None else _mapping(words.mapping)
        self._sha256 = sha256

    def said(self) -> dict[str, Any]:
        """The caller's words, with the file as its hash."""
        said = {
            "format": self.format, "account_id": self.account_id, "dry_run": self.dry_run,
            "file_name": self.file_name, "sha256": self._sha256,
        }  # fmt: skip
        return said if self.mapping is None else said | {"mapping": self.mapping}


def read_import(request: HttpRequest, file: IO[bytes], asked: Mapping[str, Any]) -> ImportWords:
    """Copy the file to ``file`` and read what is said about it; ``asked`` is what the address says.

    Raises UnsupportedContentType, UploadInvalid, StatementFileTooLarge, BodyIncomplete, MalformedJson for a mapping,
    and django-ninja's ValidationError for words that are missing or wrong.
    """
    _check_encoding(request)
    if not is_form(request):
        words = _read(asked)
        _check_media_type(request, words.format)
        return ImportWords(words, take_in(request, file, too_large=_too_large))
    form = take_form(request, file, too_large=_too_large)
    twice = sorted(set(form.fields) & set(asked))
    if twice:
        raise UploadInvalid(f"{twice[0]} is in the address and in the form; say it once.", field=twice[0])
    return ImportWords(_read({"file_name": form.file_name[-200:], **form.fields, **asked}), form.sha256)


def _read(said: Mapping[str, Any]) -> _Words:
    try:
        return _Words.model_validate(dict(said))
    except ValidationError as error:
        told = error.errors(include_url=False)
        raise NinjaValidationError([{**each, "loc": ("query", *each["loc"])} for each in told]) from error


def _mapping(text: str) -> dict[str, Any]:
    try:
        return parse_object(text.encode("utf-8", "replace"))
    except MalformedJson as error:
        raise UploadInvalid(f"The part mapping is not one JSON object: {error.detail}", field="mapping") from error


def _too_large(detail: str) -> DomainError:
    return StatementFileTooLarge(detail, most_bytes=LARGEST_IMPORT)


def _check_encoding(request: HttpRequest) -> None:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedContentType(f"The content encoding {encoding[:40]!r} is not accepted; send the file itself.")


def _check_media_type(request: HttpRequest, form: StatementFormat) -> None:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    taken = _MEDIA_TYPES.get(form, _PLAIN)
    if media_type not in taken:
        fitting = " or ".join(sorted(taken))
        raise UnsupportedContentType(
            f"The content type is {media_type[:80]!r}; send {fitting} for {form}, or a form as {FORM}."
        )
