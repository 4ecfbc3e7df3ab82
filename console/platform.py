"""Forms of the platform's staff that act on another workspace, or on none."""

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect

from console.doors import Visit, back
from console.forms import Done
from zentra.core.tenancy import tenant_work
from zentra.tenants.operations import hold_membership


def act_across(visit: Visit, *, effect: Callable[[], str | Done], to: str = "") -> HttpResponse:
    """Do what a form asks for in one transaction, outside any workspace, while its sender stays what they are.

    What is done is safe to repeat by itself: by a version, a state or a name that is there once. So no key is kept.
    """
    with transaction.atomic():
        with tenant_work(visit.workspace):
            hold_membership(member=visit.member)
        done = effect()
    said = Done(done) if isinstance(done, str) else done
    messages.success(visit.request, said.said)
    return HttpResponseRedirect(said.to or to or back(visit))
