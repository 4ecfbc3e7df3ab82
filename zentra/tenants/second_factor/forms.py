"""django-allauth's forms, with our way of taking a code."""

from typing import Any

from allauth.mfa.base.forms import AuthenticateForm as SignIn
from allauth.mfa.base.forms import ReauthenticateForm as Reauthenticate
from allauth.mfa.internal.flows.add import validate_can_add_authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.core.exceptions import ValidationError

from zentra.core.clock import now
from zentra.tenants.second_factor.operations import TooManyCodes, WrongCode, use_code, use_first_code


class _TakesCode:
    """The code of a form, taken once."""

    user: Any
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            self.authenticator = use_code(user_id=str(self.user.pk), code=code, now=now())
        except (WrongCode, TooManyCodes) as refusal:
            raise ValidationError(refusal.detail) from refusal
        return code


class SignInForm(_TakesCode, SignIn):  # type: ignore[misc]  # allauth ships no types
    """The second step of signing in."""


class ReauthenticateForm(_TakesCode, Reauthenticate):  # type: ignore[misc]  # allauth ships no types
    """The code again, before the second factor itself is changed."""


class EnrolForm(ActivateTOTPForm):  # type: ignore[misc]  # allauth ships no types
    """The first code of an authenticator that is set up; it counts as used."""

    def clean_code(self) -> str:
        validate_can_add_authenticator(self.user)
        code: str = self.cleaned_data["code"]
        try:
            is_right = use_first_code(user_id=str(self.user.pk), secret=self.secret, code=code, now=now())
        except TooManyCodes as refusal:
            raise ValidationError(refusal.detail) from refusal
        if not is_right:
            raise ValidationError(WrongCode.title)
        return code
