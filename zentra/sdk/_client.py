"""The two clients. Each method is one call of ``_calls``; the sync ones answer it, the async ones are awaited."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx

from zentra.sdk import _calls, webhooks
from zentra.sdk._auth import Certificate, Credentials
from zentra.sdk._errors import PacketPending
from zentra.sdk._ledger import Accounts, Holds, Ledgers
from zentra.sdk._ledger_async import AsyncAccounts, AsyncHolds, AsyncLedgers
from zentra.sdk._paging import each, each_awaited
from zentra.sdk._policy_resources import (
    Decisions,
    Limits,
    Parties,
    PolicyLists,
    Reviews,
    RuleSetDrafts,
    RuleSets,
    ScreeningHits,
    Watchlists,
)
from zentra.sdk._policy_resources_async import (
    AsyncDecisions,
    AsyncLimits,
    AsyncParties,
    AsyncPolicyLists,
    AsyncReviews,
    AsyncRuleSetDrafts,
    AsyncRuleSets,
    AsyncScreeningHits,
    AsyncWatchlists,
)
from zentra.sdk._reconciliation_resources import Reconciliation
from zentra.sdk._reconciliation_resources_async import AsyncReconciliation
from zentra.sdk._records import Intent, Packet, Page, Timeline
from zentra.sdk._session import DEFAULT_RETRIES, DEFAULT_TIMEOUT_SECONDS, AsyncSession, Settings, SyncSession
from zentra.sdk._webhook_resources import (
    Alarms,
    Events,
    EventTypes,
    WebhookDeliveries,
    WebhookEndpoints,
    WebhookReplays,
)
from zentra.sdk._webhook_resources_async import (
    AsyncAlarms,
    AsyncEvents,
    AsyncEventTypes,
    AsyncWebhookDeliveries,
    AsyncWebhookEndpoints,
    AsyncWebhookReplays,
)

DEFAULT_BASE_URL: Final = "http://localhost:8000"
_DEFAULT_PACKET_PAUSE_SECONDS: Final = 1.0

Body = Mapping[str, Any]


class _Webhooks:
    """``zentra.webhooks.verify``: needs no network and no client; see ``zentra.sdk.webhooks``."""

    verify = staticmethod(webhooks.verify)


# Synchronous


class Intents:
    """``zentra.runtime.intents``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def create(self, body: Body | None = None, /, *, wait: bool | int = False, **fields: Any) -> Intent:
        """Create an intent. ``wait`` (True is 10 seconds) answers once it is evidenced or that time is up."""
        return self._session.send(_calls.create_intent(_calls.merge_body(body, fields), wait=wait))

    def get(self, intent_id: str) -> Intent:
        """The intent as it is now."""
        return self._session.send(_calls.get_intent(intent_id))

    def timeline(self, intent_id: str) -> Timeline:
        """Every recorded step of one intent."""
        return self._session.send(_calls.get_timeline(intent_id))

    def list(self, *, limit: int | None = None, cursor: str | None = None, status: str | None = None) -> Page[Intent]:
        """One page of intents, newest first."""
        return self._session.send(_calls.list_intents(limit=limit, cursor=cursor, status=status))

    def iterate(self, *, limit: int | None = None, status: str | None = None) -> Iterator[Intent]:
        """Every intent, newest first, page by page."""
        return each(self._session, lambda cursor: _calls.list_intents(limit=limit, cursor=cursor, status=status))


class Runtime:
    """``zentra.runtime``."""

    def __init__(self, session: SyncSession) -> None:
        self.intents = Intents(session)


class AuditPackets:
    """``zentra.audit_packets``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def download(self, intent_id: str, *, wait: float = 0) -> Packet:
        """The sealed packet. Asks again for up to ``wait`` seconds while it is pending, then raises PacketPending."""
        deadline = time.monotonic() + wait
        while True:
            try:
                return self._session.send(_calls.get_packet(intent_id))
            except PacketPending as pending:
                pause = pending.retry_after or _DEFAULT_PACKET_PAUSE_SECONDS
                if time.monotonic() + pause > deadline:
                    raise
                self._session.pause(pause)


class Zentra:
    """The synchronous client. It is safe to share between threads; close it, or use it in ``with``.

    It proves itself with an ``api_key``, or as an OAuth client with ``client_id`` and ``client_secret`` or
    ``certificate`` (a PEM file, or certificate and key): then it fetches short tokens and renews them by itself.
    ``ca_file`` names a CA that is trusted in place of the system's.

    ``base_url`` is the server with or without ``/v1``. ``timeout_seconds`` bounds each attempt, a ``wait`` is added to
    it. ``retries`` is how often a call is sent again, with the same idempotency key, after a lost connection, 429, 502,
    503, 504 or an answer that the first request with its key is still running.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        certificate: Certificate | None = None,
        ca_file: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        retries: int = DEFAULT_RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        credentials = Credentials(api_key, client_id, client_secret, certificate, ca_file)
        settings = Settings.read(
            credentials=credentials, base_url=base_url, retries=retries, timeout_seconds=timeout_seconds
        )
        session = SyncSession(settings, transport=transport)
        self._session = session
        self.runtime = Runtime(session)
        self.accounts = Accounts(session)
        self.ledgers = Ledgers(session)
        self.holds = Holds(session)
        self.events = Events(session)
        self.event_types = EventTypes(session)
        self.audit_packets = AuditPackets(session)
        self.webhook_endpoints = WebhookEndpoints(session)
        self.webhook_deliveries = WebhookDeliveries(session)
        self.webhook_replays = WebhookReplays(session)
        self.alarms = Alarms(session)
        self.rule_sets = RuleSets(session)
        self.rule_set_drafts = RuleSetDrafts(session)
        self.decisions = Decisions(session)
        self.limits = Limits(session)
        self.policy_lists = PolicyLists(session)
        self.reviews = Reviews(session)
        self.reconciliation = Reconciliation(session)
        self.parties = Parties(session)
        self.screening_hits = ScreeningHits(session)
        self.watchlists = Watchlists(session)
        self.webhooks = _Webhooks()

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# Asynchronous


class AsyncIntents:
    """``zentra.runtime.intents``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, body: Body | None = None, /, *, wait: bool | int = False, **fields: Any) -> Intent:
        """Create an intent. ``wait`` (True is 10 seconds) answers once it is evidenced or that time is up."""
        return await self._session.send(_calls.create_intent(_calls.merge_body(body, fields), wait=wait))

    async def get(self, intent_id: str) -> Intent:
        """The intent as it is now."""
        return await self._session.send(_calls.get_intent(intent_id))

    async def timeline(self, intent_id: str) -> Timeline:
        """Every recorded step of one intent."""
        return await self._session.send(_calls.get_timeline(intent_id))

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, status: str | None = None
    ) -> Page[Intent]:
        """One page of intents, newest first."""
        return await self._session.send(_calls.list_intents(limit=limit, cursor=cursor, status=status))

    def iterate(self, *, limit: int | None = None, status: str | None = None) -> AsyncIterator[Intent]:
        """Every intent, newest first, page by page."""
        return each_awaited(
            self._session, lambda cursor: _calls.list_intents(limit=limit, cursor=cursor, status=status)
        )


class AsyncRuntime:
    """``zentra.runtime``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self.intents = AsyncIntents(session)


class AsyncAuditPackets:
    """``zentra.audit_packets``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def download(self, intent_id: str, *, wait: float = 0) -> Packet:
        """The sealed packet. Asks again for up to ``wait`` seconds while it is pending, then raises PacketPending."""
        deadline = time.monotonic() + wait
        while True:
            try:
                return await self._session.send(_calls.get_packet(intent_id))
            except PacketPending as pending:
                pause = pending.retry_after or _DEFAULT_PACKET_PAUSE_SECONDS
                if time.monotonic() + pause > deadline:
                    raise
                await self._session.pause(pause)


class AsyncZentra:
    """The awaited client: ``await zentra.runtime.intents.create({...})``. Settings as for Zentra."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        certificate: Certificate | None = None,
        ca_file: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        retries: int = DEFAULT_RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        credentials = Credentials(api_key, client_id, client_secret, certificate, ca_file)
        settings = Settings.read(
            credentials=credentials, base_url=base_url, retries=retries, timeout_seconds=timeout_seconds
        )
        session = AsyncSession(settings, transport=transport)
        self._session = session
        self.runtime = AsyncRuntime(session)
        self.accounts = AsyncAccounts(session)
        self.ledgers = AsyncLedgers(session)
        self.holds = AsyncHolds(session)
        self.events = AsyncEvents(session)
        self.event_types = AsyncEventTypes(session)
        self.audit_packets = AsyncAuditPackets(session)
        self.webhook_endpoints = AsyncWebhookEndpoints(session)
        self.webhook_deliveries = AsyncWebhookDeliveries(session)
        self.webhook_replays = AsyncWebhookReplays(session)
        self.alarms = AsyncAlarms(session)
        self.rule_sets = AsyncRuleSets(session)
        self.rule_set_drafts = AsyncRuleSetDrafts(session)
        self.decisions = AsyncDecisions(session)
        self.limits = AsyncLimits(session)
        self.policy_lists = AsyncPolicyLists(session)
        self.reviews = AsyncReviews(session)
        self.reconciliation = AsyncReconciliation(session)
        self.parties = AsyncParties(session)
        self.screening_hits = AsyncScreeningHits(session)
        self.watchlists = AsyncWatchlists(session)
        self.webhooks = _Webhooks()

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
