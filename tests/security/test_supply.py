"""What others made and we ship: each pinned with its hash, none known to be broken; and no secret in our tree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from zentra.embedded.layout import CLONE

LOCKS = ("requirements.txt", "requirements-dev.txt")
# Dead, hostile by habit, or replaced because of what they do; the reason is ours.
DENIED = {
    "python-jose": "algorithm confusion (CVE-2024-33663); joserfc is used",
    "jwcrypto": "one library for tokens is enough; joserfc is used",
    "pycrypto": "unmaintained since 2013 (CVE-2018-6594); cryptography is used",
    "rsa": "not constant-time; cryptography is used",
    "django-ratelimit": "stale; limits are ours, in one script of Redis",
    "tenant-schemas-celery": "runs a task in the public schema when its lookup fails",
    "rfc3161ng": "unmaintained",
    "advocate": "unmaintained; addresses are judged by webhooks.outbound.sending",
    "pymerkle": "GPL",
    "jsonpickle": "runs what it reads",
    "dill": "runs what it reads",
}
# Below these something known was open that we use or ship.
FLOORS = {
    "aiohttp": (3, 12, 14),  # CVE-2025-53643, request smuggling
    "cryptography": (44, 0, 1),  # CVE-2024-12797
    "daphne": (4, 1, 2),
    "django": (5, 2, 8),  # CVE-2025-64459, SQL injection by keyword
    "django-allauth": (65, 3, 0),
    "gunicorn": (22, 0, 0),  # CVE-2024-1135, request smuggling
    "h11": (0, 16, 0),  # CVE-2025-43859, request smuggling
    "jinja2": (3, 1, 6),  # CVE-2025-27516
    "joserfc": (1, 3, 5),  # CVE-2025-65015, memory by long tokens in logs
    "lxml": (6, 1, 0),  # CVE-2026-41066, local files by entities
    "pillow": (11, 3, 0),  # CVE-2025-48379
    "redis": (5, 0, 0),
    "reportlab": (3, 6, 13),  # CVE-2023-33733, code by markup
    "requests": (2, 32, 4),  # CVE-2024-47081
    "setuptools": (78, 1, 1),  # CVE-2025-47273, path traversal
    "sqlparse": (0, 5, 0),  # CVE-2024-4340
    "twisted": (24, 7, 0),  # CVE-2024-41671
    "urllib3": (2, 5, 0),  # CVE-2025-50181
    "werkzeug": (3, 1, 4),  # CVE-2025-66221
}
SECRETS = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[bap]-\d"
    rb"|sk_live_\w{10}|z[ks]_(?:test|live)_(?:cli_)?[0-9a-z]{26}_[A-Za-z0-9_-]{43}"
    rb"|whs[ek]c?_[A-Za-z0-9+/]{32,}={0,2}|postgres(?:ql)?://\w+:(?!(?i:password|secret|pw))[^@\s:/{}<>$%\"']{6,}@\w"
)
# The example of the Standard Webhooks specification, which everybody's tests use.
PUBLIC = (b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)


def locked(name: str) -> list[tuple[str, str, str]]:
    """(package, version, what follows) of each line of a lock."""
    joined = (CLONE / name).read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = []
    for line in lines:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)(.*)", line)
        assert match, f"not pinned: {line[:80]}"
        found.append((match[1].lower(), match[2], match[3]))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_dependency_is_pinned_with_its_hash_and_names_no_index(name: str) -> None:
    text = (CLONE / name).read_text()
    assert re.findall(r"--(?:extra-)?index-url|--find-links|--trusted-host|https?://|git\+|file:", text) == []
    packages = locked(name)
    assert len(packages) > 40
    assert [package for package, _, rest in packages if "--hash=sha256:" not in rest] == []
    assert re.search(r"--hash=(?!sha256:[0-9a-f]{64}\b)", text) is None


def test_what_runs_and_what_is_tested_are_the_same_versions() -> None:
    tested = {(package, version) for package, version, _ in locked("requirements-dev.txt")}
    assert {(package, version) for package, version, _ in locked("requirements.txt")} - tested == set()


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_is_installed_that_we_decided_against(name: str) -> None:
    assert {package: DENIED[package] for package, _, _ in locked(name) if package in DENIED} == {}


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_is_as_old_as_a_known_flaw(name: str) -> None:
    found = {}
    for package, version, _ in locked(name):
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
        if numbers < FLOORS.get(package, ()):
            found[package] = version
    assert found == {}


# docs/decisions/0019: the one module that may, and what compares with it.
LXML_IN = "zentra/reconciliation/statements/formats/camt053/reader.py"


def test_one_module_reads_xml_with_lxml() -> None:
    imports = re.compile(r"^\s*(?:from|import)\s+lxml\b", re.MULTILINE)
    apps = ("zentra", "ledger", "policy", "webhooks", "evidence", "console")
    found = [
        str(path.relative_to(CLONE))
        for app in apps
        for path in (CLONE / app).rglob("*.py")
        if imports.search(path.read_text())
    ]
    assert found == [LXML_IN]
    said = (CLONE / LXML_IN).read_text()
    for argument in ("resolve_entities=False", "no_network=True", "load_dtd=False", "huge_tree=False"):
        assert said.count(argument) == said.count("etree.XMLPullParser(") == 1


HOSTILE = {
    "a bomb": '<!DOCTYPE d [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 50}">' for n in range(9))
    + "]>",
    "a quadratic bomb": f'<!DOCTYPE d [<!ENTITY j "{"x" * 60_000}">]>',
    "an external entity": '<!DOCTYPE d [<!ENTITY j SYSTEM "file:///etc/passwd">]>',
    "an external parameter entity": '<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]>',
    "a DTD": '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/d.dtd">',
    "a DTD below a long comment": f'<!--{"-x" * 40_000}--><!DOCTYPE d [<!ENTITY j "x">]>',
}
_READ: str = """
import io, resource, sys
from zentra.reconciliation.statements.errors import StatementFileRefused
from zentra.reconciliation.statements.formats.camt053 import read_camt053
content = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    list(read_camt053(io.BytesIO(content)))
except StatementFileRefused as refusal:
    print(refusal.code, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("before", HOSTILE.values(), ids=list(HOSTILE))
def test_what_an_xml_file_can_do_to_its_reader_is_refused_with_flat_memory(before: str) -> None:
    namespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
    uses = "&j;" * 10_000
    content = (
        f'<?xml version="1.0"?>{before}<Document xmlns="{namespace}"><BkToCstmrStmt>{uses}</BkToCstmrStmt></Document>'
    )
    said = subprocess.run(
        [sys.executable, "-c", _READ], input=content.encode(), cwd=CLONE, capture_output=True, timeout=60, check=True
    ).stdout.split()
    assert said[0] in (b"statement_file_unsafe", b"statement_file_malformed")
    assert int(said[1]) < 16, "mebibytes"


def test_what_runs_has_no_tools_of_the_tests() -> None:
    tools = {"pytest", "mypy", "ruff", "playwright", "hypothesis", "svix", "aiosmtpd", "django-debug-toolbar"}
    assert {package for package, _, _ in locked("requirements.txt")} & tools == set()


def test_no_code_turns_verification_off() -> None:
    off = re.compile(r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|ssl\s*=\s*False|_create_unverified")
    found = [
        str(path.relative_to(CLONE))
        for app in ("zentra", "ledger", "policy", "webhooks", "evidence", "console")
        for path in (CLONE / app).rglob("*.py")
        if off.search(path.read_text())
    ]
    assert found == []


def test_installing_takes_the_hashes() -> None:
    assert '"--require-hashes"' in (CLONE / "zentra" / "embedded" / "install.py").read_text()


def test_known_flaws_can_be_asked_for() -> None:
    assert re.search(
        r"^audit:.*\n(?:\t.*\n)*\t.*pip-audit .*--require-hashes", (CLONE / "Makefile").read_text(), re.MULTILINE
    )


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CLONE, capture_output=True, check=False)
    return [CLONE / name for name in listed.stdout.decode().split("\0") if name]


def test_no_secret_is_in_the_tree() -> None:
    files = tracked()
    if not files:
        pytest.skip("this is no clone: git lists nothing")
    found = {}
    for path in files:
        if not path.is_file() or path.suffix in {".png", ".ico"}:
            continue
        content = path.read_bytes()
        for known in PUBLIC:
            content = content.replace(known, b"")
        if hits := SECRETS.findall(content):
            found[str(path.relative_to(CLONE))] = hits
    assert found == {}
    assert [path.name for path in files if path.suffix in {".env", ".pem", ".key", ".p12"}] == []


def test_what_looks_like_a_secret_is_found() -> None:
    for said in (
        "zk_live_" + "0" * 26 + "_" + "x" * 43,
        "-----BEGIN PRIVATE KEY-----\nMC4CAQ",
        "whsec_" + "A" * 32,
        "postgresql://zentra:" + "hunter2hunter" + "@db.example/zentra",
    ):
        assert SECRETS.search(said.encode()), said
