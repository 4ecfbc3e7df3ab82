"""Whatever anybody sends to the callback's door: 4xx with a code, and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.ledger_of_writes import Writes
from tests.webhooks import signed_callbacks as sign
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import connect_rail, set_callback_scheme
from zentra.routing.schemes import SCHEME_NAMES

Door = tuple[httpx.Client, dict[str, str]]
Connect = Callable[..., httpx.Client]
ADMIN = Actor(kind="user", id="usr_admin", role="admin")
NAMES = st.sampled_from(
    ["webhook-id", "webhook-timestamp", "webhook-signature", "stripe-signature", "x-signature", "x-timestamp",
     "x-signature-ed25519", "x-signature-timestamp", "content-type", "content-encoding", "traceparent", "user-agent",
     "x-forwarded-for", "transfer-encoding-x", "authorization", "expect-x", "range", "cookie"]
)  # fmt: skip
NOW = str(int(datetime.now(UTC).timestamp()))
# What a header can carry: bytes but line ends and NUL, and things that look nearly right.
VALUES = st.one_of(
    st.binary(max_size=300).map(lambda raw: bytes(b for b in raw if b not in (0, 9, 10, 11, 12, 13)).strip()),
    st.sampled_from([b"", NOW.encode(), b"v1," + b"A" * 44, b"v1a," + b"A" * 88, b"sha256=" + b"0" * 64,
                     b"t=" + NOW.encode() + b",v1=" + b"0" * 64, b"0" * 128, b"gzip",
                     b"identity", b"application/json", b"t=1,t=1", b","]),
)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=2000),
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner)
                 | st.dictionaries(st.text(), inner), max_leaves=10).map(lambda value: json.dumps(value).encode()),
    st.builds(lambda depth: b"[" * depth, st.integers(1, 30_000)),
    st.builds(lambda size: b"x" * size, st.integers(60_000, 70_000)),
)  # fmt: skip
FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def door(connect: Connect, workspace: TenantRef) -> Door:
    """A client, and the address of a rail of each scheme."""
    rails: dict[str, str] = {}
    with tenant_work(workspace):
        for scheme in SCHEME_NAMES:
            rail = connect_rail(
                ws=workspace, name=scheme, base_url="http://127.0.0.1:9", secret=sign.STANDARD, now=clock.now()
            )
            set_callback_scheme(
                rail_id=rail.id, scheme=scheme, actor=ADMIN, now=clock.now(),
                secret=None if scheme in {"standard_webhooks", "ed25519"} else sign.TEXT,
            )  # fmt: skip
            rails[scheme] = f"/providers/{rail.id}/callbacks"
    return connect(None), rails


@FUZZ
@given(scheme=st.sampled_from(SCHEME_NAMES), headers=st.lists(st.tuples(NAMES, VALUES), max_size=8), body=BODIES)
def test_unsigned_noise_is_4xx_with_a_code_and_changes_nothing(
    door: Door, workspace: TenantRef, scheme: str, headers: list[tuple[str, bytes]], body: bytes
) -> None:
    http, addresses = door
    writes = Writes(workspace)

    answer = http.post(addresses[scheme], content=body, headers=[(n.encode(), v) for n, v in headers])

    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["code"]
    assert writes.new_rows() == {}
    assert set(writes.new_types()) <= {"callback.refused"}


@FUZZ
@given(body=BODIES, age=st.integers(-100_000, 100_000))
def test_signed_noise_posts_nothing(door: Door, workspace: TenantRef, body: bytes, age: int) -> None:
    """Somebody with the secret sends rubbish: it is refused or kept, and no money moves."""
    http, addresses = door
    writes = Writes(workspace)
    headers = sign.stripe(body, datetime.now(UTC) + timedelta(seconds=age))

    answer = http.post(addresses["stripe"], content=body, headers=headers)

    assert 400 <= answer.status_code < 500, answer.text
    kept = {"webhooks_callback", "webhooks_callback_key", "webhooks_quarantine"}
    kept |= {"policy_review", "policy_review_alert", "policy_review_step"}  # the case of what is quarantined
    assert set(writes.new_rows()) <= kept
    assert set(writes.new_types()) <= {
        "callback.refused", "callback.quarantined", "review.opened", "review.assigned",
    }  # fmt: skip
