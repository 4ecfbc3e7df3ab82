"""`up` and its companions, over the real servers and pretended processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import time

from tests.embedded.conftest import StandIn, eventually, is_alive, read_until
from zentra.embedded.ports import free_port
from zentra.embedded.programs import RAILS_FILE

ALL = ("postgres", "redis", "rails", "consumer", "sealer", "worker", "provisioner", "beat", "watch", "web")


def test_up_brings_everything_and_says_how_to_use_it(stand_in: StandIn) -> None:
    _, said = stand_in.up()

    assert (stand_in.state / "did.txt").read_text().split()[:4] == [
        "setup_roles", "migrate_all", "collectstatic", "seed_demo",
    ]  # fmt: skip
    assert all(is_alive(stand_in.pid_of(name)) for name in ALL)
    assert f"http://localhost:{stand_in.port}/w/meridian/" in said
    assert "op@example.test" in said
    assert f"curl -s http://localhost:{stand_in.port}/v1/runtime/intents" in said
    assert "Bearer zk_test_1_2" in said


def test_demo_file_tells_scripts_where_it_runs_and_is_private(stand_in: StandIn) -> None:
    process, _ = stand_in.up()

    demo = json.loads((stand_in.state / "demo.json").read_text())

    assert demo["base_url"] == f"http://localhost:{stand_in.port}"
    assert demo["api_url"] == f"http://localhost:{stand_in.port}/v1"
    assert demo["pid"] == process.pid
    assert demo["log_dir"] == str(stand_in.state / "log")
    assert demo["version"] == "v2026.04"
    assert [workspace["slug"] for workspace in demo["workspaces"]] == ["meridian"]
    for name in ("demo.json", "secrets.json", "run/environment.json"):
        assert stat.S_IMODE((stand_in.state / name).stat().st_mode) == 0o600


def test_second_start_skips_what_is_done_and_keeps_the_data(stand_in: StandIn) -> None:
    process, _ = stand_in.up()
    # What the simulated rails executed is kept by themselves; without it the demo is seeded anew.
    eventually((stand_in.state / RAILS_FILE).exists)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    secrets = (stand_in.state / "secrets.json").read_text()

    began = time.monotonic()
    _, said = stand_in.up()

    assert time.monotonic() - began < 10.0
    assert "the schemas are as the sources want them" in said
    done = (stand_in.state / "did.txt").read_text().split()
    assert {done.count(step) for step in ("setup_roles", "migrate_all", "collectstatic", "seed_demo")} == {1}
    assert (stand_in.state / "secrets.json").read_text() == secrets


def test_changed_migration_is_applied_at_the_next_start(stand_in: StandIn) -> None:
    process, _ = stand_in.up()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    migration = stand_in.clone / "ledger" / "migrations" / "0002_more.py"
    migration.parent.mkdir(parents=True)
    migration.write_text("more = True\n")

    stand_in.up()

    assert (stand_in.state / "did.txt").read_text().split().count("migrate_all") == 2


def test_ctrl_c_stops_everything_in_order(stand_in: StandIn) -> None:
    process, _ = stand_in.up()
    pids = [stand_in.pid_of(name) for name in ALL]

    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert "everything is stopped" in said
    assert not any(is_alive(pid) for pid in pids)
    assert list((stand_in.state / "run").glob("*.child.json")) == []
    assert "gone" in stand_in.log("worker")
    assert "database system is shut down" in stand_in.log("postgres")


def test_dead_processes_are_started_again_and_servers_keep_their_ports(stand_in: StandIn) -> None:
    process, _ = stand_in.up()
    before = {name: stand_in.pid_of(name) for name in ("postgres", "redis", "worker", "web")}
    environment = (stand_in.state / "run" / "environment.json").read_text()

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    eventually(lambda: all(stand_in.pid_of(name) != pid for name, pid in before.items()))
    read_until(process, "asked")
    assert (stand_in.state / "run" / "environment.json").read_text() == environment
    eventually(
        lambda: "ready to accept connections" in stand_in.log("postgres").rpartition("not properly shut down")[2]
    )


def test_second_up_says_that_one_runs_and_where(stand_in: StandIn) -> None:
    process, _ = stand_in.up()

    status, said = stand_in.run("up")

    assert status == 0
    assert f"already runs at http://localhost:{stand_in.port} (pid {process.pid})" in said
    assert "make down" in said


def test_down_from_elsewhere_stops_it(stand_in: StandIn) -> None:
    process, _ = stand_in.up()

    status, said = stand_in.run("down")

    assert status == 0
    assert "stopped" in said
    assert process.wait(timeout=5) == 0


def test_down_when_nothing_runs_is_no_error(stand_in: StandIn) -> None:
    assert stand_in.run("down") == (0, "zentra     | nothing runs here\n")


def test_next_up_ends_what_a_killed_supervisor_left(stand_in: StandIn) -> None:
    process, _ = stand_in.up()
    orphans = [stand_in.pid_of(name) for name in ALL]
    process.kill()
    process.wait()
    assert any(is_alive(pid) for pid in orphans)

    _, said = stand_in.up()

    assert "left by a run that was killed" in said
    assert not any(is_alive(pid) for pid in orphans)
    assert all(is_alive(stand_in.pid_of(name)) for name in ALL)


def test_down_ends_what_a_killed_supervisor_left(stand_in: StandIn) -> None:
    process, _ = stand_in.up()
    orphans = [stand_in.pid_of(name) for name in ALL]
    process.kill()
    process.wait()

    status, _ = stand_in.run("down")

    assert status == 0
    assert not any(is_alive(pid) for pid in orphans)


def test_busy_port_is_refused_with_a_sentence(stand_in: StandIn) -> None:
    with socket.create_server(("127.0.0.1", stand_in.port)):
        status, said = stand_in.run("up")

    assert status == 1
    assert f"Port {stand_in.port} is in use" in said
    assert "ZENTRA_PORT=" in said
    assert "Traceback" not in said


def test_wrong_settings_are_refused_by_name(stand_in: StandIn) -> None:
    for variable, value in (
        ("ZENTRA_PORT", "http"),
        ("ZENTRA_DEMO_RATE", "fast"),
        ("ZENTRA_REDIS_URL", "localhost:6379"),
        ("ZENTRA_OWNER_DATABASE_URL", "mysql://root@localhost/zentra"),
    ):
        status, said = stand_in.run("up", **{variable: value})
        assert status == 1
        assert variable in said
        assert "Traceback" not in said


def test_database_of_ones_own_wants_its_owner(stand_in: StandIn) -> None:
    status, said = stand_in.run("up", ZENTRA_DATABASE_URL="postgresql://app:secret@localhost/zentra")

    assert status == 1
    assert "ZENTRA_OWNER_DATABASE_URL is missing" in said


def test_failing_step_stops_everything_and_is_named(stand_in: StandIn) -> None:
    (stand_in.clone / "manage.py").write_text("import sys; sys.exit('no such table')")

    status, said = stand_in.run("up")

    assert status == 1
    assert "no such table" in said
    assert "`setup_roles` failed (exit status 1)" in said
    assert "Traceback" not in said
    assert list((stand_in.state / "run").glob("*.child.json")) == []


def test_reset_deletes_the_data_and_the_secrets(stand_in: StandIn) -> None:
    process, _ = stand_in.up()

    status, _ = stand_in.run("reset")

    assert status == 0
    assert process.wait(timeout=5) == 0
    assert not stand_in.state.exists()


def test_status_names_what_runs(stand_in: StandIn) -> None:
    assert stand_in.run("status")[0] == 3
    stand_in.up()

    status, said = stand_in.run("status")

    assert status == 0
    assert all(name in said for name in ALL)


def test_servers_of_ones_own_that_do_not_answer_are_named(stand_in: StandIn) -> None:
    nobody = free_port()
    status, said = stand_in.run("up", ZENTRA_OWNER_DATABASE_URL=f"postgresql://owner:secret@127.0.0.1:{nobody}/zentra")
    assert (status, "ZENTRA_OWNER_DATABASE_URL: the database does not let us in" in said) == (1, True)

    status, said = stand_in.run("up", ZENTRA_REDIS_URL=f"redis://127.0.0.1:{nobody}/0")
    assert (status, "ZENTRA_REDIS_URL: Redis does not answer" in said) == (1, True)


def test_servers_of_ones_own_replace_the_embedded_ones(stand_in: StandIn, own_servers: dict[str, str]) -> None:
    _, said = stand_in.up(**own_servers)

    environment = json.loads((stand_in.state / "run" / "environment.json").read_text())
    assert environment["ZENTRA_REDIS_URL"] == own_servers["ZENTRA_REDIS_URL"]
    assert environment["ZENTRA_OWNER_DATABASE_URL"] == own_servers["ZENTRA_OWNER_DATABASE_URL"]
    assert "//zentra_app:" in environment["ZENTRA_DATABASE_URL"]
    assert "//zentra_sealer:" in environment["ZENTRA_SEALER_DATABASE_URL"]
    assert not (stand_in.state / "postgres").exists()
    assert "secret" not in said
