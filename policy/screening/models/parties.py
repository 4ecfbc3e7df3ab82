"""Who takes part: people and companies, what is known of them, and how it was verified.

Personal data stands here and in the watchlists' tables, and nowhere else.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from policy.screening.types import (
    DOCUMENT_TYPES,
    IDENTIFIER_TYPES,
    KYC_STATES,
    NAME_KINDS,
    OPEN_VERIFICATIONS,
    PARTY_KINDS,
    PARTY_STATES,
    RISKS,
    SCREENING_STATES,
    VERIFICATION_STATES,
)
from zentra.core.fields import IdField


class Party(models.Model):
    """A person or a company, under the reference by which intents name it (a customer or a payee)."""

    id = IdField(prefix="pty", primary_key=True)
    kind = models.TextField()
    reference = models.TextField(db_comment="A ledger account's customer, or a payee.")
    name = models.TextField()
    country = models.TextField(default="", db_comment="ISO 3166-1 alpha-2, or empty.")
    born_on = models.DateField(null=True, db_comment="A person's birth, a company's incorporation.")
    state = models.TextField(default="active")
    kyc_state = models.TextField(default="none")
    kyc_verified_until = models.DateTimeField(null=True, db_comment="What the verification itself is good for.")
    kyc_expires_at = models.DateTimeField(
        null=True, db_comment="The earlier of that and of the last day of the documents."
    )
    risk = models.TextField(default="low")
    segment = models.TextField(default="")
    screening = models.TextField(default="unscreened", db_comment="Follows from the hits.")
    screened_at = models.DateTimeField(null=True)
    screened_against = models.BigIntegerField(default=0, db_comment="The run that was the latest when it was screened.")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.TextField()
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "screening_party"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["reference"], name="screening_party_reference_once"),
            models.CheckConstraint(name="screening_party_kind", condition=Q(kind__in=PARTY_KINDS)),
            models.CheckConstraint(name="screening_party_state", condition=Q(state__in=PARTY_STATES)),
            models.CheckConstraint(name="screening_party_kyc_state", condition=Q(kyc_state__in=KYC_STATES)),
            models.CheckConstraint(name="screening_party_risk", condition=Q(risk__in=RISKS)),
            models.CheckConstraint(name="screening_party_screening", condition=Q(screening__in=SCREENING_STATES)),
            models.CheckConstraint(name="screening_party_named", condition=~Q(name="") & ~Q(reference="")),
            models.CheckConstraint(name="screening_party_country", condition=Q(country__regex="^([A-Z]{2})?$")),
            models.CheckConstraint(
                name="screening_party_closed_at", condition=Q(state="active") ^ Q(closed_at__isnull=False)
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # The page of parties and GET /v1/parties.
            models.Index(F("created_at").desc(), F("id").desc(), name="screening_party_newest"),
            # What the expiry task looks for.
            models.Index(fields=["kyc_expires_at"], name="screening_party_expiring", condition=Q(kyc_state="verified")),
            models.Index(
                fields=["screening"],
                name="screening_party_suspicious",
                condition=Q(screening__in=("unresolved", "confirmed")),
            ),
        ]


class PartyName(models.Model):
    """Another name that a party is known by."""

    id = IdField(prefix="nam", primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="other_names")
    name = models.TextField()
    kind = models.TextField(default="alias")

    class Meta:
        db_table = "screening_party_name"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["party", "name"], name="screening_party_name_once"),
            models.CheckConstraint(name="screening_party_name_kind", condition=Q(kind__in=NAME_KINDS)),
        ]


class Identifier(models.Model):
    """A number that a party is known by, as it was given and as it is compared."""

    id = IdField(prefix="idn", primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="identifiers")
    type = models.TextField()
    value = models.TextField()
    normal = models.TextField(db_comment="Letters and digits only, upper case.")
    country = models.TextField(default="")

    class Meta:
        db_table = "screening_identifier"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["party", "type", "normal", "country"], name="screening_identifier_once"),
            models.CheckConstraint(name="screening_identifier_type", condition=Q(type__in=IDENTIFIER_TYPES)),
            models.CheckConstraint(name="screening_identifier_normal", condition=Q(normal__regex="^[0-9A-Z]+$")),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["normal"], name="screening_identifier_normal_ix")]


class Document(models.Model):
    """A document that somebody saw, and until when it is good."""

    id = IdField(prefix="doc", primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="documents")
    type = models.TextField()
    number_hint = models.TextField(default="", db_comment="The last four characters; never the whole number.")
    issued_by = models.TextField(default="", db_comment="ISO 3166-1 alpha-2, or empty.")
    expires_on = models.DateField(null=True, db_comment="The last day on which it is good.")
    file = models.TextField(default="", db_comment="A name in Django's file storage.")
    added_at = models.DateTimeField()
    added_by = models.TextField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "screening_document"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(name="screening_document_type", condition=Q(type__in=DOCUMENT_TYPES)),
            models.CheckConstraint(name="screening_document_hint_short", condition=Q(number_hint__length__lte=4)),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["party"], name="screening_document_of", condition=Q(removed_at__isnull=True)),
            models.Index(
                fields=["expires_on"],
                name="screening_document_expiring",
                condition=Q(removed_at__isnull=True, expires_on__isnull=False),
            ),
        ]


class Verification(models.Model):
    """One verification of a party by a vendor. Its id is the idempotency key that the vendor sees."""

    id = IdField(prefix="ver", primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="verifications")
    vendor = models.TextField()
    state = models.TextField(default="queued")
    vendor_reference = models.TextField(default="")
    reason_code = models.TextField(default="")
    detail = models.TextField(default="", db_comment="What the last answer or silence was, without personal data.")
    attempts = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    started_by = models.JSONField()
    sent_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "screening_verification"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["party"], name="screening_verification_one_open", condition=Q(state__in=OPEN_VERIFICATIONS)
            ),
            models.CheckConstraint(name="screening_verification_state", condition=Q(state__in=VERIFICATION_STATES)),
            models.CheckConstraint(
                name="screening_verification_answered",
                condition=Q(state__in=OPEN_VERIFICATIONS) ^ Q(answered_at__isnull=False),
            ),
        ]


class Step(models.Model):
    """One line of a party's history. Only ever added to."""

    id = IdField(prefix="stp", primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="steps")
    what = models.TextField()
    actor = models.JSONField()
    at = models.DateTimeField()
    note = models.TextField(default="")
    facts = models.JSONField(default=dict)

    class Meta:
        db_table = "screening_step"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["party", "at", "id"], name="screening_step_of")]
