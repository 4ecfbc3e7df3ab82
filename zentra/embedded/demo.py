"""The demo file (`.zentra/demo.json`): `seed_demo` writes its workspaces, we add where they are to be found."""

from __future__ import annotations

import base64
import hmac
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zentra.embedded.files import read_json, write_private_json
from zentra.embedded.layout import Layout

# The one version mark of the contract, as the API and the SDK say it.
CONTRACT_VERSION = "v2026.04"

# The documents' own first call.
FIRST_CALL: dict[str, object] = {
    "intent_id": "intent_042",
    "scope": "workspace_scope",
    "money_model": "minor_units + ledger_currency",
    "primitives": ["policy", "ledger", "events"],
}


def complete_demo_file(layout: Layout, *, port: int) -> dict[str, Any]:
    """Add to the demo file where this run is reached, keeping what others wrote; returns the whole."""
    base_url = f"http://localhost:{port}"
    kept = read_json(layout.demo_file)
    run = {"base_url": base_url, "api_url": f"{base_url}/v1", "version": CONTRACT_VERSION, "pid": os.getpid()}
    whole = run | {"log_dir": str(layout.log_dir), "workspaces": kept.get("workspaces", [])}
    write_private_json(layout.demo_file, kept | whole)
    return kept | whole


def has_workspaces(layout: Layout) -> bool:
    """Whether `seed_demo` has written its part of the demo file."""
    return bool(read_json(layout.demo_file).get("workspaces"))


def describe_demo(demo: dict[str, Any], *, demo_file: Path, log_dir: Path) -> str:
    """What a newcomer needs, ready to copy: address, sign-ins, key, first call."""
    return "\n".join(("", *_lines(demo, demo_file=demo_file, log_dir=log_dir), ""))


def code_of(demo: dict[str, Any], *, email: str, at: float) -> str | None:
    """The one-time code (RFC 6238) that a demo person's authenticator shows at a Unix time; None without one."""
    secrets = (user.get("totp_secret") for user in _people(demo) if user["email"] == email)
    secret = next(filter(None, secrets), None)
    if secret is None:
        return None
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(at) // 30), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 1_000_000:06}"


def _people(demo: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in (*demo.get("workspaces", []), demo.get("platform", {})):
        yield from part.get("users", [])


def _lines(demo: dict[str, Any], *, demo_file: Path, log_dir: Path) -> Iterator[str]:
    yield f"  Zentra runs at {demo['base_url']}"
    workspaces = demo["workspaces"]
    for workspace in workspaces:
        yield ""
        yield f"  {workspace['slug']} ({workspace['mode']})   {demo['base_url']}/w/{workspace['slug']}/"
        yield from _sign_ins(workspace)
        yield f"    {'API key':<16} {workspace['api_key']}"
    if demo.get("platform"):
        yield ""
        yield f"  the platform's own staff   {demo['base_url']}/platform/workspaces/"
        yield from _sign_ins(demo["platform"])
    if any(user.get("totp_secret") for user in _people(demo)):
        yield ""
        yield "  Who has a third word signs in with a one-time code too: it is the authenticator's secret."
        yield "  A code without an authenticator: make code WHO=operator@northwind.example"
    if workspaces:
        yield ""
        yield "  Send the first intent, and watch it arrive:"
        yield ""
        yield from _first_call(demo["api_url"], workspaces[0]["api_key"])
    yield ""
    yield f"  The same for scripts: {demo_file}. Logs: {log_dir}/<name>.log"
    yield "  Ctrl-C stops, `make down` from elsewhere; the data is kept until `make reset`."


def _sign_ins(part: dict[str, Any]) -> Iterator[str]:
    for user in part.get("users", []):
        totp = f"   {user['totp_secret']}" if user.get("totp_secret") else ""
        yield f"    {user['role']:<16} {user['email']:<34} {user['password']}{totp}"


def _first_call(api_url: str, api_key: str) -> Iterator[str]:
    yield f"    curl -s {api_url}/runtime/intents \\"
    yield f"      -H 'Authorization: Bearer {api_key}' \\"
    yield "      -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\"
    yield f"      -d '{json.dumps(FIRST_CALL)}'"
