"""Who is signed in where: one row for each session of a person."""

from django.db import models

from zentra.core.fields import IdField
from zentra.tenants.models.people import User


class SignInSession(models.Model):
    """One browser in which somebody is signed in, from the sign-in to its end.

    Django keeps the session itself by its key, which is changed at every step-up; this row stays the same one.
    Address and browser are what the person recognises it by; both are gone with the row.
    """

    id = IdField(prefix="ses", primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_sessions")
    session_key = models.TextField(unique=True)
    address = models.GenericIPAddressField(null=True)
    browser = models.TextField(default="")
    method = models.TextField(db_comment="How they signed in: password, totp, recovery_codes, passkey.")
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="", db_comment="usr id; empty when it ended by itself.")
    end_reason = models.TextField(default="")

    class Meta:
        db_table = "tenants_sign_in_session"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    end_reason__in=["", "signed_out", "idle", "too_long", "ended", "password", "second_factor"]
                ),
                name="sign_in_session_end_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "-last_seen_at"],
                condition=models.Q(ended_at__isnull=True),
                name="sign_in_session_open",
            ),
        ]
