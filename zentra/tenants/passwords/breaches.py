"""Whether a password is in a sorted list of SHA-1 digests, as Have I Been Pwned publishes it; nothing is sent anywhere.

The list has one digest a line, in upper-case hexadecimals and ascending, each with ``:`` and a count or without. It is
searched by halves where it lies: some twenty-six reads of a line for the whole list, which is never loaded.
"""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Final

_DIGEST: Final = 40


def is_breached(password: str, *, path: str) -> bool:
    """Whether the list at ``path`` has this password; raises OSError when it cannot be read."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with Path(path).open("rb") as listing:
        return _holds(listing, digest)


def _holds(listing: BinaryIO, digest: bytes) -> bool:
    """Find the first line that is not before ``digest``; ``low`` always is the start of a line."""
    low, high = 0, os.fstat(listing.fileno()).st_size
    while low < high:
        middle = (low + high) // 2
        listing.seek(middle)
        if middle > low:
            listing.readline()  # the rest of a line that begins before
        start = listing.tell()
        if start >= high:
            # No line begins in the upper half: look at the one at ``low``, then give up or go on behind it.
            listing.seek(low)
            return any(line[:_DIGEST].upper() == digest for line in listing.read(high - low).splitlines())
        line = listing.readline()
        found = line[:_DIGEST].upper()
        if found == digest:
            return True
        if found < digest:
            low = listing.tell()
        else:
            high = start
    return False
