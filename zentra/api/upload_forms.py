"""Files that come as a part of a form (``multipart/form-data``, RFC 7578), written on piece by piece.

The part ``file`` goes to the caller's file as it arrives, whatever its size; the other parts are short texts. A form
that was cut off is refused: half a file is never imported as if whole.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final, cast

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from zentra.api.parser import LARGEST_IMPORT, BodyIncomplete
from zentra.core.errors import DomainError

FORM: Final = "multipart/form-data"
FILE: Final = "file"
_TAIL_BYTES: Final = 1024  # the last boundary, and what may follow it


class UploadInvalid(DomainError):
    """The form holds no file, more than one, a part twice, has no end, or is no form; nothing of it was kept."""

    code = "upload_invalid"
    title = "The form with the file cannot be read"


@dataclass(frozen=True, slots=True)
class Form:
    """What a form said beside its file: each part once. ``sha256`` is the file's."""

    fields: Mapping[str, str]
    file_name: str
    sha256: str


def is_form(request: HttpRequest) -> bool:
    """Whether the body says that it is a form with files."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == FORM


def take_form(request: HttpRequest, file: IO[bytes], *, too_large: Callable[[str], DomainError]) -> Form:
    """Copy the part ``file`` to ``file`` and read the other parts.

    Raises UploadInvalid, BodyIncomplete, and what ``too_large`` makes of a sentence.
    """
    body, keeper = _Body(request), _Keeper(file, too_large)
    # Without a declared length (chunked) Django's parser would take the form for empty.
    meta = request.META | {"CONTENT_LENGTH": request.META.get("CONTENT_LENGTH") or "1"}
    try:
        stream = cast(Any, body)  # of a stream the parser asks nothing but to be read
        parser = MultiPartParser(meta, stream, [keeper], request.encoding or "utf-8")
        fields, _ = parser.parse()
    except MultiPartParserError as error:
        raise UploadInvalid("The body is no form: its content type has to name the boundary.") from error
    except SuspiciousOperation as error:  # more parts, or longer ones, than any form of ours has
        raise UploadInvalid("The form has too many parts, or one beside the file that is too long.") from error
    body.check_whole(meta["CONTENT_TYPE"])
    if not keeper.files:
        raise UploadInvalid("There is no part named file with a file in it.", field=FILE)
    twice = [name for name, values in fields.lists() if len(values) > 1]
    if twice:
        raise UploadInvalid(f"The part {twice[0][:40]!r} is there twice.", field=twice[0][:40])
    said = {name: str(value) for name, value in fields.items()}
    return Form(fields=said, file_name=keeper.name, sha256=keeper.digest.hexdigest())


class _Keeper(FileUploadHandler):
    """Writes the one file of a form to where it was asked to be, and nowhere else."""

    def __init__(self, target: IO[bytes], too_large: Callable[[str], DomainError]) -> None:
        super().__init__()
        self.files, self.name, self.digest = 0, "", hashlib.sha256()
        self._target, self._too_large, self._taken = target, too_large, 0

    def new_file(self, field_name: str, file_name: str, *args: Any, **more: Any) -> None:
        """Refuse a second file, and one under another name."""
        super().new_file(field_name, file_name, *args, **more)
        self.files += 1
        if field_name != FILE:
            raise UploadInvalid(f"A file came as {field_name[:40]!r}; its part is named file.", field=field_name[:40])
        if self.files > 1:
            raise UploadInvalid("There are two files; one import is one file.", field=FILE)
        self.name = file_name

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002  # Django's word for it
        """Write a piece on."""
        self._taken += len(raw_data)
        if self._taken > LARGEST_IMPORT:
            raise self._too_large(f"A file of at most {LARGEST_IMPORT} bytes can be sent.")
        self.digest.update(raw_data)
        self._target.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        """Nothing is handed on: the file is where it should be."""


class _Body:
    """The body as a stream that remembers how much came and how it ended."""

    def __init__(self, request: HttpRequest) -> None:
        self._request, self._taken, self._tail = request, 0, b""

    def read(self, size: int = -1) -> bytes:
        """The next piece; raises BodyIncomplete when the connection is lost."""
        try:
            piece = self._request.read(size)
        except UnreadablePostError as error:
            raise BodyIncomplete("The connection was lost before the end of the body.") from error
        self._taken += len(piece)
        self._tail = (self._tail + piece)[-_TAIL_BYTES:]
        return piece

    def check_whole(self, content_type: str) -> None:
        """Refuse a body without its end, which the parser takes for whole; raises BodyIncomplete, UploadInvalid."""
        boundary = content_type.partition("boundary=")[2].partition(";")[0].strip().strip('"')
        declared = self._request.META.get("CONTENT_LENGTH") or ""
        if declared.isascii() and declared.isdigit() and self._taken < int(declared):
            raise BodyIncomplete(f"{self._taken} of {declared} bytes came.")
        if f"--{boundary}--".encode() not in self._tail:
            raise UploadInvalid("The form ends before its last boundary.")
