"""Forms act once: the hidden key of the form is the idempotency key of what it does."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect

from console.doors import IDEMPOTENCY_FIELD, Visit, back
from zentra.core.crypto import keyed_digest
from zentra.core.errors import DomainError
from zentra.core.idempotency.operations import Answer, fingerprint, run_once
from zentra.tenants.step_up import CODE_FIELD, PASSKEY_FIELD

_KEY: Final = re.compile(r"^[0-9a-f-]{36}$")
_IGNORED: Final = frozenset({"csrfmiddlewaretoken", IDEMPOTENCY_FIELD, "next", CODE_FIELD, PASSKEY_FIELD})
MAX_WORDS: Final = 500


class FormIncomplete(DomainError):
    """The form came without what it needs; nothing was changed."""

    code = "form_incomplete"
    status = 422
    title = "Something is missing in the form"


@dataclass(frozen=True, slots=True)
class Done:
    """What a form did, in a sentence, and the page that it leads to where that depends on what it did."""

    said: str
    to: str = ""


def words(visit: Visit, name: str, *, needed: bool = True) -> str:
    """A text field, trimmed; raises FormIncomplete when it is needed and empty."""
    text = visit.request.POST.get(name, "").strip()[:MAX_WORDS]
    if needed and not text:
        raise FormIncomplete(f"Please fill in “{name}”.", field=name)
    return text


def act_once(
    visit: Visit, *, operation: str, effect: Callable[[], str | Done], to: str = "", file_sha256: str = ""
) -> HttpResponse:
    """Do what a form asks for, once per form however often it is sent, and go back with what ``effect`` says.

    ``file_sha256`` stands for the file that comes with it: the same form with another one is another request.

    The key lives in the effect's own transaction (the visit's), so a double submit waits for the first and then says
    the same.
    """
    key = visit.request.POST.get(IDEMPOTENCY_FIELD, "")
    if not _KEY.match(key):
        raise FormIncomplete("The form has no key; open the page again.")
    fields = {name: visit.request.POST.getlist(name) for name in visit.request.POST if name not in _IGNORED}
    body: dict[str, object] = {**fields, "by": visit.member.user_id}
    if file_sha256:
        body["file_sha256"] = file_sha256
    mark = fingerprint(method="POST", route=visit.request.path, body=body)
    answer = run_once(
        operation=f"console.{operation}",
        key=key,
        # Keyed, since a form may hold a secret that is short enough to be found by trying.
        fingerprint=keyed_digest(mark),
        now=visit.now,
        effect=lambda: Answer(status=303, body=json.dumps(_kept(effect())).encode()),
    )
    kept = json.loads(answer.body)
    messages.success(visit.request, kept["said"])
    return HttpResponseRedirect(kept.get("to") or to or back(visit))


def _kept(done: str | Done) -> dict[str, str]:
    return {"said": done} if isinstance(done, str) else {"said": done.said, "to": done.to}
