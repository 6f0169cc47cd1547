/*
 * The helpers of the SDK for what is not text: media, base64, embeddings; and for arguments of tool
 * calls.
 */
#include "host.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/base64.h>
#include <weir/sdk/embedding.h>
#include <weir/sdk/media.h>

const weir_plugin weir_plugin_v1; /* host.c looks for one */

static const weir_json_service *json_service(void)
{
    return host_services.service(&host_services, WEIR_SERVICE_JSON);
}

/* -- media ------------------------------------------------------------------------------------ */

struct media_case {
    const char *part;
    uint16_t kind;
    const char *type, *data, *url, *file_id, *name;
};

static const struct media_case media[] = {
    { "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/a.png\"}}", WEIR_MEDIA_IMAGE, "",
      "", "https://x/a.png", "", "" },
    { "{\"type\":\"image_url\",\"image_url\":\"data:image\\/png;base64,AA\\u003d=\"}",
      WEIR_MEDIA_IMAGE, "image/png", "AA==", "", "", "" },
    { "{\"image_url\":{\"url\":\"data:image/svg+xml;charset=utf-8;base64,AAAA\"}}",
      WEIR_MEDIA_IMAGE, "image/svg+xml", "AAAA", "", "", "" },
    /* not base64: what it is stays one piece */
    { "{\"image_url\":{\"url\":\"data:text/plain,hi\"}}", WEIR_MEDIA_IMAGE, "", "",
      "data:text/plain,hi", "", "" },
    { "{\"image_url\":{\"url\":\"data:;base64,AAAA\"}}", WEIR_MEDIA_IMAGE, "", "AAAA", "", "", "" },
    { "{\"image_url\":{\"url\":\"data:\"}}", WEIR_MEDIA_IMAGE, "", "", "data:", "", "" },
    { "{\"input_audio\":{\"data\":\"AAAA\",\"format\":\"wav\"}}", WEIR_MEDIA_AUDIO, "audio/wav",
      "AAAA", "", "", "" },
    { "{\"input_audio\":{\"data\":\"AAAA\",\"format\":\"mp3\"}}", WEIR_MEDIA_AUDIO, "audio/mp3",
      "AAAA", "", "", "" },
    { "{\"input_audio\":{\"data\":\"AAAA\",\"format\":7}}", WEIR_MEDIA_AUDIO, "", "AAAA", "", "",
      "" },
    { "{\"file\":{\"file_id\":\"file-1\"}}", WEIR_MEDIA_FILE, "", "", "", "file-1", "" },
    { "{\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,AAAA\"}}",
      WEIR_MEDIA_FILE, "application/pdf", "AAAA", "", "", "a.pdf" },
    { "{\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"AAAA\"}}", WEIR_MEDIA_FILE, "", "AAAA", "",
      "", "a.pdf" },
    { "{\"file\":{\"file_url\":\"https://x/a.pdf\"}}", WEIR_MEDIA_FILE, "", "", "https://x/a.pdf",
      "", "" },
    { "{\"type\":\"image\",\"source\":{\"data\":\"AAAA\",\"media_type\":\"image/webp\"}}",
      WEIR_MEDIA_IMAGE, "image/webp", "AAAA", "", "", "" },
    { "{\"type\":\"audio\",\"source\":{\"url\":\"https://x/a.wav\"}}", WEIR_MEDIA_AUDIO, "", "",
      "https://x/a.wav", "", "" },
    /* nothing in it, or not what it should be */
    { "{\"type\":\"text\",\"text\":\"hi\"}", WEIR_MEDIA_NONE, "", "", "", "", "" },
    { "{\"image_url\":{\"url\":1}}", WEIR_MEDIA_NONE, "", "", "", "", "" },
    { "{\"image_url\":null,\"file\":[]}", WEIR_MEDIA_NONE, "", "", "", "", "" },
    { "{\"input_audio\":{}}", WEIR_MEDIA_NONE, "", "", "", "", "" },
    { "[]", WEIR_MEDIA_NONE, "", "", "", "", "" },
    { "\"image_url\"", WEIR_MEDIA_NONE, "", "", "", "", "" },
};

static void is(weir_str got, const char *expected)
{
    g_assert_cmpmem(got.ptr, got.len, expected, strlen(expected));
}

static void test_media(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(media); i++) {
        const struct media_case *c = &media[i];
        struct host_arena arena;
        weir_media m;
        weir_json doc;

        host_arena_init(&arena);
        doc = host_scan(&arena, c->part);
        g_assert_cmpint(weir_media_read(&doc, 0, &m, &arena.arena), ==, c->kind != 0);
        g_assert_cmpuint(m.kind, ==, c->kind);
        if (c->kind) {
            is(m.type, c->type);
            is(m.data, c->data);
            is(m.url, c->url);
            is(m.file_id, c->file_id);
            is(m.name, c->name);
        }
        host_arena_clear(&arena);
    }
}

static void test_media_detail(void)
{
    struct host_arena arena;
    weir_media m;
    weir_json doc;

    host_arena_init(&arena);
    doc = host_scan(&arena, "{\"image_url\":{\"url\":\"u\",\"detail\":\"low\"}}");
    g_assert_true(weir_media_read(&doc, 0, &m, &arena.arena));
    g_assert_true(weir_json_is(&doc, m.detail, "low"));
    doc = host_scan(&arena, "{\"image_url\":\"u\"}");
    g_assert_true(weir_media_read(&doc, 0, &m, &arena.arena));
    g_assert_cmpuint(m.detail, ==, WEIR_JSON_NONE);
    host_arena_clear(&arena);
}

static void test_media_kinds(void)
{
    g_assert_cmpuint(weir_media_kind(WEIR_S("image/png")), ==, WEIR_MEDIA_IMAGE);
    g_assert_cmpuint(weir_media_kind(WEIR_S("audio/wav")), ==, WEIR_MEDIA_AUDIO);
    g_assert_cmpuint(weir_media_kind(WEIR_S("application/pdf")), ==, WEIR_MEDIA_FILE);
    g_assert_cmpuint(weir_media_kind(WEIR_S("")), ==, WEIR_MEDIA_FILE);
}

/* -- base64 ----------------------------------------------------------------------------------- */

/* Against another one, for every length up to a few groups and every byte. */
static void test_base64_there_and_back(void)
{
    unsigned char bytes[256], back[256];
    char text[400];

    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)(i * 167 + 13);
    for (size_t len = 0; len <= 256; len++) {
        g_autofree char *expected = g_base64_encode(bytes, len);
        size_t size = weir_base64_size(len);

        weir_base64_encode(bytes, len, text);
        g_assert_cmpmem(text, size, expected, strlen(expected));
        g_assert_cmpint(weir_base64_decode(weir_str_make(text, size), back), ==, (int64_t)len);
        g_assert_cmpmem(back, len, bytes, len);
        while (size && text[size - 1] == '=') /* padding may be missing */
            size--;
        g_assert_cmpint(weir_base64_decode(weir_str_make(text, size), back), ==, (int64_t)len);
        g_assert_cmpmem(back, len, bytes, len);
    }
}

static void test_base64_refused(void)
{
    static const char *const bad[] = { "A",    "AAAAA", "AA=A", "AA===",     "A===",
                                       "AA A", "AA\n=", "AA*=", "\xc3\xa9==" };
    unsigned char out[16];

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpint(weir_base64_decode(weir_str_of(bad[i]), out), ==, -1);
    /* The alphabet for URLs is read as well. */
    g_assert_cmpint(weir_base64_decode(WEIR_S("-_8="), out), ==, 2);
    g_assert_cmpuint(out[0], ==, 0xfb);
    g_assert_cmpuint(out[1], ==, 0xff);
}

/* -- embeddings ------------------------------------------------------------------------------- */

typedef weir_result (*embedding_fn)(weir_writer *w, const weir_arena *arena, const weir_json *doc,
                                    uint32_t value);

static weir_result embed(embedding_fn write, const char *json, char **out)
{
    struct host_arena arena;
    weir_result r;
    weir_writer w;
    weir_str text;
    weir_json doc;

    host_arena_init(&arena);
    doc = host_scan(&arena, json);
    weir_writer_init(&w, &arena.arena, 0);
    r = write(&w, &arena.arena, &doc, 0);
    if (r == WEIR_OK) {
        g_assert_cmpint(weir_writer_finish(&w, &text), ==, WEIR_OK);
        *out = host_text(text);
    }
    host_arena_clear(&arena);
    return r;
}

static void becomes(embedding_fn write, const char *json, const char *expected)
{
    g_autofree char *out = NULL;

    g_assert_cmpint(embed(write, json, &out), ==, WEIR_OK);
    g_assert_cmpstr(out, ==, expected);
}

/* 1.0 is 00 00 80 3f, -2.5 is 00 00 20 c0, little-endian. */
static void test_embedding(void)
{
    becomes(weir_embedding_base64, "[1, -2.5]", "\"AACAPwAAIMA=\"");
    becomes(weir_embedding_base64, "[]", "\"\"");
    becomes(weir_embedding_base64, "\"AACAPw==\"", "\"AACAPw==\"");
    becomes(weir_embedding_numbers, "\"AACAPwAAIMA=\"", "[1,-2.5]");
    becomes(weir_embedding_numbers, "\"\"", "[]");
    becomes(weir_embedding_numbers, "\"AACAPw\\u003d=\"", "[1]");
    becomes(weir_embedding_numbers, "[0.10, 2e-3]", "[0.10, 2e-3]");
}

static void test_embedding_refused(void)
{
    static const char *const neither[] = { "1", "null", "{}" };
    char *out = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(neither); i++) {
        g_assert_cmpint(embed(weir_embedding_base64, neither[i], &out), ==, WEIR_PROTOCOL);
        g_assert_cmpint(embed(weir_embedding_numbers, neither[i], &out), ==, WEIR_PROTOCOL);
    }
    g_assert_cmpint(embed(weir_embedding_base64, "[1,\"2\"]", &out), ==, WEIR_PROTOCOL);
    g_assert_cmpint(embed(weir_embedding_base64, "[1e300]", &out), ==, WEIR_PROTOCOL);
    g_assert_cmpint(embed(weir_embedding_base64, "[-1e300]", &out), ==, WEIR_PROTOCOL);
    g_assert_cmpint(embed(weir_embedding_numbers, "\"AAA=\"", &out), ==, WEIR_PROTOCOL);
    g_assert_cmpint(embed(weir_embedding_numbers, "\"*\"", &out), ==, WEIR_PROTOCOL);
    g_assert_cmpint(embed(weir_embedding_numbers, "\"AADAfw==\"", &out), ==,
                    WEIR_PROTOCOL); /* NaN */
}

/* Every float comes back as it was. */
static void test_embedding_exact(void)
{
    static const float values[] = { 0.1f, -0.0f, 1e-45f, 3.4028235e38f, 0.33333334f, 123456.79f };

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        unsigned char bytes[4];
        char text[16];
        g_autofree char *numbers = NULL, *quoted = NULL, *back = NULL;

        weir_embedding_put(bytes, values[i]);
        g_assert_cmpfloat(weir_embedding_get(bytes), ==, values[i]);
        weir_base64_encode(bytes, 4, text);
        quoted = g_strdup_printf("\"%.8s\"", text);
        g_assert_cmpint(embed(weir_embedding_numbers, quoted, &numbers), ==, WEIR_OK);
        g_assert_cmpint(embed(weir_embedding_base64, numbers, &back), ==, WEIR_OK);
        g_assert_cmpstr(back, ==, quoted);
    }
}

/* -- arguments -------------------------------------------------------------------------------- */

static void arguments_are(weir_text text, bool good, const char *expected)
{
    struct host_arena arena;
    weir_str object;

    host_arena_init(&arena);
    g_assert_cmpint(weir_arguments_object(json_service(), &arena.arena, text, &object), ==, good);
    is(object, expected);
    host_arena_clear(&arena);
}

static weir_text in_json(const char *text)
{
    return (weir_text){ text, strlen(text), WEIR_FORM_JSON, 0 };
}

static weir_text in_utf8(const char *text)
{
    return weir_text_from(weir_str_of(text));
}

static void test_arguments(void)
{
    static const char *const bad[] = { "null", "[]", "\"{}\"", "{", "{}x", "{\"a\":}", "text" };

    arguments_are(in_utf8("{\"a\": 1}"), true, "{\"a\": 1}");
    arguments_are(in_utf8("  {}\n"), true, "{}");
    arguments_are(in_json("{\\\"a\\\":\\\"\\\\n\\u00e9\\\"}"), true, "{\"a\":\"\\n\xc3\xa9\"}");
    arguments_are(in_utf8(""), true, "{}");
    arguments_are(in_utf8(" \t"), true, "{}");
    arguments_are(in_json("\\n"), true, "{}");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        arguments_are(in_utf8(bad[i]), false, "{}");
}

static void test_arguments_text(void)
{
    struct host_arena arena;
    weir_json doc;

    host_arena_init(&arena);
    doc = host_scan(&arena, "{\"input\": {\"a\" : [1]} }");
    g_assert_true(
        weir_text_is(weir_arguments_text(&doc, weir_json_find(&doc, 0, "input")), "{\"a\" : [1]}"));
    host_arena_clear(&arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/media", test_media);
    g_test_add_func("/sdk/media-detail", test_media_detail);
    g_test_add_func("/sdk/media-kinds", test_media_kinds);
    g_test_add_func("/sdk/base64", test_base64_there_and_back);
    g_test_add_func("/sdk/base64-refused", test_base64_refused);
    g_test_add_func("/sdk/embedding", test_embedding);
    g_test_add_func("/sdk/embedding-refused", test_embedding_refused);
    g_test_add_func("/sdk/embedding-exact", test_embedding_exact);
    g_test_add_func("/sdk/arguments", test_arguments);
    g_test_add_func("/sdk/arguments-text", test_arguments_text);
    return g_test_run();
}
