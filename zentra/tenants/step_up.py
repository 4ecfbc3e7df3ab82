"""Step-up: proof of the second factor, shortly before an act that needs it.

A session is stepped up for ``ZENTRA_STEP_UP_SECONDS`` after a one-time or recovery code or a passkey was taken in it,
at sign-in or with a form. A form carries the code in the field ``step_up_code``, the answer of a passkey in
``step_up_passkey``. The console's doors take either before the view's transaction begins (``attempt_step_up``), because
a code that was used stays used whatever becomes of the form;
``require_step_up`` then says whether the act may go on.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from zentra.core.errors import DomainError
from zentra.tenants.passkeys.errors import PasskeyRefused
from zentra.tenants.passkeys.requests import use_answered
from zentra.tenants.second_factor import queries
from zentra.tenants.second_factor.operations import TooManyCodes, WrongCode, use_code
from zentra.tenants.sessions.requests import rotate_key

CODE_FIELD: Final = "step_up_code"
PASSKEY_FIELD: Final = "step_up_passkey"
_ATTEMPT: Final = "_zentra_step_up"
_TYPES: Final = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES, Authenticator.Type.WEBAUTHN)
# The clocks of two web hosts may differ a little.
_SKEW: Final = timedelta(seconds=5)


class StepUpRequired(DomainError):
    """The act needs a code of the second factor, given within the last minutes. Nothing was changed."""

    code = "step_up_required"
    status = 403
    title = "Confirm it with your second factor"


class StepUpNotEnrolled(StepUpRequired):
    """The act needs a second factor, and this person has none."""

    code = "step_up_not_enrolled"
    status = 403
    title = "Set up a second factor first"


class StepUpRefused(StepUpRequired):
    """The code that came with the act is not valid, or was used already. Recorded as ``access.denied``."""

    code = "step_up_refused"
    status = 403
    title = "That code is not valid, or was used already"


class StepUpLimited(StepUpRequired):
    """Too many wrong codes; none is looked at for a while. Recorded as ``access.denied``."""

    code = "step_up_limited"
    status = 429
    title = "Too many wrong codes"
    retryable = True


def has_second_factor(user: Any) -> bool:
    """Whether this person has set up an authenticator or a passkey."""
    return queries.has_second_factor(user_id=str(user.pk))


def is_stepped_up(request: HttpRequest, now: datetime) -> bool:
    """Whether this session proved a second factor within ``ZENTRA_STEP_UP_SECONDS``, one that the person still has."""
    proof = _latest_proof(request)
    if proof is None:
        return False
    age = now.timestamp() - float(proof["at"])
    if not -_SKEW.total_seconds() <= age < settings.ZENTRA_STEP_UP_SECONDS:
        return False
    return queries.has_authenticator(user_id=str(request.user.pk), authenticator_id=int(proof["id"]))


def attempt_step_up(request: HttpRequest, now: datetime) -> StepUpRequired | None:
    """Take the code or passkey that a form carries, if it does and the session needs it; what it was refused for.

    Outside any transaction: the code is used up here, whatever becomes of the form.
    """
    if request.method != "POST" or hasattr(request, _ATTEMPT):
        return None
    code = request.POST.get(CODE_FIELD, "").strip()
    if not (code or request.POST.get(PASSKEY_FIELD)) or is_stepped_up(request, now):
        return None
    refusal = _take(request, code, now)
    setattr(request, _ATTEMPT, refusal)
    return refusal


def require_step_up(request: HttpRequest, now: datetime) -> None:
    """Go on only with a fresh second factor.

    Raises:
        StepUpNotEnrolled: this person has none.
        StepUpRefused, StepUpLimited: the code that came with the form was refused.
        StepUpRequired: no code came, and the last one of this session is too old.
    """
    attempt_step_up(request, now)
    refusal: StepUpRequired | None = getattr(request, _ATTEMPT, None)
    if refusal is not None:
        raise refusal
    if is_stepped_up(request, now):
        return
    raise StepUpRequired if has_second_factor(request.user) else StepUpNotEnrolled


def _take(request: HttpRequest, code: str, now: datetime) -> StepUpRequired | None:
    if not has_second_factor(request.user):
        return StepUpNotEnrolled()
    try:
        found = _proof(request, code, now)
    except PasskeyRefused as refused:
        return StepUpRefused(f"{refused.title}. {refused.detail}" if refused.detail != refused.title else refused.title)
    except WrongCode:
        return StepUpRefused()
    except TooManyCodes as limited:
        refusal = StepUpLimited(limited.detail)
        refusal.retry_after = limited.retry_after
        return refusal
    record_authentication(
        request, request.user, "mfa", id=found.pk, type=found.type, reauthenticated=True, at=now.timestamp()
    )
    found.record_usage()
    rotate_key(request)
    return None


def _proof(request: HttpRequest, code: str, now: datetime) -> Authenticator:
    if code:
        return use_code(user_id=str(request.user.pk), code=code, now=now)
    return use_answered(request, purpose="step_up", user_id=str(request.user.pk), now=now, field=PASSKEY_FIELD)


def _latest_proof(request: HttpRequest) -> dict[str, Any] | None:
    records = get_authentication_records(request, request.user)
    proofs = [each for each in records if each.get("method") == "mfa" and each.get("type") in _TYPES]
    return max(proofs, key=lambda each: float(each["at"]), default=None)
