"""What a person may do with a case now, each as a dialog of the page; and why they may not decide it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from django.urls import reverse

from console.doors import Visit
from console.presenters import cases
from console.presenters.words import money, stamp
from console.readings.intents import assignees
from console.refusals import explain
from console.types import Person
from console.types.cases import Act, CaseForm, Choice
from policy.reviews import codes
from policy.reviews.people import DECIDES
from policy.reviews.types import ReviewApproval, ReviewRecord
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission
from zentra.tenants.step_up import has_second_factor, is_stepped_up

SNOOZES: Final[Mapping[str, tuple[str, timedelta]]] = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("An hour", timedelta(hours=1)),
    "4h": ("Four hours", timedelta(hours=4)),
    "1d": ("A day", timedelta(days=1)),
    "3d": ("Three days", timedelta(days=3)),
}
LAST_ESCALATION: Final = 2
UPLOAD_HINT: Final = "PDF, PNG, JPEG, text or CSV, at most 10 MB. It is kept with the case."


@dataclass(frozen=True, slots=True)
class Returned:
    """A form that was refused: which, why, and everything that was typed."""

    act: str
    problem: str
    problem_next: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The words that were typed."""
        return self.fields.get("reason") or self.fields.get("text") or self.fields.get("note") or ""

    @classmethod
    def of(cls, visit: Visit, act: str, error: DomainError) -> "Returned":
        """The refusal of what was just posted. A code is never shown again."""
        refusal = explain(error, workspace_id=visit.workspace.id)
        kept = ("reason", "text", "note", "reason_code", "outcome_code", "until", "to")
        fields = {name: visit.request.POST.get(name, "")[:2000] for name in kept}
        return cls(act, f"{refusal.title}. {refusal.why}".strip(), refusal.next, fields)

    def value(self, act: str, name: str) -> str:
        """What was typed into a field of this act's form."""
        return self.fields.get(name, "") if self.act == act else ""


NOTHING: Final = Returned("", "", "")


def why_not(
    visit: Visit,
    review: ReviewRecord,
    approvals: Sequence[ReviewApproval],
    names: Mapping[str, str],
) -> str:
    """Why this person cannot decide the case now, in a sentence; empty when they can. The server refuses it anyway."""
    me = visit.member.user_id
    if not review.is_open:
        return ""
    if not visit.may(Permission.REVIEWS_DECIDE):
        return f"As {visit.member.role} you can follow this case; who has “reviews.decide” decides it."
    if not DECIDES[review.queue] & visit.member.permissions:
        return f"It is with {review.queue}, who decide it. You can follow it and write notes."
    if review.maker == me:
        return "You made it. Another person has to decide it."
    holding = cases.holder(review, visit.now)
    if holding and holding != me and review.claimed_until:
        who = cases.person(holding, names)
        return f"{who} works on it until {stamp(review.claimed_until)} UTC, or until they let it go."
    if any(each.by_user == me for each in approvals):
        return "You gave the first approval. The second one is another person's."
    if approvals and review.edited_by == me:
        return "You changed this case last, so the second approval is another person's."
    return ""


def act_forms(
    visit: Visit, review: ReviewRecord, *, given: int, cannot: str, here: str, returned: Returned | None
) -> tuple[CaseForm, ...]:
    """The dialogs of the case, the primary one first."""
    if not review.is_open:
        return ()
    back = returned or NOTHING
    open_act = visit.request.GET.get("act", "") if returned is None else returned.act
    forms: list[CaseForm] = []
    if not cannot:
        forms += _decisions(visit, review, given, here, back)
        if review.escalation < LAST_ESCALATION:
            forms.append(_escalate(review, here))
        forms.append(_snooze(here, back))
    if visit.may(Permission.REVIEWS_ASSIGN) and not _is_others(review, visit):
        forms.append(_hand_over(visit, review, here, back))
    return tuple(_finished(form, here, back, open_act) for form in forms)


def _finished(form: CaseForm, here: str, back: Returned, open_act: str) -> CaseForm:
    is_back = back.act == form.act
    return replace(
        form,
        open_url=f"{here}?act={form.act}",
        is_open=form.act == open_act,
        typed=back.value(form.act, "reason"),
        problem=back.problem if is_back else "",
        problem_next=back.problem_next if is_back else "",
    )


def _decisions(visit: Visit, review: ReviewRecord, given: int, here: str, back: Returned) -> list[CaseForm]:
    if review.case_kind != "intent":
        return [_resolve(here, back)]
    asks, enrol = _second_factor(visit)
    shown = money(review.amount_minor, review.currency)
    amount = f"{shown.major} {shown.currency}"
    verb = f"Approve {given + 1} of {review.approvals_needed}" if review.needs_two else "Approve"
    first = review.needs_two and not given
    return [
        CaseForm(
            act="approve",
            title=f"{verb} · {review.subject} · {amount}",
            verb=verb,
            url=f"{here}decide/",
            words="A second person approves after you; nothing posts before."
            if first
            else "It posts at once and goes on to a rail. What time could have changed is checked again.",
            key="a",
            codes=cases.choices(codes.APPROVE, chosen=back.value("approve", "reason_code")),
            asks_code=asks,
            enrol_url=enrol,
            is_primary=True,
            placeholder="Why, in one sentence",
        ),
        CaseForm(
            act="decline",
            title=f"Decline · {review.subject} · {amount}",
            verb="Decline",
            url=f"{here}decide/",
            words="Nothing posts; what it had reserved of its limits is free again.",
            key="d",
            codes=cases.choices(codes.DECLINE, chosen=back.value("decline", "reason_code")),
            asks_code=asks,
            enrol_url=enrol,
            is_warning=True,
            placeholder="Why, in one sentence",
        ),
    ]


def _resolve(here: str, back: Returned) -> CaseForm:
    return CaseForm(
        act="resolve",
        title="End this case",
        verb="Resolve",
        url=f"{here}decide/",
        words="It moves no money: say what came of it, and why.",
        key="a",
        outcomes=cases.choices(codes.OUTCOMES, chosen=back.value("resolve", "outcome_code")),
        codes=cases.choices(codes.RESOLVE, chosen=back.value("resolve", "reason_code")),
        is_primary=True,
        placeholder="What was done",
    )


def _escalate(review: ReviewRecord, here: str) -> CaseForm:
    to = "compliance" if not review.escalation else "an admin"
    return CaseForm(
        act="escalate",
        title=f"Escalate to {to}",
        verb="Escalate",
        url=f"{here}escalate/",
        words=f"The case goes to {to}, who own it from then on. Your claim ends.",
        key="e",
        placeholder="What they should look at",
    )


def _snooze(here: str, back: Returned) -> CaseForm:
    chosen = back.value("snooze", "until")
    times = tuple(
        Choice(code, words, str(number), code == chosen)
        for number, (code, (words, _)) in enumerate(SNOOZES.items(), start=1)
    )
    return CaseForm(
        act="snooze",
        title="Snooze",
        verb="Snooze",
        url=f"{here}snooze/",
        words="It leaves the queue until then. Its time limit runs on, and it stays yours to answer for.",
        key="s",
        times=times,
        placeholder="What it waits for",
    )


def _hand_over(visit: Visit, review: ReviewRecord, here: str, back: Returned) -> CaseForm:
    return CaseForm(
        act="hand-over",
        title="Hand over",
        verb="Hand over",
        url=f"{here}hand-over/",
        words="They own it from then on, and it is free for them to claim.",
        key="h",
        people=tuple(each for each in _able(visit, review) if each.id != visit.member.user_id),
        person=back.value("hand-over", "to"),
        placeholder="What they need to know",
    )


def _able(visit: Visit, review: ReviewRecord) -> tuple[Person, ...]:
    return tuple(each for each in assignees(visit.member) if each.id != review.maker)


def _second_factor(visit: Visit) -> tuple[bool, str]:
    """Whether a decision asks for a code, and where to set one up for who has none."""
    if is_stepped_up(visit.request, visit.now):
        return False, ""
    return True, "" if has_second_factor(visit.request.user) else reverse("mfa_activate_totp")


def _is_others(review: ReviewRecord, visit: Visit) -> bool:
    holding = cases.holder(review, visit.now)
    return bool(holding) and holding != visit.member.user_id


def note_form(visit: Visit, review: ReviewRecord, here: str, returned: Returned | None) -> CaseForm | None:
    """Where a note is written, for who may say something about a case."""
    return _small("note", "Add note", visit, review, f"{here}note/", returned)


def attach_form(visit: Visit, review: ReviewRecord, here: str, returned: Returned | None) -> CaseForm | None:
    """Where a file is put to the case."""
    return _small("attach", "Attach", visit, review, f"{here}attach/", returned)


def _small(
    act: Act, verb: str, visit: Visit, review: ReviewRecord, url: str, returned: Returned | None
) -> CaseForm | None:
    if not review.is_open or not visit.may(Permission.REVIEWS_ASSIGN):
        return None
    is_back = returned is not None and returned.act == act
    return CaseForm(
        act=act,
        title=verb,
        verb=verb,
        url=url,
        typed=returned.text if is_back and returned else "",
        problem=returned.problem if is_back and returned else "",
        problem_next=returned.problem_next if is_back and returned else "",
        upload_hint=UPLOAD_HINT,
    )
