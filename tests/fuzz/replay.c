/*
 * replay.c - runs a fuzz target over the files and folders named as arguments, where there is no
 * libFuzzer to do it.
 *
 * Prints how many inputs were run. Fails if there were none, or if one could not be read.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int complain(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return -1;
}

static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size + 1);
    size_t got;

    if (!file || !data) {
        complain(path);
        free(data);
        if (file)
            fclose(file);
        return -1;
    }
    got = fread(data, 1, size, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, got);
    free(data);
    return 1;
}

/* How many inputs were run, or -1. */
static int replay(const char *path);

static int replay_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    int run = 0;

    if (count < 0)
        return complain(path);
    for (int i = 0; i < count; i++) {
        size_t room = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *child = malloc(room);

        if (child && entries[i]->d_name[0] != '.' && run >= 0) {
            int one;

            snprintf(child, room, "%s/%s", path, entries[i]->d_name);
            one = replay(child);
            run = one < 0 ? -1 : run + one;
        }
        free(child);
        free(entries[i]);
    }
    free(entries);
    return run;
}

static int replay(const char *path)
{
    struct stat info;

    if (stat(path, &info))
        return complain(path);
    if (S_ISDIR(info.st_mode))
        return replay_folder(path);
    return replay_file(path, (size_t)info.st_size);
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        int run = replay(argv[i]);

        if (run < 0)
            return 1;
        total += run;
    }
    printf("%d inputs\n", total);
    if (total == 0)
        fprintf(stderr, "usage: %s FILE-OR-FOLDER...\n", argv[0]);
    return total ? 0 : 1;
}
