"""A workspace whose every free text is an attack, and a reader that finds what a page would have executed."""

from __future__ import annotations

import io
import json
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from django.test import Client
from django.urls import Resolver404, resolve

from zentra.core import ids

if TYPE_CHECKING:
    from tests.security.conftest import Place

# Ends an attribute, a tag and a script; asks a template for something; has no space, since some texts take none.
ATTACK = "'\"><script>ran(1)</script><img/src='x'/onerror='ran(2)'>{{7|add:7}}"
SHOWN = "&lt;script&gt;ran(1)&lt;/script&gt;"


class Reader(HTMLParser):
    """What a browser would make of a page: its links, and whatever of it runs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.runs: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self._inside = tag
        self.runs += [f"{tag} {name}" for name in said if name.startswith("on") or name in ("style", "srcdoc")]
        for name in ("href", "src", "action", "formaction"):
            address = said.get(name, "").strip().lower()
            if address.startswith(("javascript:", "data:text", "vbscript:")) or "//" in address.partition("?")[0][:8]:
                self.runs.append(f"{tag} {name}={address[:60]}")
        if tag in ("iframe", "object", "embed", "base") or (tag == "img" and said.get("src") == "x"):
            self.runs.append(tag)
        if tag == "a" and said.get("href"):
            self.links.append(said["href"])

    def handle_data(self, data: str) -> None:
        if self._inside == "script" and data.strip():
            self.runs.append(f"script {data[:60]}")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


@dataclass
class Walk:
    """Every page that links lead to from the rooms, a few of each kind."""

    client: Client
    base: str
    pages: dict[str, Any] = field(default_factory=dict)
    per_route: int = 2

    def go(self, starts: tuple[str, ...]) -> Walk:
        """Look at all of them."""
        seen: Counter[str] = Counter()
        waiting = deque(starts)
        while waiting:
            path = waiting.popleft()
            route = self._route(path)
            if path in self.pages or route is None or seen[route] >= self.per_route:
                continue
            seen[route] += 1
            answer = self.client.get(path)
            self.pages[path] = answer
            waiting.extend(self._links(path, answer))
        return self

    def _links(self, path: str, answer: Any) -> Iterator[str]:
        if answer.headers.get("Location"):
            yield urljoin(path, answer.headers["Location"])
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            reader = Reader()
            reader.feed(answer.content.decode())
            yield from (urljoin(path, link) for link in reader.links)

    def _route(self, path: str) -> str | None:
        parts = urlsplit(path)
        if parts.netloc or not parts.path.startswith((self.base, "/second-factor/", "/sessions/", "/security/")):
            return None
        try:
            return f"{resolve(parts.path).route} {'&'.join(sorted(q.split('=')[0] for q in parts.query.split('&')))}"
        except Resolver404:
            return parts.path


def fill(place: Place) -> None:
    """Put the attack wherever the API or a form takes a text."""
    api = _Api(place)
    account = api.post("accounts", customer=ATTACK, currency="USD", account_type="customer", code="hostile",
                       name=ATTACK, external_id=ATTACK, metadata={ATTACK[:64]: ATTACK})["id"]  # fmt: skip
    api.post("account-categories", code="hostile", name=ATTACK)
    api.post(f"accounts/{account}/monitors", comparison="below", metric="posted", threshold_minor=5, name=ATTACK)
    posting = api.post("ledger-entries", debit="bank", credit="hostile", amount_minor=50_000, description=ATTACK,
                       external_reference=ATTACK, metadata={"note": ATTACK}, correlation_id=ATTACK)["id"]  # fmt: skip
    api.post(f"postings/{posting}/reverse", reason=ATTACK, amount_minor=10)
    api.post("holds", account="hostile", amount_minor=100, reference=ATTACK, source=ATTACK, release_condition=ATTACK)
    api.post("runtime/intents", intent_id="intent_hostile", metadata={"note": ATTACK})
    api.post("runtime/intents", intent_id="intent_held", amount_minor=4_300_000, currency="USD", kind="payment",
             metadata={"note": ATTACK})  # fmt: skip
    party = api.post("parties", kind="person", name=ATTACK, reference=ATTACK, aliases=[ATTACK],
                     identifiers=[{"type": "passport", "value": ATTACK, "country": "GB"}])["id"]  # fmt: skip
    api.post(f"parties/{party}/documents", type="passport", issued_by="GB", number_hint=ATTACK[:8])
    wanted = api.post("policy-lists", name="hostile.names", kind="deny", value_type="text", description=ATTACK)["id"]
    api.post(f"policy-lists/{wanted}/items", values=[ATTACK], note=ATTACK)
    api.post("webhook-endpoints", url="https://example.com/hook?x=%3Cscript%3E", description=ATTACK,
             headers=[{"name": "X-Note", "value": ATTACK}])  # fmt: skip
    api.post("alarm-channels", kind="mail", target="ops@example.com", kinds=["*"], who=ATTACK)
    api.post("rule-set-drafts", name=ATTACK)
    _forms(place)


def _forms(place: Place) -> None:
    client = place.admin.sign_in_with_code(Client())
    place.admin.user.name = ATTACK
    place.admin.user.save(update_fields=["name"])

    def post(path: str, **fields: Any) -> None:
        answer = client.post(place.base + path, {"idempotency_key": str(ids.new_uuid()), **fields})
        assert answer.status_code < 500, path

    post("reviews/intent_held/note/", text=ATTACK)
    attached = io.BytesIO(b"plain words")
    attached.name = f"{ATTACK[:40]}.txt"
    post("reviews/intent_held/attach/", file=attached)
    post("reviews/views/", name=ATTACK, query=f"q={ATTACK}")
    post("compliance/watchlists/add/", name=ATTACK, source="ofac_csv")
    rows = io.BytesIO(b"reference,debit,credit,amount_minor\r\n" + ATTACK.encode() + b",a,b,x\r\n")
    rows.name = f"{ATTACK[:40]}.csv"
    post("ledger/imports/start/", file=rows, do="try", kind="postings")
    post("outgoing/switch/", scope="workspace", action="pause", reason=ATTACK)


class _Api:
    def __init__(self, place: Place) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {place.key}"})

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self._client.post(f"/v1/{path}", json.dumps(body), "application/json")
        assert answer.status_code in (200, 201, 202), (path, answer.content)
        made: dict[str, Any] = answer.json()
        return made
