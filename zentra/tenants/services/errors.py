"""What is refused about keys and clients where they are made; what is refused at a door is in ``zentra.api.auth``."""

from zentra.core.errors import DomainError


class UnknownKey(DomainError):
    """There is no key of this id in this workspace."""

    code = "unknown_key"
    status = 404
    title = "There is no such key here"


class KeyEnded(DomainError):
    """The key is over: revoked, expired, or rotated already."""

    code = "key_ended"
    status = 409
    title = "That key is over"


class KeyRotated(DomainError):
    """The key was rotated already; the one that replaced it can be rotated."""

    code = "key_rotated"
    status = 409
    title = "That key was rotated already"


class UnknownClient(DomainError):
    """There is no client of this id in this workspace."""

    code = "unknown_client"
    status = 404
    title = "There is no such client here"


class StaleClient(DomainError):
    """Somebody changed the client since the page was made."""

    code = "stale_client"
    status = 409
    title = "Somebody changed this client"


class ClientEnded(DomainError):
    """The client was revoked."""

    code = "client_ended"
    status = 409
    title = "That client is over"


class InvalidCredentialName(DomainError):
    """A key or client is called something, in at most 80 characters on one line."""

    code = "invalid_credential_name"
    status = 422
    title = "The name has another form"


class InvalidScopes(DomainError):
    """A scope is named that a key of this workspace cannot have, or none is named."""

    code = "invalid_scopes"
    status = 422
    title = "These scopes cannot be given"


class ScopesBeyondIssuer(DomainError):
    """Nobody gives a key more than they may do themselves."""

    code = "scopes_beyond_issuer"
    status = 403
    title = "A key may do no more than who issues it"


class InvalidNetworks(DomainError):
    """Networks are written as CIDR, IPv4 or IPv6, at most twenty."""

    code = "invalid_networks"
    status = 422
    title = "These networks cannot be read"


class InvalidExpiry(DomainError):
    """A key ends in the future, and at most two years from now; an overlap lasts at most seven days."""

    code = "invalid_expiry"
    status = 422
    title = "A key cannot end then"


class InvalidChannel(DomainError):
    """A channel is server, web, mobile or partner."""

    code = "invalid_channel"
    status = 422
    title = "There is no such channel"


class InvalidTokenLifetime(DomainError):
    """A client's tokens live for 5 to 15 minutes."""

    code = "invalid_token_lifetime"
    status = 422
    title = "Tokens cannot live that long"


class TooManySecrets(DomainError):
    """A client has two secrets at most; end one before another is made."""

    code = "too_many_client_secrets"
    status = 409
    title = "The client has two secrets already"


class UnknownSecret(DomainError):
    """The client has no such secret."""

    code = "unknown_client_secret"
    status = 404
    title = "There is no such secret"


class InvalidCertificate(DomainError):
    """A certificate is given as PEM, as its SHA-256 thumbprint, or by a DNS or URI name in it."""

    code = "invalid_certificate"
    status = 422
    title = "That certificate cannot be registered"


class UnknownCertificate(DomainError):
    """The client has no such certificate."""

    code = "unknown_certificate"
    status = 404
    title = "There is no such certificate"


class InvalidEndUser(DomainError):
    """The token names a customer, accounts or scopes that an end user's token cannot have."""

    code = "invalid_end_user_token"
    status = 422
    title = "No end-user token can be made of this"
