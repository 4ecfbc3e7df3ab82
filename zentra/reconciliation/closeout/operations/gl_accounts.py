"""The general ledger's names of our accounts."""

import re
from datetime import datetime
from typing import Final

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.queries import get_account
from zentra.core.actors import Actor
from zentra.reconciliation.closeout.errors import CloseoutInvalid
from zentra.reconciliation.closeout.models import GlAccount
from zentra.reconciliation.closeout.types import GlAccount as GlAccountRecord

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/-]{0,39}")


def save_gl_account(
    *, ledger_account_id: str, gl_code: str, gl_name: str, actor: Actor, now: datetime
) -> GlAccountRecord:
    """Name the general-ledger account of a ledger account. Records ``gl_account.mapped``, when anything changes.

    Raises AccountNotFound, CloseoutInvalid, BadId.
    """
    account = get_account(account_id=ledger_account_id)
    if not _CODE.fullmatch(gl_code) or len(gl_name) > 200 or "\x00" in gl_name:  # as told
        raise CloseoutInvalid("A code has 1 to 40 letters, digits and . : / _ -, a name at most 200 characters.")
    name = gl_name.strip()
    saved = GlAccountRecord(account.id, account.code, account.currency, gl_code, name)
    before = GlAccount.objects.select_for_update().filter(ledger_account_id=account.id).first()
    if before is not None and (before.gl_code, before.gl_name) == (gl_code, name):
        return saved
    GlAccount.objects.update_or_create(
        ledger_account_id=account.id,
        defaults={"gl_code": gl_code, "gl_name": name, "changed_by": actor.as_dict(), "changed_at": now},
    )
    data: dict[str, object] = {
        "account_id": account.id,
        "gl_code": gl_code,
        "gl_code_before": before.gl_code if before else None,
        "name_changed": before is None or before.gl_name != name,
    }
    record_events(events=[NewEvent(type="gl_account.mapped", actor=actor, data=data)], now=now)
    return saved
