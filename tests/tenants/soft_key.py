"""A passkey in software: what a browser would answer, and what a forger might."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

FLAG = AuthenticatorData.FLAG
PRESENT, VERIFIED, ELIGIBLE, ATTESTED = 0x01, 0x04, 0x08, 0x40


@dataclass
class SoftKey:
    """One passkey; `counted` goes up with each use where it is not 0."""

    origin: str
    host: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counted: int = 0
    handle: str = ""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any], **other: Any) -> dict[str, Any]:
        """The answer to what was asked to add one."""
        said = self._client_data("webauthn.create", options, other)
        public = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]  # fido2's
        attested = AttestedCredentialData.create(b"\0" * 16, self.credential_id, public)
        data = AuthenticatorData.create(self._host(other), FLAG(self.flags | ATTESTED), self.counted, attested)
        made = AttestationObject.create("none", data, {})
        self.handle = options["user"]["id"]
        response = {"clientDataJSON": websafe_encode(said), "attestationObject": websafe_encode(bytes(made))}
        return self._answer(response)

    def get(self, options: dict[str, Any], **other: Any) -> dict[str, Any]:
        """The answer to what was asked to use one."""
        if self.counted:
            self.counted += 1
        said = self._client_data("webauthn.get", options, other)
        data = AuthenticatorData.create(self._host(other), FLAG(other.get("flags", self.flags)), self.counted)
        signed = self.key.sign(bytes(data) + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": websafe_encode(said),
                "authenticatorData": websafe_encode(bytes(data)),
                "signature": websafe_encode(signed),
                "userHandle": other.get("handle", self.handle),
            }
        )

    def _client_data(self, kind: str, options: dict[str, Any], other: dict[str, Any]) -> bytes:
        said = {
            "type": other.get("type", kind),
            "challenge": other.get("challenge", options["challenge"]),
            "origin": other.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _host(self, other: dict[str, Any]) -> bytes:
        return hashlib.sha256(str(other.get("host", self.host)).encode()).digest()

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        name = websafe_encode(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
