"""The pool after the server has forgotten its connections: the next request waits a moment and is answered."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
from django.db import connection

from zentra.core.tenancy import TenantRef

RESTING = 12


def test_the_first_request_after_a_restart_is_answered(workspace: TenantRef) -> None:  # the database
    together = Barrier(RESTING)
    with ThreadPoolExecutor(RESTING) as threads:
        list(threads.map(lambda _: _hold(together), range(RESTING)))
    with psycopg.connect(os.environ["ZENTRA_DATABASE_URL"], autocommit=True) as other:
        ended = other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND state = 'idle'"
            " AND pid <> pg_backend_pid() AND datname = current_database()"
        ).rowcount
    connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert ended >= RESTING


def _hold(together: Barrier) -> None:
    """Have a connection of one's own while all others have theirs, and give it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        together.wait(timeout=10)
    connection.close()
