/**
 * Valid files of the corpus (by their names there) of which we tell other instances than the oracle (dateutil_instances.py), each with the
 * section that decides and the reason. The test fails when one is missing here, and when one is here that agrees.
 */
export const exceptions: ReadonlyMap<string, string> = new Map([
  ['khal__tests_ics_tz_windows_format.ics', 'RFC 5545 3.6.5: what its VTIMEZONE says of a Windows zone is not whole (summer begins at +12, which no winter leads to; one onset each), so the name decides; the oracle believes the onsets'],
  ['ical4j__src_test_resources_samples_invalid_talios.ics', 'RFC 5545 3.2.19: a TZID of a registry, /softwarestudio.org/…/Pacific/Auckland, without VTIMEZONE; the oracle does not know that registry and lets the time float'],
  ['ical4j__src_test_resources_samples_valid_Earth32Seasons.ics', 'RFC 5545 3.6.5: its VTIMEZONE has an end, so the name decides, whose rules of 2007 it does not know; the oracle takes the onsets that it has, as its author did']
])
