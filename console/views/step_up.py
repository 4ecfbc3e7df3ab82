"""The page that asks for the second factor and posts the same form again."""

from typing import Final

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from console.doors import Visit, back
from console.shell import build_shell
from console.types.step_up import KeptField, StepUpPage
from zentra.tenants.step_up import CODE_FIELD, PASSKEY_FIELD, StepUpNotEnrolled, StepUpRequired, has_second_factor

_OWN: Final = frozenset({"csrfmiddlewaretoken", CODE_FIELD, PASSKEY_FIELD, "next"})


def ask_step_up(visit: Visit, asked: StepUpRequired) -> HttpResponse:
    """Everything that was typed, hidden, and a field for the code. Runs inside the workspace."""
    came_from = back(visit)
    typed = ((name, value) for name, values in visit.request.POST.lists() for value in values if name not in _OWN)
    is_wrong = asked.code in ("step_up_refused", "step_up_limited")
    page = StepUpPage(
        heading=StepUpRequired.title if is_wrong else asked.title,
        title=asked.title,
        why=asked.detail if asked.detail != asked.title else "",
        action=visit.request.get_full_path(),
        back_url=came_from,
        # The next page would otherwise be this one, which is nowhere to go back to.
        kept=(*(KeptField(name, value) for name, value in typed), KeptField("next", came_from)),
        files=tuple(visit.request.FILES),
        is_enrolled=not isinstance(asked, StepUpNotEnrolled) and has_second_factor(visit.request.user),
        enrol_url=reverse("mfa_activate_totp"),
        minutes=max(1, settings.ZENTRA_STEP_UP_SECONDS // 60),
        is_wrong=is_wrong,
    )
    context = {"shell": build_shell(visit, room="", live=False), "page": page}
    answer = render(visit.request, "console/step_up.html", context, status=asked.status)
    answer.headers["Cache-Control"] = "no-store"
    if asked.retry_after:
        answer.headers["Retry-After"] = str(asked.retry_after)
    return answer
