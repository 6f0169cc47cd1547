/*
 * yaml.c - libyaml's events become the tree of yaml.h.
 */
#include "config/yaml.h"

#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct ytree *tree;
    struct faults *faults;
    const char *file;
    guint order;
    guint depth;
    GHashTable *anchors; /* name -> struct ynode, complete ones */
    GHashTable *open;    /* names whose node is being read */
};

static void ynode_free(gpointer p)
{
    struct ynode *n = p;
    if (n->text != n->raw)
        g_free(n->text);
    g_free(n->raw);
    g_clear_pointer(&n->keys, g_ptr_array_unref);
    g_clear_pointer(&n->values, g_ptr_array_unref);
    g_clear_pointer(&n->index, g_hash_table_unref);
    g_free(n);
}

struct ytree *ytree_new(void)
{
    struct ytree *t = g_new0(struct ytree, 1);
    t->nodes = g_ptr_array_new_with_free_func(ynode_free);
    t->files = g_ptr_array_new_with_free_func(g_free);
    return t;
}

void ytree_free(struct ytree *t)
{
    if (!t)
        return;
    g_ptr_array_unref(t->nodes);
    g_ptr_array_unref(t->files);
    g_free(t);
}

struct ynode *ynode_new(struct ytree *t, enum ynode_kind kind, const struct place *at)
{
    struct ynode *n = g_new0(struct ynode, 1);
    n->kind = kind;
    n->at = *at;
    n->weight = 1;
    if (kind != YNODE_SCALAR)
        n->values = g_ptr_array_new();
    if (kind == YNODE_MAP) {
        n->keys = g_ptr_array_new();
        n->index = g_hash_table_new(g_str_hash, g_str_equal);
    }
    g_ptr_array_add(t->nodes, n);
    return n;
}

gboolean ynode_add(struct ynode *map, struct ynode *key, struct ynode *value)
{
    if (g_hash_table_contains(map->index, key->raw))
        return FALSE;
    g_ptr_array_add(map->keys, key);
    g_ptr_array_add(map->values, value);
    g_hash_table_insert(map->index, key->raw, GUINT_TO_POINTER(map->keys->len));
    map->weight += value->weight;
    return TRUE;
}

static guint ynode_position(const struct ynode *map, const char *key)
{
    if (!map || map->kind != YNODE_MAP)
        return 0;
    return GPOINTER_TO_UINT(g_hash_table_lookup(map->index, key));
}

struct ynode *ynode_get(const struct ynode *map, const char *key)
{
    guint i = ynode_position(map, key);
    return i ? ynode_at(map, i - 1) : NULL;
}

struct ynode *ynode_key(const struct ynode *map, const char *key)
{
    guint i = ynode_position(map, key);
    return i ? ynode_key_at(map, i - 1) : NULL;
}

gboolean ynode_is_null(const struct ynode *n)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
    return n->kind == YNODE_SCALAR && n->plain && g_strv_contains(nulls, n->raw);
}

char *ynode_show(const struct ynode *n)
{
    if (n->kind != YNODE_SCALAR)
        return g_strdup(n->kind == YNODE_LIST ? "a list" : "a map");
    if (ynode_is_null(n))
        return g_strdup("nothing");
    g_autofree char *start = g_utf8_substring(n->raw, 0, MIN(g_utf8_strlen(n->raw, -1), 60));
    for (char *p = start; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return g_strdup_printf("'%s%s'", start, strlen(start) < strlen(n->raw) ? "..." : "");
}

/* -- Events ----------------------------------------------------------------------------------- */

static struct place place_of(const struct reader *r, const yaml_mark_t *mark)
{
    return (struct place){ r->file, r->order, (guint)mark->line + 1, (guint)mark->column + 1 };
}

/* What usually stands behind libyaml's words. */
static const char *yaml_advice(const yaml_parser_t *p)
{
    if (p->problem && strstr(p->problem, "cannot start any token"))
        return "indent with spaces, not tabs, and put a text that begins with @ or ` in quotes";
    if (p->context && (strstr(p->context, "an alias") || strstr(p->context, "an anchor")))
        return "put a text that begins with * or & in quotes";
    return "check indentation, colons and quotes";
}

static gboolean next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return TRUE;
    const yaml_parser_t *p = &r->parser;
    struct place at = place_of(r, &p->problem_mark);
    const char *problem = p->problem ? p->problem : "cannot be read";
    if (p->error == YAML_READER_ERROR) {
        at.line = at.column = 1;
        fault_at(r->faults, &at, "the file is not UTF-8 text: %s at byte %zu", problem,
                 p->problem_offset);
    } else if (p->error == YAML_MEMORY_ERROR) {
        fault_at(r->faults, &at, "out of memory");
    } else {
        fault_at(r->faults, &at, "this is not YAML: %s%s%s; %s", problem, p->context ? ", " : "",
                 p->context ? p->context : "", yaml_advice(p));
    }
    return FALSE;
}

static struct ynode *compose(struct reader *r, const yaml_event_t *event);

/* The node of the next event, or NULL: a fault, or (`*end`) the end of what surrounds it. */
static struct ynode *compose_next(struct reader *r, gboolean *end)
{
    yaml_event_t event;
    *end = FALSE;
    if (!next_event(r, &event))
        return NULL;
    struct ynode *n = NULL;
    if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
        *end = TRUE;
    else
        n = compose(r, &event);
    yaml_event_delete(&event);
    return n;
}

static gboolean fits(struct reader *r, const struct ynode *n, const struct place *at)
{
    if (n->weight <= YAML_LIMIT_NODES)
        return TRUE;
    fault_at(r->faults, at,
             "more than %d values, aliases counted each time they are used; use fewer aliases",
             YAML_LIMIT_NODES);
    return FALSE;
}

/* Takes the entries of the map `from` that `map` does not have itself. */
static gboolean merge_map(struct reader *r, struct ynode *map, const struct ynode *from,
                          const struct place *at)
{
    if (from->kind != YNODE_MAP) {
        fault_at(r->faults, at, "<< takes a map or a list of maps; write '<<: *anchor'");
        return FALSE;
    }
    for (guint i = 0; i < ynode_count(from); i++) {
        ynode_add(map, ynode_key_at(from, i), ynode_at(from, i));
        if (!fits(r, map, at))
            return FALSE;
    }
    return TRUE;
}

static gboolean merge(struct reader *r, struct ynode *map, const struct ynode *from,
                      const struct place *at)
{
    if (from->kind != YNODE_LIST)
        return merge_map(r, map, from, at);
    for (guint i = 0; i < ynode_count(from); i++) {
        if (!merge_map(r, map, ynode_at(from, i), at))
            return FALSE;
    }
    return TRUE;
}

static gboolean compose_map(struct reader *r, struct ynode *map)
{
    g_autoptr(GPtrArray) merges = g_ptr_array_new();
    gboolean end;

    for (;;) {
        struct ynode *key = compose_next(r, &end);
        if (!key)
            break;
        if (key->kind != YNODE_SCALAR) {
            fault_at(r->faults, &key->at, "a key must be a word, not %s",
                     key->kind == YNODE_LIST ? "a list" : "a map");
            return FALSE;
        }
        struct ynode *value = compose_next(r, &end);
        if (!value)
            return FALSE;
        if (key->plain && strcmp(key->raw, "<<") == 0) {
            g_ptr_array_add(merges, value);
            g_ptr_array_add(merges, key);
        } else if (!ynode_add(map, key, value)) {
            g_autofree char *shown = ynode_show(key);
            fault_at(r->faults, &key->at, "the key %s is here twice, first in line %u; remove one",
                     shown, ynode_key(map, key->raw)->at.line);
        }
        if (!fits(r, map, &key->at))
            return FALSE;
    }
    if (!end)
        return FALSE;
    /* Own keys come before merged ones wherever the << stands. */
    for (guint i = 0; i < merges->len; i += 2) {
        const struct ynode *key = g_ptr_array_index(merges, i + 1);
        if (!merge(r, map, g_ptr_array_index(merges, i), &key->at))
            return FALSE;
    }
    return TRUE;
}

static gboolean compose_list(struct reader *r, struct ynode *list)
{
    gboolean end;
    for (;;) {
        struct ynode *item = compose_next(r, &end);
        if (!item)
            return end;
        g_ptr_array_add(list->values, item);
        list->weight += item->weight;
        if (!fits(r, list, &list->at)) /* an item may stand elsewhere */
            return FALSE;
    }
}

static struct ynode *compose_alias(struct reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct place at = place_of(r, &event->start_mark);
    struct ynode *n = g_hash_table_lookup(r->anchors, name);

    if (n)
        return n;
    if (g_hash_table_contains(r->open, name))
        fault_at(r->faults, &at, "*%s stands inside what it refers to; take it out", name);
    else
        fault_at(r->faults, &at, "*%s refers to nothing; write &%s before the value it stands for",
                 name, name);
    return NULL;
}

static struct ynode *compose_scalar(struct reader *r, const yaml_event_t *event,
                                    const struct place *at)
{
    const char *value = (const char *)event->data.scalar.value;
    gsize len = event->data.scalar.length;

    if (memchr(value, 0, len)) {
        fault_at(r->faults, at, "a text may not contain \\0; remove it");
        return NULL;
    }
    struct ynode *n = ynode_new(r->tree, YNODE_SCALAR, at);
    n->raw = n->text = g_strndup(value, len);
    n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag;
    return n;
}

static gboolean tag_allowed(const yaml_char_t *tag, enum ynode_kind kind)
{
    if (!tag)
        return TRUE;
    const char *t = (const char *)tag;
    return kind == YNODE_SCALAR && (strcmp(t, YAML_STR_TAG) == 0 || strcmp(t, "!") == 0);
}

static gboolean compose_inside(struct reader *r, struct ynode *n)
{
    if (++r->depth > YAML_LIMIT_DEPTH) {
        fault_at(r->faults, &n->at, "nested more than %d deep; make it flatter", YAML_LIMIT_DEPTH);
        return FALSE;
    }
    gboolean ok = n->kind == YNODE_MAP ? compose_map(r, n) : compose_list(r, n);
    r->depth--;
    return ok;
}

static struct ynode *compose(struct reader *r, const yaml_event_t *event)
{
    struct place at = place_of(r, &event->start_mark);
    const yaml_char_t *anchor = NULL, *tag = NULL;
    enum ynode_kind kind = YNODE_SCALAR;

    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return compose_alias(r, event);
    case YAML_SEQUENCE_START_EVENT:
        kind = YNODE_LIST;
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        kind = YNODE_MAP;
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    }
    if (!tag_allowed(tag, kind)) {
        fault_at(r->faults, &at, "tags are not used here; remove '%s'", (const char *)tag);
        return NULL;
    }
    g_autofree char *name = g_strdup((const char *)anchor);
    struct ynode *n = NULL;
    if (kind == YNODE_SCALAR) {
        n = compose_scalar(r, event, &at);
    } else {
        if (name)
            g_hash_table_add(r->open, g_strdup(name));
        n = ynode_new(r->tree, kind, &at);
        if (!compose_inside(r, n))
            n = NULL;
        if (name)
            g_hash_table_remove(r->open, name);
    }
    if (n && name)
        g_hash_table_replace(r->anchors, g_steal_pointer(&name), n);
    return n;
}

/* -- Documents -------------------------------------------------------------------------------- */

static struct ynode *compose_document(struct reader *r)
{
    struct ynode *root = NULL;
    gboolean done = FALSE, end;
    guint documents = 0;

    while (!done) {
        yaml_event_t event;
        if (!next_event(r, &event))
            return NULL;
        struct place at = place_of(r, &event.start_mark);
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) {
            done = TRUE;
        } else if (type == YAML_DOCUMENT_START_EVENT) {
            if (documents++) {
                fault_at(r->faults, &at,
                         "a second document begins here; put it in a file of its "
                         "own or remove the ---");
                return NULL;
            }
            root = compose_next(r, &end);
            if (!root)
                return NULL;
        }
    }
    struct place top = { r->file, r->order, 1, 1 };
    return root && !ynode_is_null(root) ? root : ynode_new(r->tree, YNODE_MAP, &top);
}

struct ynode *ytree_parse(struct ytree *t, const char *name, const char *text, gsize len,
                          struct faults *faults)
{
    char *file = g_strdup(name);
    struct reader r = { .tree = t, .faults = faults, .file = file, .order = t->files->len };
    struct place top = { file, r.order, 1, 1 };

    g_ptr_array_add(t->files, file);
    if (len > YAML_LIMIT_BYTES) {
        fault_at(faults, &top, "larger than %d bytes; split it into conf.d", YAML_LIMIT_BYTES);
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser)) {
        fault_at(faults, &top, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    r.anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    r.open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    guint before = faults_count(faults);
    struct ynode *root = compose_document(&r);
    if (root && root->kind != YNODE_MAP) {
        g_autofree char *shown = ynode_show(root);
        fault_at(faults, &root->at, "a configuration is a map of keys, not %s", shown);
    }
    g_hash_table_unref(r.anchors);
    g_hash_table_unref(r.open);
    yaml_parser_delete(&r.parser);
    return faults_count(faults) == before ? root : NULL;
}
