"""View-models as the design has them, so that templates can be rendered and looked at without a database."""

import math

from console.marks import event_tone, mark
from console.types import (
    AccountPage,
    AccountRow,
    AttemptLine,
    CandidateRow,
    Chip,
    DecisionView,
    DeliveriesPage,
    DeliveryDetail,
    DeliveryRow,
    EndpointCard,
    EntryRow,
    EventPage,
    EventRow,
    EventsPage,
    FirstIntent,
    FlowLine,
    InspectorView,
    IntentActions,
    IntentPage,
    KpiView,
    LensStage,
    Moment,
    MoneyView,
    NavGroup,
    NavItem,
    PacketView,
    PauseView,
    Person,
    PrimitiveView,
    Proof,
    ReviewCase,
    ReviewPage,
    ReviewRow,
    RoomView,
    RouteView,
    RowView,
    RuleLine,
    Shell,
    StageView,
    StepView,
    TapeItem,
    TransitionRow,
    TrustView,
    WorkspaceLink,
)  # fmt: skip

AT = Moment(iso="2026-04-26T14:12:09.481Z", text="26 Apr 2026 14:12:09.481 UTC", age="2 s")


def spark(seed: int) -> tuple[str, str]:
    points = [
        (x * 2.5, 14 + 6 * math.sin(x / 4 + seed) + 3 * math.sin(x * 1.7 + seed * 3) * (0.4 + 0.1 * seed))
        for x in range(41)
    ]
    line = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return line, line + " L100,26 L0,26Z"


def shell(current: str = "room", **changes: object) -> Shell:
    items = (("room", "Operations room", 0), ("intents", "Intents", 0), ("reviews", "Review queue", 12),
             ("events", "Events", 0), ("webhooks", "Webhooks", 21))  # fmt: skip
    base = {
        "workspace": "Northwind", "slug": "northwind", "mode": "live", "user": "operator_07", "role": "operator",
        "nav": (
            NavGroup("", tuple(NavItem(t, "#", key == current, n, key) for key, t, n in items)),
            NavGroup("Money", (NavItem("Accounts", "#", current == "accounts"), NavItem("Ledger", "#"))),
            NavGroup("Sandbox", (NavItem("Send first intent", "#", current == "first"),)),
        ),
        "workspaces": (WorkspaceLink("Northwind", "northwind", "live", "#", True),
                       WorkspaceLink("Contoso", "contoso", "sandbox", "#", False)),
        "clock": "14:12:09 UTC", "cursor": 48190, "pause": PauseView(paused=False), "live": True,
        "tape": tuple(TapeItem(t, e, event_tone(e), s, "#", d) for t, e, s, d in (
            ("14:12:09.481", "ledger.entry.posted", "intent_91A8", "2,480,000 USD"),
            ("14:12:09.322", "policy.accepted", "intent_91A8", "limit_check.passed"),
            ("14:12:09.118", "webhook.delivered", "intent_77C2", "200 · 84 ms"),
            ("14:12:08.907", "provider.routed", "intent_A7D1", "rail_b"),
            ("14:12:08.660", "policy.review", "intent_62D0", "4,300,000 EUR"),
            ("14:12:08.412", "evidence.sealed", "#48,190", "tree 7f3a…"))),
    }  # fmt: skip
    return Shell(**{**base, **changes})  # type: ignore[arg-type]  # a sample, not a contract


def stages() -> tuple[StageView, ...]:
    rows = (
        ("01", "API", "accepted", "48,213", "request accepted", "", "4 ms"),
        ("02", "Policy", "controlled", "48,201", "", "12 in review", "9 ms"),
        ("03", "Ledger", "ledgered", "48,189", "reserve posted", "", "6 ms"),
        ("04", "Route", "routed", "47,902", "", "3 failing over", "181 ms"),
        ("05", "Webhook", "synchronized", "47,664", "", "21 retrying", "412 ms"),
        ("06", "Evidence", "evidenced", "47,650", "packet sealed", "", "1.2 s"),
    )
    return tuple(
        StageView(number=n, layer=la, name=name, tone=name, count=c, words=w, waiting=wa, p95=p, line=spark(i)[0], area=spark(i)[1], alert=bool(wa))  # type: ignore[arg-type]
        for i, (n, la, name, c, w, wa, p) in enumerate(rows)
    )


def row(intent: str, status: str, minor: str, currency: str, path: str, evidence: str, state: str, age: str, *, selected: bool = False) -> RowView:
    return RowView(
        intent_id=intent, url=f"?selected={intent}", mark=mark(status), money=MoneyView(minor, minor, currency),
        path=path, evidence=evidence, state=state, moment=Moment(AT.iso, AT.text, age), groups=("all", "live"), selected=selected,
    )  # fmt: skip


def rows() -> tuple[RowView, ...]:
    return (
        row("intent_91A8", "routed", "2,480,000", "USD", "policy path", "signature ok", "live", "2 s", selected=True),
        row("intent_77C2", "ledgered", "841,050", "USD", "clean", "ledger matched", "settled", "4 s"),
        row("intent_62D0", "review", "4,300,000", "EUR", "limit gate", "operator assigned", "held", "6 m"),
        row("intent_12BE", "syncing", "98,000", "USD", "event delay", "replay ready", "retry 02", "41 s"),
        row("intent_03FF", "evidenced", "125,000", "GBP", "clean", "packet sealed", "settled", "58 s"),
        row("intent_A7D1", "routed", "12,500", "USD", "failover → rail_b", "signature ok", "live", "1 m"),
        row("intent_5E20", "evidenced", "2,000,000", "JPY", "clean", "packet sealed", "settled", "1 m"),
        row("intent_88B4", "failed", "7,310", "USD", "provider declined", "release entry", "released", "2 m"),
        row("intent_41C9", "synchronized", "64,999", "EUR", "clean", "ledger matched", "settled", "2 m"),
        row("intent_9C3A", "controlled", "310,400", "BHD", "clean", "trace opened", "live", "2 m"),
        row("intent_D0E7", "review", "18,000,000", "USD", "sanctions gate", "operator assigned", "held", "9 m"),
        row("intent_2F6B", "accepted", "40,000", "USD", "—", "trace opened", "live", "now"),
        row("intent_0AA1", "expired", "40,000", "USD", "clean", "packet sealed", "released", "1 h"),
        row("intent_0AA2", "reversed", "40,000", "USD", "clean", "packet sealed", "reversed", "1 h"),
    )


def trust() -> TrustView:
    return TrustView(
        rows=(
            Proof("actor", "svc_runtime · key_live_7Q"), Proof("scope", "workspace_scope"),
            Proof("timestamp", "2026-04-26T14:12:09.481Z"), Proof("policy", "limit_check.passed"),
            Proof("intent", "intent_91A8", "intent_91A8"), Proof("signature", "verified · rail_a callback"),
            Proof("ledger", "entry_0N2K · 9f2c61b0…e14a", "entry_0N2K"),
        ),
        status="pending", ready=False,
    )  # fmt: skip


def inspector(*, chosen: bool = False) -> InspectorView:
    ok = mark("passed")
    return InspectorView(
        intent_id="intent_91A8", mark=mark("routed"), money=MoneyView("2,480,000", "24,800.00", "USD"),
        words="payment · customer_ref → merchant_88", chosen=chosen, close_url="?",
        timeline=(
            StepView("ingress.accepted", "accepted", "schema v2026.04 · idem pay_8172", "svc_edge", "+0.000"),
            StepView("policy.accepted", "controlled", "limit_check.passed · rule set 14", "svc_policy", "+0.009"),
            StepView("ledger.reserved", "ledgered", "2,480,000 minor units · entry 9f2c…", "svc_ledger", "+0.015"),
            StepView("provider.routed", "routed", "corridor US→US · rail_a · 94.2 %", "svc_routes", "+0.196"),
            StepView("webhook.retrying", "review", "attempt 02 in 5 s · timeout", "svc_events", "+2.410", done=True),
            StepView("evidence.sealed", "quiet", "", "", "—", done=False),
        ),
        primitives=tuple(PrimitiveView(n, r, m) for n, r, m in (
            ("api", "contract valid", ok), ("policy", "limit_check.passed", ok), ("ledger", "2 entries, sums to 0", ok),
            ("accounts", "customer → reserved", ok), ("routes", "rail_a, 94.2 %", ok),
            ("events", "1 retrying", mark("retrying")), ("evidence", "not sealed yet", mark("pending")))),
        flow=(
            FlowLine("Customer", "−2,480,000", "1,200,310", "neg"), FlowLine("Reserved", "+2,480,000", "2,480,000", "pos"),
            FlowLine("Settlement", "pending", "0", "none"), FlowLine("Merchant", "pending", "88,102", "none"),
            FlowLine("Payout", "open", "0", "none"),
        ),
        flow_note="sums to 0", trust=trust(),
        actions=IntentActions(page_url="#", export_url="#", replay_url="#", replay_count=1, assign_url="#", assignees=(Person("usr_1", "operator_12"),)),
    )  # fmt: skip


def room(*, chosen: bool = False) -> RoomView:
    return RoomView(
        tab="24h", tabs=(Chip("24h", "#", True), Chip("Events", "#"), Chip("Audit", "#")),
        stages=stages(), rows=rows(), selected=inspector(chosen=chosen), send_url="#",
        kpis=(
            KpiView("volume", "state volume", "24.1B", "mu USD", "+4 currencies", more=(("USD", "24,118,204,411", "241,182,044.11"), ("EUR", "841,050", "8,410.50")), more_head=("", "minor units", "amount")),
            KpiView("reviews", "open reviews", "12", "", "oldest 9 m", "alert"),
            KpiView("webhooks", "webhook health", "99.99", "%", "21 retrying"),
            KpiView("drift", "ledger drift", "0", "mu", "checked 3 s ago"),
            KpiView("sealed", "sealed to", "#48,190", "", "1.2 s behind"),
        ),
        filters=(Chip("All", "#", True, None, "all"), Chip("Live", "#", False, None, "live"), Chip("Held", "#", False, 12, "held"), Chip("Retrying", "#", False, 21, "retrying"), Chip("Failed", "#", False, 4, "failed")),
    )  # fmt: skip


def reviews() -> ReviewPage:
    reason = [
        ("intent_D0E7", "18,000,000", "USD", "sanctions match", "0.91 · watchlist", "you", "9 m"),
        ("intent_62D0", "4,300,000", "EUR", "limit gate", "daily limit 5M, at 7.1M", "operator_12", "6 m"),
        ("intent_7B12", "999,900", "USD", "structuring", "9 × just under 1M in 24 h", "operator_12", "4 m"),
        ("intent_C3F4", "62,000", "GBP", "new payee", "first payment, risk lane B", "operator_07", "3 m"),
    ]
    return ReviewPage(
        tabs=(Chip("Open", "#", True, 12), Chip("Mine", "#", False, 1), Chip("Closed", "#")), filters=(Chip("All reasons", "#", True), Chip("limit gate", "#", False, 5)),
        words="12 open · oldest 9 m", chosen=True,
        rows=tuple(ReviewRow(i, i, "#", MoneyView(m, m, c), mark("review", says=r), s, o, Moment(AT.iso, AT.text, a), selected=n == 0) for n, (i, m, c, r, s, o, a) in enumerate(reason)),
        case=ReviewCase(
            review_id="rev_1", intent_id="intent_D0E7", intent_url="#", money=MoneyView("18,000,000", "180,000.00", "USD"), words="transfer · acct_northwind → payee_5521 · nothing posts until approved",
            mark=mark("held"), owner="you", account="customer_balance",
            decision=DecisionView("dec_1", "review", "rule set 14", (RuleLine("limit.single_intent", "18,000,000 of 10,000,000 mu", "180 %", mark("review")), RuleLine("velocity.outgoing_24h", "1 of 5 transfers", "pass", mark("passed")))),
            before="42,110,000", posts="−18,000,000", after_approved="24,110,000", after_declined="42,110,000", decide_url="#", assign_url="#", assignees=(Person("u", "operator_12"),), close_url="#",
        ),
    )  # fmt: skip


def lens_stages() -> tuple[LensStage, ...]:
    rows = (
        ("01", "API edge", "accepted", "request accepted", "ingress.accepted", ("idem pay_8172", "trace 4bf92f35…"), "+0.000", True),
        ("02", "Policy engine", "controlled", "scope validated", "policy.accepted", ("limit_check.passed", "rule set 14"), "+0.009", True),
        ("03", "Money core", "ledgered", "minor-unit entries", "ledger.posted", ("hash 9f2c61b0…e14a", "customer → reserved"), "+0.015", True),
        ("04", "Routing layer", "routed", "settlement pending", "provider.routed", ("corridor US → US", "rail_a"), "+0.196", True),
        ("05", "Event runtime", "synchronized", "syncing", "webhook.retrying", ("attempt 02",), "", False),
        ("06", "Evidence layer", "evidenced", "not sealed yet", "evidence.sealed", ("export when sealed",), "", False),
    )
    return tuple(
        LensStage(number=n, layer=la, name=name, tone=name, state=s, event=e, proof=p, at=at, done=d)  # type: ignore[arg-type]
        for n, la, name, s, e, p, at, d in rows
    )


def deliveries() -> tuple[DeliveryRow, ...]:
    rows = (
        ("ledger.entry.posted", "resolved", "1", "200 · 84 ms", ""), ("policy.accepted", "resolved", "2", "200 · 31 ms", ""),
        ("provider.routed", "retrying", "2", "timeout · 10.0 s", "in 5 s"), ("ingress.accepted", "queued", "0", "—", "now"),
        ("evidence.sealed", "exhausted", "12", "503 · 12 ms", ""), ("review.closed", "retained", "3", "410", ""),
    )  # fmt: skip
    return tuple(
        DeliveryRow(f"dlv_{n}", "#", t, event_tone(t), "intent_91A8", "#", "https://consumer.example/hooks", mark(s), a, la, nx, AT, "#", n == 2)
        for n, (t, s, a, la, nx) in enumerate(rows)
    )


def entries() -> tuple[EntryRow, ...]:
    rows = (("customer_balance", "debit", "−2,480,000", "reserve", "neg"), ("reserved_balance", "credit", "+2,480,000", "reserve", "pos"),
            ("reserved_balance", "debit", "−2,480,000", "success", "neg"), ("settlement_account", "credit", "+2,480,000", "success", "pos"))  # fmt: skip
    return tuple(EntryRow(f"entry_{n}", "posting_01k9q3v8x0m2n4p6r8t0v2x4z6", a, "#", d, s, "USD", p, "14:12:09.481", g) for n, (a, d, s, p, g) in enumerate(rows))  # type: ignore[arg-type]


def attempts() -> tuple[AttemptLine, ...]:
    return (AttemptLine("01", "rail_b", mark("unavailable"), "connection refused", "14:12:09.500", "3 ms"), AttemptLine("02", "rail_a", mark("accepted"), "ref pr_8812", "14:12:09.677", "181 ms"))


def packet(*, ready: bool = True) -> PacketView:
    return PacketView("audit_ready" if ready else "pending", ready, "1", "pkt_01k9q3v8x0m2n4p6r8t0v2x4z6", "21 Nov 14:12:11", "48,190 leaves", "#", (("ingress.accepted", "trace_id", "svc_edge"), ("policy.accepted", "decision_id", "svc_policy")))


def intent_page() -> IntentPage:
    return IntentPage(
        inspector=inspector(), lens="state", lenses=(Chip("State", "#", True, None, "state"), Chip("Events", "#", False, None, "events"), Chip("Evidence", "#", False, None, "evidence")),
        stages=lens_stages(), entries=entries(), attempts=attempts(), deliveries=deliveries()[:4], packet=packet(), decision=reviews().case.decision,  # type: ignore[union-attr]
        transitions=tuple(TransitionRow(b, mark(a), "14:12:09.481", AT.iso, w, y) for b, a, w, y in (("", "accepted", "svc_edge", "contract valid"), ("accepted", "controlled", "svc_policy", "rule set 14"), ("controlled", "ledgered", "svc_ledger", "reserve posted"), ("ledgered", "routed", "svc_routes", "rail_a"))),
        routes=(RouteView("rte_01k9q3v8x0m2n4p6r8t0v2x4z6", "best success rate for US → US", "14:12:09.490", (CandidateRow("rail_a", "eligible", "94.2", True), CandidateRow("rail_b", "unhealthy: 3 refused in 60 s", "61.0", False))),),
    )  # fmt: skip


def webhooks() -> DeliveriesPage:
    return DeliveriesPage(
        filters=(Chip("All", "#", True), Chip("Retrying", "#", False, 21), Chip("Exhausted", "#", False, 2)), endpoints=(EndpointCard("whe_1", "https://consumer.example/hooks", mark("active"), "99.99 %", "21", "all events"),),
        rows=deliveries(), replay_url="#", chosen=True,
        selected=DeliveryDetail(deliveries()[2], (AttemptLine("01", "", mark("timeout"), "no answer in 10 s", "14:12:09", "10.0 s"), AttemptLine("02", "", mark("timeout"), "no answer in 10 s", "14:12:24", "10.0 s")), (Proof("delivery", "dlv_2", "dlv_2"), Proof("signature", "verified before each send")), '{"actor":{"credential":null,"id":"svc_routes"},"data":{}}', "#"),
    )  # fmt: skip


def event_rows() -> tuple[EventRow, ...]:
    return tuple(EventRow(f"evt_{n}", "#", t, t, event_tone(t), f"{48190 - n:,}", "svc_ledger", "intent_91A8", "#", "2,480,000 USD minor units", "26 Apr 14:12:09.481", AT.iso) for n, t in enumerate(("ledger.reserved", "policy.review", "webhook.delivered", "provider.routed", "access.denied", "evidence.sealed")))


def events() -> EventsPage:
    return EventsPage(filters=(Chip("All", "#", True), Chip("Ledger", "#"), Chip("Policy", "#")), rows=event_rows(), types=(("", "Every type"), ("ledger.posted", "ledger.posted")))


def event() -> EventPage:
    return EventPage(event_rows()[0], "A balanced posting was written; its entries and their hash are in the event.", '{\n  "actor": {"id": "svc_ledger"}\n}', (Proof("event", "evt_0", "evt_0"), Proof("leaf", "48,190"), Proof("leaf hash", "9f2c61b0…e14a")), ("ledger.entry.created", "posting.committed"), deliveries()[:2])


def account() -> AccountPage:
    return AccountPage(AccountRow("acct_1", "#", "customer_balance", "Customer balance", "customer", "USD", "1,200,310", "0", "1,200,310", mark("active")), (Proof("account", "acct_1", "acct_1"),), entries())


def first() -> FirstIntent:
    return FirstIntent("intent_042", '{\n  "intent_id": "intent_042",\n  "scope": "workspace_scope",\n  "money_model": "minor_units + ledger_currency",\n  "primitives": ["policy", "ledger", "events"]\n}', "curl …", "201 · 38 ms", '{\n  "intent_id": "intent_042",\n  "status": "ledgered"\n}', (), lens_stages(), deliveries()[:3], attempts(), entries(), packet(ready=False), sent=True, intent_url="#", send_url="#", poll_url="#")
