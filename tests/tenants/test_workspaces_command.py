"""The life of a workspace from a terminal."""

from __future__ import annotations

import json
import secrets
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.workspaces import drop
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import ProvisioningJob
from zentra.tenants.provisioning.queries import find_job, list_jobs
from zentra.tenants.queries import find_workspace


def run(*words: str) -> str:
    said = StringIO()
    call_command("workspaces", *words, stdout=said)
    return said.getvalue().strip()


def test_a_workspace_s_life(database: None, tmp_path: Path) -> None:
    slug = f"cli-{secrets.token_hex(4)}"
    assert run("create", "--slug", slug, "--name", "From a terminal", "--currency", "EUR") == f"{slug} is there."
    with pytest.raises(CommandError, match="Another workspace has this short name"):
        run("create", "--slug", slug, "--name", "Twice")
    assert run("suspend", slug, "--reason", "unpaid") == f"{slug} is suspended."
    assert f"{slug:<42}sandbox  suspended  EUR  " in run("list", "--state", "suspended")
    assert run("resume", slug) == f"{slug} is active."
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        assert "SHA-256" in run("export", slug, "--to", str(tmp_path / "all.zip"))
    manifest = json.loads(zipfile.ZipFile(tmp_path / "all.zip").read("manifest.json"))
    assert manifest["workspace"]["slug"] == slug
    assert "its data goes after" in run("archive", slug)
    with pytest.raises(CommandError, match="In its present state"):
        run("suspend", slug)
    assert "is suspended" in run("unarchive", slug)
    ProvisioningJob.objects.filter(slug=slug).delete()
    made = find_workspace(slug=slug)
    assert made is not None
    drop(made)


def test_what_is_not_there_is_said_and_without_the_owner_it_waits(workspace: TenantRef) -> None:
    for words in (("suspend", "nobody-here"), ("archive", "platform"), ("twin", "nobody-here")):
        with pytest.raises(CommandError, match="There is no workspace"):
            run(*words)
    slug = f"cli-{secrets.token_hex(4)}"
    with override_settings(ZENTRA_OWNER_DATABASE_URL=""):
        assert "waits for the provisioner" in run("create", "--slug", slug, "--name", "Later")
    (job,) = list_jobs(slug=slug)
    assert find_job(job_id=job.id) == job
    assert job.state == "waiting"
    ProvisioningJob.objects.filter(slug=slug).delete()
