/*
 * Streams of the Messages API with an event lost, doubled, swapped, spoilt or cut off: none of them
 * ends well, but where nothing can be noticed; and no call is taken for whole that is not.
 */
#include "host.h"
#include "records.h"

static bool is_stream(const char *headers)
{
    return strstr(headers, "event-stream") != NULL;
}

static bool says_broken(json_t *record)
{
    json_t *feature;
    size_t i;

    json_array_foreach(json_object_get(record, "features"), i, feature)
    {
        if (g_str_equal(json_string_value(feature), "broken"))
            return true;
    }
    return false;
}

static GPtrArray *stream_events(const char *body)
{
    g_auto(GStrv) blocks = g_strsplit(body, "\n\n", -1);
    GPtrArray *events = g_ptr_array_new_with_free_func(g_free);

    for (char **block = blocks; *block; block++) {
        if (strstr(*block, "data:"))
            g_ptr_array_add(events, g_strconcat(*block, "\n\n", NULL));
    }
    return events;
}

/* Calls of a good end are whole. */
static void check_calls(const char *id, const struct host_heard *h)
{
    for (guint i = 0; i < h->calls->len; i++) {
        const char *call = ((GString *)g_ptr_array_index(h->calls, i))->str;
        g_autofree char *inside = g_strndup(strchr(call, '(') + 1, strlen(strchr(call, '(')) - 2);
        json_t *json = json_loads(inside, 0, NULL);

        if (h->finish->len && !json_is_object(json) && !g_str_has_suffix(h->finish->str, "tokens"))
            g_error("%s: a call that is not whole: %s", id, call);
        json_decref(json);
    }
}

enum { DAMAGE_CUT, DAMAGE_DROP, DAMAGE_TWICE, DAMAGE_SWAP, DAMAGE_GARBAGE, DAMAGES };

static char *damage(GPtrArray *events, guint at, int how)
{
    GString *all = g_string_new(NULL);

    for (guint i = 0; i < events->len; i++) {
        const char *event = g_ptr_array_index(events, i);

        if (i == at && how == DAMAGE_CUT)
            break;
        if (i == at && how == DAMAGE_DROP)
            continue;
        if (i == at && how == DAMAGE_GARBAGE)
            event = "event: content_block_delta\ndata: {\"type\":\n\n";
        if (i == at && how == DAMAGE_SWAP && i + 1 < events->len) {
            g_string_append(all, g_ptr_array_index(events, i + 1));
            g_string_append(all, event);
            i++;
            continue;
        }
        g_string_append(all, event);
        if (i == at && how == DAMAGE_TWICE)
            g_string_append(all, event);
    }
    return g_string_free(all, FALSE);
}

/* Whether an event may come at another place, twice, or not at all, without the order of events
 * being broken: one that adds to a block, or has no meaning. */
static bool is_loose(const char *event)
{
    static const char *const types[] = { "ping",
                                         "text_delta",
                                         "thinking_delta",
                                         "citations_delta",
                                         "input_json_delta",
                                         "signature_delta",
                                         "compaction_delta",
                                         "hologram_delta",
                                         "future_event" };

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strstr(event, types[i]))
            return true;
    }
    return false;
}

static bool says_nothing(const char *event)
{
    return strstr(event, "\"ping\"") || strstr(event, "future_event");
}

/* Whether this damage can leave something that is an answer all the same. */
static bool can_end(GPtrArray *events, guint at, int how)
{
    const char *event = g_ptr_array_index(events, at);
    const char *next = at + 1 < events->len ? g_ptr_array_index(events, at + 1) : NULL;

    switch (how) {
    case DAMAGE_DROP:
        return is_loose(event);
    case DAMAGE_TWICE:
        return is_loose(event) || strstr(event, "message_stop");
    case DAMAGE_SWAP:
        return !next || (is_loose(event) && is_loose(next)) || says_nothing(event) ||
               says_nothing(next);
    default:
        return false;
    }
}

static void damaged(const weir_provider_v1 *face, void *cfg, json_t *record)
{
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *response = json_object_get(record, "response");
    g_autofree char *body = wire_body(response);
    g_autofree char *headers = wire_headers(response);
    g_autoptr(GPtrArray) events = stream_events(body);
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{}", "m");

    e->x.stream = 1;
    if (!is_stream(headers) || !strstr(body, "message_stop") || says_broken(record) ||
        strstr(body, "event: error"))
        goto done;
    /* One answer: what a recorder put behind it is another. */
    for (guint i = 0; i < events->len; i++) {
        if (strstr(g_ptr_array_index(events, i), "\"message_stop\""))
            g_ptr_array_set_size(events, (gint)i + 1);
    }
    for (guint i = 0; i < events->len; i++) {
        for (int how = 0; how < DAMAGES; how++) {
            g_autofree char *bytes = damage(events, i, how);
            struct host_heard *h =
                host_decode(face, cfg, e, 200, headers, weir_str_of(bytes), 0, how == DAMAGE_CUT);

            g_assert_false(h->broken);
            check_calls(id, h);
            if (h->finish->len && !can_end(events, i, how))
                g_error("%s: damage %d at event %u ends well:\n%s", id, how, i, bytes);
            host_heard_free(h);
        }
    }
done:
    host_exchange_free(e);
}

static void test_wire(gconstpointer api)
{
    wire_each(g_getenv("WEIR_WIRE"), api, NULL, damaged);
}

static void test_cases(void)
{
    g_autofree char *folder = wire_cases();

    wire_each(folder, "anthropic.messages", NULL, damaged);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/anthropic/damage/wire/messages", "anthropic.messages", test_wire);
    g_test_add_data_func("/anthropic/damage/wire/vertex", "vertex.anthropic", test_wire);
    g_test_add_func("/anthropic/damage/cases", test_cases);
    return g_test_run();
}
