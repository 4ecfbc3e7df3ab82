"""Whether a proven caller may ask now: the rate limits of keys, workspaces and classes of routes."""

from typing import Literal

from django.http import HttpRequest

from zentra.api.auth.caller import Caller

RateClass = Literal["read", "write", "heavy", "token", "sign_in"]


def admit(request: HttpRequest, caller: Caller, rate_class: RateClass) -> None:
    """Count this request against the caller's limits. Nothing is limited yet."""
