/*
 * key.c - `weir key`: keys for applications. What is printed is not kept anywhere.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { KEY_BYTES = 24, KEY_MAX = 4096 };

static void print_hash(const char *before, const char *key)
{
    guint8 digest[CONFIG_DIGEST];

    config_key_digest(key, digest);
    printf("%ssha256:", before);
    for (guint i = 0; i < CONFIG_DIGEST; i++)
        printf("%02x", digest[i]);
    putchar('\n');
}

static int make(const char *name)
{
    guint8 random[KEY_BYTES];
    GString *key = g_string_new("sk-weir-");
    g_autofree char *before = NULL;

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        cli_error("no random numbers can be had: %s", g_strerror(errno));
        g_string_free(key, TRUE);
        return EX_UNAVAILABLE;
    }
    for (guint i = 0; i < sizeof random; i++)
        g_string_append_printf(key, "%02x", random[i]);
    printf("The key, for the application; it is told only now:\n  %s\n\n"
           "Its hash, for the configuration:\nkeys:\n",
           key->str);
    before = g_strdup_printf("  %s: ", name);
    print_hash(before, key->str);
    g_string_free(key, TRUE);
    return 0;
}

/* From standard input: what stands in a command line is seen by others. */
static int hash(void)
{
    char key[KEY_MAX];

    if (!fgets(key, sizeof key, stdin) || !*g_strstrip(key)) {
        cli_error("the key is expected on standard input, in a line");
        return EX_USAGE;
    }
    print_hash("", key);
    return 0;
}

int cli_key(int argc, char **argv)
{
    struct cli_common common = { 0 };
    int code;

    if (!cli_parse(&argc, &argv, "new [NAME] | hash - keys for applications",
                   "new: makes a key and prints it with its hash. hash: reads a key from standard "
                   "input and prints its hash. The configuration has only the hash, under keys:.",
                   NULL, &common, &code))
        return code;
    if (argc >= 2 && strcmp(argv[1], "new") == 0)
        return cli_left_over(argc, argv, 3) ? EX_USAGE : make(argc > 2 ? argv[2] : "NAME");
    if (argc >= 2 && strcmp(argv[1], "hash") == 0)
        return cli_left_over(argc, argv, 2) ? EX_USAGE : hash();
    cli_error("say what to do: weir key new, or weir key hash");
    return EX_USAGE;
}
