/*
 * blame.c - who is blamed for a crash, from pages as workers leave them, damaged ones included.
 *
 * The records live as long as the process, so every test uses hashes of its own.
 */
#include <glib.h>
#include <signal.h>
#include <string.h>

#include "supervisor/blame.h"

enum { SECOND = 1000000 };

static struct crumb_page page;

static void image(uint32_t number, const char *name, char digit)
{
    g_snprintf(page.image[number].name, CRUMB_NAME, "%s", name);
    g_snprintf(page.image[number].path, CRUMB_PATH, "/p/%s.so", name);
    memset(page.image[number].sha256, digit, 64);
    page.image[number].sha256[64] = '\0';
    page.images = MAX(page.images, number);
}

/* One worker dies with `slot` standing in `number`. */
static bool crash(uint32_t slot, uint32_t number, uint32_t told, int64_t now, char text[256])
{
    page.slot[slot * 16] = number;
    page.crashed_slot = told;

    bool more = blame_crash(&page, true, now, text, 256);

    page.slot[slot * 16] = 0;
    return more;
}

static void test_nobody(void)
{
    char text[256];

    memset(&page, 0, sizeof(page));
    g_assert_false(blame_any(&page));
    g_assert_false(blame_crash(&page, true, SECOND, text, sizeof(text)));
    g_assert_cmpstr(text, ==, " outside any plugin");
}

static void test_three_in_a_minute(void)
{
    char text[256], *hash = g_strnfill(64, '1');

    memset(&page, 0, sizeof(page));
    image(1, "slow", '1');
    /* The first is more than a minute before the third. */
    g_assert_false(crash(0, 1, 1, 1 * SECOND, text));
    g_assert_false(crash(0, 1, 1, 50 * SECOND, text));
    g_assert_false(crash(0, 1, 1, 62 * SECOND, text));
    g_assert_null(strstr(blame_quarantined(), hash));
    g_assert_true(crash(0, 1, 1, 63 * SECOND, text));
    g_assert_nonnull(strstr(blame_quarantined(), hash));
    /* Once is enough. */
    g_assert_false(crash(0, 1, 1, 64 * SECOND, text));
    g_assert_cmpstr(text, ==, " in plugin slow (/p/slow.so)");
    g_free(hash);
}

static void test_not_told(void)
{
    char text[256];

    memset(&page, 0, sizeof(page));
    image(1, "one", '2');
    image(2, "two", '3');
    page.slot[0] = 1;
    page.slot[5 * 16] = 2;
    page.slot[6 * 16] = 2;
    g_assert_true(blame_any(&page));
    blame_crash(&page, true, SECOND, text, sizeof(text));
    g_assert_cmpstr(text, ==, " in plugin one (/p/one.so) or plugin two (/p/two.so)");
    /* Told, and it was in none. */
    page.crashed_slot = 3;
    blame_crash(&page, true, SECOND, text, sizeof(text));
    g_assert_cmpstr(text, ==, " outside any plugin");
}

static void test_does_not_count(void)
{
    char text[256], *hash = g_strnfill(64, '4');

    memset(&page, 0, sizeof(page));
    image(1, "killed", '4');
    page.slot[0] = 1;
    for (int i = 0; i < 5; i++)
        g_assert_false(blame_crash(&page, false, SECOND + i, text, sizeof(text)));
    g_assert_null(strstr(blame_quarantined(), hash));
    g_free(hash);
}

static void test_damaged_page(void)
{
    char text[64];

    memset(&page, 0xff, sizeof(page));
    g_assert_false(blame_any(&page));
    g_assert_false(blame_crash(&page, true, SECOND, text, sizeof(text)));
    g_assert_cmpstr(text, ==, " outside any plugin");
    /* In range, but what it describes is garbage without an end. */
    for (uint32_t i = 0; i < CRUMB_SLOTS; i++)
        page.slot[i * 16] = 1 + i;
    for (int i = 0; i < 4; i++)
        g_assert_false(blame_crash(&page, true, SECOND + i, text, sizeof(text)));
    g_assert_cmpuint(strlen(text), ==, sizeof(text) - 1);
}

static void test_clear(void)
{
    memset(&page, 0xff, sizeof(page));
    blame_clear(&page);
    g_assert_false(blame_any(&page));
    g_assert_cmpuint(page.slots_used, ==, 0);
    g_assert_cmpuint(page.images, ==, 0);
    g_assert_cmpuint(page.ready, ==, 0);
    g_assert_cmpuint(page.crashed_slot, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/supervisor/blame/nobody", test_nobody);
    g_test_add_func("/supervisor/blame/three-in-a-minute", test_three_in_a_minute);
    g_test_add_func("/supervisor/blame/not-told", test_not_told);
    g_test_add_func("/supervisor/blame/does-not-count", test_does_not_count);
    g_test_add_func("/supervisor/blame/damaged-page", test_damaged_page);
    g_test_add_func("/supervisor/blame/clear", test_clear);
    return g_test_run();
}
