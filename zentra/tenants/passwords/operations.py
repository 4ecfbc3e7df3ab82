"""Set a password: the only place that does, so that every way to one asks the same of it."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import crypto, ids
from zentra.core.actors import Actor
from zentra.core.queue import enqueue
from zentra.core.rates import Rate, limiter
from zentra.core.tenancy import tenant_work
from zentra.tenants.lockout.devices import account_mark
from zentra.tenants.lockout.operations import forget_tries
from zentra.tenants.mail.notices import tell_password_changed
from zentra.tenants.mail.operations import queue_mail
from zentra.tenants.members.addresses import prove_address
from zentra.tenants.models import User
from zentra.tenants.passwords.errors import ResetEnded, UnusablePassword, WrongPassword
from zentra.tenants.passwords.validators import MAX_LENGTH
from zentra.tenants.queries import platform_ref
from zentra.tenants.second_factor.queries import has_second_factor
from zentra.tenants.sessions.operations import end_sessions

WORK: Final = "tenants.password_reset"
RESETS: Final = Rate(per_second=1 / 1200, burst=3)
"""Mails to one address; whoever asks more often gets the same answer and no mail."""


def check_new_password(*, password: str, user: User | None = None) -> None:
    """Whether a password may be set, for a person or for one who is about to be made.

    Raises:
        UnusablePassword: too short (12) or long (200), easily guessed, like the address, or on a list of leaked ones;
            the detail says which, and what would make it better.
    """
    if len(password) > MAX_LENGTH:
        raise UnusablePassword(f"At most {MAX_LENGTH} characters.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise UnusablePassword(" ".join(dict.fromkeys(error.messages))) from error


def set_password(*, user: User, password: str) -> None:
    """Give a person another password; the caller has proved who asks and holds their row. Raises UnusablePassword."""
    check_new_password(password=password, user=user)
    user.set_password(password)
    user.save(update_fields=["password"])


def change_password(*, user_id: str, current: str, password: str, session_id: str, now: datetime) -> User:
    """Another password for somebody who knows the one they have. Their other sessions end.

    Raises:
        WrongPassword: ``current`` is not theirs.
        UnusablePassword: the other may not be set.
    """
    with tenant_work(platform_ref()):
        user = User.objects.select_for_update().get(id=user_id, is_active=True)
        if not user.check_password(current):
            raise WrongPassword
        _replace(user, password, how="change", but=session_id, now=now)
    return user


def ask_for_reset(*, email: str, now: datetime) -> None:
    """Have a link mailed to this address, if it is a person's. It takes as long, and answers the same, if it is not.

    Looking the address up is left to a worker, so that nothing here depends on it.
    """
    address = (
        email.replace("\0", "").strip().lower()[:254]
    )  # PostgreSQL takes no NUL, and the worker would try for ever
    ref = crypto.encrypt(address.encode()).decode()
    enqueue(workspace_id=platform_ref().id, kind=WORK, ref=ref, due_at=now, priority=3)


def mail_reset(*, ref: str, now: datetime) -> None:
    """What a worker does about it: a link for one hour, mailed to a person who has a password."""
    email = crypto.decrypt(ref.encode()).decode()
    user = User.objects.filter(email=email, is_active=True).first()
    if user is None or not user.has_usable_password():
        return
    if limiter().admit(key=f"password_reset:{account_mark(email)}", rate=RESETS) > 0:
        return
    until = now + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    link = f"{settings.ZENTRA_BASE_URL}/sign-in/reset/{user.id}/{default_token_generator.make_token(user)}/"
    values = {"email": email, "until": f"{until:%Y-%m-%d %H:%M} UTC", "link_url": link}
    with tenant_work(platform_ref()):
        queue_mail(to=email, kind="password_reset", values=values, now=now, expires_at=until)
        asked = NewEvent(type="password.reset_requested", actor=_actor(user), data={"user_id": user.id})
        record_events(events=[asked], now=now)


def check_reset(*, user_id: str, token: str) -> str:
    """The address whose password a link would set; raises ResetEnded."""
    return _resetting(user_id, token).email


def reset_password(*, user_id: str, token: str, password: str, now: datetime, device: str = "") -> None:
    """Another password for somebody who has the link; all their sessions end, and tries are counted from none.

    ``device`` is the number of the browser that they use, where it is known.

    A second factor stays as it is, and is asked for at the next sign-in. Without one the address is proven: who has its
    mail has all that opens the account. Of two who use a link at once, one is refused.

    Raises:
        ResetEnded: used, older than one hour, or the person signed in or changed the password since.
        UnusablePassword: it may not be set; the link stays good.
    """
    with tenant_work(platform_ref()):
        user = _resetting(user_id, token, for_update=True)
        _replace(user, password, how="reset", but="", now=now)
        if not has_second_factor(user_id=user.id):
            prove_address(user=user, now=now)
    forget_tries(email=user.email, devices=(device,) if device else ())


def _resetting(user_id: str, token: str, *, for_update: bool = False) -> User:
    people = User.objects.select_for_update() if for_update else User.objects
    try:
        user = people.filter(id=user_id, is_active=True).first()
    except ids.BadId:
        user = None
    if user is None or not user.has_usable_password() or not default_token_generator.check_token(user, token):
        raise ResetEnded
    return user


def _replace(user: User, password: str, *, how: str, but: str, now: datetime) -> None:
    set_password(user=user, password=password)
    end_sessions(user_id=user.id, but=but, reason="password", actor=_actor(user), now=now)
    changed = NewEvent(type="password.changed", actor=_actor(user), data={"user_id": user.id, "how": how})
    record_events(events=[changed], now=now)
    tell_password_changed(email=user.email, now=now, how="by a link that was mailed" if how == "reset" else "")


def _actor(user: User) -> Actor:
    return Actor("user", user.id, "none")
