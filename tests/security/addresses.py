"""Every address that there is, filled in: what a test asks when it says "every page"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from zentra.middleware import BARE_PREFIXES

_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Address:
    """A pattern, and a path that it matches."""

    pattern: str
    name: str
    path: str


def pages(slug: str) -> list[Address]:
    """The console's addresses, with this workspace and with ids that lead nowhere."""
    return [
        Address(route, pattern.name or route, f"/{_filled(route, slug)}")
        for route, pattern in sorted(_patterns(get_resolver()), key=lambda found: found[0])
        if not f"/{route}".startswith(BARE_PREFIXES)
    ]


def operations() -> list[tuple[str, str]]:
    """The API's operations: method and path, with ids that lead nowhere."""
    from zentra.api.v1 import build_api

    found: list[tuple[str, str]] = []
    for prefix, router in build_api()._routers:
        for path, view in router.path_operations.items():
            methods = {method for operation in view.operations for method in operation.methods}
            address = re.sub(r"\{[^}]*\}", "x", "/".join(part.strip("/") for part in (prefix, path) if part.strip("/")))
            found += [(method, f"/v1/{address}") for method in sorted(methods)]
    return sorted(set(found))


def _filled(route: str, slug: str) -> str:
    return _PLACE.sub(lambda place: slug if place[1] == "slug" else "x", route.replace("^", "").replace("$", ""))


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each, prefix + str(each.pattern))
        else:
            yield prefix + str(each.pattern), each
