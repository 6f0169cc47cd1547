/*
 * crumb.c - what somebody outside reads in the shared page.
 */
#include "base/crumb.h"

#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The page as the supervisor has it, with what a worker before us left in it. */
static struct crumb_page *outside;

static void share(void)
{
    int fd = memfd_create("crumb", 0);
    g_assert_cmpint(ftruncate(fd, sizeof(struct crumb_page)), ==, 0);
    outside = mmap(NULL, sizeof(*outside), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    g_assert_true(outside != MAP_FAILED);
    outside->slots_used = 7;
    outside->images = 9;
    outside->ready = 1;
    outside->slot[0] = 5;
    outside->generation = 3;
    g_autofree char *text = g_strdup_printf("%d", fd);
    g_setenv("WEIR_CRUMB_FD", text, TRUE);
}

static void test_before(void)
{
    /* Without a slot: harmless. */
    uint32_t before = crumb_enter(4);
    crumb_leave(before);
    g_assert_nonnull(crumb_slot);
}

static void test_open(void)
{
    struct crumb_page *page = crumb_open();
    g_assert_nonnull(page);
    g_assert_true(page == crumb_open());
    g_assert_cmpuint(outside->slots_used, ==, 0);
    g_assert_cmpuint(outside->images, ==, 0);
    g_assert_cmpuint(outside->ready, ==, 0);
    g_assert_cmpuint(outside->slot[0], ==, 0);
    g_assert_cmpuint(outside->generation, ==, 3);
}

static gpointer enter(gpointer data)
{
    crumb_thread();
    crumb_enter(GPOINTER_TO_UINT(data));
    return (gpointer)crumb_slot;
}

static void test_threads(void)
{
    crumb_thread();
    crumb_thread();
    g_assert_cmpuint(outside->slots_used, ==, 1);
    uint32_t outer = crumb_enter(11);
    uint32_t inner = crumb_enter(12);
    g_assert_cmpuint(outside->slot[0], ==, 12);
    crumb_leave(inner);
    g_assert_cmpuint(outside->slot[0], ==, 11);
    crumb_leave(outer);
    g_assert_cmpuint(outside->slot[0], ==, 0);
    g_thread_join(g_thread_new("crumb", enter, GUINT_TO_POINTER(13)));
    g_assert_cmpuint(outside->slots_used, ==, 2);
    g_assert_cmpuint(outside->slot[16], ==, 13);
    for (int i = 0; i < CRUMB_SLOTS + 2; i++) {
        g_thread_join(g_thread_new("crumb", enter, GUINT_TO_POINTER(14)));
    }
    g_assert_cmpuint(outside->slots_used, ==, CRUMB_SLOTS);
    g_assert_cmpuint(outside->slot[(CRUMB_SLOTS - 1) * 16], ==, 14);
}

static void test_images(void)
{
    g_autofree char *path = g_strnfill(1000, 'p');
    g_assert_cmpuint(crumb_image("/a/b.so", "0123", "org.example.b"), ==, 1);
    g_assert_cmpuint(crumb_image(path, path, path), ==, 2);
    g_assert_cmpuint(outside->images, ==, 2);
    g_assert_cmpstr(outside->image[1].path, ==, "/a/b.so");
    g_assert_cmpstr(outside->image[1].sha256, ==, "0123");
    g_assert_cmpstr(outside->image[1].name, ==, "org.example.b");
    g_assert_cmpuint(strlen(outside->image[2].path), ==, CRUMB_PATH - 1);
    g_assert_cmpuint(strlen(outside->image[2].sha256), ==, 64);
    g_assert_cmpuint(strlen(outside->image[2].name), ==, CRUMB_NAME - 1);
    uint32_t last = 1;
    for (int i = 0; i < CRUMB_IMAGES && last; i++) {
        last = crumb_image("/x", "1", "x");
    }
    g_assert_cmpuint(last, ==, 0); /* full: calls go unnamed, nothing breaks */
    g_assert_cmpuint(outside->images, ==, CRUMB_IMAGES - 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    share();
    g_test_add_func("/base/crumb/before", test_before);
    g_test_add_func("/base/crumb/open", test_open);
    g_test_add_func("/base/crumb/threads", test_threads);
    g_test_add_func("/base/crumb/images", test_images);
    return g_test_run();
}
