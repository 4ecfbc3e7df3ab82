"""Template tags of the console: glyphs, marks, copy buttons and the idempotency field of every form."""

from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from console.types import Mark
from zentra.core.ids import new_uuid
from zentra.tenants.passkeys.queries import has_passkey

register = template.Library()

# Our own drawings on an 11 × 11 grid, stroked in the current colour.
_LINE: Final = 'fill="none" stroke="currentColor" stroke-width="1.5"'
GLYPHS: Final = {
    "ring": f'<circle cx="5.5" cy="5.5" r="4" {_LINE}/>',
    "gate": f'<path d="M5.5 1 10 5.5 5.5 10 1 5.5Z" {_LINE}/><circle cx="5.5" cy="5.5" r="1" fill="currentColor"/>',
    "lines": '<path d="M1 3h9M1 8h9" stroke="currentColor" stroke-width="2"/>',
    "route": f'<path d="M1 9 5 4l2 2 3-5" {_LINE}/>',
    "sync": f'<path d="M1.5 4.5a4.2 4.2 0 0 1 7.6-1M9.5 6.5a4.2 4.2 0 0 1-7.6 1M9 1v2.7H6.6M2 10V7.3h2.4" {_LINE}/>',
    "check": '<path d="M1 5.500 4.200 9 10 2" fill="none" stroke="currentColor" stroke-width="1.8"/>',
    "arc": f'<path d="M1 5.500a4.500 4.500 0 0 1 8-2.500" {_LINE}/>',
    "bars": '<path d="M3 1v9M8 1v9" stroke="currentColor" stroke-width="2"/>',
    "cross": '<path d="M2 2l7 7M9 2l-7 7" stroke="currentColor" stroke-width="1.8"/>',
    "clock": f'<circle cx="5.5" cy="5.5" r="4.500" {_LINE}/><path d="M5.5 3v2.700l2 1.300" {_LINE}/>',
    "up": f'<path d="M5.5 10V2M2 5l3.500-3.500L9 5" {_LINE}/>',
    "dash": '<path d="M1.500 5.500h8" stroke="currentColor" stroke-width="2"/>',
    "back": f'<path d="M4 1 1.500 3.500 4 6M1.500 3.500H7a2.700 2.700 0 0 1 0 6H4" {_LINE}/>',
    "lock": f'<rect x="1.5" y="5" width="8" height="5.2" {_LINE}/><path d="M3.5 5V3.2a2 2 0 0 1 4 0V5" {_LINE}/>',
    "off": f'<path d="M1 1l9 9M2 4.800a5 5 0 0 1 7.300.4M3.800 7a2.600 2.600 0 0 1 3 0" {_LINE}/>',
    "copy": f'<rect x="3.5" y="3.5" width="6.5" height="6.5" {_LINE}/><path d="M7.5 1H2a1 1 0 0 0-1 1v5.5" {_LINE}/>',
}


@register.simple_tag
def glyph(name: str) -> SafeString:
    """A drawing; decoration only, so hidden from assistive technology (the word is beside it)."""
    return mark_safe(  # noqa: S308  # our own drawings, no input
        f'<svg viewBox="0 0 11 11" aria-hidden="true">{GLYPHS.get(name, GLYPHS["ring"])}</svg>'
    )


@register.simple_tag
def status(value: Mark) -> SafeString:
    """Glyph and word in the state's tone."""
    return format_html('<span class="st t-{}">{}{}</span>', value.tone, glyph(value.glyph), value.word)


@register.simple_tag
def copy(text: str, what: str = "") -> SafeString:
    """A button that copies an id, or ``what`` when the text is too long to be its name; only where scripts run."""
    if not text:
        return SafeString("")
    return format_html(
        '<button type="button" class="copy only-js" data-copy="{}" aria-label="Copy {}" title="Copy">{}</button>',
        text,
        what or text,
        glyph("copy"),
    )


@register.simple_tag
def idempotency() -> SafeString:
    """The hidden key that lets a form act once, however often it is sent."""
    return format_html('<input type="hidden" name="idempotency_key" value="{}">', new_uuid())


@register.inclusion_tag("console/parts/passkey_button.html", takes_context=True)
def passkey_button(context: dict[str, Any]) -> dict[str, bool]:
    """The way to confirm a form by a passkey, for who has one. A page with several forms asks once."""
    request = context["request"]
    if not hasattr(request, "_has_passkey"):
        request._has_passkey = has_passkey(user_id=str(request.user.pk))
    return {"has_passkey": request._has_passkey}
