"""What a warranty covers: its days, the verdict for one of them, and the best of several."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from domain.warranties.status import SHOWN, CoverageRule, ShownStatus, WarrantyStatus
from domain.warranties.terms import RefundRule, ReplacementRule

LAST_YEAR = date.max.year
ENDS_SOON = timedelta(days=30)
"""So long before its last day it is told that a warranty ends."""


def months_after(start: date, months: int) -> date:
    """Return the same day so many months later, or the last one of a month that has no such day.

    Counted from ``start`` at once, never month by month: case WAR-01. The last day of the calendar
    stands for what lies behind it.
    """
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > LAST_YEAR:
        return date.max
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def last_day(starts_on: date, duration_months: int | None, extended_months: int) -> date | None:
    """Return the last day of a warranty, which is covered, too; None: it holds for a lifetime."""
    if duration_months is None:
        return None
    return months_after(starts_on, duration_months + extended_months)


def replacement_end(
    rule: ReplacementRule,
    former: date | None,
    duration_months: int | None,
    minimum_days: int | None,
    starts_on: date,
) -> date | None:
    """Return the last day of a warranty on what replaces goods on a claim (warranties R9).

    ``former`` is that of the goods', None for a lifetime. A day before ``starts_on`` means that
    nothing of it is left.
    """
    if rule is ReplacementRule.FRESH:
        return last_day(starts_on, duration_months, 0)
    if former is None or rule is ReplacementRule.REMAINING:
        return former
    return max(former, starts_on + timedelta(days=minimum_days or 0))


class DaysLeft(NamedTuple):
    """Of how many days of a warranty how many are left, both inclusive."""

    left: int
    of: int


def refund_days(
    rule: RefundRule, starts_on: date, ends_on: date | None, failed_on: date
) -> DaysLeft | None:
    """Return by which days of a warranty the price of its goods goes back (warranties R7).

    Those that are left on the day of the fault, that one too: all of them on the first day, none
    after the last one. None: all of the price goes back, as always under a lifetime.
    """
    if rule is RefundRule.FULL or ends_on is None:
        return None
    whole = (ends_on - starts_on).days + 1
    left = (ends_on - failed_on).days + 1
    return DaysLeft(max(0, min(left, whole)), whole)


@dataclass(frozen=True, slots=True)
class Promise:
    """What the verdict on a warranty looks at; days are UTC days, the first and last inclusive."""

    status: WarrantyStatus
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether goods are under warranty on a day, and the rule that says so."""

    covered: bool
    rule: CoverageRule

    @property
    def shown(self) -> ShownStatus:
        """The warranty's state on that day."""
        return SHOWN[self.rule]


def judge(promise: Promise, on: date) -> Verdict:
    """Return the verdict on a warranty for a day: the first rule that applies."""
    if promise.status is not WarrantyStatus.ACTIVE:
        return Verdict(covered=False, rule=CoverageRule(promise.status))
    if on < promise.starts_on:
        return Verdict(covered=False, rule=CoverageRule.NOT_STARTED)
    if promise.ends_on is not None and on > promise.ends_on:
        return Verdict(covered=False, rule=CoverageRule.EXPIRED)
    return Verdict(covered=True, rule=CoverageRule.COVERED)


def best(promises: Iterable[Promise], on: date) -> int:
    """Return the place of the warranty that counts on a day, of several on the same goods.

    One that covers the day comes before those that do not, one that was taken back after all
    others, and then the one that ends last; of equals the first. Raises ValueError without any.
    """
    ordered = [
        (
            not judge(one, on).covered,
            one.status is not WarrantyStatus.ACTIVE,
            -(one.ends_on or date.max).toordinal(),
            place,
        )
        for place, one in enumerate(promises)
    ]
    return min(ordered)[-1]
