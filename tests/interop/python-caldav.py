"""Uses a calendar as programs with python-caldav do; prints one JSON object a line: step, and what it found or its error.

Arguments: URL of the server, user, password.
"""
import json
import sys
import traceback
from datetime import datetime, timezone

import caldav

url, user, password = sys.argv[1:]
client = caldav.DAVClient(url=url, username=user, password=password)
seen = {}


def step(work):
    try:
        line = {"step": work.__name__, "found": work()}
    except Exception as error:  # every step reports, whatever it was
        trace = traceback.extract_tb(error.__traceback__)[-1]
        line = {"step": work.__name__, "error": f"{type(error).__name__}: {error} ({trace.name}, line {trace.lineno})"}
    print(json.dumps(line), flush=True)
    return work


def calendar(*lines):
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//caldavd//interop//EN", *lines, "END:VCALENDAR", ""])


def names(objects):
    return sorted(str(found.icalendar_component.get("summary")) for found in objects)


@step
def server_offers():
    return {"dav": client.check_dav_support() is not None, "caldav": bool(client.check_cdav_support())}


@step
def principal_has_calendars():
    seen["principal"] = client.principal()
    return sorted(str(found.url.path).rstrip("/").split("/")[-1] for found in seen["principal"].calendars())


@step
def calendar_is_made():
    made = seen["principal"].make_calendar(name="Trips & travel é", cal_id="trips")
    seen["calendar"] = made
    return [made.get_properties([caldav.elements.dav.DisplayName()])["{DAV:}displayname"], made.name]


@step
def calendar_is_listed_by_name():
    return str(seen["principal"].calendar(name="Trips & travel é").url.path).rstrip("/").split("/")[-1]


@step
def calendar_says_its_components():
    return sorted(seen["calendar"].get_supported_components())


@step
def events_are_saved():
    seen["token"] = seen["calendar"].objects_by_sync_token().sync_token
    single = seen["calendar"].save_event(calendar(
        "BEGIN:VEVENT", "UID:single@example.org", "DTSTAMP:20250101T000000Z", "DTSTART:20250610T080000Z", "DTEND:20250610T090000Z",
        "SUMMARY:Ferry", "END:VEVENT"))
    seen["calendar"].save_event(calendar(
        "BEGIN:VEVENT", "UID:weekly@example.org", "DTSTAMP:20250101T000000Z", "DTSTART:20250602T080000Z", "DURATION:PT1H",
        "RRULE:FREQ=WEEKLY", "EXDATE:20250616T080000Z", "SUMMARY:Train", "END:VEVENT",
        "BEGIN:VEVENT", "UID:weekly@example.org", "DTSTAMP:20250101T000000Z", "RECURRENCE-ID:20250623T080000Z",
        "DTSTART:20250624T080000Z", "DURATION:PT1H", "SUMMARY:Late train", "END:VEVENT"))
    seen["calendar"].save_event(
        dtstart=datetime(2025, 8, 1, 12, tzinfo=timezone.utc), dtend=datetime(2025, 8, 1, 13, tzinfo=timezone.utc), summary="Plane")
    seen["single"] = single
    return names(seen["calendar"].events())


@step
def event_is_found_by_uid():
    return str(seen["calendar"].event_by_uid("single@example.org").icalendar_component["summary"])


@step
def search_by_date():
    found = seen["calendar"].search(
        event=True, start=datetime(2025, 6, 9, tzinfo=timezone.utc), end=datetime(2025, 6, 15, tzinfo=timezone.utc))
    return names(found)


@step
def search_by_date_expands():
    found = seen["calendar"].search(
        event=True, expand=True, start=datetime(2025, 6, 1, tzinfo=timezone.utc), end=datetime(2025, 7, 1, tzinfo=timezone.utc))
    return sorted(f"{each.icalendar_component['dtstart'].dt:%m-%d} {each.icalendar_component['summary']}" for each in found)


@step
def server_expands():
    # Newer versions of the library expand by themselves and hide what the server sent
    body = """<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data>
      <C:expand start="20250601T000000Z" end="20250701T000000Z"/></C:calendar-data></D:prop><C:filter><C:comp-filter name="VCALENDAR">
      <C:comp-filter name="VEVENT"><C:time-range start="20250601T000000Z" end="20250701T000000Z"/></C:comp-filter></C:comp-filter></C:filter>
      </C:calendar-query>"""
    answer = client.report(str(seen["calendar"].url), body, 1).raw
    answer = answer.decode() if isinstance(answer, bytes) else answer
    return [answer.count("BEGIN:VEVENT"), answer.count("RRULE")]


@step
def event_is_changed():
    seen["single"].icalendar_component["summary"] = "Ferry, later"
    seen["single"].save()
    return str(seen["calendar"].event_by_uid("single@example.org").icalendar_component["summary"])


@step
def sync_says_what_changed():
    changes = seen["calendar"].objects_by_sync_token(seen["token"], load_objects=True)
    seen["changes"] = changes
    return names(changes)


@step
def sync_says_what_is_gone():
    seen["single"].delete()
    updated, deleted = seen["changes"].sync()
    return [len(updated), len(deleted), len(list(seen["changes"]))]


@step
def todos_are_listed_and_completed():
    tasks = seen["principal"].make_calendar(name="Errands", cal_id="errands", supported_calendar_component_set=["VTODO"])
    seen["tasks"] = tasks
    for uid, due, summary in (("milk", "20250610T080000Z", "Milk"), ("bread", "20250611T080000Z", "Bread")):
        tasks.save_todo(calendar(
            "BEGIN:VTODO", f"UID:{uid}@example.org", "DTSTAMP:20250101T000000Z", f"DUE:{due}", "STATUS:NEEDS-ACTION",
            f"SUMMARY:{summary}", "END:VTODO"))
    before = names(tasks.todos())
    tasks.todo_by_uid("milk@example.org").complete()
    return [before, names(tasks.todos()), names(tasks.todos(include_completed=True))]


@step
def calendar_is_deleted():
    seen["tasks"].delete()
    return sorted(str(found.url.path).rstrip("/").split("/")[-1] for found in seen["principal"].calendars())
