"""What services prove themselves with: API keys, OAuth clients with certificates, the keys that sign tokens."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from zentra.core.fields import IdField
from zentra.core.ids import new_uuid
from zentra.tenants.models.workspaces import Workspace

CHANNELS = ["server", "web", "mobile", "partner"]


class ApiCredential(models.Model):
    """A key of a workspace: only the hash of its 256-bit secret is kept."""

    id = IdField(prefix="key", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="credentials")
    name = models.TextField()
    secret_hash = models.BinaryField()
    role = models.TextField(default="developer")
    scopes = models.JSONField(default=list)
    channel = models.TextField(default="server", db_default="server")
    allowed_networks = ArrayField(
        models.TextField(), default=list, db_default=[], db_comment="CIDR; empty: from anywhere."
    )
    issued_by = models.TextField(default="", db_default="", db_comment="usr_… of who made it; empty: a command did.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.TextField(default="", db_default="")
    replaces = models.UUIDField(null=True, db_comment="The key that this one was rotated from.")
    bound_to = models.TextField(
        default="", db_default="", db_comment="base64url SHA-256 of the certificate that it works with; empty: none."
    )
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.GenericIPAddressField(null=True)

    class Meta:
        db_table = "tenants_api_credential"
        constraints = [
            models.CheckConstraint(condition=models.Q(channel__in=CHANNELS), name="api_credential_channel"),
            # Of two who rotate the same key at once, one is told.
            models.UniqueConstraint(
                fields=["replaces"], condition=models.Q(replaces__isnull=False), name="api_credential_rotated_once"
            ),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="api_credential_newest")]


class ApiClient(models.Model):
    """A service that gets short tokens (OAuth 2.0 client credentials), by a secret or by its certificate."""

    id = IdField(prefix="cli", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="clients")
    name = models.TextField()
    scopes = models.JSONField(default=list)
    channel = models.TextField(default="server", db_default="server")
    allowed_networks = ArrayField(models.TextField(), default=list, db_default=[])
    token_seconds = models.IntegerField(default=600, db_default=600)
    requires_certificate = models.BooleanField(default=False, db_default=False)
    version = models.PositiveIntegerField(default=1, db_default=1)
    issued_by = models.TextField(default="", db_default="")
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.TextField(default="", db_default="")
    tokens_before = models.DateTimeField(null=True, db_comment="Tokens issued before this moment count no more.")
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_api_client"
        constraints = [
            models.CheckConstraint(condition=models.Q(channel__in=CHANNELS), name="api_client_channel"),
            models.CheckConstraint(
                condition=models.Q(token_seconds__gte=60, token_seconds__lte=900), name="api_client_token_seconds"
            ),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="api_client_newest")]


class ClientSecret(models.Model):
    """One of a client's secrets, at most two at a time while it is rotated; only the hash is kept."""

    id = models.UUIDField(primary_key=True, default=new_uuid)
    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="secrets")
    secret_hash = models.BinaryField()
    created_by = models.TextField(default="")
    created_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_client_secret"


class ClientCertificate(models.Model):
    """A certificate that a client shows (RFC 8705): by thumbprint, or by a name that our CA vouches for."""

    id = models.UUIDField(primary_key=True, default=new_uuid)
    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="certificates")
    thumbprint = models.TextField(default="", db_comment="base64url SHA-256 of the DER; empty: by subject name.")
    subject_name = models.TextField(default="", db_comment="A DNS or URI name in it; empty: by thumbprint.")
    not_after = models.DateTimeField(null=True)
    created_by = models.TextField(default="")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_client_certificate"
        constraints = [
            models.CheckConstraint(
                condition=(models.Q(thumbprint="") & ~models.Q(subject_name=""))
                | (~models.Q(thumbprint="") & models.Q(subject_name="")),
                name="client_certificate_one_way",
            ),
        ]


class SigningKey(models.Model):
    """An Ed25519 key that signs access tokens of the whole installation. The public half is at the JWKS address."""

    id = IdField(prefix="sig", primary_key=True, db_comment="The kid of what it signs.")
    private_key = models.BinaryField(db_comment="The seed, encrypted under ZENTRA_SECRET_KEYS.")
    public_key = models.BinaryField()
    created_at = models.DateTimeField()
    signs_until = models.DateTimeField(null=True, db_comment="From then on it only verifies.")
    ends_at = models.DateTimeField(null=True, db_comment="From then on it is not known any more.")

    class Meta:
        db_table = "tenants_signing_key"


class RevokedToken(models.Model):
    """A token that ended before its time; the row goes when the token would have ended anyway."""

    id = models.UUIDField(primary_key=True, db_comment="jti.")
    workspace_id = models.UUIDField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField()

    class Meta:
        db_table = "tenants_revoked_token"
        indexes = [models.Index(fields=["expires_at"], name="revoked_token_ends")]
