"""What all tests stand on: a throw-away PostgreSQL and Redis, workspaces, people, running processes, a browser.

Tests commit for real: the log is append-only and refuses to be flushed, so a test that writes takes a `workspace` of
its own, which is dropped by the owner afterwards. Nothing is started for tests that ask for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import django
import pytest

from tests.browser import OPTIONS, announcement, find_chromium, is_required
from zentra.embedded.programs import Ports
from zentra.embedded.testing import ThrowAwayGround

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.plugin import DjangoDbBlocker

    from tests.people import Person
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

GROUND = pytest.StashKey[ThrowAwayGround]()
DATABASE = pytest.StashKey[str]()
PORTS = pytest.StashKey[Ports]()
HANDED_OVER = "zentra_ground"


# -- The ground: made before Django's settings are read, started by whoever needs it first -----------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Make the session's ground, or take over the controller's, and point the settings at it."""
    handed_over = getattr(config, "workerinput", None)
    ground = ThrowAwayGround.from_json(handed_over[HANDED_OVER]) if handed_over else ThrowAwayGround.create()
    worker = handed_over["workerid"] if handed_over else "gw0"
    database = f"zentra_{worker}"
    config.stash[GROUND], config.stash[DATABASE], config.stash[PORTS] = ground, database, Ports.any_free()
    number = int(worker.removeprefix("gw"))
    os.environ.update(ground.environment(database=database, redis_database=number, ports=config.stash[PORTS]))
    django.setup()  # test modules may import models
    from django.conf import settings

    if os.environ["ZENTRA_OWNER_DATABASE_URL"] != settings.ZENTRA_OWNER_DATABASE_URL:
        raise pytest.UsageError("Django's settings were read before this session named its database.")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let each worker process read the settings after it has named its own database.

    pytest-django reads them at once where the environment names the module. A worker inherited that name together with
    the controller's database, so that its tests wrote into one database and its Zentra served another.
    """
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the ground over to a worker process of pytest-xdist."""
    node.workerinput[HANDED_OVER] = node.config.stash[GROUND].to_json()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Only the controller ends what all share."""
    ground = config.stash.get(GROUND, None)
    if ground is not None and not hasattr(config, "workerinput"):
        ground.stop()


def pytest_report_header() -> str:
    """Say loudly when there is no browser."""
    return announcement()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that start Zentra's processes last, and skip the browser tests where there is no Chromium.

    Once started, a worker does whatever is due in this database, also what a test wanted to do by itself. Browser
    tests that are required are not skipped; their fixture fails.
    """
    last = {item.path for item in items if "served_processes" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path in last)
    if find_chromium() is not None or is_required():
        return
    skip = pytest.mark.skip(reason="no Chromium here")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def what_is_recorded_is_what_the_catalogue_says() -> Iterator[None]:
    """An event that says something its type does not declare fails the test that records it."""
    from tests.evidence.conforming import watched_recording

    with watched_recording():
        yield


@pytest.fixture(autouse=True)
def the_clock_runs_on() -> Iterator[None]:
    """A test that leaves the clock of its process held fails, and not those that come after it."""
    from datetime import UTC, datetime

    from zentra.core import clock

    yield
    assert abs(clock.now() - datetime.now(UTC)).total_seconds() < 60, "this test left the clock held"


@pytest.fixture(scope="session")
def ground(pytestconfig: pytest.Config) -> ThrowAwayGround:
    """The session's servers; started by `migrated`."""
    return pytestconfig.stash[GROUND]


@pytest.fixture(scope="session")
def migrated(ground: ThrowAwayGround, pytestconfig: pytest.Config) -> str:
    """This worker's own database, migrated; its name."""
    ground.start()
    name = pytestconfig.stash[DATABASE]
    ground.create_database(name)
    wait_longer_for_connections()
    return name


def wait_longer_for_connections() -> None:
    """A test that opens many at once, or has them killed, waits for new ones as long as a busy machine needs."""
    from django.conf import settings

    settings.DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 60


@pytest.fixture(scope="session")
def django_db_setup(migrated: str) -> None:
    """pytest-django's own set-up is replaced: there is nothing to create and nothing to flush."""


@pytest.fixture
def database(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Leave to use the database, for real: what is written is committed."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def redis_url(migrated: str) -> str:
    """The Redis of the settings, running."""
    return os.environ["ZENTRA_REDIS_URL"]


# -- Workspaces and people ---------------------------------------------------------------------------------------------


@pytest.fixture
def make_workspace(database: None) -> Iterator[Callable[..., TenantRef]]:
    """`make_workspace(mode="sandbox", ledger_currency="USD", slug=…)`: fresh, committed, dropped after the test."""
    from tests.workspaces import create, drop

    made: list[TenantRef] = []

    def make(
        *, mode: Literal["sandbox", "live"] = "sandbox", ledger_currency: str = "USD", slug: str | None = None
    ) -> TenantRef:
        made.append(create(slug=slug, mode=mode, ledger_currency=ledger_currency))
        return made[-1]

    yield make
    for workspace in made:
        drop(workspace)


@pytest.fixture
def workspace(make_workspace: Callable[..., TenantRef]) -> TenantRef:
    """A sandbox workspace of this test alone."""
    return make_workspace()


@pytest.fixture
def other_workspace(make_workspace: Callable[..., TenantRef]) -> TenantRef:
    """Another tenant, which must never be seen from `workspace`."""
    return make_workspace()


@pytest.fixture
def live_workspace(make_workspace: Callable[..., TenantRef]) -> TenantRef:
    """A workspace in live mode."""
    return make_workspace(mode="live")


def _person(role: str, *, name: str | None = None) -> Callable[[TenantRef], Person]:
    def person(workspace: TenantRef) -> Person:
        from tests.people import join

        return join(workspace, role=role, name=name)

    person.__doc__ = f"Someone in `workspace` whose role is {role}."
    return person


operator = pytest.fixture(_person("operator"), name="operator")
operator2 = pytest.fixture(_person("operator", name="Second operator"), name="operator2")
support = pytest.fixture(_person("support"), name="support")
finance = pytest.fixture(_person("finance"), name="finance")
compliance = pytest.fixture(_person("compliance"), name="compliance")
admin = pytest.fixture(_person("admin"), name="admin")
auditor = pytest.fixture(_person("auditor"), name="auditor")
developer = pytest.fixture(_person("developer"), name="developer")


@pytest.fixture
def outsider(other_workspace: TenantRef) -> Person:
    """An admin of another workspace: allowed everything there, and nothing here."""
    from tests.people import join

    return join(other_workspace, role="admin", name="Outsider")


@pytest.fixture
def api_key(workspace: TenantRef) -> str:
    """The token of a key of `workspace` with every API scope, for `Authorization: Bearer`."""
    from tests.workspaces import issue_token

    return issue_token(workspace)


@pytest.fixture
def other_api_key(other_workspace: TenantRef) -> str:
    """The token of another tenant's key."""
    from tests.workspaces import issue_token

    return issue_token(other_workspace)


# -- Running processes and a browser -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def served_processes(ground: ThrowAwayGround, migrated: str, pytestconfig: pytest.Config) -> Iterator[ServedZentra]:
    """All of Zentra's processes over this worker's database, started once per worker process."""
    from tests.emptying import processes_run
    from zentra.embedded.served import ServedZentra

    processes_run()
    state = ground.path / f"state-{migrated}"
    zentra = ServedZentra(state=state, ports=pytestconfig.stash[PORTS], environment=os.environ)
    try:
        zentra.start_all()
        yield zentra
    finally:
        zentra.stop_all()


@pytest.fixture
def served(served_processes: ServedZentra, database: None) -> ServedZentra:
    """Zentra, running: `base_url`, `api_url`, `live_url`; `kill(name)`, `start(name)`, `wait_until_ready()`.

    Whatever a test killed, it starts again itself.
    """
    served_processes.wait_until_ready()
    return served_processes


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of one test module.

    Playwright's synchronous calls keep an event loop running in this thread. Django is therefore told that a loop here
    means nothing, and the browser ends with the module, so that asynchronous tests find the thread free again.
    """
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    if chromium is None:
        pytest.fail(announcement())
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        running = playwright.chromium.launch(executable_path=str(chromium), args=list(OPTIONS))
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, served: ServedZentra) -> Iterator[Page]:
    """A page of a fresh browser profile at `served.base_url`; any uncaught script error fails the test."""
    context = browser.new_context(base_url=served.base_url, viewport={"width": 1600, "height": 1000})
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    context.close()
    assert problems == []
