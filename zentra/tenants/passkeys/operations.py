"""Add a passkey, take its answer, remove it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from allauth.mfa.models import Authenticator

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import tenant_work
from zentra.tenants.models import User
from zentra.tenants.passkeys import ceremony
from zentra.tenants.passkeys.errors import PasskeyCopied, PasskeyRefused, TooManyPasskeys, UnknownPasskey
from zentra.tenants.passkeys.types import Asked
from zentra.tenants.queries import platform_ref

MOST: Final = 20
MOST_NAME: Final = 60
_KIND: Final = Authenticator.Type.WEBAUTHN


def ask_for_new(*, user_id: str) -> Asked:
    """What to ask a browser for another passkey of this person; raises TooManyPasskeys."""
    user, known = User.objects.get(id=user_id), _passkeys(user_id)
    if len(known) >= MOST:
        raise TooManyPasskeys(f"You have {MOST}. Remove one first.")
    return ceremony.ask_to_add(user_id=user_id, email=user.email, name=user.name, known=known)


def ask_for_known(*, user_id: str) -> Asked:
    """What to ask a browser for a passkey of somebody known; an empty id asks for anybody's."""
    return ceremony.ask_to_use(known=_passkeys(user_id) if user_id else None)


def add_passkey(
    *, user_id: str, name: str, state: Mapping[str, Any], answer: Mapping[str, Any], now: datetime
) -> Authenticator:
    """Keep a new passkey.

    Raises:
        PasskeyRefused: the answer is not one to what was asked, or somebody has this passkey already.
        TooManyPasskeys: twenty are enough.
    """
    found = ceremony.read_added(state=state, answer=answer)
    assert found.credential_data is not None  # noqa: S101  # a registration has it
    credential_id, credential = found.credential_data.credential_id.hex(), _kept(answer)
    with tenant_work(platform_ref()):
        User.objects.select_for_update().get(id=user_id)  # one at a time
        if len(_passkeys(user_id)) >= MOST:
            raise TooManyPasskeys(f"You have {MOST}. Remove one first.")
        if Authenticator.objects.filter(type=_KIND, data__credential_id=credential_id).exists():
            raise PasskeyRefused("It is set up already.")
        made = Authenticator.objects.create(
            user_id=user_id, type=_KIND, created_at=now,
            data={
                "name": _name(name), "credential": credential, "credential_id": credential_id,
                "counted": found.counter, "is_synced": bool(found.flags & found.FLAG.BE),
            },
        )  # fmt: skip
        data: dict[str, object] = {"user_id": user_id, "passkey": made.pk, "is_synced": made.data["is_synced"]}
        _record("passkey.added", user_id, data, now)
    return made


def use_passkey(*, user_id: str, state: Mapping[str, Any], answer: Mapping[str, Any], now: datetime) -> Authenticator:
    """Take the answer of a passkey of this person, or of whoever it says with an empty ``user_id``.

    Raises:
        PasskeyRefused: it is not one to what was asked, or not of this person's passkey.
        PasskeyCopied: it counted backwards (WebAuthn, 6.1.1); recorded, and refused.
    """
    refusal: PasskeyCopied | None = None
    with tenant_work(platform_ref()):
        among = _passkeys(user_id or _owner(answer), for_update=True)
        place, counted = ceremony.read_used(state=state, answer=answer, among=among)
        passkey = among[place]
        kept = int(passkey.data.get("counted", 0))
        if (counted or kept) and counted <= kept:
            refusal = PasskeyCopied("It counted backwards. Remove it, and set up another one.")
            data: dict[str, object] = {"user_id": str(passkey.user_id), "passkey": passkey.pk}
            _record("passkey.copy_suspected", str(passkey.user_id), data | {"counted": counted, "kept": kept}, now)
        else:
            passkey.data["counted"], passkey.last_used_at = counted, now
            passkey.save(update_fields=["data", "last_used_at"])
    if refusal is not None:
        raise refusal
    return passkey


def remove_passkey(*, user_id: str, passkey_id: int, now: datetime) -> None:
    """End a passkey; recovery codes that stand alone after it end too.

    Raises:
        UnknownPasskey: the person has no such one.
    """
    with tenant_work(platform_ref()):
        gone, _ = Authenticator.objects.filter(user_id=user_id, type=_KIND, pk=passkey_id).delete()
        if not gone:
            raise UnknownPasskey
        left = Authenticator.objects.filter(user_id=user_id)
        if not left.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
            left.delete()
        _record("passkey.removed", user_id, {"user_id": user_id, "passkey": passkey_id}, now)


def _passkeys(user_id: str, *, for_update: bool = False) -> list[Authenticator]:
    found = Authenticator.objects.filter(user_id=user_id, user__is_active=True, type=_KIND).order_by("id")
    return list(found.select_for_update(of=("self",)) if for_update else found)


def _owner(answer: Mapping[str, Any]) -> str:
    said = ceremony.owner_of(answer)
    try:
        ids.to_uuid(said, prefix="usr")
    except ids.BadId as error:
        raise PasskeyRefused from error
    return said


def _kept(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What is read again of an answer that was right: plain ASCII, for the database would not take a NUL."""
    kept = {name: answer[name] for name in ("id", "rawId", "type") if name in answer}
    kept["response"] = {name: answer["response"][name] for name in ("clientDataJSON", "attestationObject")}
    if "\\u" in json.dumps(kept):
        raise PasskeyRefused("Nothing was set up.")
    return kept


def _name(name: str) -> str:
    clean = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:MOST_NAME]
    return clean or "Passkey"


def _record(kind: str, user_id: str, data: dict[str, object], now: datetime) -> None:
    actor = Actor("user", user_id, "none")
    record_events(events=[NewEvent(type=kind, actor=actor, data=data)], now=now)
