"""Does the ledger add up, and is what happened sealed."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from evidence.queries import sealed_to
from ledger.integrity.types import CheckRunRecord
from ledger.queries import drift_by_currency, latest_check
from ledger.types import Drift
from zentra.alarms.types import Finding, Sight


def see_ledger_drift(_now: datetime) -> Sight:
    """Each currency whose balances or entries do not add up, and what the last integrity check found."""
    findings = [_of_currency(each) for each in drift_by_currency() if _is_off(each)]
    check = latest_check()
    if check is not None and check.state == "diverged":
        findings.append(_of_check(check))
    return Sight(tuple(findings))


def see_sealing_lag(now: datetime) -> Sight:
    """The log, when its oldest unsealed event has waited longer than the setting allows."""
    sealed = sealed_to(now=now)
    age = int(sealed.age_seconds)
    if age <= settings.ZENTRA_ALARM_SEALING_LAG_SECONDS:
        return Sight()
    facts = {
        "age_seconds": age,
        "waiting_for_a_place": sealed.waiting,
        "sequenced": sealed.sequenced,
        "signed": sealed.signed,
    }
    words = f"The oldest unsealed event has waited {age} s; {sealed.waiting} wait for their place in the log."
    return Sight((Finding("", words, facts),))


def _is_off(drift: Drift) -> bool:
    return bool(drift.drift_minor or drift.resum_minor or drift.diverging_accounts)


def _of_currency(drift: Drift) -> Finding:
    return Finding(
        drift.currency,
        f"{drift.currency} is off: {', '.join(_parts(drift))}.",
        {
            "drift_minor": drift.drift_minor,
            "resum_minor": drift.resum_minor,
            "diverging_accounts": drift.diverging_accounts,
            "accounts": drift.accounts,
        },
    )


def _parts(drift: Drift) -> Iterator[str]:
    if drift.drift_minor:
        yield f"balances add up to {drift.drift_minor} minor units and not to 0"
    if drift.resum_minor:
        yield f"entries add up to {drift.resum_minor} minor units and not to 0"
    if drift.diverging_accounts:
        yield f"{drift.diverging_accounts} accounts do not have the balance of their entries"


def _of_check(check: CheckRunRecord) -> Finding:
    first = check.first
    words = f"The integrity check found {len(check.findings)} things that do not hold"
    return Finding(
        "check",
        f"{words}; first: {first.sentence}" if first else f"{words}.",
        {
            "check_run_id": check.id,
            "findings": sum(each.count for each in check.findings),
            "first_check": check.findings[0].check if check.findings else None,
        },
    )
