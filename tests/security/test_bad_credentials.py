"""One table over all kinds of credentials: each wrong one has its code, is recorded where it belongs, and does nothing.

What is precise is said to whoever proved the secret. Before that every answer is the same, so that nobody learns which
half of a guess was right. The tricks of each kind in depth: `tests/api/test_credentials.py`,
`tests/api/test_tokens.py`, `tests/api/test_mtls.py`, `tests/api/test_end_user.py`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.test import Client

from tests.api.ledger_of_writes import Writes
from tests.api.oauth import claims_of, forge, make_client, pack
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef
from zentra.tenants.operations import issue_key, revoke_key
from zentra.tenants.queries import platform_ref

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
Where = Literal["home", "platform", "both", "nowhere"]


@dataclass(frozen=True)
class Case:
    """A request's headers, and what is answered and kept."""

    name: str
    headers: dict[str, str]
    status: int
    code: str
    recorded: Where = "platform"


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


def key_cases(place: Place, other: TenantRef) -> Iterator[Case]:
    now, key = clock.now(), place.key
    head, secret = key[:-43], key[-43:]
    ended = issue_key(workspace=place.workspace, name="ended", now=now)
    revoke_key(key_id=ended.id, now=now)
    old = issue_key(workspace=place.workspace, name="old", now=now, expires_at=now - timedelta(seconds=1))
    theirs = issue_key(workspace=other, name="theirs", now=now)
    yield Case("none", {}, 401, "credential_missing", "nowhere")
    yield Case("empty", {"Authorization": ""}, 401, "credential_missing", "nowhere")
    yield Case(
        "basic", {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()}, 401, "credential_malformed"
    )
    yield Case("no scheme", {"Authorization": key}, 401, "credential_malformed")
    yield Case("in the address", {"X-Api-Key": key}, 401, "credential_missing", "nowhere")
    yield Case("two", bearer(f"{key}, Bearer {key}"), 401, "credential_malformed")
    yield Case("cut", bearer(key[:-1]), 401, "credential_malformed")
    yield Case("longer", bearer(key + "A"), 401, "credential_malformed")
    yield Case("other letters", bearer(head.upper() + secret), 401, "credential_malformed")
    yield Case("not ASCII", bearer(key[:-1] + "é"), 401, "credential_malformed")
    yield Case("NUL", bearer(key[:-1] + "\0"), 401, "credential_malformed")
    yield Case("huge", bearer("x" * 60_000), 401, "credential_malformed")
    yield Case("nobody's id", bearer(f"zk_test_{'0' * 26}_{secret}"), 401, "credential_unknown")
    yield Case("wrong secret", bearer(head + "x" * 43), 401, "credential_unknown")
    yield Case("another's secret", bearer(head + theirs.token[-43:]), 401, "credential_unknown")
    yield Case("of the other mode", bearer(key.replace("zk_test_", "zk_live_")), 401, "credential_unknown")
    yield Case("revoked", bearer(ended.token), 401, "credential_revoked", "home")
    yield Case("expired", bearer(old.token), 401, "credential_expired", "home")
    yield Case("names another", bearer(key, **{"Zentra-Workspace": other.slug}), 403, "scope_mismatch", "home")
    yield Case("names nobody", bearer(key, **{"Zentra-Workspace": "' OR 1=1"}), 403, "scope_mismatch", "both")
    narrow = issue_key(workspace=place.workspace, name="narrow", now=now, scopes=frozenset({"events.read"}))
    yield Case("lacks the scope", bearer(narrow.token), 403, "permission_denied", "home")


def token_cases(place: Place) -> Iterator[Case]:
    at, client = int(clock.now().timestamp()), make_client(place.workspace)
    said = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.secret}
    answer = Client().post("/v1/oauth/token", urlencode(said), "application/x-www-form-urlencoded")
    token = answer.json()["access_token"]
    elsewhere = "https://evil.example"
    head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    claims = claims_of(token)
    yield Case("unsigned", bearer(pack({**head, "alg": "none"}, claims, b"")), 401, "credential_malformed")
    yield Case("HS256", bearer(pack({**head, "alg": "HS256"}, claims, b"x" * 64)), 401, "credential_malformed")
    yield Case("own key in the head", bearer(pack({**head, "jwk": {}}, claims, b"x" * 64)), 401, "credential_malformed")
    yield Case("another signature", bearer(pack(head, claims, b"x" * 64)), 401, "credential_unknown")
    yield Case("changed claims", bearer(_with(token, scope="ledger.post")), 401, "credential_unknown")
    yield Case("for another API", bearer(forge(token, aud=elsewhere)), 401, "credential_audience", "home")
    yield Case("by another issuer", bearer(forge(token, iss=elsewhere)), 401, "credential_audience", "home")
    yield Case("over", bearer(forge(token, exp=at - 31)), 401, "credential_expired", "home")
    yield Case("not begun", bearer(forge(token, nbf=at + 60)), 401, "credential_not_yet_valid", "home")
    yield Case("lacks the scope", bearer(forge(token, scope="events.read")), 403, "permission_denied", "home")


def _with(token: str, **claims: Any) -> str:
    head, _, signature = token.split(".")
    body = base64.urlsafe_b64encode(json.dumps({**claims_of(token), **claims}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.fixture(scope="module")
def cases(place: Place, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Case]]:
    """The table."""
    from tests.workspaces import create, drop

    with django_db_blocker.unblock():
        other = create(slug=None, mode="sandbox", ledger_currency="USD")
        yield [*key_cases(place, other), *token_cases(place)]
        drop(other)


def asked(case: Case) -> Any:
    cache.clear()  # so that no guess of another case counts
    body = {"customer": "c", "currency": "USD", "account_type": "customer", "idempotency_key": "bad"}
    return Client(headers=case.headers).post("/v1/accounts", json.dumps(body), "application/json")


def test_each_is_refused_with_its_code_and_recorded_where_it_belongs(place: Place, cases: list[Case]) -> None:
    found = {}
    for case in cases:
        home, platform = Writes(place.workspace), Writes(platform_ref())
        answer = asked(case)
        got = (answer.status_code, answer.json()["code"], home.new_rows(), platform.new_rows())
        kept = {"home": dict(home.new_types()), "platform": dict(platform.new_types())}
        expected = {side: {"access.denied": 1} if case.recorded in (side, "both") else {} for side in kept}
        if got != (case.status, case.code, {}, {}) or kept != expected:
            found[case.name] = (got, kept)
    assert found == {}


def test_no_refusal_helps_or_repeats_what_was_shown(cases: list[Case]) -> None:
    unknown = set()
    for case in cases:
        answer = asked(case)
        problem = answer.json()
        shown = case.headers.get("Authorization", "").rpartition(" ")[2]
        assert len(shown) < 20 or shown[-40:] not in answer.content.decode(), case.name
        assert answer.headers["Cache-Control"] == "no-store", case.name
        assert "Set-Cookie" not in answer.headers, case.name
        assert answer.headers["Content-Type"] == "application/problem+json", case.name
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), case.name
        if problem["code"] == "credential_unknown" and "eyJ" not in shown:
            unknown.add((problem["title"], problem["detail"]))
    # Nobody's id, a wrong secret, another's secret, another mode: one sentence.
    assert len(unknown) == 1


def test_what_was_used_once_is_used_up(place: Place) -> None:
    cache.clear()
    person, code = place.admin, place.admin.totp_code()
    first, second = Client(), Client()
    for client in (first, second):
        client.post("/sign-in/", {"login": person.email, "password": person.password})
    assert first.post("/sign-in/second-step/", {"code": code}).status_code == 302
    assert second.post("/sign-in/second-step/", {"code": code}).status_code == 200
    assert second.get(place.base).status_code == 302


def test_sessions_codes_and_links_that_are_wrong_let_nobody_in(place: Place) -> None:
    cache.clear()
    form, nobody = {"password": "y" * 20, "again": "y" * 20}, "x" * 43
    tried: list[tuple[str, Callable[[Client], Any]]] = [
        ("a wrong password", lambda c: c.post("/sign-in/", {"login": place.operator.email, "password": "x" * 20})),
        ("no password", lambda c: c.post("/sign-in/", {"login": place.operator.email})),
        ("a huge password", lambda c: c.post("/sign-in/", {"login": place.operator.email, "password": "x" * 100_000})),
        ("a NUL", lambda c: c.post("/sign-in/", {"login": place.operator.email, "password": "a\0b"})),
        ("a key for a password", lambda c: c.post("/sign-in/", {"login": place.operator.email, "password": place.key})),
        ("a code without a password", lambda c: c.post("/sign-in/second-step/", {"code": "123456"})),
        (
            "an invitation of nobody",
            lambda c: c.post(f"/welcome/{ids.new_id('usr')}/{nobody}/", form),
        ),
        (
            "a reset of nobody",
            lambda c: c.post(f"/sign-in/reset/{place.operator.id}/{nobody}/", form),
        ),
        ("a key for a session", lambda c: c.get(place.base, headers={"Authorization": f"Bearer {place.key}"})),
    ]
    for name, attempt in tried:
        client = Client(raise_request_exception=False)
        answer = attempt(client)
        assert answer.status_code in (200, 302, 400, 403, 404, 410, 422), name
        if answer.status_code == 302:
            assert answer.headers["Location"].startswith("/sign-in/"), name
        assert client.get(place.base).status_code == 302, name
