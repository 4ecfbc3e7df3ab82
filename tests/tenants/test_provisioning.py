"""A workspace that was asked for is made whole or not at all, by whoever is left to make it, and once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection

from tests.ledger.book import at_once
from tests.ledger.filing import events_of
from tests.people import Person, join
from tests.workspaces import drop
from zentra.core import actors, ids, schema
from zentra.core.clock import now
from zentra.core.money import UnknownCurrency
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants import operations as making
from zentra.tenants.members.errors import InvalidMemberEmail
from zentra.tenants.models import Invitation, Membership, ProvisioningJob, Workspace
from zentra.tenants.operations import InvalidSlug, SlugTaken, schema_name
from zentra.tenants.provisioning import jobs, store
from zentra.tenants.provisioning.errors import ClaimEnded, InvalidWorkspaceName, TwinRefused, UnknownWorkspace
from zentra.tenants.provisioning.operations import request_twin, request_workspace
from zentra.tenants.provisioning.queries import find_job, list_jobs
from zentra.tenants.provisioning.types import Claim, JobRecord
from zentra.tenants.queries import find_membership, find_workspace, platform_ref

Ask = Callable[..., JobRecord]


@pytest.fixture
def owner(database: None) -> Iterator[schema.Owner]:
    """The provisioner's own connection."""
    with schema.connect_as_owner() as connected:
        connected.autocommit = True
        yield connected


@pytest.fixture
def ask(database: None) -> Iterator[Ask]:
    """`ask(slug=…)` for a workspace; whatever was made is dropped afterwards, and no job is left."""
    slugs: list[str] = []

    def request(**words: Any) -> JobRecord:
        wanted = {"slug": f"made-{secrets.token_hex(4)}", "name": "Made", "mode": "sandbox"} | words
        job = request_workspace(**wanted, actor=actors.RUNTIME, now=now())
        slugs.append(job.slug)
        return job

    yield request
    for slug in slugs:
        ProvisioningJob.objects.filter(slug=slug).delete()
        found = find_workspace(slug=slug)
        if found is not None:
            drop(found)


def schema_is_there(slug: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [schema_name(slug)])
        return bool(cursor.fetchone()[0])


def test_a_workspace_is_asked_for_made_and_recorded(ask: Ask, owner: schema.Owner) -> None:
    job = ask(ledger_currency="EUR", name="  Acme   Sandbox ")
    assert (job.state, job.name, job.step, job.steps) == ("waiting", "Acme Sandbox", 0, 4)
    assert find_workspace(slug=job.slug) is None

    done = jobs.run_next(owner=owner, now=now(), job_id=job.id)

    assert done is not None
    assert (done.state, done.step, done.error, done.attempts) == ("done", 4, "", 1)
    made = find_workspace(slug=job.slug)
    assert made is not None
    assert (made.id, made.mode, made.ledger_currency) == (job.workspace_id, "sandbox", "EUR")
    said = [each for each in events_of(platform_ref(), "workspace.created") if each["slug"] == job.slug]
    assert [each["requested_by"] for each in said] == ["svc_runtime"]
    assert jobs.run_next(owner=owner, now=now(), job_id=job.id) is None
    with pytest.raises(SlugTaken):
        ask(slug=job.slug)


def test_progress_is_seen_while_the_workspace_is_not(
    ask: Ask, owner: schema.Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, seen = ask(), []
    clone = schema.clone_schema

    def watch(name: str, *, owner: schema.Owner) -> None:
        clone(name, owner=owner)
        with psycopg.connect(owner.info.dsn, password=owner.info.password) as other:
            row = other.execute(
                "SELECT step, step_name, (SELECT count(*) FROM tenants_workspace WHERE slug = %s)"
                " FROM tenants_provisioning_job WHERE slug = %s",
                [job.slug, job.slug],
            ).fetchone()
        seen.append(row)

    monkeypatch.setattr(schema, "clone_schema", watch)
    jobs.run_next(owner=owner, now=now(), job_id=job.id)

    assert seen == [(1, "Make its tables", 0)]


def test_the_first_admin_is_invited_and_one_with_a_password_is_not(ask: Ask, owner: schema.Owner) -> None:
    address = f"first.{secrets.token_hex(4)}@example.test"
    new, known = ask(admin_email=f" {address.upper()} "), ask()
    person = join(platform_ref(), role="platform_support")
    ProvisioningJob.objects.filter(id=known.id).update(admin_id=person.id)
    for job in (new, known):
        jobs.run_next(owner=owner, now=now(), job_id=job.id)

    (member,) = Membership.objects.filter(workspace_id=new.workspace_id).select_related("user")
    assert (member.user.email, member.role) == (address, "admin")
    assert Invitation.objects.filter(workspace_id=new.workspace_id, user=member.user).count() == 1
    assert find_membership(user_id=person.id, slug=known.slug) is not None
    assert not Invitation.objects.filter(workspace_id=known.workspace_id).exists()
    Membership.objects.filter(user_id=person.id, workspace_id=platform_ref().id).delete()


def test_what_has_another_form_is_refused_and_nothing_waits(ask: Ask) -> None:
    before = len(list_jobs(limit=1_000))
    wrong: list[tuple[dict[str, str], type[Exception]]] = [
        ({"slug": "Acme"}, InvalidSlug), ({"slug": "a--b"}, InvalidSlug), ({"slug": "platform"}, InvalidSlug),
        ({"slug": 'x"; drop schema public; --'}, InvalidSlug), ({"slug": "a" * 41}, InvalidSlug),
        ({"slug": "ws_acme"}, InvalidSlug), ({"slug": ""}, InvalidSlug), ({"slug": "tenant_template"}, InvalidSlug),
        ({"name": ""}, InvalidWorkspaceName), ({"name": "x" * 81}, InvalidWorkspaceName),
        ({"name": "a\u202eb"}, InvalidWorkspaceName), ({"ledger_currency": "XXX"}, UnknownCurrency),
        ({"admin_email": "nobody"}, InvalidMemberEmail),
    ]  # fmt: skip
    for words, error in wrong:
        with pytest.raises(error):
            ask(**words)

    assert len(list_jobs(limit=1_000)) == before


def test_of_those_who_ask_for_one_short_name_at_once_one_has_it(ask: Ask) -> None:
    slug = f"raced-{secrets.token_hex(4)}"
    done = at_once([lambda: ask(slug=slug)] * 6, threads=6)

    assert sorted(type(each).__name__ for each in done) == ["JobRecord", *["SlugTaken"] * 5]


def test_of_provisioners_who_look_at_once_one_makes_it(ask: Ask) -> None:
    job = ask()

    def look() -> JobRecord | None:
        return jobs.run_job(job_id=job.id, now=now())

    done = at_once([look] * 3, threads=3)
    assert [each for each in done if isinstance(each, Exception)] == []
    assert [each.state for each in done if isinstance(each, JobRecord)] == ["done"]
    assert Workspace.objects.filter(slug=job.slug).count() == 1


def test_a_try_that_dies_leaves_nothing_to_see_and_the_next_one_replaces_it(
    ask: Ask, owner: schema.Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask()

    def die(_ref: TenantRef, _now: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(making, "_provisioners", [*making._provisioners, die])
        with pytest.raises(KeyboardInterrupt):
            jobs.run_next(owner=owner, now=now(), job_id=job.id)
    assert schema_is_there(job.slug)  # unseen
    assert find_workspace(slug=job.slug) is None
    assert jobs.run_next(owner=owner, now=now(), job_id=job.id) is None  # its lease runs

    done = jobs.run_next(owner=owner, now=now() + store.LEASE + timedelta(seconds=1), job_id=job.id)
    assert done is not None
    assert (done.state, done.attempts) == ("done", 2)
    made = find_workspace(slug=job.slug)
    assert made is not None
    with tenant_work(made), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM policy_rule_set")
        assert cursor.fetchone() == (1,)


def test_a_try_that_dies_after_its_commit_is_found_to_be_done(ask: Ask, owner: schema.Owner) -> None:
    job = ask()
    jobs.run_next(owner=owner, now=now(), job_id=job.id)
    ProvisioningJob.objects.filter(id=job.id).update(state="running", leased_until=now() - timedelta(seconds=1))

    again = jobs.run_next(owner=owner, now=now(), job_id=job.id)
    assert again is not None
    assert (again.state, again.workspace_id) == ("done", job.workspace_id)
    assert len([e for e in events_of(platform_ref(), "workspace.created") if e["slug"] == job.slug]) == 1


def test_what_goes_wrong_is_tried_again_and_given_up_with_a_sentence(
    ask: Ask, owner: schema.Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, moment = ask(), now()

    def fail(_ref: TenantRef, _now: object) -> None:
        raise RuntimeError("secret words of a server")

    monkeypatch.setattr(making, "_provisioners", [fail])
    states = []
    for number in range(store.MOST_ATTEMPTS):
        done = jobs.run_next(owner=owner, now=moment + timedelta(minutes=2 * number), job_id=job.id)
        assert done is not None
        states.append(done.state)

    assert states == [*["waiting"] * (store.MOST_ATTEMPTS - 1), "failed"]
    found = find_job(job_id=job.id)
    assert found is not None
    assert "secret words" not in found.error
    assert "log says why" in found.error
    assert not schema_is_there(job.slug)
    ask(slug=job.slug)  # the short name is free again


def test_who_lost_the_lease_commits_nothing(ask: Ask, owner: schema.Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask()
    clone = schema.clone_schema

    def be_slow(name: str, *, owner: schema.Owner) -> None:
        clone(name, owner=owner)
        owner.execute("UPDATE tenants_provisioning_job SET claim_id = %s WHERE slug = %s", [ids.new_uuid(), job.slug])

    monkeypatch.setattr(schema, "clone_schema", be_slow)
    done = jobs.run_next(owner=owner, now=now(), job_id=job.id)

    assert done is not None
    assert done.state == "running"
    assert find_workspace(slug=job.slug) is None
    with pytest.raises(ClaimEnded):
        store.end(owner, Claim(job, ids.new_uuid()), now=now())


def test_a_live_twin_is_empty_has_its_sandbox_s_currency_and_admins_and_is_the_only_one(
    workspace: TenantRef, admin: Person, operator: Person, ask: Ask, owner: schema.Owner
) -> None:
    twin_slug = f"twin-{secrets.token_hex(4)}"
    second = join(workspace, role="support")
    Membership.objects.filter(workspace_id=workspace.id, user_id=second.id).update(also=["admin"])
    job = request_twin(workspace_id=workspace.id, slug=twin_slug, actor=actors.RUNTIME, now=now())
    with pytest.raises(TwinRefused):
        request_twin(workspace_id=workspace.id, slug=twin_slug + "-b", actor=actors.RUNTIME, now=now())
    done = jobs.run_next(owner=owner, now=now(), job_id=job.id)

    assert done is not None
    assert (done.state, done.kind) == ("done", "twin")
    twin = find_workspace(slug=twin_slug)
    assert twin is not None
    assert (twin.mode, twin.ledger_currency) == ("live", workspace.ledger_currency)
    assert Workspace.objects.get(id=twin.id).twin_of == workspace.id
    assert find_membership(user_id=admin.id, slug=twin_slug) is not None
    assert find_membership(user_id=second.id, slug=twin_slug) is not None  # an admin beside another role
    assert find_membership(user_id=operator.id, slug=twin_slug) is None
    for wrong in (workspace.id, twin.id):
        with pytest.raises(TwinRefused):
            request_twin(workspace_id=wrong, slug=twin_slug + "-c", actor=actors.RUNTIME, now=now())
    with pytest.raises(UnknownWorkspace):
        request_twin(workspace_id=ids.new_uuid(), actor=actors.RUNTIME, now=now())
    ProvisioningJob.objects.filter(slug=twin_slug).delete()
    drop(twin)


def test_the_application_asks_and_only_the_owner_makes(ask: Ask) -> None:
    job = ask()
    for statement in (f"CREATE SCHEMA {schema_name(job.slug)}", "DROP SCHEMA tenant_template CASCADE"):
        with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), connection.cursor() as cursor:
            cursor.execute(statement)
    assert not schema_is_there(job.slug)
