/*
 * options.c - see options.h.
 */
#include "supervisor/options.h"

#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>

#include "supervisor/say.h"

const char options_usage[] =
    "usage: weir-supervisor --program PATH [--listen-fds 3,4,...] [--crumb-fd N]\n"
    "                       [--drain-seconds N] -- ARGS...\n"
    "       weir-supervisor --try FILE\n"
    "\n"
    "Keeps `PATH worker ARGS...` running on sockets that stay open when it crashes.\n"
    "`weir serve` starts it; --try loads a plugin to see whether it survives that.\n";

static bool read_number(const char *text, const char *name, int most, int *out)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end || value < 0 || value > most) {
        say("%s %s: must be a number from 0 to %d", name, text, most);
        return false;
    }
    *out = (int)value;
    return true;
}

/* Every one of them must be open, and stay open in the worker. */
static bool check_fds(const char *list)
{
    for (const char *p = list; *p;) {
        char *end;
        long fd = strtol(p, &end, 10);

        if (!isdigit((unsigned char)*p) || fd > 1 << 20 || (*end && (*end != ',' || !end[1]))) {
            say("--listen-fds %s: must be numbers of descriptors divided by commas", list);
            return false;
        }
        if (fcntl((int)fd, F_SETFD, 0)) {
            say("--listen-fds %s: descriptor %ld is not open", list, fd);
            return false;
        }
        p = *end ? end + 1 : end;
    }
    return true;
}

bool options_read(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        { "program", required_argument, NULL, 'p' },
        { "listen-fds", required_argument, NULL, 'l' },
        { "crumb-fd", required_argument, NULL, 'c' },
        { "drain-seconds", required_argument, NULL, 'd' },
        { "try", required_argument, NULL, 't' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool good = true;
    int c;

    *o = (struct options){ .listen_fds = "", .crumb_fd = -1, .drain_seconds = 30 };
    while (good && (c = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        switch (c) {
        case 'p':
            o->program = optarg;
            break;
        case 'l':
            o->listen_fds = optarg;
            good = check_fds(optarg);
            break;
        case 'c':
            good = read_number(optarg, "--crumb-fd", 1 << 20, &o->crumb_fd);
            break;
        case 'd':
            good = read_number(optarg, "--drain-seconds", 86400, &o->drain_seconds);
            break;
        case 't':
            o->try_file = optarg;
            break;
        case 'h':
            o->help = true;
            return true;
        default:
            good = false;
        }
    }
    o->args = argv + optind;
    if (good && !o->program && !o->try_file) {
        say("--program is missing; it names the weir program. See --help");
        good = false;
    }
    return good;
}
