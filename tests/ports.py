"""Free ports for servers that tests start."""

from runtime.local.ports import free_port

__all__ = ["free_port"]
