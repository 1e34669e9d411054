"""Reads `start<TAB>rule<TAB>zone` a line; answers the first 20 occurrences that python-dateutil finds before 2050: wall clock, or UTC when there is a zone."""
import signal
import sys
from datetime import datetime, timezone
from itertools import islice
from zoneinfo import ZoneInfo
from dateutil.rrule import rrulestr

HORIZON = datetime(2050, 1, 1)


def expire(signum, frame):
    raise TimeoutError()


def answer(start, rule, zone):
    first = datetime.strptime(start, '%Y%m%dT%H%M%S' if 'T' in start else '%Y%m%d')
    if zone:
        first = first.replace(tzinfo=ZoneInfo(zone))
    found = []
    for at in islice(rrulestr(rule, dtstart=first), 20):
        if at.replace(tzinfo=None) >= HORIZON:
            break
        found.append((at.astimezone(timezone.utc) if zone else at).strftime('%Y%m%dT%H%M%S'))
    return ' '.join(found)


signal.signal(signal.SIGVTALRM, expire)
for line in sys.stdin:
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.008)
        told = answer(*line.rstrip('\n').split('\t'))
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except TimeoutError:
        told = 'late'
    except ValueError as error:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        told = f'error {error}'
    sys.stdout.write(told + '\n')
