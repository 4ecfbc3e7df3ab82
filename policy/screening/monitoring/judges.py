"""How each scenario is seen in somebody's history. Pure: a history, numbers and a moment; a verdict or None."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from policy.screening.monitoring.types import History, Moved, Numbers, Verdict


def week_of(moment: datetime) -> str:
    """The ISO week, such as ``2026-W47``."""
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02}"


def day_of(moment: datetime) -> str:
    """The day, such as ``2026-11-21``."""
    return moment.date().isoformat()


def amount_in(table: Numbers, currency: str) -> int:
    """An amount of a scenario in this currency, minor units; the table's ``otherwise`` where it names none."""
    return int(table["by_currency"].get(currency, table["otherwise"]))


def structuring_over_days(history: History, numbers: Numbers, now: datetime) -> Verdict | None:
    """Several amounts just under a threshold, on more than one day."""
    for currency in history.currencies():
        threshold = amount_in(numbers["threshold_minor"], currency)
        least = threshold * (100 - numbers["within_percent"]) // 100
        recent = history.out(since=now - timedelta(days=numbers["days"]), until=now, currency=currency)
        under = [m for m in recent if least <= m.amount_minor < threshold]
        if len(under) >= numbers["at_least"] and len(_days(under)) >= numbers["on_days"]:
            facts = {"amounts": len(under), "days": len(_days(under)), "total_minor": _total(under),
                     "threshold_minor": threshold}  # fmt: skip
            return Verdict(week_of(under[-1].at), currency, facts)
    return None


def rapid_in_and_out(history: History, numbers: Numbers, now: datetime) -> Verdict | None:
    """Nearly all of what came in goes out again within hours."""
    since = now - timedelta(hours=numbers["hours"])
    for currency in history.currencies():
        came = [m for m in history.moved if not m.is_out and since < m.at <= now and m.currency == currency]
        if not came or _total(came) < amount_in(numbers["from_minor"], currency):
            continue
        went = history.out(since=came[0].at, until=now, currency=currency)
        if _total(went) * 100 >= _total(came) * numbers["percent"]:
            facts = {"in_minor": _total(came), "out_minor": _total(went), "hours": numbers["hours"]}
            return Verdict(day_of(came[0].at), currency, facts)
    return None


def dormant_then_active(history: History, numbers: Numbers, now: datetime) -> Verdict | None:
    """Nothing for months, and then a lot within days."""
    recent_since = now - timedelta(days=numbers["days"])
    recent = [m for m in history.moved if recent_since < m.at <= now]
    before = [m for m in history.moved if m.at <= recent_since]
    if not recent or not before or recent[0].at - before[-1].at < timedelta(days=numbers["dormant_days"]):
        return None
    for currency in sorted({m.currency for m in recent}):
        total = sum(m.amount_minor for m in recent if m.currency == currency)
        if total >= amount_in(numbers["from_minor"], currency):
            facts = {"dormant_days": (recent[0].at - before[-1].at).days, "total_minor": total, "amounts": len(recent)}
            return Verdict(day_of(recent[0].at), currency, facts)
    return None


def high_risk_corridor(history: History, numbers: Numbers, now: datetime) -> Verdict | None:
    """Money to countries that call for countermeasures."""
    recent = history.out(since=now - timedelta(days=numbers["days"]), until=now)
    risky = [m for m in recent if m.destination in numbers["countries"]]
    for currency in sorted({m.currency for m in risky}):
        total = sum(m.amount_minor for m in risky if m.currency == currency)
        if total >= amount_in(numbers["from_minor"], currency):
            facts = {"total_minor": total, "amounts": len(risky), "countries": sorted({m.destination for m in risky})}
            return Verdict(week_of(risky[-1].at), currency, facts)
    return None


def velocity_jump(history: History, numbers: Numbers, now: datetime) -> Verdict | None:
    """Far more in a day than this very customer ever moves in one."""
    day = timedelta(days=1)
    start = max(history.since, now - timedelta(days=numbers["baseline_days"]) - day)
    for currency in history.currencies():
        today = history.out(since=now - day, until=now, currency=currency)
        before = history.out(since=start, until=now - day, currency=currency)
        active_days = len(_days(before))
        if len(today) < numbers["at_least"] or active_days < numbers["active_days"]:
            continue
        # Against the mean of the days on which they moved anything: exact in integers, and kind to seldom payers.
        if _total(today) * active_days >= _total(before) * numbers["times"]:
            facts = {"today_minor": _total(today), "usual_minor": _total(before) // active_days, "amounts": len(today),
                     "active_days": active_days}  # fmt: skip
            return Verdict(day_of(now), currency, facts)
    return None


def _total(moved: Sequence[Moved]) -> int:
    return sum(m.amount_minor for m in moved)


def _days(moved: Sequence[Moved]) -> set[str]:
    return {day_of(m.at) for m in moved}
