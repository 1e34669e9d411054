"""Answers {zone: [[seconds, local seconds of that UTC time, UTC seconds of that wall clock]]} as Python's zoneinfo reads them: from 1900 to 2207, more of them from 1975 to 2100, and around the changes of one year."""
import json
import random
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

random.seed(int(sys.argv[1]))
EPOCH = datetime(1970, 1, 1)


def offset(zone, utc):
    return zone.utcoffset((EPOCH + timedelta(seconds=utc)).replace(tzinfo=timezone.utc).astimezone(zone)) // timedelta(seconds=1)


def row(zone, at):
    wall = (EPOCH + timedelta(seconds=at)).replace(tzinfo=zone)
    return [at, at + offset(zone, at), at - wall.utcoffset() // timedelta(seconds=1)]


found = {}
for name in sorted(zoneinfo.available_timezones()):
    if name in ('localtime', 'Factory'):
        continue
    zone = zoneinfo.ZoneInfo(name)
    rows = [row(zone, random.randrange(-2208988800, 7500000000)) for _ in range(20)]
    rows += [row(zone, random.randrange(157766400, 4102444800)) for _ in range(60)]
    start = (datetime(random.randrange(1975, 2100), 1, 1) - EPOCH) // timedelta(seconds=1)
    days = [start + day * 86400 for day in range(367)]
    for low, high in zip(days, days[1:]):
        before = offset(zone, low)
        if offset(zone, high) != before:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            rows += [row(zone, high + shift + step * 900) for shift in (0, before) for step in range(-8, 9)]
    found[name] = rows
print(json.dumps(found))
