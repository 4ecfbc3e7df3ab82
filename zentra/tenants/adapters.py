"""How django-allauth behaves here: people are invited, never self-registered."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from zentra.core import clock, crypto
from zentra.core.addresses import client_address
from zentra.tenants.lockout.devices import device_of, remember_device
from zentra.tenants.lockout.operations import SignInLimited, begin_try, give_back


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Sign-in only, its tries counted by ``zentra.tenants.lockout``."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  # allauth's signature
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The person of these credentials, or None; raises ValidationError when no password is looked at now.

        An account that is off is nobody, with nothing said about it being there.
        """
        email = str(credentials.get("email", ""))
        try:
            attempt = begin_try(
                email=email, address=client_address(request), device=device_of(request, email=email), now=clock.now()
            )
        except SignInLimited as refusal:
            raise ValidationError(f"{refusal.title}. {refusal.detail}", code=refusal.code) from refusal
        user = super().authenticate(request, **credentials)
        if user is None or not user.is_active:
            return None
        give_back(attempt=attempt)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing: allauth's own counting shuts out the owner together with who guesses."""

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Where the person goes; the browser is a known one from here on."""
        answer: HttpResponse = super().post_login(request, user, **kwargs)
        remember_device(request, answer, email=user.email)
        return answer

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: our pages say themselves what happened."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """TOTP secrets and recovery seeds are encrypted at rest."""

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text.encode()).decode()
