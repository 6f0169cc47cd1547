/*
 * load_cpu.c - CPU time of other processes, to the nanosecond: what the scheduler has counted for
 * each of their threads. (/proc/PID/stat counts in ticks of 10 ms.)
 */
#include "load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t of_task(int pid, const char *task)
{
    char path[300];
    unsigned long long ns = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, task);

    FILE *f = fopen(path, "r");

    if (f) {
        if (fscanf(f, "%llu", &ns) != 1)
            ns = 0;
        fclose(f);
    }
    return ns;
}

uint64_t load_cpu_ns(const int *pids, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        char path[64];
        struct dirent *entry;

        snprintf(path, sizeof path, "/proc/%d/task", pids[i]);

        DIR *tasks = opendir(path);

        while (tasks && (entry = readdir(tasks)))
            if (entry->d_name[0] != '.')
                sum += of_task(pids[i], entry->d_name);
        if (tasks)
            closedir(tasks);
    }
    return sum;
}
