"""A schedule: the moments at which a job is added, as a pure function of time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import HOUR_FIELD, CroniterError, croniter

from queues.conf import settings
from queues.exceptions import InvalidSchedule

CRON_FIELDS = 5
LONGEST_SECONDS = 366 * 86400
UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Either `cron` (five fields, or an alias such as @daily) in an IANA `timezone` (Django's TIME_ZONE when empty), or
    `every_seconds`, whose slots are aligned to the epoch. `data` is the payload of each run. Raises InvalidSchedule.

    Slots are whole unix seconds. When clocks are put forward, a slot that falls into the gap is the first moment after
    it; when they are put back, a slot in the repeated hour comes once, unless the cron text names every hour: then all
    hours that pass are meant. This is Vixie cron's rule.
    """

    name: str
    cron: str = ""
    timezone: str = ""
    every_seconds: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidSchedule("A schedule needs a name.")
        if bool(self.cron) == bool(self.every_seconds):
            raise InvalidSchedule(f"The schedule {self.name!r} needs either cron= or every=, and not both.")
        if self.timezone and not self.cron:
            raise InvalidSchedule(f"The schedule {self.name!r} has a timezone, which means something only with cron=.")
        if self.cron:
            self._check_zone()
            self._check_cron()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone or settings.time_zone)

    @property
    def words(self) -> str:
        """For people: `every 5 minutes`, `cron 30 5 * * mon (Europe/Budapest)`."""
        if self.cron:
            return f"cron {self.cron} ({self.zone.key})"
        unit, seconds = next((unit, seconds) for unit, seconds in UNITS if self.every_seconds % seconds == 0)
        count = self.every_seconds // seconds
        return f"every {unit}" if count == 1 else f"every {count} {unit}s"

    def latest_slot(self, now: float) -> int:
        """The last slot that is not after `now`."""
        if self.every_seconds:
            return int(now // self.every_seconds) * self.every_seconds
        return next(slot for slot in self._cron_slots(math.floor(now) + 1, backwards=True) if slot <= now)

    def next_slot(self, now: float) -> int:
        """The first slot after `now`."""
        if self.every_seconds:
            return self.latest_slot(now) + self.every_seconds
        return next(slot for slot in self._cron_slots(math.floor(now), backwards=False) if slot > now)

    def _cron_slots(self, start: int, *, backwards: bool) -> Iterator[int]:
        moment = datetime.fromtimestamp(start, self.zone)
        while True:
            times = croniter(self.cron, moment)
            moment = times.get_prev(datetime) if backwards else times.get_next(datetime)
            if not (_is_repeated(moment) and self._has_fixed_hours()):
                yield int(moment.timestamp())

    def _has_fixed_hours(self) -> bool:
        hours: list[Any] = croniter.expand(self.cron)[0][HOUR_FIELD]
        return hours != ["*"] and len(hours) < 24

    def _check_zone(self) -> None:
        try:
            ZoneInfo(self.timezone or settings.time_zone)
        except (KeyError, ValueError, OSError, TypeError) as error:
            raise InvalidSchedule(f"The schedule {self.name!r} is in a timezone that does not exist, {self.timezone!r}.") from error

    def _check_cron(self) -> None:
        try:
            fields = croniter.expand(self.cron)[0]
            croniter(self.cron, 0).get_next()  # there are texts that never come true, such as 30 February
        except (CroniterError, AttributeError) as error:  # the latter for what is no text
            raise InvalidSchedule(f"The schedule {self.name!r} has the cron text {self.cron!r}, which is none: {error}.") from error
        is_random = not {"h", "r"}.isdisjoint(re.findall("[a-z]+", self.cron.lower()))  # each process would have slots of its own
        if len(fields) != CRON_FIELDS or is_random:
            raise InvalidSchedule(f"The schedule {self.name!r} needs a cron text of five fields, without H or R, not {self.cron!r}.")


def seconds_of(name: str, every: float | timedelta | None) -> int:
    """`every` as whole seconds, 0 for None. Raises InvalidSchedule."""
    if every is None:
        return 0
    seconds = every.total_seconds() if isinstance(every, timedelta) else every
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not 1 <= seconds <= LONGEST_SECONDS or seconds % 1:
        raise InvalidSchedule(f"The schedule {name!r} needs every= in whole seconds, from one to those of a year, not {every!r}.")
    return int(seconds)


def _is_repeated(moment: datetime) -> bool:
    """Whether the clock showed this time before, an hour ago or so."""
    return moment.fold == 1 and moment.utcoffset() != moment.replace(fold=0).utcoffset()
