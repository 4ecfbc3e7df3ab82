"""A workspace is there whole or not at all."""

from collections.abc import Callable

import pytest
from django.db import connection

from ledger.queries import find_account
from tests.ledger.book import at_once
from tests.tenants.catalogue import ask
from tests.workspaces import drop
from zentra.core import schema
from zentra.core.clock import now
from zentra.core.money import UnknownCurrency
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants import operations
from zentra.tenants.operations import InvalidSlug, SlugTaken, create_workspace
from zentra.tenants.queries import find_workspace


def create(slug: str) -> TenantRef:
    return create_workspace(slug=slug, name="A name", mode="sandbox", now=now())


def schema_exists(slug: str) -> bool:
    return bool(ask("SELECT 1 FROM pg_namespace WHERE nspname = %s", [operations.schema_name(slug)]))


def test_a_new_workspace_has_its_chart_its_rules_and_its_log(workspace: TenantRef) -> None:
    with tenant_work(workspace), connection.cursor() as cursor:
        assert find_account(ref="customer_balance", currency="USD").code == "customer_balance"
        cursor.execute("SELECT count(*) FROM policy_rule_set")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(*) FROM evidence_log")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize(
    "slug", ["", "A", "1a", "-a", "a-", "a--b", "a_b", "a b", "ä", "platform", "a" * 41, "public;", "a\n"]
)
def test_a_crooked_slug_is_refused_before_anything_is_made(slug: str, database: None) -> None:
    with pytest.raises(InvalidSlug):
        create(slug)

    assert find_workspace(slug=slug) is None or slug == "platform"


def test_an_unknown_currency_is_refused_before_anything_is_made(database: None) -> None:
    with pytest.raises(UnknownCurrency):
        create_workspace(slug="no-money", name="", mode="sandbox", ledger_currency="XXX", now=now())

    assert not schema_exists("no-money")


def test_a_slug_is_taken_once(workspace: TenantRef) -> None:
    with pytest.raises(SlugTaken):
        create(workspace.slug)

    with tenant_work(workspace):
        find_account(ref="customer_balance", currency="USD")


def test_of_eight_who_create_one_slug_at_once_one_does_and_its_schema_is_kept(database: None) -> None:
    results = at_once([lambda: create("same-slug")] * 8, threads=8)

    made = [result for result in results if isinstance(result, TenantRef)]
    try:
        assert len(made) == 1
        assert {type(result) for result in results} == {TenantRef, SlugTaken}
        with tenant_work(made[0]):
            assert find_account(ref="customer_balance", currency="USD").code == "customer_balance"
    finally:
        for ws in made:
            drop(ws)


def test_a_crash_after_the_schema_leaves_nothing_to_be_seen_and_the_next_try_succeeds(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_ws: TenantRef, _now: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(operations, "_provisioners", [*operations._provisioners, crash])
        with pytest.raises(KeyboardInterrupt):
            create("crashed")

    assert find_workspace(slug="crashed") is None
    ws = create("crashed")
    try:
        with tenant_work(ws):
            find_account(ref="customer_balance", currency="USD")
    finally:
        drop(ws)


def test_a_clone_that_fails_halfway_leaves_no_schema(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "apply_sql", crash)
    with pytest.raises(KeyboardInterrupt):
        create("halfway")

    assert not schema_exists("halfway")
    assert find_workspace(slug="halfway") is None


def test_two_slugs_never_share_a_schema(make_workspace: Callable[..., TenantRef]) -> None:
    slugs = ["a-b-c", "a-bc", "ab-c", "abc"]

    assert len({operations.schema_name(slug) for slug in slugs}) == len(slugs)
