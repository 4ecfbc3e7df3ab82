"""Passwords as they are typed: masked, pasted, taken as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.test import Client

from zentra.embedded.layout import CLONE

if TYPE_CHECKING:
    from tests.security.conftest import Place

TEMPLATES = [path for path in (CLONE / "templates").rglob("*.html") if 'type="password"' in path.read_text()]


def test_passwords_are_masked_and_may_be_pasted() -> None:
    assert len(TEMPLATES) >= 2
    for path in (CLONE / "templates").rglob("*.html"):
        for field in re.findall(r"<input\b[^>]*>", path.read_text()):
            name = re.search(r'name="([^"]*)"', field)
            if name and re.search(r"password|^again$", name[1]):
                assert 'type="password"' in field, (path.name, name[1])
                assert 'autocomplete="off"' not in field, (path.name, name[1])
                assert "maxlength" not in field or int(re.search(r'maxlength="(\d+)"', field)[1]) >= 64  # type: ignore[index]
    scripts = "".join(path.read_text() for path in (CLONE / "static" / "js").glob("*.js"))
    assert re.findall(r"[\"'](?:paste|beforepaste)[\"'][^\n]*preventDefault", scripts) == []


@pytest.mark.usefixtures("database")
def test_a_password_is_taken_as_it_was_typed(place: Place) -> None:
    user = place.operator.user
    typed = (
        "Correct horse battery 🐎 staple",
        "  leading velvet and trailing spaces  ",
        "Seventy-one violins, unopened, above a quarry; and every Tuesday somebody counts them again, Twice",
        "UPPER quail lower 77 ✓ é",
    )
    for password in typed:
        validate_password(password, user)
        user.set_password(password)
        user.save(update_fields=["password"])
        for other in (password[:-1], password.strip().lower(), f"{password} "):
            assert not user.check_password(other)
        cache.clear()
        answer = Client().post("/sign-in/", {"login": place.operator.email, "password": password})
        assert answer.status_code == 302, password
