"""A form that was refused comes back on its own page: open, with all that was typed, and why it was refused beside it.

The refusal ends the transaction of what was tried; the page is read in another one. So it shows how things stand now,
and the form that comes back holds the version that is there now: whoever looks and sends it again is not refused twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from console.doors import IDEMPOTENCY_FIELD, Visit
from console.refusals import explain
from console.types.finance import Act, Ask, FinancePage, Problem
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.tenants.access import MembershipRequired
from zentra.tenants.operations import hold_membership
from zentra.tenants.step_up import CODE_FIELD, PASSKEY_FIELD, StepUpRequired

P = ParamSpec("P")
_OWN: Final = frozenset({"csrfmiddlewaretoken", "next", IDEMPOTENCY_FIELD, CODE_FIELD, PASSKEY_FIELD})
_FIELDS: Final[Mapping[str, str]] = {
    "exception_reason_invalid": "reason_code",
    "cannot_own_exception": "owner",
    "match_differs": "reason",
    "match_reason_missing": "reason",
    "note_file_refused": "file",
    "tie_out_unexplained": "explanation",
}
"""Which field a refusal is about, where its code says so."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The form that was refused: the key of its act, why, the field that it is about, and what was typed."""

    act: str
    problem: Problem
    field: str
    typed: Mapping[str, list[str]]

    def said(self, name: str) -> str:
        """What was typed into a field; empty when it was not sent."""
        return self.typed[name][-1] if self.typed.get(name) else ""

    def all(self, name: str) -> list[str]:
        """Everything that was ticked under a name."""
        return self.typed.get(name, [])

    def about(self, asks: Sequence[Ask]) -> Problem:
        """Why, with the field's label in place of its name."""
        label = next((ask.label for ask in asks if ask.name == self.field), "")
        why = self.problem.why.replace(f"“{self.field}”", f"“{label}”") if label else self.problem.why
        return Problem(self.problem.title, why)


Page = Callable[Concatenate[Visit, Refused, P], HttpResponse]
View = Callable[Concatenate[Visit, P], HttpResponseBase]


def keeping(page: Page[P], *, act: str) -> Callable[[View[P]], View[P]]:
    """A form that shows ``page`` again when it is refused, with this act open. Its room is not in a transaction.

    A question for the second factor, and what is not there or not for this person, go their usual way.
    """

    def dress(view: View[P]) -> View[P]:
        @wraps(view)
        def enter(visit: Visit, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            try:
                with tenant_work(visit.workspace):
                    hold_membership(member=visit.member)
                    return view(visit, *args, **kwargs)
            except (StepUpRequired, MembershipRequired):
                raise
            except DomainError as error:
                if error.status == 404:
                    raise
                refused, status = _refused(visit, act, error), error.status
            with tenant_work(visit.workspace):
                answer = page(visit, refused, *args, **kwargs)
            answer.status_code = status
            return answer

        return enter

    return dress


def _refused(visit: Visit, act: str, error: DomainError) -> Refused:
    refusal = explain(error, workspace_id=visit.workspace.id)
    return Refused(
        act=act,
        problem=Problem(f"{refusal.title}.", f"{refusal.why} {refusal.next}".strip()),
        field=str(error.extra.get("field", "")) or _FIELDS.get(error.code, ""),
        typed={name: values for name, values in visit.request.POST.lists() if name not in _OWN},
    )


def again(page: FinancePage, refused: Refused | None, *, at: str) -> FinancePage:
    """The page with the refused form open in it. ``at`` is the page's own address, where its other forms lead back to.

    What may not be done any more stands on top, with what was typed to be copied.
    """
    if refused is None:
        return page
    if not any(_is_it(each, refused) and each.asks for each in page.acts):
        return replace(page, at=at, problem=refused.problem, note=_typed_words(refused) or page.note)
    return replace(page, at=at, acts=tuple(open_again(each, refused) for each in page.acts))


def open_again(act: Act, refused: Refused | None) -> Act:
    """The act with what was typed and why it was refused, when it is the one."""
    if refused is None or not _is_it(act, refused):
        return act
    problem = refused.about(act.asks)
    is_beside = any(ask.name == refused.field for ask in act.asks)
    asks = tuple(_typed(ask, refused, problem) for ask in act.asks)
    return replace(act, asks=asks, is_open=True, problem=None if is_beside else problem)


def _is_it(act: Act, refused: Refused) -> bool:
    return act.key == refused.act


def _typed(ask: Ask, refused: Refused, problem: Problem) -> Ask:
    error = f"{problem.title} {problem.why}".strip() if ask.name == refused.field else ""
    if ask.type == "checkbox":
        return replace(ask, is_ticked=bool(refused.all(ask.name)), error=error)
    if ask.type == "file" or ask.name not in refused.typed:
        return replace(ask, error=error)
    said = refused.said(ask.name)
    options = tuple(replace(each, selected=each.value == said) for each in ask.options)
    return replace(ask, value=said, options=options, error=error)


def _typed_words(refused: Refused) -> str:
    """What people wrote, of a form that is gone; not its hidden fields."""
    told = [
        text for name, values in refused.typed.items() if name not in {"version", "figures_hash"} for text in values
    ]
    long = [text.strip() for text in told if " " in text.strip()]
    return f"You had written: {' · '.join(long)}" if long else ""
