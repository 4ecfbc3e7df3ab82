"""What a packet shows of this app: the callbacks that came in, and each delivery with its attempts up to sealing."""

from webhooks.inbound.queries import callbacks_of_intent
from webhooks.outbound import streams
from webhooks.outbound.queries import deliveries_of_intent
from webhooks.types import AttemptRecord, CallbackRecord, DeliveryDetail, DeliveryRecord
from zentra.core.clock import iso


class DeliverySection:
    """The packet section ``webhooks`` (Protocol ``evidence.types.PacketSection``)."""

    name = "webhooks"

    def build(self, *, intent_id: str) -> dict[str, object] | None:
        """Callbacks, deliveries, and which deliveries had not arrived; None when there was neither."""
        callbacks = callbacks_of_intent(intent_id=intent_id)
        deliveries = deliveries_of_intent(intent_id=intent_id)
        if not callbacks and not deliveries:
            return None
        up_to = streams.awaited_up_to(intent_id)
        return {
            "callbacks": [_callback(each) for each in callbacks],
            "deliveries": [_delivery(each, up_to) for each in deliveries],
            "undelivered": [
                each.delivery.id
                for each in deliveries
                if _is_awaited(each.delivery, up_to) and each.delivery.state != "resolved"
            ],
        }


def _is_awaited(record: DeliveryRecord, up_to: int | None) -> bool:
    """Whether the stream waits for it: later events than the awaited ones are on their way when a packet is sealed."""
    return record.is_awaited and (up_to is None or record.leaf_index <= up_to)


def _callback(record: CallbackRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "rail_id": record.rail_id,
        "provider_event_id": record.provider_event_id,
        "received_at": iso(record.recorded_at),
        "signed_at": iso(record.signed_at) if record.signed_at else None,
        # A person corrected the body; the provider's signature held for the original, which is kept beside it.
        "signature": "repaired" if record.source == "repair" else "verified",
        "source": record.source,
        "scheme": record.scheme,
        "body_sha256": record.body_sha256,
        "arrival": record.arrival,
        "converged_on": record.first_id,
        "state": record.state,
        "effect": record.effect,
        "mutations": record.mutations,
        "posting_id": record.posting_id,
    }


def _delivery(detail: DeliveryDetail, up_to: int | None) -> dict[str, object]:
    record = detail.delivery
    return {
        "id": record.id,
        "endpoint_id": record.endpoint_id,
        "event_id": record.event_id,
        "event_type": record.event_type,
        "leaf_index": record.leaf_index,
        "state": record.state,
        "awaited": _is_awaited(record, up_to),
        "resolved_at": iso(record.resolved_at) if record.resolved_at else None,
        "attempts": [_attempt(each) for each in detail.attempts],
    }


def _attempt(record: AttemptRecord) -> dict[str, object]:
    # Answers of a customer's server may say anything, also about people: a packet keeps the facts around them only.
    return {
        "id": record.id,
        "number": record.number,
        "trigger": record.trigger,
        "started_at": iso(record.started_at),
        "duration_ms": record.duration_ms,
        "status": record.response_status,
        "error_class": record.error_class,
        "signature_verified": record.is_signature_verified,
    }
