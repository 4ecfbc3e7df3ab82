"""How often a credential may ask, what it is told, and what happens to an address that guesses."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import override_settings

from tests.api.ledger_of_writes import Writes
from tests.workspaces import issue_token
from zentra.api import limits
from zentra.api.oauth import OAuthRefusal, _read_basic
from zentra.core.rates import Limiter
from zentra.core.tenancy import TenantRef
from zentra.tenants.services.certificates import read_client_cert_header
from zentra.tenants.services.secrets import hash_secret

Connect = Callable[..., httpx.Client]
ITEM = re.compile(r'"(?:credential|workspace)-(?:read|write|heavy|token)"(;[rqtw]=[0-9]+){2}')


@pytest.fixture
def policies(workspace: TenantRef) -> Callable[..., None]:
    """Give `workspace` rate policies, as its settings keep them."""

    def store(**classes: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE public.tenants_workspace SET settings = settings || %s::jsonb WHERE id = %s",
                [json.dumps({"rate_policies": classes}), workspace.id],
            )

    return store


@pytest.fixture
def guesses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody has guessed yet, here and in Redis."""
    _forget_guesses()
    monkeypatch.setattr(limits, "_guesses", limits.Guesses())
    monkeypatch.setattr(limits, "_right", limits.RightLately())
    yield
    _forget_guesses()


def _forget_guesses() -> None:
    client = redis.Redis.from_url(settings.ZENTRA_REDIS_URL)
    for key in client.scan_iter("zentra:rate:wrong:*"):
        client.delete(key)


def wrong_token() -> str:
    return f"zk_test_{'0' * 26}_{secrets.token_urlsafe(32)}"


# -- What every answer says --------------------------------------------------------------------------------------------


def test_every_answer_to_a_proven_caller_says_what_is_left(http: httpx.Client) -> None:
    asked = [
        http.get("/accounts"), http.get("/accounts/nobody"), http.post("/accounts", json={}),
        http.get("/accounts?limit=x"),
        http.post("/runtime/intents", content=b"{", headers={"Content-Type": "application/json"}),
        http.post("/accounts", json={}, headers={"Zentra-Workspace": "another"}),
    ]  # fmt: skip
    assert [answer.status_code for answer in asked] == [200, 404, 422, 422, 400, 403]
    for answer in asked:
        for name in ("RateLimit", "RateLimit-Policy"):
            items = answer.headers[name].split(", ")
            assert len(items) == 2
            assert all(ITEM.fullmatch(item) for item in items), answer.headers[name]
    assert asked[0].headers["RateLimit-Policy"] == '"credential-read";q=400;w=2, "workspace-read";q=1200;w=2'
    assert asked[2].headers["RateLimit-Policy"] == '"credential-write";q=600;w=2, "workspace-write";q=1800;w=2'


# -- The limits of a workspace and its credentials ---------------------------------------------------------------------


def test_beyond_the_limit_is_429_with_the_time_to_wait_and_one_record_in_a_minute(
    http: httpx.Client, policies: Callable[..., None], writes: Writes
) -> None:
    policies(write={"key": [0.1, 3]})

    answers = [
        http.post("/accounts", json={"customer": "c", "currency": "USD", "account_type": "customer"}) for _ in range(8)
    ]

    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 5
    refused = answers[-1]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert (refused.json()["bucket"], refused.json()["quota"], refused.json()["retryable"]) == ("credential", 3, True)
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.headers["RateLimit"].startswith('"credential-write";r=0;t=')
    # Reading has a limit of its own.
    assert http.get("/accounts").status_code == 200
    assert writes.new_rows().get("ledger_account") == 3
    [recorded] = [event for event in writes.new_events() if event["type"] == "rate.limited"]
    assert recorded["data"]["bucket"] == "credential"
    assert recorded["data"]["credential"] == recorded["actor"]["id"]
    assert set(writes.new_types()) == {"account.created", "rate.limited"}


def test_keys_share_the_limit_of_their_workspace_and_workspaces_share_nothing(
    http: httpx.Client,
    connect: Connect,
    workspace: TenantRef,
    other_workspace: TenantRef,
    policies: Callable[..., None],
) -> None:
    policies(read={"key": [0.1, 4], "tenant": [0.1, 6]})
    second, elsewhere = connect(issue_token(workspace)), connect(issue_token(other_workspace))

    assert [http.get("/accounts").status_code for _ in range(5)] == [200] * 4 + [429]
    statuses = [second.get("/accounts") for _ in range(3)]
    assert [answer.status_code for answer in statuses] == [200, 200, 429]
    assert statuses[-1].json()["bucket"] == "workspace"
    assert elsewhere.get("/accounts").status_code == 200


def test_many_callers_at_once_are_admitted_exactly_as_often_as_the_limit_says(
    http: httpx.Client, policies: Callable[..., None]
) -> None:
    policies(read={"key": [0.1, 12]})
    statuses: list[int] = []
    together = threading.Barrier(40)

    def ask() -> None:
        together.wait()
        statuses.append(http.get("/accounts?limit=1").status_code)

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (statuses.count(200), statuses.count(429)) == (12, 28)


def test_a_key_that_lacks_the_scope_is_limited_like_any_other(
    connect: Connect, workspace: TenantRef, policies: Callable[..., None], writes: Writes
) -> None:
    from zentra.core.clock import now
    from zentra.tenants.operations import issue_key
    from zentra.tenants.permissions import Permission

    policies(read={"key": [0.1, 2]})
    poor = connect(issue_key(workspace=workspace, name="poor", scopes=[Permission.EVENTS_READ], now=now()).token)

    assert [poor.get("/accounts").status_code for _ in range(6)] == [403, 403, 429, 429, 429, 429]
    assert writes.new_types() == {"access.denied": 2, "rate.limited": 1}


def test_a_setting_that_was_written_round_its_check_means_the_defaults(
    http: httpx.Client, policies: Callable[..., None]
) -> None:
    policies(read={"key": "lots"})
    assert http.get("/accounts").headers["RateLimit-Policy"].startswith('"credential-read";q=400;w=2')


def test_without_redis_the_api_answers_and_limits_by_its_share(
    http: httpx.Client, policies: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    policies(read={"key": [0.1, 8]})
    nobody = Limiter(redis.Redis(host="127.0.0.1", port=1))
    monkeypatch.setattr(limits, "limiter", lambda: nobody)

    with override_settings(ZENTRA_API_PROCESSES=2):
        statuses = [http.get("/accounts").status_code for _ in range(6)]

    assert statuses == [200] * 4 + [429] * 2


# -- Who guesses -------------------------------------------------------------------------------------------------------


def test_an_address_that_guesses_waits_before_the_database_is_asked_and_locks_nobody_out(
    connect: Connect, http: httpx.Client, guesses: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zentra.api.auth import keys

    looked_up: list[str] = []
    find = keys._find

    def watched(key_id: str) -> Any:
        looked_up.append(key_id)
        return find(key_id)

    monkeypatch.setattr(keys, "_find", watched)
    assert http.get("/accounts").status_code == 200
    guesser = connect(None)

    with override_settings(ZENTRA_WRONG_CREDENTIALS=10):
        answers = [guesser.get("/accounts", headers={"Authorization": f"Bearer {wrong_token()}"}) for _ in range(30)]
        right_now = http.get("/accounts").status_code

    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [401] * 10
    assert statuses.count(401) <= 11  # one more may have been earned meanwhile
    assert answers[-1].json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 6
    # The database was asked for those that were looked at, and for the right key.
    assert len(looked_up) == statuses.count(401) + 2
    # A key that was right lately passes from the same address.
    assert right_now == 200


def test_a_right_key_is_known_to_other_processes_by_a_mark_that_is_not_its_hash(
    workspace: TenantRef, redis_url: str, guesses: None
) -> None:
    proof = secrets.token_bytes(32)
    limits.note_right(proof)
    assert limits.RightLately().knows(proof)
    assert not limits.RightLately().knows(secrets.token_bytes(32))
    client = redis.Redis.from_url(redis_url)
    [mark] = [key for key in client.scan_iter("zentra:rate:right:*") if limits._mark_of(proof).encode() in key]
    assert proof.hex().encode() not in mark
    assert 0 < client.ttl(mark) <= 86_400


def test_what_is_refused_there_or_now_is_counted_and_passes_no_more(
    connect: Connect, workspace: TenantRef, guesses: None
) -> None:
    from zentra.core.clock import now
    from zentra.tenants.models import ApiCredential
    from zentra.tenants.operations import issue_key

    token = issue_key(workspace=workspace, name="n", scopes={"accounts.read"}, now=now()).token
    proof, http = hash_secret(token), connect(token)
    assert http.get("/accounts").status_code == 200
    assert limits.RightLately().knows(proof)

    ApiCredential.objects.filter(id=f"key_{token.split('_')[2]}").update(allowed_networks=["::1"])
    with override_settings(ZENTRA_WRONG_CREDENTIALS=3):
        codes = [http.get("/accounts").json()["code"] for _ in range(5)]

    assert codes[:3] == ["network_refused"] * 3
    assert codes[-1] == "rate_limited"
    assert not limits._right.knows(proof)


def test_headers_that_are_no_ascii_are_no_proof() -> None:
    with pytest.raises(OAuthRefusal):
        _read_basic("Basic \u00e9\u00e9\u00e9\u00e9")
    assert read_client_cert_header(":\u00e9\u00e9\u00e9\u00e9:") is None


def test_a_process_learns_of_guesses_in_others_with_its_first_wrong_one(guesses: None, redis_url: str) -> None:
    here, there = limits.Guesses(), limits.Guesses()
    with override_settings(ZENTRA_WRONG_CREDENTIALS=5):
        for _ in range(5):
            there.count("198.51.100.7")
        assert there.wait_of("198.51.100.7") > 0
        assert here.wait_of("198.51.100.7") <= 0
        here.count("198.51.100.7")
        assert here.wait_of("198.51.100.7") > 0
        assert here.wait_of("198.51.100.8") <= 0


def test_the_addresses_of_one_ipv6_customer_are_one() -> None:
    assert limits._network("2001:db8:0:1::1") == limits._network("2001:db8:0:1:ffff::2") == "2001:db8:0:1::/64"
    assert limits._network("2001:db8:0:2::1") != limits._network("2001:db8:0:1::1")
    assert limits._network("192.0.2.1") == "192.0.2.1"
