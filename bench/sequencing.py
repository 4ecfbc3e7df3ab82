"""How many entries of one hot account the sequencer places per second, in batches as the worker asks for."""

import time
from typing import Final

from bench.workspace import connect
from zentra.core.tenancy import TenantRef

ENTRIES: Final = 50_000
BATCH: Final = 5_000
_WAIT: Final = """
INSERT INTO ledger_entry_unsequenced (account_id, entry_id, delta_minor)
SELECT a.id, uuidv7(), CASE WHEN n %% 2 = 0 THEN 100 ELSE -100 END
  FROM ledger_account a, generate_series(1, %s) AS n WHERE a.code = 'd0'
"""


def rate(workspace: TenantRef) -> float:
    """Entries per second; each batch is a transaction of its own. The rows belong to no posting: all is thrown away."""
    with connect(workspace.schema, as_owner=True) as connection:
        connection.execute(_WAIT.replace("uuidv7()", _uuid(connection.info.server_version)), [ENTRIES])
        began, placed = time.perf_counter(), 0
        while row := connection.execute("SELECT ledger_sequence(%s, now())", [BATCH]).fetchone():
            if not row[0]:
                break
            placed += row[0]
        return float(placed) / (time.perf_counter() - began)


def _uuid(server_version: int) -> str:
    return "uuidv7()" if server_version >= 180_000 else "gen_random_uuid()"
