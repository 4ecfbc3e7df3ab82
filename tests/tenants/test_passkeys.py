"""A passkey signs in as both factors, confirms what needs one, and is refused when anything about it is not right."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from tests.ledger.book import at_once
from tests.people import join
from tests.recorded import platform_events
from tests.tenants.soft_key import PRESENT, SoftKey
from zentra.core import clock
from zentra.tenants.models import OutgoingMail, User
from zentra.tenants.passkeys.errors import PasskeyCopied, PasskeyRefused, UnknownPasskey
from zentra.tenants.passkeys.operations import add_passkey, ask_for_known, ask_for_new, remove_passkey, use_passkey
from zentra.tenants.passkeys.queries import has_passkey, list_passkeys
from zentra.tenants.second_factor.queries import has_second_factor, list_without_second_factor

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.core.tenancy import TenantRef

ORIGIN = settings.ZENTRA_BASE_URL


@pytest.fixture(autouse=True)
def _from_none(database: None) -> None:
    cache.clear()


@pytest.fixture
def person(workspace: TenantRef) -> Person:
    """An admin who has nothing set up yet."""
    return join(workspace, role="admin", totp=False)


def add(person: Person, key: SoftKey, name: str = "Laptop", **other: Any) -> Authenticator:
    asked = ask_for_new(user_id=person.id)
    answer = key.create(asked.options, **other)
    return add_passkey(user_id=person.id, name=name, state=asked.state, answer=answer, now=clock.now())


def use(person: Person, key: SoftKey, *, by_name: bool = True, **other: Any) -> Authenticator:
    user_id = person.id if by_name else ""
    asked = ask_for_known(user_id=user_id)
    return use_passkey(user_id=user_id, state=asked.state, answer=key.get(asked.options, **other), now=clock.now())


# -- The engine --------------------------------------------------------------------------------------------------------


def test_a_passkey_is_a_second_factor(person: Person) -> None:
    key = SoftKey(ORIGIN)
    assert list_without_second_factor(user_ids=[person.id]) == {person.id}
    made = add(person, key, name="  My\u202e\n laptop ")
    assert [(each.id, each.name, each.is_synced) for each in list_passkeys(user_id=person.id)] == [
        (made.pk, "My laptop", False)
    ]
    assert has_second_factor(user_id=person.id)
    assert list_without_second_factor(user_ids=[person.id]) == frozenset()
    assert use(person, key).pk == made.pk
    assert use(person, key, by_name=False).user_id == person.id


def test_what_is_not_right_is_refused(person: Person, auditor: Person) -> None:
    key, other = SoftKey(ORIGIN), SoftKey(ORIGIN)
    add(person, key)
    add(auditor, other)
    wrong: list[dict[str, Any]] = [
        {"origin": "https://evil.example"},
        {"origin": ORIGIN + "1"},
        {"origin": ORIGIN.replace("http://", "https://")},
        {"origin": ORIGIN.replace("localhost", "x.localhost")},
        {"host": "evil.example"},
        {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"type": "webauthn.create"},
        {"flags": PRESENT},  # nobody was verified
        {"flags": 0},
    ]
    for each in wrong:
        with pytest.raises(PasskeyRefused):
            use(person, key, **each)
    with pytest.raises(PasskeyRefused):  # somebody else's
        use(person, other)
    with pytest.raises(PasskeyRefused):  # says that it is somebody else's
        use(person, other, by_name=False, handle=key.handle)
    forged = SoftKey(ORIGIN, credential_id=key.credential_id, handle=key.handle)
    with pytest.raises(PasskeyRefused):
        use(person, forged, by_name=False)
    User.objects.filter(id=person.id).update(is_active=False)
    for by_name in (True, False):
        with pytest.raises(PasskeyRefused):
            use(person, key, by_name=by_name)


def test_of_an_answer_only_what_is_read_again_is_kept(person: Person) -> None:
    key, asked = SoftKey(ORIGIN), ask_for_new(user_id=person.id)
    answer = key.create(asked.options)
    answer |= {"authenticatorAttachment": "platform", "more": "x" * 9000}
    answer["response"]["transports"] = ["usb\0"]
    made = add_passkey(user_id=person.id, name="A", state=asked.state, answer=answer, now=clock.now())
    kept = Authenticator.objects.get(pk=made.pk).data["credential"]
    assert set(kept) == {"id", "rawId", "type", "response"}
    assert set(kept["response"]) == {"clientDataJSON", "attestationObject"}
    assert use(person, key).pk == made.pk


def test_an_answer_with_a_nul_is_refused(person: Person) -> None:
    for name in ("id", "type"):
        asked = ask_for_new(user_id=person.id)
        answer = SoftKey(ORIGIN).create(asked.options)
        answer[name] += "\0"
        with pytest.raises(PasskeyRefused):
            add_passkey(user_id=person.id, name="A", state=asked.state, answer=answer, now=clock.now())
    assert not has_passkey(user_id=person.id)


def test_what_is_not_right_is_not_set_up(person: Person) -> None:
    key = SoftKey(ORIGIN)
    for each in ({"origin": "https://evil.example"}, {"host": "evil.example"}, {"type": "webauthn.get"}):
        with pytest.raises(PasskeyRefused):
            add(person, key, **each)
    with pytest.raises(PasskeyRefused):
        add(person, SoftKey(ORIGIN, flags=PRESENT))
    assert not has_passkey(user_id=person.id)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": 1},
        {"id": "x", "rawId": "x", "response": {}},
        {"response": None},
        {"rawId": "é", "id": "é", "type": "x"},
    ],
)
def test_odd_answers_are_refused(person: Person, answer: dict[str, Any]) -> None:
    add(person, SoftKey(ORIGIN))
    new, known = ask_for_new(user_id=person.id), ask_for_known(user_id="")
    with pytest.raises(PasskeyRefused):
        add_passkey(user_id=person.id, name="x", state=new.state, answer=answer, now=clock.now())
    with pytest.raises(PasskeyRefused):
        use_passkey(user_id="", state=known.state, answer=answer, now=clock.now())


def test_one_passkey_is_one_persons_and_set_up_once(person: Person, auditor: Person) -> None:
    key = SoftKey(ORIGIN)
    answers = at_once([partial(add, person, key)] * 4, threads=4)
    assert sum(isinstance(each, PasskeyRefused) for each in answers) == 3
    with pytest.raises(PasskeyRefused, match="already"):
        add(auditor, key)


def test_a_copy_is_noticed_refused_and_recorded(person: Person) -> None:
    key = SoftKey(ORIGIN, counted=5)
    made = add(person, key)
    assert use(person, key).data["counted"] == 6
    copy = SoftKey(ORIGIN, counted=5, handle=key.handle, credential_id=key.credential_id, key=key.key)
    with pytest.raises(PasskeyCopied):
        use(person, copy)
    assert use(person, key).data["counted"] == 7
    [event] = platform_events("passkey.copy_suspected", user_id=person.id)
    assert event["data"] == {"user_id": person.id, "passkey": made.pk, "counted": 6, "kept": 6}


def test_of_one_answer_with_a_count_that_comes_ten_times_at_once_one_is_taken(person: Person) -> None:
    key = SoftKey(ORIGIN, counted=1)
    add(person, key)
    asked = ask_for_known(user_id=person.id)
    call = partial(use_passkey, user_id=person.id, state=asked.state, answer=key.get(asked.options), now=clock.now())
    answers = at_once([call] * 10, threads=10)
    assert sum(isinstance(each, PasskeyCopied) for each in answers) == 9


def test_nobody_removes_another_persons(person: Person, auditor: Person) -> None:
    made = add(person, SoftKey(ORIGIN))
    with pytest.raises(UnknownPasskey):
        remove_passkey(user_id=auditor.id, passkey_id=made.pk, now=clock.now())
    remove_passkey(user_id=person.id, passkey_id=made.pk, now=clock.now())
    assert not has_second_factor(user_id=person.id)


# -- The pages ---------------------------------------------------------------------------------------------------------


def options(client: Client, purpose: str) -> Any:
    return client.post("/passkey/options/", {"purpose": purpose})


def with_password(person: Person) -> Client:
    client = Client()
    client.post("/sign-in/", {"login": person.email, "password": person.password})
    return client


def set_up(client: Client, key: SoftKey, path: str = "/second-factor/passkeys/add/") -> Any:
    answer = key.create(options(client, "add").json())
    return client.post(path, {"name": "Phone", "passkey": json.dumps(answer)})


def sign_in(key: SoftKey, client: Client | None = None, **fields: str) -> tuple[Client, Any]:
    client = client or Client()
    answer = key.get(options(client, "sign_in").json())
    return client, client.post("/sign-in/passkey/", {"passkey": json.dumps(answer), **fields})


def room(person: Person) -> str:
    return f"/w/{person.workspace.slug}/outgoing/"


def test_setting_one_up_gives_recovery_codes_leads_back_and_is_mailed(person: Person) -> None:
    client, key = with_password(person), SoftKey(ORIGIN)
    sent = client.get(room(person)).headers["Location"]
    assert "/second-factor/passkeys/add/?next=" in client.get(sent).content.decode()
    shown = set_up(client, key, f"/second-factor/passkeys/add/?next={room(person)}").content.decode()
    assert len(re.findall(r"<li><code>(\d{8})</code></li>", shown)) == 10
    assert f'href="{room(person)}"' in shown
    assert client.get(room(person)).status_code == 200
    assert OutgoingMail.objects.filter(to=person.email, kind="second_factor_changed").count() == 1
    page = client.get("/second-factor/").content.decode()
    assert "Phone" in page
    again = set_up(client, SoftKey(ORIGIN))
    assert again.headers["Location"] == "/second-factor/"  # the codes stay those that there are


def test_a_passkey_alone_signs_in_as_both_factors(person: Person) -> None:
    key = SoftKey(ORIGIN)
    add(person, key)
    client, answer = sign_in(key, next=room(person))
    assert answer.headers["Location"] == room(person)
    assert client.get(room(person)).status_code == 200
    asked = {"role": "viewer", "version": "1", "idempotency_key": "1" * 8 + "-0000-0000-0000-" + "0" * 12}
    other = join(person.workspace, role="auditor")
    done = client.post(f"/w/{person.workspace.slug}/people/{other.id}/shift/", {**asked, "to": "off"})
    assert done.status_code == 302


def test_signing_in_by_a_passkey_leads_nowhere_else(person: Person) -> None:
    key = SoftKey(ORIGIN)
    add(person, key)
    _, answer = sign_in(key, next="https://elsewhere.example/")
    assert answer.headers["Location"] == "/"


def test_the_password_then_asks_for_the_passkey(person: Person) -> None:
    key = SoftKey(ORIGIN)
    add(person, key)
    client = with_password(person)
    assert client.get(room(person)).status_code == 302
    assert "Use a passkey" in client.get("/sign-in/second-step/").content.decode()
    wrong = SoftKey(ORIGIN, handle=key.handle)
    asked = options(client, "second_step").json()
    refused = client.post("/sign-in/second-step/", {"passkey": json.dumps(wrong.get(asked))})
    assert "That passkey was not taken" in refused.content.decode()
    asked = options(client, "second_step").json()
    assert client.post("/sign-in/second-step/", {"passkey": json.dumps(key.get(asked))}).status_code == 302
    assert client.get(room(person)).status_code == 200


def test_a_challenge_is_good_for_one_answer_of_its_own_purpose_and_browser(person: Person) -> None:
    key = SoftKey(ORIGIN)
    add(person, key)
    client = Client()
    answer = json.dumps(key.get(options(client, "sign_in").json()))
    assert Client().post("/sign-in/passkey/", {"passkey": answer}).headers["Location"] == "/sign-in/"
    assert client.post("/sign-in/passkey/", {"passkey": answer}).headers["Location"] == "/"
    client.post("/sign-out/")
    assert client.post("/sign-in/passkey/", {"passkey": answer}).headers["Location"] == "/sign-in/"
    step_up = with_password(person)
    for_second = json.dumps(key.get(options(step_up, "second_step").json()))
    assert step_up.post("/sign-in/passkey/", {"passkey": for_second}).headers["Location"] == "/sign-in/"


def test_a_challenge_grows_old(person: Person) -> None:
    from datetime import timedelta

    key, client = SoftKey(ORIGIN), Client()
    add(person, key)
    answer = json.dumps(key.get(options(client, "sign_in").json()))
    with clock.frozen(clock.now() + timedelta(seconds=301)):
        assert client.post("/sign-in/passkey/", {"passkey": answer}).headers["Location"] == "/sign-in/"


def test_nobody_is_asked_for_what_is_not_theirs_to_do(person: Person) -> None:
    add(person, SoftKey(ORIGIN))
    stranger, half = Client(), with_password(person)
    for client, purpose in (
        (stranger, "add"),
        (stranger, "step_up"),
        (stranger, "second_step"),
        (half, "add"),
        (half, "x"),
    ):
        assert options(client, purpose).status_code == 403
    old = person.sign_in(Client())  # proved nothing lately
    assert options(old, "add").status_code == 403
    assert options(old, "sign_in").status_code == 403
    assert client_is_sent(old, "/second-factor/passkeys/add/")
    assert client_is_sent(old, "/second-factor/passkeys/remove/", passkey_id="1")


def client_is_sent(client: Client, path: str, **fields: str) -> bool:
    answer = client.post(path, fields) if fields else client.get(path)
    return "/second-factor/confirm/" in answer.headers["Location"]


def test_a_form_is_confirmed_by_a_passkey(person: Person) -> None:
    from tests.console.test_people_room import kept, send

    key = SoftKey(ORIGIN)
    add(person, key)
    other = join(person.workspace, role="auditor")
    client = person.sign_in(Client())
    page = send(client, person.workspace, f"{other.id}/remove/", version="1")
    assert page.status_code == 403
    assert "Use a passkey" in page.content.decode()
    again = kept(page)
    refused = SoftKey(ORIGIN, handle=key.handle).get(options(client, "step_up").json())
    page = send(client, person.workspace, f"{other.id}/remove/", **again, step_up_passkey=json.dumps(refused))
    assert "That passkey was not taken" in page.content.decode()
    answer = key.get(options(client, "step_up").json())
    done = send(client, person.workspace, f"{other.id}/remove/", **kept(page), step_up_passkey=json.dumps(answer))
    assert done.status_code == 302
    assert not has_member(person, other)


def has_member(person: Person, other: Person) -> bool:
    from zentra.tenants.members.queries import find_member_record

    return find_member_record(workspace_id=person.workspace.id, user_id=other.id) is not None


def test_removing_the_last_one_ends_other_sessions_and_closes_the_rooms(person: Person) -> None:
    key = SoftKey(ORIGIN)
    client = with_password(person)
    set_up(client, key)
    other, _ = sign_in(key)
    other.get(room(person))
    [made] = list_passkeys(user_id=person.id)
    assert client.post("/second-factor/passkeys/remove/", {"passkey_id": "999999"}).status_code == 302
    assert client.post("/second-factor/passkeys/remove/", {"passkey_id": str(made.id)}).status_code == 302
    assert not Authenticator.objects.filter(user_id=person.id).exists()
    assert other.get(room(person)).headers["Location"].startswith("/sign-in/")
    assert client.get(room(person)).headers["Location"].startswith("/second-factor/set-up/")


def test_recovery_codes_stay_while_any_factor_does(person: Person) -> None:
    from tests.people import enrol

    client, key = with_password(person), SoftKey(ORIGIN)
    shown = set_up(client, key).content.decode()
    code = re.findall(r"<li><code>(\d{8})</code></li>", shown)[0]
    enrol(person.user)
    [made] = list_passkeys(user_id=person.id)
    remove_passkey(user_id=person.id, passkey_id=made.id, now=clock.now())
    again = with_password(person)
    assert again.post("/sign-in/second-step/", {"code": code}).status_code == 302


def test_where_browsers_give_none_none_is_offered(person: Person, settings: Any) -> None:
    settings.ZENTRA_BASE_URL = "http://zentra.internal"
    assert "passkey" not in Client().get("/sign-in/").content.decode()
    client = with_password(person)
    assert "passkey" not in client.get("/second-factor/").content.decode().lower()
    assert client.get("/second-factor/passkeys/add/").headers["Location"] == "/second-factor/"
