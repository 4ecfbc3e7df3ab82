"""What proves somebody is compared in constant time. Held by reading the code, because timing a test proves nothing."""

from __future__ import annotations

import ast
import re

from zentra.embedded.layout import CLONE

APPS = ("zentra", "ledger", "policy", "webhooks", "evidence", "console")
TELLING = re.compile(r"secret|token|signature|password|verifier|hmac|mac\b|otp|state_of|nonce", re.IGNORECASE)
# Names that tell of something public: (file, the comparison as written).
PUBLIC = {
    ("evidence/verifier/checkpoint.py", "origin != verifier.name"),
    ("evidence/verifier/packet.py", "origin != verifier.name"),
    ("evidence/verifier/packet.py", "manifest.get('workspace') != workspace_of(verifier.name)"),
    ("policy/screening/matching/keys.py", "token in longest"),
    ("policy/screening/matching/keys.py", "token not in WEAK"),
    ("policy/screening/matching/likeness.py", "left.tokens == left.said"),
    ("policy/screening/matching/likeness.py", "right.tokens == right.said"),
    # The seed of the demo looks whether its own file still says what is stored.
    ("zentra/demo/seed.py", "decrypt(there.data['secret']) == known"),
    # How long tokens may live.
    ("console/views/clients.py", "seconds not in present.TOKEN_LIVES"),
    # The client's own token, in its own process: is the refused one still the newest?
    ("zentra/sdk/_auth.py", "refused == self._token"),
    ("zentra/routing/operations/secrets.py", "str(row.id) == secret_id"),
    ("zentra/routing/schemes.py", "_is_public(old, secret) == _is_public(new, secret)"),
    ("zentra/tenants/second_factor/operations.py", "authenticator.type == Authenticator.Type.TOTP"),
}
PAUSES = {"webhooks/outbound/schedule.py", "zentra/api/retries.py", "zentra/sdk/_session.py"}
# Lengths and kinds are public; what one person typed twice is theirs.
HARMLESS = re.compile(r"^len\(|_BYTES$|_TYPES?$|\.type\b|\bagain\b")


def compared() -> set[tuple[str, str]]:
    """Every comparison of two computed values, one of which is named like something secret."""
    found: set[tuple[str, str]] = set()
    for app in APPS:
        for path in sorted((CLONE / app).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Compare) and _is_plain(node):
                    found.add((str(path.relative_to(CLONE)), ast.unparse(node)))
    return found


def _is_plain(node: ast.Compare) -> bool:
    if not any(isinstance(each, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for each in node.ops):
        return False
    sides = [node.left, *node.comparators]
    words = [ast.unparse(each) for each in sides]
    if any(isinstance(each, ast.Constant) for each in sides) or any(HARMLESS.search(each) for each in words):
        return False
    return any(TELLING.search(each) for each in words)


def test_nothing_secret_is_compared_by_what_stops_at_the_first_difference() -> None:
    assert compared() - PUBLIC == set()


def test_the_list_of_harmless_ones_is_no_longer_than_it_must_be() -> None:
    assert {entry for entry in PUBLIC if entry not in compared() and not HARMLESS.search(entry[1])} == set()


def test_what_proves_a_caller_a_provider_and_a_consumer_is_compared_in_constant_time() -> None:
    for folder in ("zentra/api/auth", "webhooks/inbound/schemes", "webhooks/outbound/endpoints", "zentra/sdk"):
        text = "".join(path.read_text() for path in (CLONE / folder).glob("*.py"))
        assert "compare_digest" in text, folder


def test_secrets_are_drawn_by_the_system_s_generator() -> None:
    """`random` is for made-up traffic of the demo and for the pauses between retries."""
    users = {
        str(path.relative_to(CLONE))
        for app in APPS
        for path in (CLONE / app).rglob("*.py")
        if re.search(r"^\s*(?:import random\b|from random import)", path.read_text(), flags=re.MULTILINE)
        and "demo" not in path.parts
        and "sandbox" not in path.parts
    }
    assert users == PAUSES
