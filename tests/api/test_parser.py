"""Bodies that two JSON parsers could read differently, or that cost too much to read, are refused."""

import json

import pytest

from zentra.api import parser
from zentra.api.parser import BodyTooLarge, DuplicateKey, MalformedJson, TooDeep, UnsupportedContentType


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def test_an_ordinary_object_is_read() -> None:
    assert parser.parse_object(b'{"a": [1, {"b": "\xc3\xa9"}], "c": "\\u00e9"}') == {"a": [1, {"b": "é"}], "c": "é"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b'"text"',
        b"null",
        b'{"a": 1} {"b": 2}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xff"}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 01}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": "\x00"}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_one_unambiguous_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJson) as raised:
        parser.parse_object(body)
    assert raised.value.code == "malformed_json"


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "c": 2, "b": 3}}', b'{"a": 1, "\\u0061": 2}'])
def test_a_key_that_is_there_twice_is_named(body: bytes) -> None:
    with pytest.raises(DuplicateKey) as raised:
        parser.parse_object(body)
    assert raised.value.extra["key"] in {"a", "b"}


def test_twenty_levels_are_read_and_twenty_one_refused() -> None:
    assert parser.parse_object(nested(20))
    with pytest.raises(TooDeep):
        parser.parse_object(nested(21))
    with pytest.raises(TooDeep):
        parser.parse_object(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parser.parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
def test_json_in_utf8_is_accepted(content_type: str) -> None:
    parser.check_content_type(content_type)


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("", ""),
        ("text/plain", ""),
        ("text/json", ""),
        ("application/x-www-form-urlencoded", ""),
        ("application/json; charset=latin-1", ""),
        ("application/jsonp", ""),
        ("application/json", "gzip"),
    ],
)
def test_everything_else_is_unsupported(content_type: str, encoding: str) -> None:
    with pytest.raises(UnsupportedContentType):
        parser.check_content_type(content_type, encoding)


def test_the_largest_body_is_read_and_one_byte_more_refused() -> None:
    from django.test import RequestFactory

    room = parser.MAX_BODY_BYTES - len(json.dumps({"a": ""}))
    fits = json.dumps({"a": "x" * room})
    post = RequestFactory().post

    assert parser.StrictParser().parse_body(post("/v1/accounts", fits, "application/json"))["a"] == "x" * room
    with pytest.raises(BodyTooLarge):
        parser.StrictParser().parse_body(post("/v1/accounts", fits + " ", "application/json"))
