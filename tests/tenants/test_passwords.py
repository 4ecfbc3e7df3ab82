"""A password is long enough, hard to guess and on no list of leaked ones, wherever it is set."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.people import PASSWORD
from zentra.tenants.members.errors import UnusablePassword
from zentra.tenants.models import User
from zentra.tenants.passwords.breaches import is_breached
from zentra.tenants.passwords.operations import check_new_password, set_password

if TYPE_CHECKING:
    from tests.people import Person

MARIA = User(email="maria.gonzalez@northwind.example", name="Maria Gonzalez")


def digest_of(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def leaked(path: Path, passwords: list[str], *, ending: str = "\n") -> str:
    """A list as Have I Been Pwned publishes it: digests ascending, with counts of differing length."""
    chance = random.Random(7)
    lines = sorted(f"{digest_of(each)}:{chance.randint(1, 10**7)}" for each in passwords)
    path.write_bytes("".join(f"{line}{ending}" for line in lines).encode())
    return str(path)


def test_a_few_unrelated_words_are_good() -> None:
    check_new_password(password=PASSWORD, user=MARIA)
    check_new_password(password="h" + "Ω漢🙂 q7" * 20, user=MARIA)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short-9x!", "at least 12"),
        ("Password1234!", "similar to a commonly used password"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "easy to guess"),
        ("maria.gonzalez!", "Add another word"),
        ("x" * 201, "At most 200"),
        ("correct horse battery staple " * 10, "At most 200"),
        ("", "at least 12"),
    ],
)
def test_what_is_easily_guessed_is_refused_with_what_would_be_better(password: str, says: str) -> None:
    with pytest.raises(UnusablePassword, match=says):
        check_new_password(password=password, user=MARIA)


def test_a_refused_password_is_not_set(operator: Person) -> None:
    before = operator.user.password
    with pytest.raises(UnusablePassword):
        set_password(user=operator.user, password="Password1234!")
    assert User.objects.get(id=operator.id).password == before


def test_a_leaked_password_is_refused(tmp_path: Path, settings: Any) -> None:
    settings.ZENTRA_BREACHED_PASSWORDS = leaked(tmp_path / "leaked", ["another one", PASSWORD])
    with pytest.raises(UnusablePassword, match="leaked"):
        check_new_password(password=PASSWORD)
    check_new_password(password=f"{PASSWORD} and more")


def test_every_line_of_a_list_is_found_and_nothing_between_them(tmp_path: Path) -> None:
    names = [f"leaked {number}" for number in range(700)]
    for many, ending in ((1, "\n"), (2, "\r\n"), (3, "\n"), (700, "\n"), (701, "\r\n")):
        path = leaked(tmp_path / f"list-{many}", names[:many], ending=ending)
        assert all(is_breached(each, path=path) for each in names[:many])
        assert not any(is_breached(f"other {number}", path=path) for number in range(700))


def test_a_list_without_counts_without_a_last_line_end_or_without_lines(tmp_path: Path) -> None:
    names = [f"leaked {number}" for number in range(50)]
    plain, empty = tmp_path / "plain", tmp_path / "empty"
    plain.write_text("\n".join(sorted(digest_of(each).lower() for each in names)))
    empty.write_text("")
    assert all(is_breached(each, path=str(plain)) for each in names)
    assert not is_breached("other", path=str(plain))
    assert not is_breached("other", path=str(empty))


def test_a_list_is_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = leaked(tmp_path / "list", [f"leaked {number}" for number in range(20_000)])
    read: list[int] = []
    real = open

    class Counted:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def readline(self) -> bytes:
            line: bytes = self.file.readline()
            read.append(len(line))
            return line

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    monkeypatch.setattr("builtins.open", lambda *given: Counted(real(*given)))
    assert is_breached("leaked 11111", path=path)
    assert sum(read) < 50 * 48


def test_a_list_that_is_not_there_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import importlib

    from zentra import settings

    monkeypatch.setenv("ZENTRA_BREACHED_PASSWORDS", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="ZENTRA_BREACHED_PASSWORDS"):
        importlib.reload(settings)
    monkeypatch.undo()
    importlib.reload(settings)
