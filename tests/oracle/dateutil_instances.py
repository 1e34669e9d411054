"""
Reads the path of an iCalendar file a line; answers what happens in it from 2000 to 2040, as `start/end` in UTC seconds, ascending (or why it
cannot say). A reader of its own over python-dateutil's rules: RFC 5545 3.3.5 (times), 3.6.5 (time zones), 3.8.4.4 (overrides), 3.8.5
(repetitions). Times without a zone are those of ZONE.
"""
import re
import sys
from datetime import datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError
from dateutil.rrule import rrulestr

ZONE = sys.argv[1]
EPOCH = datetime(1970, 1, 1)
FROM, TO = datetime(2000, 1, 1), datetime(2041, 1, 1)
MOST = 16000
LINE = re.compile(r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)', re.S)
PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)')
DURATION = re.compile(r'([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$')


class Component:
    def __init__(self, name):
        self.name, self.lines, self.parts = name, [], []

    def all(self, name):
        return [(parameters, value) for found, parameters, value in self.lines if found == name]

    def one(self, name):
        return (self.all(name) or [None])[0]


def parse(data):
    text = re.sub(r'\r?\n[ \t]', '', data.decode('utf-8-sig'))
    root = Component('')
    stack = [root]
    for line in re.split(r'\r?\n', text):
        if not line.strip():
            continue
        found = LINE.fullmatch(line)
        # what is strange elsewhere does not matter here: no time is written like that
        name, parameters, value = found.groups() if found else (re.split('[;:]', line)[0], '', '')
        name = name.upper()
        if name == 'BEGIN':
            part = Component(value.strip().upper())
            stack[-1].parts.append(part)
            stack.append(part)
        elif name == 'END':
            stack.pop()
        else:
            stack[-1].lines.append((name, {key.upper(): text.strip('"') for key, text in PARAMETER.findall(parameters)}, value.strip()))
    return root.parts[0]


def wall(text):
    text = text.upper().rstrip('Z')
    # 3.3.12: second 60 for those who do not keep leap seconds
    if len(text) == 15 and text.endswith('60'):
        text = text[:-2] + '59'
    return datetime.strptime(text, '%Y%m%dT%H%M%S' if 'T' in text else '%Y%m%d')


class Named:
    """A zone of the system."""

    def __init__(self, name):
        self.zone = ZoneInfo(name)

    def utc(self, at):
        return at - at.replace(tzinfo=self.zone).utcoffset()

    def local(self, at):
        return at.replace(tzinfo=timezone.utc).astimezone(self.zone).replace(tzinfo=None)


class Described:
    """A VTIMEZONE (3.6.5): the onsets of its observances in order; before the first one its TZOFFSETFROM holds."""

    def __init__(self, component):
        onsets = []
        for part in component.parts:
            before, after = (self.offset(part.one(name)[1]) for name in ('TZOFFSETFROM', 'TZOFFSETTO'))
            start = wall(part.one('DTSTART')[1])
            found = {start}
            for _, rule in part.all('RRULE'):
                found.update(starts(rule, start, lambda at: at - before, TO))
            for _, values in part.all('RDATE'):
                found.update(wall(value.split('/')[0]) for value in values.split(','))
            onsets += [(at - before, before, after) for at in found]
        self.onsets = sorted(onsets, key=lambda onset: onset[0])

    @staticmethod
    def offset(text):
        sign = -1 if text[0] == '-' else 1
        return sign * timedelta(hours=int(text[1:3]), minutes=int(text[3:5]), seconds=int(text[5:7] or 0))

    def shift(self, utc):
        last = None
        for onset in self.onsets:
            if onset[0] > utc:
                break
            last = onset
        return last[2] if last else self.onsets[0][1]

    # 3.3.5: what comes twice is the first, what is jumped over has the offset before
    def utc(self, at):
        shifts = [self.shift(at - timedelta(days=1)), self.shift(at + timedelta(days=1))]
        fitting = [at - shift for shift in shifts if self.shift(at - shift) == shift]
        return min(fitting) if fitting else at - shifts[0]

    def local(self, at):
        return at + self.shift(at)


class Time:
    def __init__(self, at, kind, zone=None):
        self.at, self.kind, self.zone = at, kind, zone

    def utc(self):
        return self.at if self.kind == 'utc' else (self.zone or FLOATING).utc(self.at)

    def to(self, at):
        return Time(at, self.kind, self.zone)


FLOATING = Named(ZONE)


class Reader:
    def __init__(self, calendar):
        self.calendar = calendar
        self.zones = {}

    def zone(self, name):
        if name not in self.zones:
            own = [part for part in self.calendar.parts if part.name == 'VTIMEZONE' and re.sub(r'\\(.)', r'\1', part.one('TZID')[1]).strip() == name.strip()]
            try:
                self.zones[name] = Described(own[0]) if own and own[0].parts else Named(name.strip())
            except (ZoneInfoNotFoundError, ValueError):
                self.zones[name] = None
        return self.zones[name]

    def time(self, parameters, value):
        if 'T' not in value.upper():
            return Time(wall(value), 'date')
        if value.upper().endswith('Z'):
            return Time(wall(value), 'utc')
        zone = self.zone(parameters['TZID']) if 'TZID' in parameters else None
        return Time(wall(value), 'zone' if zone else 'floating', zone)

    def property(self, component, name):
        found = component.one(name)
        return found and self.time(*found)

    def start(self, component):
        return self.property(component, 'DTSTART') or (self.property(component, 'DUE') if component.name == 'VTODO' else None) or self.property(component, 'RECURRENCE-ID')

    def length(self, component, start):
        """3.8.5.3: (days on the wall clock, exact seconds)."""
        end = self.property(component, 'DUE' if component.name == 'VTODO' else 'DTEND')
        if end:
            if start.kind == 'date' and end.kind == 'date':
                days = (end.at - start.at).days
                # 3.6.1 wants an end after the start; some write the day itself
                if days > 0 or (days == 0 and component.name == 'VTODO'):
                    return timedelta(days), timedelta(0)
            else:
                floats = start.kind in ('floating', 'date') or end.kind in ('floating', 'date')
                exact = end.at - start.at if floats else end.utc() - start.utc()
                if exact >= timedelta(0):
                    return timedelta(0), exact
        if component.one('DURATION'):
            return duration(component.one('DURATION')[1])
        return timedelta(1 if start.kind == 'date' and component.name != 'VTODO' else 0), timedelta(0)

    def group(self, components):
        masters = [one for one in components if not one.one('RECURRENCE-ID')]
        overrides = [one for one in components if one.one('RECURRENCE-ID')]
        moved = [(self.property(one, 'RECURRENCE-ID'), one) for one in overrides]
        found = []
        for one in overrides:
            start = self.start(one)
            end = self.property(one, 'DUE' if one.name == 'VTODO' else 'DTEND')
            found.append(self.span(start, self.length(one, start), end))
        for master in masters:
            start = self.start(master)
            if start is None:
                continue
            if not master.one('RRULE') and not master.one('RDATE'):
                if not any(self.same(identity, start) for identity, _ in moved):
                    end = self.property(master, 'DUE' if master.name == 'VTODO' else 'DTEND')
                    found.append(self.span(start, self.length(master, start), end))
                continue
            found += self.series(master, start, moved)
            moved = []
        return found

    def series(self, master, start, moved):
        length = self.length(master, start)
        lengths = {}
        originals = set() if master.one('RRULE') else {start.at}
        for _, rule in master.all('RRULE'):
            originals.update(starts(rule, start.at, lambda at: start.to(at).utc(), TO + timedelta(days=800), start.kind))
        for parameters, values in master.all('RDATE'):
            for value in values.split(','):
                first, _, rest = value.partition('/')
                at = self.on_clock_of(start, self.time(parameters, first))
                originals.add(at)
                if rest:
                    lengths[at] = duration(rest) if 'P' in rest else (timedelta(0), self.time(parameters, rest).utc() - self.time(parameters, first).utc())
        without = [identity for identity, _ in moved]
        for parameters, values in master.all('EXDATE'):
            without += [self.time(parameters, value) for value in values.split(',')]
        days = {one.at.date() for one in without if one.kind == 'date' or start.kind == 'date'}
        moments = {self.on_clock_of(start, one) for one in without if one.kind != 'date' and start.kind != 'date'}
        for _, rule in master.all('EXRULE'):
            moments.update(starts(rule, start.at, lambda at: start.to(at).utc(), TO + timedelta(days=800), start.kind, False))
        future = sorted((self.on_clock_of(start, identity), one) for identity, one in moved if one.one('RECURRENCE-ID')[0].get('RANGE', '').upper() == 'THISANDFUTURE')
        found = []
        for at in originals:
            if at.date() in days or at in moments:
                continue
            before = [one for one in future if one[0] <= at]
            if before:
                identity, one = before[-1]
                first = self.start(one)
                found.append(self.span(first.to(first.at + (at - identity)), self.length(one, first)))
            else:
                found.append(self.span(start.to(at), lengths.get(at, length)))
        return found

    @staticmethod
    def on_clock_of(start, time):
        if start.kind == 'date':
            return time.at.replace(hour=0, minute=0, second=0)
        if time.kind == 'date':
            return datetime.combine(time.at.date(), start.at.time())
        if start.kind == 'floating' or time.kind == 'floating':
            return time.at
        return time.utc() if start.kind == 'utc' else start.zone.local(time.utc())

    @staticmethod
    def same(identity, start):
        return identity.at.date() == start.at.date() if 'date' in (identity.kind, start.kind) else identity.utc() == start.utc()

    @staticmethod
    def span(start, length, end=None):
        begins = start.utc()
        ends = start.to(start.at + length[0]).utc() + length[1]
        # one that does not repeat ends where it says, whatever the clock does in between
        if end and end.utc() >= begins and ends > begins:
            ends = end.utc()
        return begins, ends


def duration(text):
    sign, weeks, days, hours, minutes, seconds = DURATION.match(text.strip().upper()).groups(default='0')
    if sign == '-':
        return timedelta(0), timedelta(0)
    return timedelta(days=int(weeks) * 7 + int(days)), timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))


def starts(rule, first, utc, before, kind='zone', with_first=True):
    """Wall clocks; 3.8.5.3: the first counts, whether it fits or not; 3.3.10: UNTIL in UTC beside a zone, as written beside others."""
    rule = rule.upper().rstrip(';')
    bound = re.search(r';?UNTIL=([0-9TZ]+)', rule)
    count = re.search(r';?COUNT=(\d+)', rule)
    for found in (bound, count):
        rule = rule.replace(found.group(0), '') if found else rule
    if kind == 'date':
        rule = re.sub(r';BY(HOUR|MINUTE|SECOND)=[\d,]+', '', rule)
    last = wall(bound.group(1)) if bound else None
    in_utc = bool(bound) and bound.group(1).endswith('Z') and kind == 'zone'
    if bound and 'T' not in bound.group(1) and kind != 'date':
        last += timedelta(days=1, seconds=-1)
    left = int(count.group(1)) if count else None
    told = 0
    if with_first:
        yield first
        left = left and left - 1
    for at in rrulestr(rule.strip(';'), dtstart=first):
        if at == first and with_first:
            continue
        if left == 0 or told == MOST or at >= before or (last and (utc(at) if in_utc else at) > last):
            return
        left = left and left - 1
        told += at >= FROM
        yield at


def answer(path):
    with open(path, 'rb') as file:
        calendar = parse(file.read())
    reader = Reader(calendar)
    groups = {}
    for part in calendar.parts:
        if part.name in ('VEVENT', 'VTODO', 'VJOURNAL'):
            groups.setdefault((part.name, part.one('UID')[1] if part.one('UID') else ''), []).append(part)
    spans = sorted(span for components in groups.values() for span in reader.group(components) if FROM <= span[0] < TO)
    return ' '.join('/'.join(str((at - EPOCH) // timedelta(seconds=1)) for at in span) for span in islice(spans, MOST))


for line in sys.stdin:
    try:
        told = answer(line.rstrip('\n'))
    except (ValueError, AttributeError, IndexError, KeyError, TypeError) as error:
        told = f'error {type(error).__name__}: {str(error)[:100]}'.replace('\n', ' ')
    sys.stdout.write(told + '\n')
