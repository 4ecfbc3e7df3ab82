"""API keys: issued, rotated with an overlap, and revoked, by people who manage keys and proved a second factor."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.presenters import keys as present
from console.shell import build_shell
from console.types import Chip
from console.types.keys import CredentialForm, CredentialsPage, DenialRow, KeyPage, ShownSecret
from zentra.tenants.denials.queries import list_denials
from zentra.tenants.denials.types import DenialFilters
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users
from zentra.tenants.services.checks import possible_scopes
from zentra.tenants.services.errors import UnknownKey
from zentra.tenants.services.operations.keys import issue_key, revoke_key, rotate_key
from zentra.tenants.services.queries.clients import list_clients
from zentra.tenants.services.queries.keys import find_key, list_keys
from zentra.tenants.services.types import IssuedKey, KeyRecord

_DENIALS_SHOWN = 10


@room(Permission.KEYS_READ)
def show_keys(visit: Visit) -> HttpResponse:
    """The keys of this workspace."""
    here, ended = f"{visit.base}keys/", asked(visit, "ended") == "yes"
    found = list_keys(workspace_id=visit.workspace.id, now=visit.now, with_ended=ended)
    names = issuers(visit, found)
    page = CredentialsPage(
        tabs=tabs(visit, keys=True),
        chips=(
            Chip("Alive", here, not ended, None if ended else len(found)),
            Chip("Ended too", paging.link(here, ended="yes"), ended, len(found) if ended else None),
        ),
        rows=tuple(present.key_row(each, base=visit.base, names=names, now=visit.now) for each in found),
        form=_issue_form(visit) if visit.may(Permission.KEYS_MANAGE) else None,
    )
    return render(visit.request, "console/keys.html", {"shell": build_shell(visit, room="keys"), "page": page})


def _issue_form(visit: Visit) -> CredentialForm:
    return CredentialForm(
        action=f"{visit.base}keys/issue/",
        groups=present.scope_groups(possible_scopes(workspace=visit.workspace), may=visit.member.permissions),
        channels=present.channels(),
        choices=present.choices(present.LIVES, "365"),
    )


@room(Permission.KEYS_READ)
def show_key(visit: Visit, key_id: str) -> HttpResponse:
    """One key: what it may do, where from, until when, and what it was refused."""
    key = _key(visit, key_id)
    related = [found for each in (key.replaces, key.replaced_by) if each and (found := _find(visit, each))]
    names = issuers(visit, [key, *related])
    may = visit.may(Permission.KEYS_MANAGE) and key.state(visit.now) in ("active", "ending")
    here = f"{visit.base}keys/{key.id}/"
    page = KeyPage(
        row=present.key_row(key, base=visit.base, names=names, now=visit.now),
        facts=present.key_facts(key, names=names, now=visit.now),
        groups=present.given_groups(key.scopes),
        networks=key.allowed_networks,
        denials=denials_of(visit, key.id),
        related=tuple(present.key_row(each, base=visit.base, names=names, now=visit.now) for each in related),
        rotate_url=f"{here}rotate/" if may and key.replaced_by is None else "",
        overlaps=present.choices(present.OVERLAPS, "24"),
        revoke_url=f"{here}revoke/" if may else "",
    )
    return render(visit.request, "console/key.html", {"shell": build_shell(visit, room="keys"), "page": page})


@room(Permission.KEYS_MANAGE, step_up=True)
def issue(visit: Visit) -> HttpResponse:
    """Make a key. Its token is in the answer, and nowhere else."""
    made: list[IssuedKey] = []

    def effect() -> str:
        made.append(
            issue_key(
                workspace=visit.workspace, name=words(visit, "name"), scopes=visit.request.POST.getlist("scopes"),
                channel=visit.request.POST.get("channel", "server"), allowed_networks=networks(visit),
                expires_at=_expiry(visit), issuer=visit.member, now=visit.now,
            )
        )  # fmt: skip
        return "The key is issued. It was shown once."

    answer = act_once(visit, operation="keys.issue", effect=effect, to=f"{visit.base}keys/")
    return _show_once(visit, made[0], "The new key") if made else answer


@room(Permission.KEYS_MANAGE, step_up=True)
def rotate(visit: Visit, key_id: str) -> HttpResponse:
    """Another key in the place of one; the old one lasts as long as is said."""
    hours = visit.request.POST.get("overlap", "")
    if hours not in present.OVERLAPS:
        raise FormIncomplete("Choose when the old key ends.")
    made: list[IssuedKey] = []

    def effect() -> str:
        made.append(
            rotate_key(
                workspace=visit.workspace, key_id=key_id, overlap=timedelta(hours=int(hours)), issuer=visit.member,
                now=visit.now,
            )
        )  # fmt: skip
        return f"The key was rotated; the old one ends {present.OVERLAPS[hours]}."

    answer = act_once(visit, operation="keys.rotate", effect=effect, to=f"{visit.base}keys/{key_id}/")
    title = f"The new key; the old one ends {present.OVERLAPS[hours]}"
    return _show_once(visit, made[0], title) if made else answer


@room(Permission.KEYS_MANAGE, step_up=True)
def revoke(visit: Visit, key_id: str) -> HttpResponse:
    """End a key at once."""

    def effect() -> str:
        was_alive = revoke_key(key_id=key_id, workspace=visit.workspace, actor=visit.actor(), now=visit.now)
        return "The key is revoked: its next call is refused." if was_alive else "The key was over already."

    return act_once(visit, operation="keys.revoke", effect=effect, to=f"{visit.base}keys/{key_id}/")


def show_secret(visit: Visit, shown: ShownSecret) -> HttpResponse:
    """A page that nobody can come back to."""
    answer = render(
        visit.request, "console/credential_secret.html", {"shell": build_shell(visit, room="keys"), "page": shown}
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def tabs(visit: Visit, *, keys: bool) -> tuple[Chip, ...]:
    """Keys and clients, with how many of each are alive."""
    count = {
        "keys": len(list_keys(workspace_id=visit.workspace.id, now=visit.now)),
        "clients": len(list_clients(workspace_id=visit.workspace.id, now=visit.now)),
    }
    return (
        Chip("API keys", f"{visit.base}keys/", keys, count["keys"]),
        Chip("OAuth clients", f"{visit.base}keys/clients/", not keys, count["clients"]),
    )


def networks(visit: Visit) -> list[str]:
    """The networks of a form: one a line, or with commas between."""
    return [each for each in visit.request.POST.get("networks", "").replace(",", "\n").split() if each]


def denials_of(visit: Visit, credential_id: str) -> tuple[DenialRow, ...]:
    """What was refused to a credential lately."""
    found, _ = list_denials(filters=DenialFilters(actor=credential_id), limit=_DENIALS_SHOWN)
    return present.denial_rows(found, now=visit.now)


def issuers(visit: Visit, keys: list[KeyRecord]) -> Mapping[str, str]:
    """The names of who issued and ended these keys."""
    wanted = {user for key in keys for user in (key.issued_by, key.revoked_by) if user}
    return names_of_users(user_ids=sorted(wanted), workspace_id=visit.workspace.id)


def _show_once(visit: Visit, key: IssuedKey, title: str) -> HttpResponse:
    return show_secret(
        visit,
        ShownSecret(
            title=title,
            words="Give it to whoever calls the API. It is shown this once; only its hash is kept.",
            value=key.token,
            client_id="",
            back_url=f"{visit.base}keys/{key.id}/",
            back_title="I have it: open the key",
            example=f'curl -H "Authorization: Bearer $API_KEY" {_api(visit)}/accounts',
        ),
    )


def _api(visit: Visit) -> str:
    return visit.request.build_absolute_uri("/v1")


def _expiry(visit: Visit) -> datetime:
    days = visit.request.POST.get("expires", "365")
    if days not in present.LIVES:
        raise FormIncomplete("Choose how long the key lasts.")
    return visit.now + timedelta(days=int(days))


def _find(visit: Visit, key_id: str) -> KeyRecord | None:
    return find_key(workspace_id=visit.workspace.id, key_id=key_id)


def _key(visit: Visit, key_id: str) -> KeyRecord:
    found = _find(visit, key_id)
    if found is None:
        raise UnknownKey
    return found
