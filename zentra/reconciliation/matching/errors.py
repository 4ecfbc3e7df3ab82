"""Every refusal of matching."""

from zentra.core.errors import DomainError


class RuleSetInvalid(DomainError):
    """A rule is not of its form, or two share a key; ``problems`` says each."""

    code = "rule_set_invalid"
    title = "The matching rules are not of their form"


class RuleSetNotFound(DomainError):
    """The account has no such version of its rules."""

    code = "rule_set_not_found"
    status = 404
    title = "There is no such version of the rules"


class StaleRuleSet(DomainError):
    """Somebody saved a newer version of the rules in the meantime."""

    code = "stale_rule_set"
    status = 409
    title = "The rules were changed in the meantime"


class RunNotFound(DomainError):
    """The run that was asked for does not exist in this workspace."""

    code = "matching_run_not_found"
    status = 404
    title = "There is no such run"


class RunInProgress(DomainError):
    """Another run of this account holds its lock."""

    code = "matching_run_in_progress"
    status = 409
    title = "The account is being matched"
    retryable = True


class MatchNotFound(DomainError):
    """The match that was asked for does not exist in this workspace."""

    code = "match_not_found"
    status = 404
    title = "There is no such match"


class StaleMatch(DomainError):
    """The match is no longer in the state that the act needs; ``state`` says what it is."""

    code = "stale_match"
    status = 409
    title = "The match was changed in the meantime"


class EmptyMatch(DomainError):
    """A match needs a line or an entry on each side, or two that cancel each other out on one side."""

    code = "empty_match"
    title = "A match has lines and entries"


class AlreadyMatched(DomainError):
    """A line or entry is held by another match; ``lines`` and ``entries`` name them."""

    code = "already_matched"
    status = 409
    title = "A line or an entry is already matched"


class MatchDiffers(DomainError):
    """The sums of the two sides differ by ``difference_minor``; such a match can only be forced, with a reason."""

    code = "match_differs"
    title = "The two sides do not agree"


class MixedCurrencies(DomainError):
    """The lines and entries of a match have one currency."""

    code = "mixed_currencies"
    title = "Lines and entries are of several currencies"


class OtherAccount(DomainError):
    """A line or entry does not exist, or belongs to another account than the match."""

    code = "not_of_this_account"
    title = "A line or an entry is not of this account"


class ReasonMissing(DomainError):
    """Forcing, declining and undoing a match need a reason."""

    code = "match_reason_missing"
    title = "Say why"


class ProposerApproves(DomainError):
    """Who proposed a match may not approve it."""

    code = "match_needs_second_person"
    status = 403
    title = "A second person decides"


class EntryNotFound(DomainError):
    """The entry was not taken over into matching, or does not exist."""

    code = "matching_entry_not_found"
    status = 404
    title = "There is no such entry"


class ExpectedConflict(DomainError):
    """The same reference is expected already with other figures."""

    code = "expected_conflict"
    status = 409
    title = "The same money is expected with other figures"
