/*
 * expand.c - variables in values.
 */
#include "config/expand.h"

#include <string.h>

struct expander {
    char **env;
    GPtrArray *secrets;
    struct faults *faults;
    struct ynode *node;
    GString *out;
};

static gboolean is_name(const char *name)
{
    if (!g_ascii_isalpha(*name) && *name != '_')
        return FALSE;
    while (g_ascii_isalnum(*name) || *name == '_')
        name++;
    return !*name;
}

static gboolean names_secret(const char *name)
{
    static const char *const words[] = { "KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH" };
    g_autofree char *upper = g_ascii_strup(name, -1);
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (strstr(upper, words[i]))
            return TRUE;
    return FALSE;
}

/* Puts in the variable whose reference, without ${ and }, is `reference`. */
static gboolean expand_one(struct expander *e, char *reference)
{
    const struct place *at = &e->node->at;
    char *standby = strstr(reference, ":-");
    if (standby) {
        *standby = 0;
        standby += 2;
    }
    if (!is_name(reference)) {
        fault_at(e->faults, at,
                 "'%s' is no name of a variable; write ${NAME}, ${NAME:-default}, or $${ for a "
                 "literal ${",
                 reference);
        return FALSE;
    }
    const char *value = g_environ_getenv(e->env, reference);
    e->node->variables++;
    if ((!value || !*value) && standby) {
        e->node->given_default |= *standby != 0;
        g_string_append(e->out, standby);
        return TRUE;
    }
    if (!value) {
        fault_at(e->faults, at,
                 "the variable %s is not set; set it in the environment of weir, or give a default "
                 "with ${%s:-default}",
                 reference, reference);
        return FALSE;
    }
    if (!g_utf8_validate(value, -1, NULL)) {
        fault_at(e->faults, at, "the variable %s is not UTF-8 text; correct it", reference);
        return FALSE;
    }
    if (*value && names_secret(reference))
        g_ptr_array_add(e->secrets, g_strdup(value));
    g_string_append(e->out, value);
    return TRUE;
}

static gboolean expand_text(struct expander *e, const char *p)
{
    for (const char *dollar; (dollar = strchr(p, '$')); p = dollar) {
        g_string_append_len(e->out, p, dollar - p);
        if (g_str_has_prefix(dollar, "$${")) {
            g_string_append(e->out, "${");
            dollar += 3;
        } else if (dollar[1] != '{') {
            g_string_append_c(e->out, '$');
            dollar += 1;
        } else {
            const char *end = strchr(dollar, '}');
            if (!end) {
                fault_at(e->faults, &e->node->at,
                         "${ without a }; close it, or write $${ for a "
                         "literal ${");
                return FALSE;
            }
            g_autofree char *reference = g_strndup(dollar + 2, (gsize)(end - dollar - 2));
            if (!expand_one(e, reference))
                return FALSE;
            dollar = end + 1;
        }
    }
    g_string_append(e->out, p);
    return TRUE;
}

static void expand_scalar(struct expander *e, struct ynode *n)
{
    if (n->kind != YNODE_SCALAR || n->text != n->raw || !strchr(n->raw, '$'))
        return;
    e->node = n;
    e->out = g_string_new(NULL);
    n->bad = !expand_text(e, n->raw);
    n->text = g_string_free(e->out, FALSE);
}

void expand_tree(const struct ytree *tree, char **env, GPtrArray *secrets, struct faults *faults)
{
    struct expander e = { .env = env, .secrets = secrets, .faults = faults };

    for (guint i = 0; i < tree->nodes->len; i++) {
        const struct ynode *n = g_ptr_array_index(tree->nodes, i);
        for (guint j = 0; n->kind != YNODE_SCALAR && j < ynode_count(n); j++)
            expand_scalar(&e, ynode_at(n, j));
    }
}
