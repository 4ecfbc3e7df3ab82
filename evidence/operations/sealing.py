"""Sealing: give committed events their place in the log, several times a second, and sign the tree, once a second.

Nothing of this runs in the transaction that moves money. An event that commits late is simply taken next.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import structlog
from django.db import connection

from evidence import memory
from evidence.memory import ForkRefused, Signed
from evidence.operations.log import lock_log, read_signer
from evidence.store import LogDamaged, read_nodes, read_size
from evidence.types import Checkpoint, SequencedBatch
from evidence.verifier import tree
from evidence.verifier.checkpoint import TreeHead
from zentra.core.queue.operations import enqueue
from zentra.core.tenancy import current_tenant

BATCH: Final = 2000
FAN_OUT: Final = "webhooks.fan_out"
_READ_BACK: Final = 1000

log = structlog.get_logger(__name__)

# Ids are UUIDv7: their order is the order in which the facts happened. An event that has its leaf already is not
# given a second one, whoever put it into the unsealed table again.
_PLACE = """
WITH next AS (
    SELECT event_id FROM evidence_unsealed ORDER BY event_id LIMIT %s
), gone AS (
    DELETE FROM evidence_unsealed u USING next WHERE u.event_id = next.event_id RETURNING u.event_id, u.recorded_at
), placed AS (
    INSERT INTO evidence_leaf (index, event_id, recorded_at, leaf_hash)
    SELECT %s + row_number() OVER (ORDER BY e.id) - 1, e.id, e.recorded_at, e.leaf_hash
      FROM gone JOIN evidence_event e ON e.recorded_at = gone.recorded_at AND e.id = gone.event_id
     WHERE NOT EXISTS (SELECT 1 FROM evidence_leaf l WHERE l.event_id = e.id)
    RETURNING index, leaf_hash
)
SELECT index, leaf_hash, (SELECT count(*) FROM gone) FROM placed ORDER BY index
"""


def sequence_batch(*, now: datetime, limit: int = BATCH) -> SequencedBatch:
    """Give the oldest waiting events their leaf indexes, and tell the deliveries up to which index they may go.

    Runs in a tenant transaction as the sealer. Two sealers may race: the second waits, then takes what is left.

    Raises:
        NoLog: the workspace has no log yet.
    """
    lock_log()
    size = read_size()
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [limit, size])
        placed = cursor.fetchall()
    if not placed:
        return SequencedBatch(count=0, first=None, last=None, more=False)
    grown = tree.read_frontier(size, read_nodes).append(bytes(leaf) for _, leaf, _ in placed)
    _store_nodes([(node.position, value) for node, value in grown])
    last = int(placed[-1][0])
    enqueue(workspace_id=current_tenant().id, kind=FAN_OUT, ref=str(last), due_at=now)
    return SequencedBatch(count=len(placed), first=size, last=last, more=placed[0][2] == limit)


def _store_nodes(nodes: list[tuple[int, bytes]]) -> None:
    if not nodes:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO evidence_node (position, hash) SELECT * FROM unnest(%s::bigint[], %s::bytea[])",
            [[position for position, _ in nodes], [value for _, value in nodes]],
        )


def sign_checkpoint(*, now: datetime) -> Checkpoint | None:
    """Sign the tree as it stands; None when nothing was sequenced since the last checkpoint.

    The root is recomputed from the stored event bytes since the last checkpoint, on top of the root signed then, and
    must be the one that the stored tree has. What is signed is first put on disk outside the database.

    Raises:
        LogDamaged: stored bytes, leaves, nodes and the last signed root do not agree; nothing was signed.
        ForkRefused: this machine signed another history before; nothing was signed.
        NoLog: the workspace has no log yet.
    """
    lock_log()
    size, last = read_size(), _last_checkpoint()
    signer = read_signer()
    _refuse_fork(Signed(origin=signer.name, size=size, root=b""), last)
    if size == (last.size if last else 0):
        return None
    root = _recompute_root(last, size)
    if tree.tree_root(size, read_nodes) != root:
        raise LogDamaged(f"The stored tree of {size} leaves is not the tree of the stored events.")
    note = signer.sign(TreeHead(origin=signer.name, size=size, root=root).text()).decode()
    memory.remember(current_tenant().id, Signed(origin=signer.name, size=size, root=root))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO evidence_checkpoint (size, root, note, signed_at) VALUES (%s, %s, %s, %s)",
            [size, root, note, now],
        )
    return Checkpoint(size=size, root=root, note=note, signed_at=now)


def _last_checkpoint() -> Signed | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT size, root FROM evidence_checkpoint ORDER BY size DESC LIMIT 1")
        row = cursor.fetchone()
    return None if row is None else Signed(origin="", size=row[0], root=bytes(row[1]))


def _refuse_fork(present: Signed, last: Signed | None) -> None:
    """Check that the log still begins with what this machine signed last."""
    workspace = current_tenant()
    signed = memory.recall(workspace.id)
    if signed is None:
        if last is not None:
            log.warning("evidence.nothing_remembered", workspace=workspace.slug, adopted_size=last.size)
        return
    if signed.origin != present.origin:
        raise ForkRefused(f"The log was {signed.origin} when it was signed last and calls itself {present.origin} now.")
    if signed.size > present.size:
        raise ForkRefused(
            f"{signed.size} leaves were signed before, and the database has {present.size}: was it restored?",
            signed=signed.size,
            stored=present.size,
        )
    if tree.tree_root(signed.size, read_nodes) != signed.root:
        raise ForkRefused(f"The first {signed.size} leaves are not those that were signed before.", signed=signed.size)


def _recompute_root(last: Signed | None, size: int) -> bytes:
    """The root over ``size`` leaves, from the root signed last and the stored bytes of every event since."""
    start = last.size if last else 0
    frontier = tree.read_frontier(start, read_nodes)
    if last and frontier.root != last.root:
        raise LogDamaged(f"The stored tree no longer has the root that was signed at {last.size} leaves.")
    for first in range(start, size, _READ_BACK):
        frontier.append(_read_back(first, min(first + _READ_BACK, size)))
    return frontier.root


def _read_back(first: int, end: int) -> Iterator[bytes]:
    """The leaf hashes of [first, end), each computed from the event's bytes; raises LogDamaged."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.index, l.leaf_hash, e.body FROM evidence_leaf l"
            " JOIN evidence_event e ON e.recorded_at = l.recorded_at AND e.id = l.event_id"
            " WHERE l.index >= %s AND l.index < %s ORDER BY l.index",
            [first, end],
        )
        rows = cursor.fetchall()
    if [row[0] for row in rows] != list(range(first, end)):
        raise LogDamaged(f"Leaves or events between {first} and {end} are missing.")
    for index, stored, body in rows:
        computed = tree.leaf_hash(bytes(body))
        if computed != bytes(stored):
            raise LogDamaged(f"The bytes of the event at leaf {index} were changed.", index=index)
        yield computed
