"""How this workspace screens: one row, made when it is first needed."""

from datetime import datetime
from typing import Final

from django.db import connection, transaction

from policy.screening import store
from policy.screening.models import Setting
from policy.screening.types import Settings
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

ROW: Final = 1
LOWEST, HIGHEST = 50, 100


class InvalidSettings(DomainError):
    """The score is not between 50 and 100, or the days are not positive."""

    code = "invalid_screening_settings"
    status = 422
    title = "Screening cannot be set like this"


class StaleSettings(DomainError):
    """Somebody changed the settings in the meantime; ``version`` is that of now."""

    code = "stale_screening_settings"
    status = 409
    title = "The settings were changed in the meantime"


def read_settings() -> Settings:
    """The settings of now; ours where nobody has set any."""
    row = Setting.objects.filter(id=ROW).first() or Setting(id=ROW)
    return Settings(row.hit_from_score, row.kyc_lasts_days, row.version)


def lock_settings() -> Setting:
    """The one row, locked: what starts runs and changes settings queues here."""
    store.limit_wait()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO screening_setting (id, hit_from_score, kyc_lasts_days, monitors, version)"
            " VALUES (1, 80, 730, '{}', 1) ON CONFLICT DO NOTHING"
        )
    return Setting.objects.select_for_update().get(id=ROW)


@transaction.atomic(savepoint=False)
def change_settings(
    *, version: int, actor: Actor, now: datetime, hit_from_score: int | None = None, kyc_lasts_days: int | None = None
) -> Settings:
    """Set from which score (50–100) a match is a hit and how long a verification lasts.

    Another score screens all parties again.

    Raises:
        InvalidSettings, StaleSettings.
    """
    if hit_from_score is not None and not LOWEST <= hit_from_score <= HIGHEST:
        raise InvalidSettings(f"The score goes from {LOWEST} to {HIGHEST}.")
    if kyc_lasts_days is not None and not 1 <= kyc_lasts_days <= 36_500:
        raise InvalidSettings("A verification lasts 1 to 36500 days.")
    row = lock_settings()
    if row.version != version:
        raise StaleSettings(f"They are at version {row.version} by now.", version=row.version)
    is_new_score = hit_from_score not in (None, row.hit_from_score)
    row.hit_from_score = hit_from_score or row.hit_from_score
    row.kyc_lasts_days = kyc_lasts_days or row.kyc_lasts_days
    row.version += 1
    row.save()
    store.tell(
        type="screening.settings_changed", actor=actor, now=now, version=row.version,
        hit_from_score=row.hit_from_score, kyc_lasts_days=row.kyc_lasts_days,
    )  # fmt: skip
    if is_new_score:
        # Here and not above: a run reads what was just set.
        from policy.screening.operations.runs import start_run

        start_run(reason="settings", actor=actor, now=now)
    return Settings(row.hit_from_score, row.kyc_lasts_days, row.version)
