"""Watchlists, their versions, and entries that live from one version to another. Private to this app."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from policy.screening.watchlists.types import ENTRY_KINDS, OPEN_STATES, SOURCES, STATES
from zentra.core.fields import IdField


class Watchlist(models.Model):
    """A list that parties are screened against. Which of its entries count follows from its active version."""

    id = IdField(prefix="wls", primary_key=True)
    name = models.TextField()
    source = models.TextField()
    is_active = models.BooleanField(default=True)
    active_version = models.IntegerField(null=True)
    created_at = models.DateTimeField()
    created_by = models.JSONField()

    class Meta:
        db_table = "screening_list"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["name"], name="screening_list_name_once"),
            models.CheckConstraint(condition=Q(source__in=SOURCES), name="screening_list_source"),
        ]


class WatchlistVersion(models.Model):
    """An import of a list and, once it is ready, a version of it. Each batch commits with its progress."""

    id = IdField(prefix="wlv", primary_key=True)
    watchlist = models.ForeignKey(Watchlist, on_delete=models.PROTECT, db_column="list_id", related_name="versions")
    number = models.IntegerField()
    state = models.TextField(default="importing")
    file_name = models.TextField()
    storage_names = models.JSONField(db_comment="Which file is stored under which name.")
    digests = models.JSONField(db_comment="SHA-256 of each stored file, hex.")
    size_bytes = models.BigIntegerField()
    base_number = models.IntegerField(null=True, db_comment="The version that was active when this one was started.")
    base_entries = models.IntegerField(default=0)
    total = models.IntegerField(null=True, db_comment="Entries in the file; null until they are counted.")
    done = models.IntegerField(default=0)
    added = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    removed = models.IntegerField(default=0)
    entries = models.IntegerField(default=0)
    digest = models.TextField(default="", db_comment="Over the ids and digests of all entries, hex.")
    problem = models.JSONField(default=dict)
    imported_by = models.JSONField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    activated_by = models.JSONField(null=True)
    activated_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "screening_list_version"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["watchlist", "number"], name="screening_version_number_once"),
            # A delta is told against the active version, hence one at a time.
            models.UniqueConstraint(
                fields=["watchlist"], condition=Q(state__in=OPEN_STATES), name="screening_version_one_open"
            ),
            models.UniqueConstraint(
                fields=["watchlist"], condition=Q(state="active"), name="screening_version_one_active"
            ),
            models.CheckConstraint(condition=Q(state__in=STATES), name="screening_version_state"),
            models.CheckConstraint(
                condition=Q(done__gte=0) & (Q(total__isnull=True, done=0) | Q(done__lte=F("total"))),
                name="screening_version_done",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("active", "replaced")) | Q(activated_at__isnull=False),
                name="screening_version_activated_at",
            ),
        ]


class Entry(models.Model):
    """Somebody on a list, from ``first_version`` to before ``removed_version``. A changed entry is a new row."""

    id = IdField(prefix="wle", primary_key=True)
    watchlist = models.ForeignKey(Watchlist, on_delete=models.PROTECT, db_column="list_id", related_name="entries")
    uid = models.TextField(db_comment="The source's own id.")
    kind = models.TextField()
    names = models.JSONField(db_comment="The main name first: [[text, is_weak], …].")
    dates: models.Field[list[str], list[str]] = ArrayField(models.TextField())
    countries: models.Field[list[str], list[str]] = ArrayField(models.TextField())
    identifiers = models.JSONField(db_comment="[[type, value, country], …].")
    addresses: models.Field[list[str], list[str]] = ArrayField(models.TextField())
    programs: models.Field[list[str], list[str]] = ArrayField(models.TextField())
    title = models.TextField()
    notes: models.Field[list[str], list[str]] = ArrayField(models.TextField())
    digest = models.TextField(db_comment="SHA-256 over all of the above, hex.")
    first_version = models.IntegerField()
    removed_version = models.IntegerField(null=True)

    class Meta:
        db_table = "screening_entry"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["watchlist", "uid", "first_version"], name="screening_entry_once"),
            models.UniqueConstraint(
                fields=["watchlist", "uid"], condition=Q(removed_version__isnull=True), name="screening_entry_one_live"
            ),
            models.CheckConstraint(condition=Q(kind__in=ENTRY_KINDS), name="screening_entry_kind"),
            models.CheckConstraint(
                condition=Q(removed_version__isnull=True) | Q(removed_version__gt=F("first_version")),
                name="screening_entry_removed_later",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # What a version brought and took away, in the order of pages.
            models.Index(fields=["watchlist", "first_version", "uid"], name="screening_entry_added"),
            models.Index(
                fields=["watchlist", "removed_version", "uid"],
                condition=Q(removed_version__isnull=False),
                name="screening_entry_removed",
            ),
        ]


class EntryKey(models.Model):
    """What an entry is found by: hashed keys, and its normal names. One narrow row, so that a search reads no more."""

    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, primary_key=True, related_name="key")
    list_id = IdField(prefix="wls")
    first_version = models.IntegerField()
    removed_version = models.IntegerField(null=True)
    is_person = models.BooleanField()
    names: models.Field[list[str], list[str]] = ArrayField(models.TextField())
    keys: models.Field[list[int], list[int]] = ArrayField(models.IntegerField())

    class Meta:
        db_table = "screening_entry_key"
        indexes: ClassVar[list[models.Index]] = [
            # Candidates of a party: entries that have one of its keys.
            GinIndex(fields=["keys"], name="screening_entry_by_key", fastupdate=False),
            models.Index(fields=["list_id", "first_version"], name="screening_key_added"),
        ]


class SeenEntry(models.Model):
    """That a file being imported has an entry: what it does not have is removed. Gone when the import ends."""

    id = models.BigAutoField(primary_key=True)
    version_id = IdField(prefix="wlv")
    uid = models.TextField()

    class Meta:
        db_table = "screening_list_seen"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["version_id", "uid"], name="screening_list_seen_once")
        ]
