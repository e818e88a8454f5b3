"""Policy: the business settings, made once by a process and given to what decides by them."""

from datetime import timedelta

from domain.value import Value


class Policy(Value):
    """What the company has decided; each setting can be changed without a new release."""

    payment_window: timedelta = timedelta(minutes=30)
    """How long a card order waits for an authorization before it is cancelled."""
