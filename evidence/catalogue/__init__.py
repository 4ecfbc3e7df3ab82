"""The one catalogue of event types. Recording a type that is not here is refused; docs and schemas are made from it.

``proof`` names the field of the event, dotted, that a packet shows as the proof kept. A type that is only announced
(one fact, several names: docs/decisions/0006) is here too, so that endpoints can subscribe to it.

A new type is a row in the file of its stage (``accepted``, ``controlled``, ``ledgered``, ``accounts``, ``holds``,
``reviews``, ``parties``, ``routed``, ``callbacks``, ``synchronized``, ``endpoints``, ``alarms``, ``limits``,
``people``, ``roles``, ``reconciliation``, ``evidenced``) with every field of its data;
then ``python -m evidence.catalogue > docs/events.md``.
"""

from evidence.catalogue.pages import as_markdown
from evidence.catalogue.rows import ALL, CATALOGUE, deliverable_types, describe
from evidence.catalogue.schemas import data_schema, example, schema
from evidence.catalogue.types import VERSION, EventType, Stage, UnknownEventType

__all__ = [
    "ALL",
    "CATALOGUE",
    "VERSION",
    "EventType",
    "Stage",
    "UnknownEventType",
    "as_markdown",
    "data_schema",
    "deliverable_types",
    "describe",
    "example",
    "schema",
]
