"""Secrets at rest under rotating keys."""

import pytest
from pytest_django import Settings

from zentra.core import crypto


def test_what_was_sealed_under_an_older_key_is_still_read(settings: Settings) -> None:
    settings.ZENTRA_SECRET_KEYS = ["first"]
    sealed = crypto.encrypt(b"whsec_1")

    settings.ZENTRA_SECRET_KEYS = ["second", "first"]

    assert crypto.decrypt(sealed) == b"whsec_1"


def test_new_secrets_are_sealed_under_the_newest_key(settings: Settings) -> None:
    settings.ZENTRA_SECRET_KEYS = ["second", "first"]
    sealed = crypto.encrypt(b"whsec_1")

    settings.ZENTRA_SECRET_KEYS = ["second"]

    assert crypto.decrypt(sealed) == b"whsec_1"


def test_a_secret_whose_key_is_gone_is_refused_and_not_garbled(settings: Settings) -> None:
    settings.ZENTRA_SECRET_KEYS = ["first"]
    sealed = crypto.encrypt(b"whsec_1")

    settings.ZENTRA_SECRET_KEYS = ["second"]

    with pytest.raises(crypto.UnreadableSecret):
        crypto.decrypt(sealed)


def test_a_secret_that_was_touched_is_refused(settings: Settings) -> None:
    sealed = bytearray(crypto.encrypt(b"whsec_1"))
    sealed[20] ^= 1

    with pytest.raises(crypto.UnreadableSecret):
        crypto.decrypt(bytes(sealed))


def test_the_same_secret_is_never_sealed_to_the_same_bytes() -> None:
    assert crypto.encrypt(b"whsec_1") != crypto.encrypt(b"whsec_1")


def test_a_memoryview_from_the_database_is_read() -> None:
    assert crypto.decrypt(memoryview(crypto.encrypt(b"whsec_1"))) == b"whsec_1"  # type: ignore[arg-type]  # as psycopg2 gave it


def test_a_keyed_digest_stays_while_keys_are_added_and_tells_nothing_without_the_key(settings: Settings) -> None:
    settings.ZENTRA_SECRET_KEYS = ["first"]
    digest = crypto.keyed_digest(b"1234")

    settings.ZENTRA_SECRET_KEYS = ["second", "first"]
    assert crypto.keyed_digest(b"1234") == digest

    settings.ZENTRA_SECRET_KEYS = ["second"]
    assert crypto.keyed_digest(b"1234") != digest
    assert len(digest) == 32
