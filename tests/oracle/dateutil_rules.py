"""Reads {start, rule, limit} a line, answers the first occurrences that python-dateutil finds (naive wall clock), or why there are none."""
import json
import signal
import sys
from datetime import datetime
from itertools import takewhile, islice
from dateutil.rrule import rrulestr

HORIZON = datetime(2060, 1, 1)


def expire(signum, frame):
    raise TimeoutError()


signal.signal(signal.SIGVTALRM, expire)
for line in sys.stdin:
    ask = json.loads(line)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.008)
        rule = rrulestr(ask['rule'], dtstart=datetime.strptime(ask['start'], '%Y%m%dT%H%M%S'))
        found = takewhile(lambda at: at < HORIZON, islice(rule, ask['limit']))
        answer = {'found': [at.strftime('%Y%m%dT%H%M%S') for at in found]}
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except TimeoutError:
        answer = {'late': True}
    except ValueError as error:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        answer = {'error': str(error)}
    print(json.dumps(answer))
