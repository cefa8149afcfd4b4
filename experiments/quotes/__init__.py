"""Recorded quotes: read, replayed into one venue per publisher, and what they say of queues and benchmark prices."""
