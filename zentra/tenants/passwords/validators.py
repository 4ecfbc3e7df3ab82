"""Django's validators of a password: how long, how guessable, and whether it is on a list of leaked ones."""

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # it ships none

from zentra.tenants.passwords.breaches import is_breached

MAX_LENGTH: Final = 200
"""So that nobody has us hash a book; long enough for every password manager and for sentences."""
MIN_SCORE: Final = 3
"""Of zxcvbn's 0 to 4: 3 is safely unguessable, at 10^8 guesses and more (Wheeler, USENIX Security 2016)."""
_LOOKED_AT: Final = 72
"""How much of a password is weighed. What is longer is not weaker, and weighing grows with the square of it."""


class MaximumLength:
    """At most two hundred characters."""

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002  # Django's signature
        """Raises ValidationError."""
        if len(password) > MAX_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """What is asked for."""
        return f"At most {MAX_LENGTH} characters."


class Strength:
    """Not easily guessed, by zxcvbn, which also knows the person's own words."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError with what zxcvbn says would make it better."""
        if not password:
            return  # too short, as another validator says; zxcvbn cannot weigh nothing
        found = zxcvbn(password[:_LOOKED_AT], user_inputs=_words_of(user))
        if found["score"] >= MIN_SCORE:
            return
        said = found["feedback"]
        words = " ".join(text for text in (said["warning"], *said["suggestions"]) if text)
        raise ValidationError(words or "This is too easy to guess.", code="password_too_weak")

    def get_help_text(self) -> str:
        """What is asked for."""
        return "Not easily guessed: a few unrelated words are good."


class Breached:
    """On no list of leaked passwords, where the installation has one (``ZENTRA_BREACHED_PASSWORDS``)."""

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002  # Django's signature
        """Raises ValidationError."""
        if settings.ZENTRA_BREACHED_PASSWORDS and is_breached(password, path=settings.ZENTRA_BREACHED_PASSWORDS):
            raise ValidationError("This password is on a list of leaked ones.", code="password_breached")

    def get_help_text(self) -> str:
        """What is asked for."""
        return "On no list of leaked passwords."


def _words_of(user: Any) -> list[str]:
    """What somebody who knows the person would try first."""
    email, name = str(getattr(user, "email", "")), str(getattr(user, "name", ""))
    login, _, host = email.partition("@")
    return [word for word in (email, login, host, host.partition(".")[0], name, *name.split(), "zentra") if word]
