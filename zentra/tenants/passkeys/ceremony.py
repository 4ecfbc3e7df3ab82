"""What is asked of a browser and whether its answer is right: python-fido2 with our name and our one origin."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from django.conf import settings
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from zentra.tenants.passkeys.errors import PasskeyRefused
from zentra.tenants.passkeys.types import Asked

_LOCAL: Final = frozenset({"localhost"})


def is_offered() -> bool:
    """Whether browsers give passkeys to this installation: over https, or on localhost."""
    address = urlsplit(settings.ZENTRA_BASE_URL)
    return address.scheme == "https" or address.hostname in _LOCAL


def ask_to_add(*, user_id: str, email: str, name: str, known: list[Authenticator]) -> Asked:
    """Ask for a new passkey, not on a device that holds one of ``known``."""
    options, state = _server().register_begin(
        PublicKeyCredentialUserEntity(id=user_id.encode(), name=email, display_name=name or email),
        credentials=[_credential(each) for each in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        extensions={"credProps": True},
    )
    return Asked(_plain(options), _state(state))


def ask_to_use(*, known: list[Authenticator] | None) -> Asked:
    """Ask for one of ``known``, or with None for whichever the browser has for us."""
    options, state = _server().authenticate_begin(
        credentials=None if known is None else [_credential(each) for each in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Asked(_plain(options), _state(state))


def read_added(*, state: Mapping[str, Any], answer: Mapping[str, Any]) -> AuthenticatorData:
    """What a new passkey says of itself; raises PasskeyRefused."""
    try:
        return _server().register_complete(dict(state), RegistrationResponse.from_dict(answer))
    except Exception as error:  # whatever a browser sends: parsing CBOR and keys raises many things
        raise PasskeyRefused("Nothing was set up.") from error


def read_used(*, state: Mapping[str, Any], answer: Mapping[str, Any], among: list[Authenticator]) -> tuple[int, int]:
    """Which of these passkeys (its place) answered, and how far it counted; raises PasskeyRefused."""
    credentials = [_credential(each) for each in among]
    try:
        found = AuthenticationResponse.from_dict(answer)
        used = _server().authenticate_complete(dict(state), credentials, found)
        place = [each.credential_id for each in credentials].index(used.credential_id)
    except Exception as error:  # as above
        raise PasskeyRefused from error
    return place, found.response.authenticator_data.counter


def owner_of(answer: Mapping[str, Any]) -> str:
    """The id ``usr_…`` that a discoverable passkey says it belongs to, not proved yet; raises PasskeyRefused."""
    try:
        handle = AuthenticationResponse.from_dict(answer).response.user_handle
        return (handle or b"").decode("ascii")
    except Exception as error:  # as above
        raise PasskeyRefused from error


def _server() -> Fido2Server:
    address = urlsplit(settings.ZENTRA_BASE_URL)
    origin = f"{address.scheme}://{address.netloc}"
    entity = PublicKeyCredentialRpEntity(id=address.hostname or "localhost", name=settings.MFA_TOTP_ISSUER)
    # Exactly our origin: not another port, not a name below ours.
    return Fido2Server(entity, verify_origin=lambda said: said == origin)


def _credential(passkey: Authenticator) -> AttestedCredentialData:
    found = RegistrationResponse.from_dict(passkey.data["credential"]).response.attestation_object.auth_data
    assert found.credential_data is not None  # noqa: S101  # it was checked when it was added
    credential: AttestedCredentialData = found.credential_data
    return credential


def _plain(options: Any) -> dict[str, Any]:
    return dict(dict(options)["publicKey"])


def _state(state: Any) -> dict[str, Any]:
    return {"challenge": str(state["challenge"]), "user_verification": UserVerificationRequirement.REQUIRED.value}
