"""Places: how many requests of one caller, and of all, are served at once."""

from collections import Counter

from api.refusals import TooManyAtOnce


class Places:
    """The requests under way by caller; where all places are taken, each caller may have one."""

    def __init__(self, each: int, together: int) -> None:
        """``each`` of one caller, ``together`` of all; 0 means any number."""
        self._each = each
        self._together = together
        self._taken: Counter[str] = Counter()
        self._all = 0

    def take(self, caller: str) -> None:
        """Take a place, to be left again; raises TooManyAtOnce."""
        mine = self._taken[caller]
        if self._each and mine >= self._each:
            raise TooManyAtOnce(f"{mine} requests of yours are under way; wait for their answers")
        if self._together and mine and self._all >= self._together:
            raise TooManyAtOnce("this server is full; wait for the answers of your other requests")
        self._taken[caller] += 1
        self._all += 1

    def leave(self, caller: str) -> None:
        """Leave a place."""
        self._all -= 1
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]
