"""Take a code, once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.db import transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import actors
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.tenants.mail.notices import tell_second_factor_changed
from zentra.tenants.models import SecondFactorUse
from zentra.tenants.queries import platform_ref
from zentra.tenants.sessions.operations import end_sessions

MAX_FAILURES: Final = 5
"""Wrong codes of one person, over all their sessions, before none is looked at any more."""
FAILURES_WITHIN: Final = timedelta(minutes=5)
"""After this long since the first of them, codes are looked at again."""


class WrongCode(DomainError):
    """The code is not the one of now, or was used before. What was typed is never kept."""

    code = "second_factor_refused"
    status = 403
    title = "That code is not valid, or was used already"


class TooManyCodes(DomainError):
    """So many wrong codes that none is looked at for a while; the right one neither."""

    code = "second_factor_limited"
    status = 429
    title = "Too many wrong codes"
    retryable = True


def use_code(*, user_id: str, code: str, now: datetime) -> Authenticator:
    """Take a one-time or recovery code of a person, once; returns the authenticator that it belongs to.

    It is committed before it returns, so that no refusal after it makes the code good again.

    Raises:
        WrongCode: it is not theirs, not of now, or was used.
        TooManyCodes: five wrong ones in five minutes; ``retry_after`` says for how many seconds.
    """
    with transaction.atomic(durable=True):
        use = _lock(user_id)
        _refuse_guessing(use, now)
        found = _take(use, code.strip()[:64], now)
        if found is None:
            _count_failure(use, now)
        else:
            use.failures, use.failures_since = 0, None
        use.save()
    if found is None:
        raise WrongCode
    return found


def use_first_code(*, user_id: str, secret: str, code: str, now: datetime) -> bool:
    """Whether a code is of a secret that is about to be the person's; it then counts as used.

    Raises:
        TooManyCodes: five wrong ones in five minutes.
    """
    with transaction.atomic(durable=True):
        use = _lock(user_id)
        _refuse_guessing(use, now)
        step = _step_of(secret, code.strip()[:64], now)
        if step is None:
            _count_failure(use, now)
        else:
            # Another secret's steps say nothing about this one's.
            use.totp_step, use.failures, use.failures_since = step, 0, None
        use.save()
    return step is not None


def remove_second_factor(*, email: str, now: datetime) -> bool:
    """End the authenticator, passkeys and recovery codes of the person of an address; whether there were any.

    For whoever runs the installation. Their sessions end, and they are told by mail. Recorded as
    ``second_factor.removed`` in ``platform``.
    """
    address = email.strip().lower()
    with tenant_work(platform_ref()):
        found = Authenticator.objects.filter(user__email=address)
        owner = found.values_list("user_id", flat=True).first()
        if owner is None:
            return False
        found.delete()
        gone = NewEvent(type="second_factor.removed", actor=actors.RUNTIME, data={"user_id": owner})
        record_events(events=[gone], now=now)
        end_sessions(user_id=owner, reason="second_factor", actor=actors.RUNTIME, now=now)
        tell_second_factor_changed(email=address, what="whoever runs the installation removed it", now=now)
    return True


def _lock(user_id: str) -> SecondFactorUse:
    SecondFactorUse.objects.bulk_create([SecondFactorUse(user_id=user_id)], ignore_conflicts=True)
    return SecondFactorUse.objects.select_for_update().get(user_id=user_id)


def _refuse_guessing(use: SecondFactorUse, now: datetime) -> None:
    if use.failures < MAX_FAILURES or use.failures_since is None:
        return
    left = use.failures_since + FAILURES_WITHIN - now
    if left <= timedelta(0):
        return
    refusal = TooManyCodes(
        f"{MAX_FAILURES} wrong codes: none is looked at for {int(left.total_seconds()) + 1} seconds."
    )
    refusal.retry_after = int(left.total_seconds()) + 1
    raise refusal


def _count_failure(use: SecondFactorUse, now: datetime) -> None:
    if use.failures_since is None or now - use.failures_since >= FAILURES_WITHIN:
        use.failures, use.failures_since = 0, now
    use.failures += 1


def _take(use: SecondFactorUse, code: str, now: datetime) -> Authenticator | None:
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    for authenticator in Authenticator.objects.filter(user_id=use.user_id, type__in=kinds).order_by("-type"):
        if authenticator.type == Authenticator.Type.TOTP:
            step = _step_of(decrypt(authenticator.data["secret"]), code, now)
            if step is not None and step > use.totp_step:
                use.totp_step = step
                return authenticator
        elif authenticator.type == Authenticator.Type.RECOVERY_CODES and authenticator.wrap().validate_code(code):
            return authenticator
    return None


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step that a code is of, within what clocks may differ; every step is compared, however early one fits."""
    fitting = [step for step in _steps(now) if compare_user_code(actual=code, expected=_code_of(secret, step))]
    return max(fitting, default=None)


def _steps(now: datetime) -> Iterator[int]:
    step = int(now.timestamp()) // app_settings.TOTP_PERIOD
    yield from range(step - app_settings.TOTP_TOLERANCE, step + app_settings.TOTP_TOLERANCE + 1)


def _code_of(secret: str, step: int) -> str:
    return str(format_hotp_value(hotp_value(secret, step)))
