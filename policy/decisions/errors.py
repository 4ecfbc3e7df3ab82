"""Why nothing can be decided."""

from zentra.core.errors import DomainError


class NoRuleSet(DomainError):
    """The workspace was not provisioned; a missing rule set never means that everything is allowed."""

    code = "no_rule_set"
    status = 503
    title = "This workspace has no rules"


class NoSuchDecision(DomainError):
    """There is no decision of this id here."""

    code = "decision_not_found"
    status = 404
    title = "There is no such decision"
