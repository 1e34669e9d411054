/*
 * Reads `start<TAB>rule<TAB>zone` a line; answers the first 20 occurrences that libical finds before 2050: wall clock, or UTC when there
 * is a zone. libical can hang or crash on a rule: a child does the work, and when it dies the next one goes on behind that rule.
 */
#include <libical/ical.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 20
#define MICROSECONDS 8000

static void patience(int microseconds)
{
    struct itimerval time = {{0, 0}, {0, microseconds}};
    setitimer(ITIMER_VIRTUAL, &time, NULL);
}

static void answer(const char *start, const char *rule, const char *zone)
{
    char found[MOST * 17 + 1] = "";
    size_t length = 0;
    struct icalrecurrencetype recur = icalrecurrencetype_from_string(rule);
    struct icaltimetype first = icaltime_from_string(start);
    icaltimezone *place = zone[0] ? icaltimezone_get_builtin_timezone(zone) : NULL;
    if (place)
        icaltime_set_timezone(&first, place);
    icalrecur_iterator *iterator = icalrecur_iterator_new(recur, first);
    if (!iterator) {
        printf("error %s\n", icalerror_strerror(icalerrno));
        return;
    }
    for (int i = 0; i < MOST; i++) {
        struct icaltimetype at = icalrecur_iterator_next(iterator);
        if (icaltime_is_null_time(at) || at.year >= 2050)
            break;
        if (place)
            at = icaltime_from_timet_with_zone(icaltime_as_timet_with_zone(at, place), 0, NULL);
        length += snprintf(found + length, sizeof found - length, "%s%04d%02d%02dT%02d%02d%02d", length ? " " : "",
                           at.year, at.month, at.day, at.hour, at.minute, at.second);
    }
    icalrecur_iterator_free(iterator);
    printf("%s\n", found);
}

static char *lines[1 << 16];

int main(void)
{
    static char line[4096];
    int count = 0;
    /* shared with the children: the line that is being answered */
    int *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    icalerror_set_errors_are_fatal(0);
    /* read before the children inherit it, else each would load it again */
    icaltimezone_get_builtin_timezones();
    while (count < 1 << 16 && fgets(line, sizeof line, stdin))
        lines[count++] = strdup(line);
    while (*at < count) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            for (; *at < count; (*at)++) {
                char *start = lines[*at], *rule = strchr(start, '\t'), *zone = rule ? strchr(rule + 1, '\t') : NULL;
                if (!zone)
                    _exit(1);
                *rule++ = *zone++ = '\0';
                zone[strcspn(zone, "\n")] = '\0';
                patience(MICROSECONDS);
                answer(start, rule, zone);
                patience(0);
                fflush(stdout);
            }
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status) != 0))
            return 1;
        if (WIFSIGNALED(status)) {
            printf(WTERMSIG(status) == SIGVTALRM ? "late\n" : "error signal %d\n", WTERMSIG(status));
            fflush(stdout);
            (*at)++;
        }
    }
    return 0;
}
