"""How the log's tables answer the tree: one statement, whatever is asked for."""

from collections.abc import Mapping, Sequence

from django.db import connection

from evidence.verifier.tree import Node
from zentra.core.errors import DomainError

# A leaf's in-order position is twice its index, so that both tables answer in one numbering.
_NODES = """
SELECT 2 * index, leaf_hash FROM evidence_leaf WHERE index = ANY(%s::bigint[])
UNION ALL
SELECT position, hash FROM evidence_node WHERE position = ANY(%s::bigint[])
"""


class LogDamaged(DomainError):
    """What the log's tables hold is not what was hashed or signed; nothing further is signed until a person looks."""

    code = "log_damaged"
    status = 500
    title = "The evidence log does not agree with itself"


def read_nodes(nodes: Sequence[Node]) -> Mapping[Node, bytes]:
    """The hashes of complete subtrees, in the current workspace; raises LogDamaged when one is missing."""
    if not nodes:
        return {}
    leaves = [node.number for node in nodes if node.level == 0]
    inner = [node.position for node in nodes if node.level > 0]
    with connection.cursor() as cursor:
        cursor.execute(_NODES, [leaves, inner])
        known = {position: bytes(value) for position, value in cursor.fetchall()}
    try:
        return {node: known[node.position] for node in nodes}
    except KeyError as error:
        raise LogDamaged(f"The subtree at position {error.args[0]} is missing from the log.") from None


def read_size() -> int:
    """How many leaves the log of the current workspace has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(index) + 1, 0) FROM evidence_leaf")
        return int(cursor.fetchone()[0])
