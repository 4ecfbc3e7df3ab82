"""The demo's workspaces: two sandboxes with people in every role, rails, a consumer and a key.

Run at every ``make up``; what is there is kept, what moved (ports) is told to the database.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt
from django.contrib.auth.hashers import make_password
from django.db import transaction

from evidence.operations import ensure_log
from ledger.operations import create_chart
from webhooks.operations import change_endpoint, create_endpoint
from webhooks.queries import list_endpoints, signing_keys
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.demo.access import seed_access, seed_client
from zentra.demo.alarms import seed_channels
from zentra.demo.books import seed_books
from zentra.demo.parties import seed_parties
from zentra.demo.watchlists import seed_watchlists
from zentra.routing.operations import connect_sandbox_rails
from zentra.routing.queries import bank_account_of, callback_secrets, list_rails
from zentra.tenants.models import User
from zentra.tenants.operations import add_member, create_workspace, ensure_user, issue_key
from zentra.tenants.permissions import DEFAULT_SCOPES
from zentra.tenants.queries import find_workspace, platform_ref
from zentra.tenants.services.queries.keys import find_credential

CURRENCIES: Final = ("USD", "EUR", "GBP", "JPY", "BHD")
CONSUMER: Final = "demo consumer"


@dataclass(frozen=True, slots=True)
class DemoWorkspace:
    """One workspace to seed."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person in each demo workspace; ``has_totp`` people sign in with a one-time code too."""

    login: str
    role: str
    has_totp: bool = False


WORKSPACES: Final = (DemoWorkspace("northwind", "Northwind"), DemoWorkspace("meridian", "Meridian"))
PEOPLE: Final = (
    # Who may do something dangerous needs the second factor, and four eyes need two of those who approve.
    Person("operator", "operator", has_totp=True),
    Person("operator2", "operator", has_totp=True),
    Person("support", "support"),
    Person("finance", "finance", has_totp=True),
    Person("finance2", "finance", has_totp=True),
    Person("compliance", "compliance", has_totp=True),
    Person("compliance2", "compliance", has_totp=True),
    Person("admin", "admin", has_totp=True),
    Person("admin2", "admin", has_totp=True),
    Person("auditor", "auditor", has_totp=True),
    Person("developer", "developer", has_totp=True),
    Person("viewer", "viewer"),
)
PLATFORM_DOMAIN: Final = "zentra"
PLATFORM_PEOPLE: Final = (
    Person("platform", "platform_admin", has_totp=True),
    Person("staff", "platform_support", has_totp=True),
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the run's processes listen."""

    base_url: str
    sandbox_url: str
    consumer_url: str


def seed_workspace(
    *, wanted: DemoWorkspace, known: dict[str, Any], addresses: Addresses, now: datetime
) -> dict[str, Any]:
    """Make the workspace or bring it up to date; returns its part of ``demo.json``. ``known`` is the part before."""
    there = find_workspace(slug=wanted.slug)
    ref = there or create_workspace(slug=wanted.slug, name=wanted.name, mode="sandbox", now=now)
    with tenant_work(ref):
        for currency in CURRENCIES:
            create_chart(currency=currency, now=now)
        rails = _seed_rails(ref, addresses, now)
        webhook = _seed_endpoint(ref, addresses, now)
        evidence_key = ensure_log(now=now)
    users = _seed_people(ref, PEOPLE, known, domain=ref.slug)
    with tenant_work(ref):
        seed_channels(ref=ref, now=now)
        seed_books(currencies=CURRENCIES, actor=bookkeeper(ref), now=now)
    seed_watchlists(ref=ref, actor=_officer(ref), now=now)
    seed_parties(ref=ref, actor=_officer(ref), now=now)
    operators = [_member(ref, login, "operator").id for login in ("operator", "operator2")]
    seed_access(ref=ref, admin=_member(ref, "admin", "admin"), operators=operators, now=now)
    return {
        "id": ids.to_public("ws", ref.id),
        "slug": ref.slug,
        "mode": ref.mode,
        "api_key": _seed_key(ref, known, now),
        "client": known.get("client") or seed_client(ref=ref, admin_email=f"admin@{ref.slug}.example", now=now),
        **webhook,
        "evidence_key": evidence_key,
        "consumer_url": addresses.consumer_url,
        "rails": rails,
        "bank": {"url": f"{addresses.sandbox_url}/bank", "account": bank_account_of(workspace_id=ref.id)},
        "users": users,
    }


def _seed_rails(ref: TenantRef, addresses: Addresses, now: datetime) -> list[dict[str, str]]:
    connect_sandbox_rails(ws=ref, sandbox_url=addresses.sandbox_url, now=now)
    return [
        {
            "id": rail.id,
            "rail": rail.name,
            "callback_url": f"{addresses.base_url}/v1/providers/{rail.id}/callbacks",
            "callback_secret": callback_secrets(rail_id=rail.id)[0],
        }
        for rail in list_rails()
    ]


def _seed_endpoint(ref: TenantRef, addresses: Addresses, now: datetime) -> dict[str, str]:
    """The consumer's endpoint, with the secret that the consumer verifies with."""
    url = f"{addresses.consumer_url}/hooks/{ref.slug}"
    there = next((e for e in list_endpoints() if e.description == CONSUMER), None)
    if there is not None:
        if there.url != url:
            change_endpoint(endpoint_id=there.id, version=None, url=url, actor=actors.RUNTIME, now=now)
        secret = signing_keys(endpoint_id=there.id, now=now).secrets[0]
        return {"webhook_secret": secret, "webhook_public_key": there.public_key}
    made = create_endpoint(url=url, now=now, actor=actors.RUNTIME, description=CONSUMER)
    return {"webhook_secret": made.secret, "webhook_public_key": made.endpoint.public_key}


def _seed_key(ref: TenantRef, known: dict[str, Any], now: datetime) -> str:
    token = str(known.get("api_key", ""))
    parts = token.split("_", 3)
    there = find_credential(key_id=f"key_{parts[2]}") if len(parts) == 4 else None
    if there is not None and there.scopes >= DEFAULT_SCOPES:
        return token
    return issue_key(workspace=ref, name="demo", now=now).token


def bookkeeper(ref: TenantRef) -> Actor:
    """The person in whose name the demo's books are kept."""
    return _member(ref, "finance", "finance")


def _officer(ref: TenantRef) -> Actor:
    """The person in whose name the demo's parties are kept."""
    return _member(ref, "compliance", "compliance")


def _member(ref: TenantRef, login: str, role: str) -> Actor:
    """One of the demo's people by the part before the @."""
    user = ensure_user(email=f"{login}@{ref.slug}.example", name=login, password_hash=None)
    return Actor(kind="user", id=user.id, role=role)


def seed_platform_people(*, known: dict[str, Any]) -> dict[str, Any]:
    """The platform's own staff: who runs the workspaces and who may ask to be let in; their part of ``demo.json``."""
    return {"users": _seed_people(platform_ref(), PLATFORM_PEOPLE, known, domain=PLATFORM_DOMAIN)}


def _seed_people(
    ref: TenantRef, people: tuple[Person, ...], known: dict[str, Any], *, domain: str
) -> list[dict[str, str | None]]:
    before = {user["email"]: user for user in known.get("users", [])}
    # One password for a demo workspace: easy to type, and hashed once. Each person can change it.
    password = next((user["password"] for user in before.values()), None) or secrets.token_urlsafe(12)
    hashed = make_password(password)
    return [
        _seed_person(ref, person, f"{person.login}@{domain}.example", password, hashed, before) for person in people
    ]


@transaction.atomic
def _seed_person(
    ref: TenantRef, person: Person, email: str, password: str, hashed: str, known: Mapping[str, dict[str, Any]]
) -> dict[str, str | None]:
    before = known.get(email)
    user = ensure_user(email=email, name=person.login, password_hash=None if before else hashed)
    if before is None:  # afterwards admins say who has which role
        add_member(workspace_id=ref.id, user=user, role=person.role)
    secret = (
        _seed_totp(user, known=(before or {}).get("totp_secret"), is_new=before is None) if person.has_totp else None
    )
    return {
        "email": email,
        "password": (before or {}).get("password") or password,
        "role": person.role,
        "totp_secret": secret,
    }


def _seed_totp(user: User, *, known: str | None, is_new: bool) -> str | None:
    """The secret of the demo's authenticator; None when the person has set up one of their own since."""
    if is_new:
        Authenticator.objects.filter(user=user).delete()  # whose secret nobody knows any more
    there = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if there is not None:
        return known if known and decrypt(there.data["secret"]) == known else None
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    TOTP.activate(user, secret)
    return secret
