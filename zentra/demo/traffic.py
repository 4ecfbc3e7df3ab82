"""Demo traffic: realistic intents through the SDK, so that the room is alive. ``python -m zentra.demo.traffic``

``ZENTRA_DEMO_RATE`` is intents per second over all workspaces. Payments and transfers in five currencies from accounts
that are topped up; some over a limit, some with a provider's fault, some whose consumer is away. Nothing is faked:
each figure in the room is a row that one of these calls made.
"""

import itertools
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from zentra.demo.files import read_demo
from zentra.sdk import ApiError, Zentra, ZentraError

Body = dict[str, Any]

MOST_OPEN_REVIEWS: Final = 12
"""Nobody works the queue of an unattended demo, so it is not flooded."""

INTENTS_PER_CUSTOMER: Final = 40
DELAY_SECONDS: Final = 100.0
"""How long the consumer is away for the documents' delayed intent, and for each one that traffic delays."""

FLOAT_MAJOR: Final = 20_000
"""What a customer's account is topped up to, in major units."""

HOLD_EVERY: Final = 20
OPEN_HOLDS: Final = 5
HOLD_MINUTES: Final = (8, 45, 600)
"""One intent in so many comes with an authorization; the oldest of so many is ended; how long each is held."""

STRAY_EVERY: Final = 50
"""One call in so many names another workspace."""

BREAK_EVERY: Final = 900
BREAKS: Final = ("amount_differs", "line_only", "duplicate", "missing", "split_mismatch", "date_differs")
"""After so many intents the bank gets a payout wrong, and how."""

CURRENCIES: Final = {"USD": 100, "EUR": 100, "GBP": 100, "JPY": 1, "BHD": 1000}
TYPICAL_MAJOR: Final = {"USD": 180, "EUR": 160, "GBP": 140, "JPY": 24_000, "BHD": 70}
REVIEW_MAJOR: Final = {"USD": 43_000, "EUR": 43_000, "GBP": 43_000, "JPY": 6_200_000, "BHD": 21_000}
DECLINE_MAJOR: Final = {"USD": 620_000, "EUR": 620_000, "GBP": 620_000, "JPY": 80_000_000, "BHD": 230_000}
CORRIDORS: Final = {"USD": "US", "EUR": "DE", "GBP": "GB", "JPY": "JP", "BHD": "BH"}
FAULTS: Final = ("decline", "timeout", "lost_response", "duplicate", "late", "out_of_order", "malformed", "latency")

# The documents' own four: each is brought to its condition by a real run.
DOCUMENTED: Final[tuple[Body, ...]] = (
    {"intent_id": "intent_91A8", "kind": "payment", "amount_minor": 2_480_000, "currency": "USD"},
    {"intent_id": "intent_77C2", "kind": "payment", "amount_minor": 841_050, "currency": "USD"},
    {"intent_id": "intent_62D0", "kind": "payment", "amount_minor": 4_300_000, "currency": "EUR"},
)
DELAYED: Final[Body] = {"intent_id": "intent_12BE", "kind": "payment", "amount_minor": 98_000, "currency": "USD"}


@dataclass
class Customer:
    """A customer's account of one currency, and how often it was used."""

    account: str
    currency: str
    used: int = 0


@dataclass
class Sender:
    """The traffic of one workspace."""

    slug: str
    client: Zentra
    consumer_url: str
    random: random.Random
    bank: dict[str, str] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    faults: Iterator[str] = field(default_factory=lambda: itertools.cycle(FAULTS))
    held: list[str] = field(default_factory=list)
    breaks: Iterator[str] = field(default_factory=lambda: itertools.cycle(BREAKS))
    kinds: Iterator[str] = field(default_factory=lambda: itertools.cycle(("fault", "review", "decline", "outage")))

    def start(self) -> None:
        """Send the documents' intents; the delayed one meets a consumer that is away for it alone."""
        set_consumer(self.consumer_url, "down", [DELAYED["intent_id"]])
        for body in (*DOCUMENTED, DELAYED):
            self.client.runtime.intents.create(body)

    def send_one(self, number: int) -> None:
        """Send one intent: mostly plain, every eighth or so remarkable."""
        currency = self.random.choices(list(CURRENCIES), weights=(50, 22, 14, 8, 6))[0]
        remarkable = next(self.kinds) if number % 8 == 4 else ""
        body = self._body(currency, remarkable)
        if remarkable == "review" and self._open_reviews() >= MOST_OPEN_REVIEWS:
            body["amount_minor"] = self._amount(currency)
        self.client.runtime.intents.create(body)

    def hold(self, number: int) -> None:
        """Authorize an amount on a customer's account; capture or release the oldest, or leave it to its expiry."""
        currency = self.random.choices(list(CURRENCIES), weights=(50, 22, 14, 8, 6))[0]
        expires_at = datetime.now(UTC) + timedelta(minutes=self.random.choice(HOLD_MINUTES))
        placed = self.client.holds.place(
            account=self._customer(currency).account,
            amount_minor=self._amount(currency),
            currency=currency,
            reference=f"auth-{number:06d}",
            source="authorization",
            release_condition="captured or expired",
            expires_at=expires_at.isoformat(),
        )
        self.held.append(placed.id)
        if len(self.held) <= OPEN_HOLDS:
            return
        oldest, fate = self.held.pop(0), self.random.random()
        if fate < 0.5:
            self.client.holds.capture(oldest, description="delivered", release_rest=True)
        elif fate < 0.8:
            self.client.holds.release(oldest, reason="order canceled")

    def stray(self, others: list[str]) -> None:
        """A service that is set up wrongly names a workspace that is not its key's: refused, and in the Access log."""
        scope = self.random.choice(others or ["another_workspace"])
        self.client.runtime.intents.create({**self._body("USD", ""), "scope": scope})

    def _open_reviews(self) -> int:
        return len(self.client.runtime.intents.list(limit=MOST_OPEN_REVIEWS, status="review").data)

    def _body(self, currency: str, remarkable: str) -> Body:
        kind = self.random.choices(("payment", "transfer"), weights=(7, 3))[0]
        amounts: dict[str, Callable[[], int]] = {
            "review": lambda: REVIEW_MAJOR[currency] * CURRENCIES[currency] + self.random.randrange(90_000),
            "decline": lambda: DECLINE_MAJOR[currency] * CURRENCIES[currency],
        }
        amount = amounts.get(remarkable, lambda: self._amount(currency))()
        body: Body = {
            # A caller's own id, short enough to be read out over the telephone.
            "intent_id": f"intent_{self.random.getrandbits(32):08X}",
            "kind": "payment" if remarkable in amounts else kind,
            "amount_minor": amount,
            "currency": currency,
            "debit_account": self._customer(currency).account,
            "corridor": {"source": CORRIDORS[currency], "destination": CORRIDORS[currency], "method": "instant"},
            "metadata": {"order": f"order-{self.random.randrange(10**6):06d}"},
        }
        if body["kind"] == "transfer":
            body["payee"] = f"payee_{self.random.randrange(900) + 100}"
        if remarkable == "fault":
            body["metadata"]["sandbox_scenario"] = next(self.faults)
        if remarkable == "outage":
            self._delay(body["intent_id"])
        return body

    def _delay(self, intent_id: str) -> None:
        """Have the consumer be away for one intent for a while."""
        set_consumer(self.consumer_url, "down", [intent_id])
        healing = threading.Timer(DELAY_SECONDS / 2, heal, args=[[self], [intent_id]])
        healing.daemon = True
        healing.start()

    def _amount(self, currency: str) -> int:
        major = self.random.lognormvariate(0, 0.8) * TYPICAL_MAJOR[currency]
        return max(1, min(int(major * CURRENCIES[currency]), 9 * TYPICAL_MAJOR[currency] * CURRENCIES[currency]))

    def _customer(self, currency: str) -> Customer:
        """A customer with money on the account; after a while another one, so that no daily limit is worn out."""
        customer = self.customers.get(currency)
        if customer is None or customer.used >= INTENTS_PER_CUSTOMER:
            customer = self.customers[currency] = self._open_customer(currency)
        if customer.used % 10 == 0:
            self._top_up(customer)
        customer.used += 1
        return customer

    def _open_customer(self, currency: str) -> Customer:
        name = f"customer_{self.random.randrange(10**8):08d}"
        opened = self.client.accounts.create(customer=name, currency=currency, account_type="operating")
        return Customer(account=opened.evidence["account_id"], currency=currency)

    def _top_up(self, customer: Customer) -> None:
        """A bank deposit: it arrives at the simulated bank, then debit the bank, credit the customer."""
        amount = FLOAT_MAJOR * CURRENCIES[customer.currency] * (150 if customer.currency == "JPY" else 1)
        reference = f"TOPUP-{self.random.getrandbits(48):012X}"
        if self.bank:
            tell_bank(self.bank, reference, amount, customer.currency)
        self.client.ledgers.post(
            debit="bank",
            credit=customer.account,
            amount_minor=amount,
            currency=customer.currency,
            description="demo top-up",
            external_reference=reference,
        )

    def plant(self) -> None:
        """Have the bank get the next payout of dollars wrong, each time in another way."""
        body = {"account": self.bank["account"], "currency": "USD", "breaks": [next(self.breaks)]}
        httpx.post(f"{self.bank['url']}/breaks", json=body, timeout=2, trust_env=False).raise_for_status()


def tell_bank(bank: dict[str, str], reference: str, amount_minor: int, currency: str) -> None:
    """Have the simulated bank book a deposit. Where it is away, finance finds the deposit in our books alone."""
    movement = {
        "account": bank["account"], "currency": currency, "key": reference, "reference": reference,
        "amount_minor": amount_minor, "description": "Deposit",
    }  # fmt: skip
    try:
        httpx.post(f"{bank['url']}/movements", json=movement, timeout=2, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        print(f"the bank did not take {reference}: {error}", flush=True)


def set_consumer(consumer_url: str, mode: str, intents: list[str]) -> None:
    """Tell the demo consumer how to behave towards some intents. The others never notice."""
    try:
        httpx.post(f"{consumer_url}/control", json={"mode": mode, "intents": intents}, timeout=2).raise_for_status()
    except httpx.HTTPError as error:
        print(f"the consumer did not take {mode!r}: {error}", flush=True)


def run(*, rate: float, senders: list[Sender], stop: threading.Event) -> None:
    """Send until told to stop; a refusal is told and the next one goes out."""
    for sender in senders:
        attempt(sender.start)
    healing = threading.Timer(DELAY_SECONDS, heal, args=[senders, [DELAYED["intent_id"]]])
    healing.daemon = True
    healing.start()
    for number in itertools.count():
        started = time.monotonic()
        sender = senders[number % len(senders) if number % 4 == 3 else 0]
        attempt(partial(sender.send_one, number))
        if number % HOLD_EVERY == HOLD_EVERY // 2:
            attempt(partial(sender.hold, number))
        if number % STRAY_EVERY == STRAY_EVERY // 2:
            attempt(partial(sender.stray, [other.slug for other in senders if other is not sender]))
        if number % BREAK_EVERY == BREAK_EVERY // 2 and sender.bank:
            attempt(sender.plant)
        if stop.wait(max(0.0, 1 / rate - (time.monotonic() - started))):
            return


def heal(senders: list[Sender], intents: list[str]) -> None:
    """Bring the consumer back for these intents; what waited is delivered at its next attempt."""
    set_consumer(senders[0].consumer_url, "up", intents)


def attempt(work: Callable[[], None]) -> None:
    """Do it; tell of a refusal or a server that is away, and go on."""
    try:
        work()
    except ApiError as error:
        print(f"refused: {error}", flush=True)
    except (ZentraError, httpx.HTTPError) as error:
        print(f"not sent: {error}", flush=True)
        time.sleep(1)


def main() -> int:
    """Read where the run is from ``demo.json`` and send."""
    rate = float(os.environ.get("ZENTRA_DEMO_RATE", "1"))
    if rate <= 0:
        print("ZENTRA_DEMO_RATE is 0: no traffic")
        return 0
    state = os.environ.get("ZENTRA_STATE_DIR") or str(Path(__file__).resolve().parents[2] / ".zentra")
    demo = read_demo(Path(state) / "demo.json")
    if not demo.get("workspaces"):
        print("demo.json names no workspace; run `make up`", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    senders = [
        Sender(
            part["slug"],
            Zentra(api_key=part["api_key"], base_url=demo["api_url"]),
            part["consumer_url"],
            random.Random(),
            part.get("bank", {}),
        )
        for part in demo["workspaces"]
    ]
    print(f"{rate:g} intents a second to {', '.join(sender.slug for sender in senders)}", flush=True)
    run(rate=rate, senders=senders, stop=stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
