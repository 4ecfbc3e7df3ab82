"""What we send out: endpoints, deliveries, attempts, replay, health."""
