"""How long tests wait for what must come."""

PATIENCE = 90.0
"""Seconds; on any machine only something that hangs is so late."""
