"""Sending again what a person asks for: one delivery, one event, or everything in a range.

``scope`` says what a range is, ``requesting`` puts deliveries back on their way, ``single`` does so at once for what
one person chose, ``sending_event`` for an endpoint that never had the event, ``jobs`` starts and cancels a range,
``working`` works it off a slice at a time, and ``queries`` tells how far it is.
"""
