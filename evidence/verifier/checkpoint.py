"""Checkpoints (c2sp.org/tlog-checkpoint) and offline inclusion proofs (c2sp.org/tlog-proof), as text."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.verifier.errors import VerificationError
from evidence.verifier.note import Verifier, decode_base64
from evidence.verifier.tree import HASH_LENGTH

PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: this log, at this many leaves, has this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text to sign."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Where a leaf stands, its audit path, and the signed checkpoint to which the path leads."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes

    def encode(self) -> bytes:
        """The proof as a ``.tlog-proof`` file."""
        lines = [PROOF_HEADER, f"index {self.index}", *(base64.b64encode(value).decode() for value in self.hashes)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint


def open_checkpoint(note: bytes, verifier: Verifier, *, what: str = "the checkpoint") -> TreeHead:
    """Check a checkpoint's signature and origin against a key from outside; raises VerificationError."""
    lines = verifier.open(note, what=what).split("\n")[:-1]
    if len(lines) < 3 or "" in lines:
        raise VerificationError(f"{what} does not hold an origin, a size and a root")
    origin, size, root = lines[:3]
    if origin != verifier.name:
        raise VerificationError(f"{what} is of the log {origin}, not of {verifier.name}")
    value = decode_base64(root, f"the root in {what}")
    if len(value) != HASH_LENGTH:
        raise VerificationError(f"the root in {what} is not {HASH_LENGTH} bytes long")
    return TreeHead(origin=origin, size=_decimal(size, f"the size in {what}"), root=value)


def parse_proof(content: bytes, *, what: str) -> InclusionProof:
    """Read a ``.tlog-proof`` file; raises VerificationError. Its checkpoint is not yet verified."""
    head, gap, checkpoint = content.partition(b"\n\n")
    try:
        lines = head.decode().split("\n")
    except UnicodeDecodeError as error:
        raise VerificationError(f"{what} is not text") from error
    if not gap or lines[0] != PROOF_HEADER or len(lines) < 2 or not lines[1].startswith("index "):
        raise VerificationError(f"{what} is not an inclusion proof ({PROOF_HEADER})")
    index = _decimal(lines[1].removeprefix("index "), f"the index in {what}")
    hashes = [decode_base64(line, f"a hash in {what}") for line in lines[2:]]
    return InclusionProof(index=index, hashes=hashes, checkpoint=checkpoint)


def _decimal(text: str, what: str) -> int:
    if not _DECIMAL.fullmatch(text):
        raise VerificationError(f"{what} is not a decimal number")
    return int(text)
