"""Everything under ``/v1/``; what is nowhere else is a 404 problem, not a page."""

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from zentra.api import problems
from zentra.api.v1 import build_api
from zentra.tenants.access import PUBLIC, require


@csrf_exempt
@require(PUBLIC)
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Any other address."""
    return problems.problem_response(problems.RouteNotFound(f"There is no {request.path}."))


urlpatterns = [
    path("", build_api().urls),
    re_path(r"^.*$", nothing_here),
]
