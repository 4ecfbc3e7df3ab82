"""Keys and clients as their room shows them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from console.marks import mark
from console.presenters.words import NONE, dated, moment, shorten
from console.types import Mark, Proof
from console.types.keys import Choice, CredentialRow, DenialRow, PartRow, ScopeGroup, ScopeOption
from zentra.tenants.denials.types import Denial
from zentra.tenants.permissions import DANGEROUS, Permission
from zentra.tenants.services.types import CHANNELS, ClientRecord, KeyRecord

LIVES: Final = {"30": "30 days", "90": "90 days", "365": "a year", "730": "two years"}
OVERLAPS: Final = {"0": "at once", "1": "in an hour", "24": "in a day", "72": "in three days", "168": "in seven days"}
TOKEN_LIVES: Final = {"300": "5 minutes", "600": "10 minutes", "900": "15 minutes"}
SHOWN_SCOPES: Final = 3


def key_row(key: KeyRecord, *, base: str, names: Mapping[str, str], now: datetime) -> CredentialRow:
    """A key in the list."""
    note = "took the place of another" if key.replaces else ""
    return CredentialRow(
        id=key.id, url=f"{base}keys/{key.id}/", name=key.name, prefix=_short(key.prefix),
        scopes=_few(key.scopes), scopes_all=", ".join(key.scopes), channel=key.channel,
        issued_by=names.get(key.issued_by, "a command" if not key.issued_by else key.issued_by),
        used=moment(key.last_used_at, now) if key.last_used_at else None,
        ends=_until(key.expires_at, now), ends_title=dated(key.expires_at), state=_key_state(key, now),
        note="another took its place" if key.replaced_by else note,
    )  # fmt: skip


def client_row(client: ClientRecord, *, base: str, names: Mapping[str, str], now: datetime) -> CredentialRow:
    """A client in the list."""
    shows = "certificate" if client.certificates and not client.secrets else "secret"
    both = "secret and certificate" if client.certificates and client.secrets else shows
    state = mark("removed", says="revoked") if client.revoked_at else mark("active")
    return CredentialRow(
        id=client.id, url=f"{base}keys/clients/{client.id}/", name=client.name,
        prefix=shorten(client.id, head=9, tail=6),
        scopes=_few(client.scopes), scopes_all=", ".join(client.scopes), channel=client.channel,
        issued_by=names.get(client.issued_by, client.issued_by or "a command"),
        used=moment(client.last_used_at, now) if client.last_used_at else None,
        ends=f"{client.token_seconds // 60} min", ends_title="How long its tokens live", state=state,
        note=both if client.secrets or client.certificates else "nothing to prove itself by",
    )  # fmt: skip


def key_facts(key: KeyRecord, *, names: Mapping[str, str], now: datetime) -> tuple[Proof, ...]:
    """What is known of a key."""
    used = moment(key.last_used_at, now).text if key.last_used_at else "never"
    facts = [
        Proof("id", key.id, key.id),
        Proof("begins with", key.prefix),
        Proof("channel", key.channel),
        Proof("issued by", names.get(key.issued_by, key.issued_by or "a command")),
        Proof("issued", dated(key.created_at)),
        Proof("ends", f"{dated(key.expires_at)} · {_until(key.expires_at, now)}"),
        Proof("last used", f"{used}{f' from {key.last_used_from}' if key.last_used_from else ''}"),
        Proof("certificate", key.bound_to or "none needed"),
    ]
    if key.revoked_at is not None:
        who = names.get(key.revoked_by, key.revoked_by or "a command")
        facts.append(Proof("revoked", f"{dated(key.revoked_at)} by {who}"))
    return tuple(facts)


def client_facts(client: ClientRecord, *, names: Mapping[str, str], now: datetime) -> tuple[Proof, ...]:
    """What is known of a client."""
    used = moment(client.last_used_at, now).text if client.last_used_at else "never"
    facts = [
        Proof("id", client.id, client.id),
        Proof("channel", client.channel),
        Proof("answers for it", names.get(client.issued_by, client.issued_by or "a command")),
        Proof("made", dated(client.created_at)),
        Proof("last used", used),
        Proof("tokens live", f"{client.token_seconds // 60} minutes"),
        Proof("certificate", "needed" if client.requires_certificate else "not needed"),
        Proof("networks", ", ".join(client.allowed_networks) or "from anywhere"),
    ]
    if client.revoked_at is not None:
        who = names.get(client.revoked_by, client.revoked_by or "a command")
        facts.append(Proof("revoked", f"{dated(client.revoked_at)} by {who}"))
    return tuple(facts)


def scope_groups(
    possible: Collection[Permission], *, may: Collection[Permission], chosen: Collection[str] = ()
) -> tuple[ScopeGroup, ...]:
    """The scopes that can be given, by noun; those that the person lacks are shown and shut."""
    groups: dict[str, list[ScopeOption]] = {}
    for permission in (each for each in Permission if each in possible):
        noun, _, verb = str(permission).partition(".")
        groups.setdefault(noun, []).append(
            ScopeOption(
                str(permission), verb.replace("_", " "), str(permission) in chosen, permission in may,
                permission in DANGEROUS,
            )
        )  # fmt: skip
    return tuple(ScopeGroup(noun.replace("_", " "), tuple(options)) for noun, options in groups.items())


def given_groups(scopes: Iterable[str]) -> tuple[ScopeGroup, ...]:
    """The scopes that a key has, by noun."""
    given = {each for each in Permission if str(each) in set(scopes)}
    return scope_groups(given, may=given, chosen=[str(each) for each in given])


def choices(options: Mapping[str, str], chosen: str) -> tuple[Choice, ...]:
    """The options of a select."""
    return tuple(Choice(value, title, value == chosen) for value, title in options.items())


def channels(chosen: str = "server") -> tuple[Choice, ...]:
    """Where a credential calls from."""
    return tuple(Choice(each, each, each == chosen) for each in CHANNELS)


def denial_rows(denials: Iterable[Denial], *, now: datetime) -> tuple[DenialRow, ...]:
    """What was refused to it lately."""
    return tuple(DenialRow(moment(each.recorded_at, now), each.action, each.reason or NONE) for each in denials)


def secret_rows(client: ClientRecord, *, here: str, now: datetime, may: bool) -> tuple[PartRow, ...]:
    """A client's secrets; none of them is shown."""
    return tuple(
        PartRow(
            each.id, f"secret of {each.created_at:%d %b %Y}", moment(each.created_at, now),
            _until(each.ends_at, now) if each.ends_at else "stays",
            f"{here}secrets/{each.id}/end/" if may else "",
        )
        for each in client.secrets
    )  # fmt: skip


def certificate_rows(client: ClientRecord, *, here: str, now: datetime, may: bool) -> tuple[PartRow, ...]:
    """The certificates that a client may show."""
    return tuple(
        PartRow(
            each.id, each.subject_name or each.thumbprint, moment(each.created_at, now),
            _until(each.not_after, now) if each.not_after else "with the certificate",
            f"{here}certificates/{each.id}/end/" if may else "",
        )
        for each in client.certificates
    )  # fmt: skip


def _key_state(key: KeyRecord, now: datetime) -> Mark:
    state = key.state(now)
    if state == "ending":
        return mark("retrying", says="ending")
    return mark("removed", says="revoked") if state == "revoked" else mark(state)


def _few(scopes: tuple[str, ...]) -> str:
    shown = ", ".join(scopes[:SHOWN_SCOPES])
    return f"{shown} +{len(scopes) - SHOWN_SCOPES}" if len(scopes) > SHOWN_SCOPES else shown or NONE


def _short(prefix: str) -> str:
    """``zk_test_01k…8f3q``: the start says the mode, the end tells keys apart."""
    return f"{prefix[:11]}…{prefix[-6:]}"


def _until(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    left = at - now
    if left <= timedelta():
        return "over"
    if left >= timedelta(days=2):
        return f"in {left.days} d"
    if left >= timedelta(hours=2):
        return f"in {left // timedelta(hours=1)} h"
    return f"in {left // timedelta(minutes=1)} min"
