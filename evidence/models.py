"""Evidence's tables. All are append-only but ``evidence_unsealed``; triggers in ``sql/`` refuse everything else."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from zentra.core.fields import IdField


class Event(models.Model):
    """One recorded fact. ``body`` holds the exact canonical bytes: the leaf's content and the webhook's body.

    The recording time is in the primary key because this table will be partitioned by it.
    """

    pk = models.CompositePrimaryKey("recorded_at", "id")
    id = IdField(prefix="evt")
    recorded_at = models.DateTimeField(db_comment="When it was written, UTC; the future partition key.")
    type = models.TextField()
    announced_as = ArrayField(models.TextField(), default=list)
    intent_id = models.TextField(null=True)
    trace_id = models.TextField(null=True)
    body = models.BinaryField(db_comment="Canonical JSON, exactly as hashed, signed and delivered.")
    leaf_hash = models.BinaryField(db_comment="SHA-256(0x00 || body), RFC 6962 section 2.1.")

    class Meta:
        db_table = "evidence_event"
        indexes = (
            # The intent page, the packet and the timeline call read one intent in order.
            models.Index(
                fields=["intent_id", "recorded_at"],
                name="evidence_event_by_intent",
                condition=models.Q(intent_id__isnull=False),
            ),
            # find_event: the partition column is not known there.
            models.Index(fields=["id"], name="evidence_event_by_id"),
            # The Access log and the alarm of bursts read denials, newest first, which are few among all events.
            models.Index(
                fields=["-recorded_at", "-id"], name="evidence_event_denied", condition=models.Q(type="access.denied")
            ),
        )


class Unsealed(models.Model):
    """An event that waits for its leaf index. The sealer drains this; a late commit is simply picked up next."""

    event_id = IdField(prefix="evt", primary_key=True)
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "evidence_unsealed"


class Leaf(models.Model):
    """The place of an event in the log. The index is the cursor of feeds, exports and resync: contiguous from 0."""

    index = models.BigIntegerField(primary_key=True)
    event_id = IdField(prefix="evt", unique=True)
    recorded_at = models.DateTimeField()
    leaf_hash = models.BinaryField()

    class Meta:
        db_table = "evidence_leaf"
        constraints = (models.CheckConstraint(name="evidence_leaf_index_from_zero", condition=models.Q(index__gte=0)),)


class Node(models.Model):
    """The hash of a complete subtree above the leaves, so that roots and proofs cost O(log n).

    ``position`` is the node's in-order number in the tree: see ``evidence.verifier.tree.Node.position``.
    """

    position = models.BigIntegerField(primary_key=True)
    hash = models.BinaryField()

    class Meta:
        db_table = "evidence_node"


class Checkpoint(models.Model):
    """A signed tree head (C2SP tlog-checkpoint)."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        db_table = "evidence_checkpoint"


class Log(models.Model):
    """The one log of this workspace: its origin and keys. Its row is the sealer's lock."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    origin = models.TextField()
    verifier_key = models.TextField(db_comment="C2SP note verifier key; its name is the origin.")
    signing_key = models.BinaryField(db_comment="Ed25519 seed, encrypted under ZENTRA_SECRET_KEYS.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "evidence_log"
        constraints = (models.CheckConstraint(name="evidence_log_one_row", condition=models.Q(id=1)),)


class Packet(models.Model):
    """One revision of an intent's packet; never changed. Later facts make the next revision."""

    id = IdField(prefix="pkt", primary_key=True)
    intent_id = models.TextField()
    revision = models.IntegerField()
    content = models.BinaryField(db_comment="The zip, exactly as it is downloaded.")
    sha256 = models.TextField()
    manifest = models.BinaryField(db_comment="manifest.json of the zip.")
    manifest_sha256 = models.TextField()
    previous_sha256 = models.TextField(null=True, db_comment="sha256 of the zip of revision - 1.")
    checkpoint_size = models.BigIntegerField()
    leaf_count = models.IntegerField(db_comment="How many of the intent's events it holds.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "evidence_packet"
        constraints = (
            models.UniqueConstraint(fields=["intent_id", "revision"], name="evidence_packet_revision_once"),
            models.CheckConstraint(name="evidence_packet_revision_from_one", condition=models.Q(revision__gte=1)),
        )
