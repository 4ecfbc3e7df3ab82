"""C2SP signed notes with Ed25519 keys (c2sp.org/signed-note): text, an empty line, and signature lines.

A verifier key is ``name+hash+base64(0x01 ‖ public key)``, where the hash is the first four bytes of
SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key) in hex. The 0x01 says Ed25519.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidence.verifier.errors import VerificationError

ED25519: Final = b"\x01"
MAX_NOTE_BYTES: Final = 64 * 1024
_DASH: Final = "— "


def decode_base64(text: str, what: str) -> bytes:
    """Strict standard base64 with padding: one text for each value; raises VerificationError naming ``what``."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise VerificationError(f"{what} is not base64") from error
    if base64.b64encode(value).decode() != text:
        raise VerificationError(f"{what} is not canonical base64")
    return value


def _key_hash(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]


def _check_name(name: str) -> None:
    if not name or "+" in name or not name.isprintable() or any(char.isspace() for char in name):
        raise VerificationError("the key's name is empty, or holds a space or a plus sign")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key and the name of the log that it speaks for."""

    name: str
    public_key: bytes

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read a note verifier key; raises VerificationError."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise VerificationError("the key given is not a note verifier key (name+hash+base64)")
        name, hexadecimal, encoded = parts
        _check_name(name)
        key = decode_base64(encoded, "the key given")
        if len(key) != 33 or key[:1] != ED25519:
            raise VerificationError("the key given is not an Ed25519 key")
        if _key_hash(name, key).hex() != hexadecimal:
            raise VerificationError("the key given is damaged: its hash does not match its name and bytes")
        return cls(name=name, public_key=key[1:])

    def __str__(self) -> str:
        key = ED25519 + self.public_key
        return f"{self.name}+{_key_hash(self.name, key).hex()}+{base64.b64encode(key).decode()}"

    def open(self, note: bytes, *, what: str) -> str:
        """The text of a note that this key signed; raises VerificationError naming ``what``."""
        text, signatures = _split(note, what)
        expected = _key_hash(self.name, ED25519 + self.public_key)
        named = [value for name, value in signatures if name == self.name]
        if not named:
            others = ", ".join(sorted({name for name, _ in signatures}))
            raise VerificationError(f"{what} is not signed by {self.name}, only by {others}")
        # Other keys of this name are other people's business; a signature under our key must be good.
        own = [value[4:] for value in named if value[:4] == expected]
        if not own:
            raise VerificationError(f"{what} was signed with another key than the one given for {self.name}")
        public = Ed25519PublicKey.from_public_bytes(self.public_key)
        try:
            for signature in own:
                public.verify(signature, text.encode())
        except InvalidSignature as error:
            raise VerificationError(f"the signature of {what} is wrong: its text was changed") from error
        return text


@dataclass(frozen=True, slots=True)
class Signer:
    """An Ed25519 seed of 32 bytes and the name of the log that signs with it."""

    name: str
    seed: bytes

    @classmethod
    def generate(cls, name: str) -> "Signer":
        """A fresh key for a log of this name."""
        _check_name(name)
        return cls(name=name, seed=Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return Verifier(name=self.name, public_key=public)

    def sign(self, text: str) -> bytes:
        """A signed note of this text, which must end with a newline."""
        if not text.endswith("\n") or "\n\n" in text:
            raise ValueError("a note's text ends with one newline and has no empty line")
        key_hash = _key_hash(self.name, ED25519 + self.verifier.public_key)
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {base64.b64encode(key_hash + signature).decode()}\n".encode()


def _split(note: bytes, what: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note, with its final newline, and its signatures by name."""
    if len(note) > MAX_NOTE_BYTES:
        raise VerificationError(f"{what} is too long for a signed note")
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise VerificationError(f"{what} is not UTF-8 text") from error
    if any(ord(char) < 0x20 and char != "\n" for char in decoded):
        raise VerificationError(f"{what} holds a control character")
    text, gap, block = decoded.rpartition("\n\n")
    if not gap or not block.endswith("\n"):
        raise VerificationError(f"{what} is not a signed note: the empty line before its signatures is missing")
    return text + "\n", [_signature(line, what) for line in block[:-1].split("\n")]


def _signature(line: str, what: str) -> tuple[str, bytes]:
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not gap or not name:
        raise VerificationError(f"a signature line of {what} is malformed")
    value = decode_base64(encoded, f"a signature of {what}")
    if len(value) < 5:
        raise VerificationError(f"a signature of {what} is too short")
    return name, value
