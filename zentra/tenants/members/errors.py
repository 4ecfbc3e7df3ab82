"""What is refused about people; raised by ``operations`` and ``invitations``."""

from zentra.core.errors import DomainError


class InvalidMemberEmail(DomainError):
    """A person is named by one mail address."""

    code = "invalid_member_email"
    status = 422
    title = "That is no mail address"


class EmailDomainRefused(DomainError):
    """The workspace takes people of some mail domains only (its setting ``allowed_email_domains``), and not of this."""

    code = "email_domain_refused"
    status = 422
    title = "People of that mail domain are not taken here"


class InvalidRole(DomainError):
    """There is no such role."""

    code = "invalid_role"
    status = 422
    title = "There is no such role"


class UnknownMember(DomainError):
    """Nobody of this id has a role in this workspace."""

    code = "unknown_member"
    status = 404
    title = "Nobody of that id is a member here"


class AlreadyMember(DomainError):
    """The person has a role in this workspace."""

    code = "already_member"
    status = 409
    title = "They are a member already"


class AccountNotReady(DomainError):
    """The account of this address was made for another workspace, and its password was never set."""

    code = "account_not_ready"
    status = 409
    title = "That account has no password yet"


class AddressNotProven(DomainError):
    """The account's password was set by a link that was not only mailed, so it may be somebody else's than the address.

    It is proven by the mailed link of a forgotten password, while the account has no second factor.
    """

    code = "address_not_proven"
    status = 409
    title = "Nobody has proven that the account is that address's"


class NoInvitationNeeded(DomainError):
    """The person has a password, or belongs to another workspace too; a link would be a way into their account."""

    code = "no_invitation_needed"
    status = 409
    title = "No link is made for an account in use"


class InvitationEnded(DomainError):
    """The link was used, was replaced by a newer one, or is older than three days."""

    code = "invitation_ended"
    status = 410
    title = "This link does not work any more"


class UnusablePassword(DomainError):
    """The password is too short, too common, or too much like the address."""

    code = "unusable_password"
    status = 422
    title = "Choose another password"


class OwnRole(DomainError):
    """Nobody changes or removes the own role; somebody else who manages people does."""

    code = "own_role"
    status = 409
    title = "Nobody changes the own role"


class LastAdmin(DomainError):
    """The workspace would be without an admin who can sign in."""

    code = "last_admin"
    status = 409
    title = "The last admin stays"


class StaleMember(DomainError):
    """Somebody changed this member since the page was read; nothing was changed."""

    code = "stale_member"
    status = 409
    title = "Somebody changed this member meanwhile"
