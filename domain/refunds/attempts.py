"""Tries of refunds that do not end as their provider had said."""


def after_all_key(key: object) -> str:
    """The key of what has moved by a try that the provider had taken back, and stands after all."""
    return f"{key}/after-all"
