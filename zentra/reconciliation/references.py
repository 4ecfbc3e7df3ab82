"""References as both sides of a reconciliation compare them: banks, rails and the ledger write the same one unlike."""

import re
import unicodedata
from typing import Final

MAX_REFERENCE: Final = 64

_NOT_COMPARED: Final = re.compile(r"[^A-Z0-9]+")
_SAYS_NOTHING: Final = frozenset(["NOTPROVIDED", "NONREF", "NONE"])


def normalise_reference(text: str) -> str:
    """The reference as it is compared: NFKC, upper case, ``A-Z0-9`` alone, no leading zeros, at most 64 characters.

    What says that there is none (``NOTPROVIDED`` of ISO 20022, ``NONREF`` of MT940, ``NONE``) is empty, and so is one
    of zeros alone.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    kept = _NOT_COMPARED.sub("", plain.upper()).lstrip("0")[:MAX_REFERENCE]
    return "" if kept in _SAYS_NOTHING else kept
