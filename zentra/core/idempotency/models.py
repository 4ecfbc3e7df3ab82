"""The keys of writes already made, with their first answers. Kept for ever; never partitioned."""

from django.db import models


class IdempotencyKey(models.Model):
    """One write that was asked for under one key."""

    pk = models.CompositePrimaryKey("operation", "key")
    operation = models.TextField()
    key = models.TextField()
    fingerprint = models.BinaryField()
    status = models.SmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "idempotency_key"
