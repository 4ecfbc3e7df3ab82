"""A process is known by pid and start mark together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from zentra.embedded.processes import Identity, end, record, recorded
from zentra.embedded.supervisor import end_orphans


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)


def test_recorded_process_is_recognised_while_it_lives(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    identity = Identity.of(sleeper.pid)
    assert identity is not None
    record(tmp_path / "one.child.json", identity)

    assert recorded(tmp_path / "one.child.json") == identity

    assert end(identity)
    sleeper.wait()
    assert recorded(tmp_path / "one.child.json") is None


def test_zombie_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    identity = Identity.of(sleeper.pid)
    assert identity is not None
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # it ended, and nobody reaped it

    assert not identity.is_alive
    sleeper.wait()


def test_stranger_with_a_recorded_pid_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """The kernel gave our dead child's pid to somebody else."""
    path = tmp_path / "worker.child.json"
    path.write_text(json.dumps({"pid": sleeper.pid, "start_mark": "some earlier boot:123"}))

    assert end_orphans(tmp_path, say=print) == 0

    assert sleeper.poll() is None
    assert not path.exists()
    sleeper.kill()
    sleeper.wait()


def test_record_that_was_cut_short_by_a_crash_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "web.child.json").write_text('{"pid": 12')

    assert recorded(tmp_path / "web.child.json") is None
