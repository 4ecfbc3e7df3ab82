"""Files that come as the body itself."""

import hashlib
from collections.abc import Callable
from typing import IO, Final

from django.http import HttpRequest, UnreadablePostError

from zentra.api.parser import LARGEST_IMPORT, BodyIncomplete
from zentra.core.errors import DomainError

_PIECE_BYTES: Final = 64 * 1024


def take_in(request: HttpRequest, file: IO[bytes], *, too_large: Callable[[str], DomainError]) -> str:
    """Copy the body to a file that can be read again; its SHA-256, which stands for it in the fingerprint.

    Raises what ``too_large`` makes of a sentence, and BodyIncomplete for one that was cut off: half a file is never
    imported as if whole.
    """
    digest = hashlib.sha256()
    taken = 0
    while piece := _read(request):
        taken += len(piece)
        if taken > LARGEST_IMPORT:
            raise too_large(f"A file of at most {LARGEST_IMPORT} bytes can be sent.")
        digest.update(piece)
        file.write(piece)
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isascii() and declared.isdigit() and taken < int(declared):
        raise BodyIncomplete(f"{taken} of {declared} bytes came.")
    return digest.hexdigest()


def _read(request: HttpRequest) -> bytes:
    try:
        return request.read(_PIECE_BYTES)
    except UnreadablePostError as error:
        raise BodyIncomplete("The connection was lost before the end of the body.") from error
