"""OAuth clients, their secrets and their certificates."""

from collections.abc import Callable
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_place
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.presenters import keys as present
from console.shell import build_shell
from console.types import Chip
from console.types.keys import ClientPage, CredentialForm, CredentialsPage, ShownSecret
from console.views.keys import denials_of, networks, show_secret, tabs
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users
from zentra.tenants.services.checks import possible_scopes
from zentra.tenants.services.errors import UnknownClient
from zentra.tenants.services.operations.clients import (
    add_client_certificate,
    add_client_secret,
    change_client,
    create_client,
    end_client_certificate,
    end_client_secret,
    revoke_client,
)
from zentra.tenants.services.queries.clients import find_client, list_clients
from zentra.tenants.services.types import ClientRecord, IssuedSecret


@room(Permission.KEYS_READ)
def show_clients(visit: Visit) -> HttpResponse:
    """The OAuth clients of this workspace."""
    here, ended = f"{visit.base}keys/clients/", asked(visit, "ended") == "yes"
    found = list_clients(workspace_id=visit.workspace.id, now=visit.now, with_ended=ended)
    names = _names(visit, found)
    page = CredentialsPage(
        tabs=tabs(visit, keys=False),
        chips=(
            Chip("Alive", here, not ended, None if ended else len(found)),
            Chip("Ended too", paging.link(here, ended="yes"), ended, len(found) if ended else None),
        ),
        rows=tuple(present.client_row(each, base=visit.base, names=names, now=visit.now) for each in found),
        form=_form(visit, f"{here}create/") if visit.may(Permission.KEYS_MANAGE) else None,
    )
    return render(visit.request, "console/clients.html", {"shell": build_shell(visit, room="keys"), "page": page})


def _form(visit: Visit, action: str, client: ClientRecord | None = None) -> CredentialForm:
    return CredentialForm(
        action=action,
        groups=present.scope_groups(
            possible_scopes(workspace=visit.workspace), may=visit.member.permissions,
            chosen=client.scopes if client else (),
        ),
        channels=present.channels(client.channel if client else "server"),
        choices=present.choices(present.TOKEN_LIVES, str(client.token_seconds) if client else "600"),
        networks="\n".join(client.allowed_networks) if client else "",
        requires_certificate=client.requires_certificate if client else False,
        version=client.version if client else 1,
    )  # fmt: skip


@room(Permission.KEYS_READ)
def show_client(visit: Visit, client_id: str) -> HttpResponse:
    """One client: what it may do, what it proves itself by, and what it was refused."""
    client = _client(visit, client_id)
    names = _names(visit, [client])
    may = visit.may(Permission.KEYS_MANAGE) and client.revoked_at is None
    here = f"{visit.base}keys/clients/{client.id}/"
    page = ClientPage(
        row=present.client_row(client, base=visit.base, names=names, now=visit.now),
        facts=present.client_facts(client, names=names, now=visit.now),
        denials=denials_of(visit, client.id),
        secrets=present.secret_rows(client, here=here, now=visit.now, may=may),
        certificates=present.certificate_rows(client, here=here, now=visit.now, may=may),
        form=_form(visit, f"{here}change/", client) if may else None,
        secret_url=f"{here}secrets/add/" if may and len(client.secrets) < 2 else "",
        overlaps=present.choices(present.OVERLAPS, "24"),
        certificate_url=f"{here}certificates/add/" if may else "",
        revoke_url=f"{here}revoke/" if may else "",
    )
    return render(visit.request, "console/client.html", {"shell": build_shell(visit, room="keys"), "page": page})


@room(Permission.KEYS_MANAGE, step_up=True)
def create(visit: Visit) -> HttpResponse:
    """Make a client. Its secret is in the answer, and nowhere else."""
    made: list[IssuedSecret] = []

    def effect() -> str:
        made.append(
            create_client(
                workspace=visit.workspace, name=words(visit, "name"), scopes=visit.request.POST.getlist("scopes"),
                channel=visit.request.POST.get("channel", "server"), allowed_networks=networks(visit),
                token_seconds=_seconds(visit), requires_certificate=_is_ticked(visit, "requires_certificate"),
                with_secret=not _is_ticked(visit, "by_certificate"), issuer=visit.member, now=visit.now,
            )
        )  # fmt: skip
        return "The client is made."

    answer = act_once(visit, operation="clients.create", effect=effect, to=f"{visit.base}keys/clients/")
    if made and not made[0].secret:
        answer.headers["Location"] = f"{visit.base}keys/clients/{made[0].client_id}/"
    return _show_once(visit, made[0]) if made and made[0].secret else answer


@room(Permission.KEYS_MANAGE, step_up=True)
def change(visit: Visit, client_id: str) -> HttpResponse:
    """What it may do, from where, and how long its tokens live."""
    version = read_place(visit.request.POST.get("version", ""))
    if version is None:
        raise FormIncomplete("The form has no version; open the page again.")

    def effect() -> str:
        change_client(
            workspace=visit.workspace, client_id=client_id, version=version,
            scopes=visit.request.POST.getlist("scopes"), allowed_networks=networks(visit),
            token_seconds=_seconds(visit), requires_certificate=_is_ticked(visit, "requires_certificate"),
            issuer=visit.member, now=visit.now,
        )  # fmt: skip
        return "The client is changed; what was taken away counts for its tokens too."

    return _once(visit, client_id, "change", effect)


@room(Permission.KEYS_MANAGE, step_up=True)
def add_secret(visit: Visit, client_id: str) -> HttpResponse:
    """Another secret; the one before lasts as long as is said."""
    hours = visit.request.POST.get("overlap", "")
    if hours not in present.OVERLAPS:
        raise FormIncomplete("Choose when the secret before ends.")
    made: list[IssuedSecret] = []

    def effect() -> str:
        made.append(
            add_client_secret(
                workspace=visit.workspace, client_id=client_id, overlap=timedelta(hours=int(hours)),
                issuer=visit.member, now=visit.now,
            )
        )  # fmt: skip
        return f"There is another secret; the one before ends {present.OVERLAPS[hours]}."

    answer = _once(visit, client_id, "secret", effect)
    return _show_once(visit, made[0]) if made else answer


@room(Permission.KEYS_MANAGE, step_up=True)
def end_secret(visit: Visit, client_id: str, secret_id: str) -> HttpResponse:
    """End a secret at once."""

    def effect() -> str:
        end_client_secret(
            workspace=visit.workspace, client_id=client_id, secret_id=secret_id, actor=visit.actor(), now=visit.now
        )
        return "The secret is over. Tokens that are out live for their minutes."

    return _once(visit, client_id, "end_secret", effect)


@room(Permission.KEYS_MANAGE, step_up=True)
def add_certificate(visit: Visit, client_id: str) -> HttpResponse:
    """Let the client show another certificate."""
    text = visit.request.POST.get("certificate", "").strip()
    if not text:
        raise FormIncomplete("Paste a certificate, its SHA-256, or a name.")

    def effect() -> str:
        add_client_certificate(
            workspace=visit.workspace, client_id=client_id, text=text, issuer=visit.member, now=visit.now
        )
        return "The client may show that certificate."

    return _once(visit, client_id, "certificate", effect)


@room(Permission.KEYS_MANAGE, step_up=True)
def end_certificate(visit: Visit, client_id: str, certificate_id: str) -> HttpResponse:
    """A certificate counts no more."""

    def effect() -> str:
        end_client_certificate(
            workspace=visit.workspace, client_id=client_id, certificate_id=certificate_id, actor=visit.actor(),
            now=visit.now,
        )  # fmt: skip
        return "The certificate counts no more, nor do the client's tokens until now."

    return _once(visit, client_id, "end_certificate", effect)


@room(Permission.KEYS_MANAGE, step_up=True)
def revoke(visit: Visit, client_id: str) -> HttpResponse:
    """End a client at once, with every token it has."""

    def effect() -> str:
        was_alive = revoke_client(workspace=visit.workspace, client_id=client_id, actor=visit.actor(), now=visit.now)
        return "The client is revoked, and its tokens with it." if was_alive else "The client was over already."

    return _once(visit, client_id, "revoke", effect)


def _once(visit: Visit, client_id: str, operation: str, effect: Callable[[], str]) -> HttpResponse:
    return act_once(visit, operation=f"clients.{operation}", effect=effect, to=f"{visit.base}keys/clients/{client_id}/")


def _show_once(visit: Visit, made: IssuedSecret) -> HttpResponse:
    api = visit.request.build_absolute_uri("/v1")
    return show_secret(
        visit,
        ShownSecret(
            title="The client's secret",
            words="Give it to the service together with the client's id. It is shown this once; only its hash is kept.",
            value=made.secret,
            client_id=made.client_id,
            back_url=f"{visit.base}keys/clients/{made.client_id}/",
            back_title="I have it: open the client",
            example=(
                f'curl -u "{made.client_id}:$CLIENT_SECRET" \\\n  -d grant_type=client_credentials {api}/oauth/token'
            ),
        ),
    )


def _seconds(visit: Visit) -> int:
    seconds = visit.request.POST.get("token_seconds", "600")
    if seconds not in present.TOKEN_LIVES:
        raise FormIncomplete("Choose how long its tokens live.")
    return int(seconds)


def _is_ticked(visit: Visit, name: str) -> bool:
    return visit.request.POST.get(name) == "on"


def _names(visit: Visit, clients: list[ClientRecord]) -> dict[str, str]:
    wanted = {user for client in clients for user in (client.issued_by, client.revoked_by) if user}
    return names_of_users(user_ids=sorted(wanted), workspace_id=visit.workspace.id)


def _client(visit: Visit, client_id: str) -> ClientRecord:
    found = find_client(client_id=client_id, now=visit.now, workspace_id=visit.workspace.id)
    if found is None:
        raise UnknownClient
    return found
