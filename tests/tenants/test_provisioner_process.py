"""``manage.py run_provisioner`` as a process: it makes what waits, shows that it lives, goes when told to."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.workspaces import drop
from zentra.core import actors
from zentra.core.clock import now
from zentra.core.queue.queries import heartbeats
from zentra.embedded.layout import CLONE
from zentra.embedded.programs import Ports, zentra_stages
from zentra.tenants.models import ProvisioningJob
from zentra.tenants.provisioning.operations import request_workspace
from zentra.tenants.provisioning.queries import find_job
from zentra.tenants.queries import find_workspace


def test_it_makes_what_waits_beats_and_ends_when_it_is_told_to(database: None) -> None:
    slug, started = f"proc-{secrets.token_hex(4)}", now()
    job = request_workspace(slug=slug, name="By a process", mode="sandbox", actor=actors.RUNTIME, now=started)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_provisioner"], cwd=CLONE, env=dict(os.environ), stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 90
        while (found := find_job(job_id=job.id)) and found.is_open and time.monotonic() < deadline:
            time.sleep(0.1)
        assert found is not None
        assert (found.state, found.error) == ("done", "")
        assert found.started_at is not None
        assert found.ended_at is not None
        assert heartbeats()["provisioner"][0] >= started
        process.terminate()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        ProvisioningJob.objects.filter(slug=slug).delete()
        made = find_workspace(slug=slug)
        if made is not None:
            drop(made)


def test_it_alone_is_given_the_owner_s_url_and_refuses_to_run_without(database: None) -> None:
    environment = {"ZENTRA_OWNER_DATABASE_URL": "postgresql://owner@nowhere/x", "ZENTRA_DATABASE_URL": "kept"}
    stages = zentra_stages(clone=CLONE, state=CLONE, ports=Ports(1, 2, 3), environment=environment)
    having = {program.name for stage in stages for program in stage if "ZENTRA_OWNER_DATABASE_URL" in program.env}
    assert having == {"provisioner"}
    assert all(program.env["ZENTRA_DATABASE_URL"] == "kept" for stage in stages for program in stage)
    with override_settings(ZENTRA_OWNER_DATABASE_URL=""), pytest.raises(CommandError, match="makes and drops schemas"):
        call_command("run_provisioner", once=True)
