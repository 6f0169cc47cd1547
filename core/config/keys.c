/*
 * keys.c - who may ask: keys of applications, and from where they may be sent.
 */
#include "config/schema.h"
#include "config/value.h"

#include <openssl/crypto.h>
#include <string.h>

#define KEY_HASH "sha256:"

enum { KEY_MIN = 16 }; /* bytes; what is shorter can be guessed from its hash */

#define AT(member) G_STRUCT_OFFSET(struct config_key, member)

static const struct key key_keys[] = {
    { "key", KEY_OTHER, 0, 0, 0 },          { "tenant", KEY_STRING, AT(tenant), 0, 0 },
    { "routes", KEY_OTHER, 0, 0, 0 },       { "models", KEY_OTHER, 0, 0, 0 },
    { "admin", KEY_BOOL, AT(admin), 0, 0 },
};

#undef AT

static const struct key admin_keys[] = { { "listen", KEY_OTHER, 0, 0, 0 } };

void config_key_free(gpointer p)
{
    struct config_key *k = p;
    g_free(k->name);
    g_free(k->tenant);
    g_strfreev(k->routes);
    g_strfreev(k->models);
    g_free(k);
}

/* -- hashes ----------------------------------------------------------------------------------- */

void config_key_digest(const char *key, guint8 digest[CONFIG_DIGEST])
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize len = CONFIG_DIGEST;
    g_checksum_update(sum, (const guchar *)key, -1);
    g_checksum_get_digest(sum, digest, &len);
}

static gboolean parse_hash(const char *hex, guint8 digest[CONFIG_DIGEST])
{
    if (strlen(hex) != (gsize)2 * CONFIG_DIGEST)
        return FALSE;
    for (guint i = 0; i < CONFIG_DIGEST; i++) {
        gint high = g_ascii_xdigit_value(hex[2 * i]), low = g_ascii_xdigit_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return FALSE;
        digest[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

static gint by_digest(gconstpointer a, gconstpointer b)
{
    const struct config_key *const *x = a, *const *y = b;
    return memcmp((*x)->digest, (*y)->digest, CONFIG_DIGEST);
}

/* The search looks at the first bytes of the hash only. Their timing tells nothing of use: nobody
 * can choose a key by the hash that it has. The rest is compared in constant time. */
const struct config_key *config_find_key(const struct config *c, const guint8 digest[CONFIG_DIGEST])
{
    enum { SHOWN = 8 };
    guint low = 0, high = c->keys->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const struct config_key *k = g_ptr_array_index(c->keys, middle);
        if (memcmp(k->digest, digest, SHOWN) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < c->keys->len; low++) {
        const struct config_key *k = g_ptr_array_index(c->keys, low);
        if (memcmp(k->digest, digest, SHOWN) != 0)
            return NULL;
        if (CRYPTO_memcmp(k->digest, digest, CONFIG_DIGEST) == 0)
            return k;
    }
    return NULL;
}

/* -- one key ---------------------------------------------------------------------------------- */

/* The hash stands there, or the key is referred to and hashed now. */
static void read_digest(struct load *l, const struct ynode *n, const char *what,
                        guint8 digest[CONFIG_DIGEST])
{
    g_autofree char *secret = NULL;
    const char *text = value_text(&l->faults, n, what, KEY_HASH "..., ${NAME} or file:PATH");

    if (!text)
        return;
    if (!g_str_has_prefix(text, KEY_HASH) && !g_str_has_prefix(text, "file:") && !n->variables) {
        fault_at(&l->faults, &n->at,
                 "%s: a key may not stand in the file; write its hash, " KEY_HASH
                 "..., as `weir key hash` tells it, or ${NAME} or file:PATH",
                 what);
        return;
    }
    if (!g_str_has_prefix(text, KEY_HASH)) {
        if (!value_secret(&l->faults, n, what, l->config->secrets, &secret))
            return;
        if (secret)
            text = secret;
    }
    if (g_str_has_prefix(text, KEY_HASH)) {
        if (parse_hash(text + strlen(KEY_HASH), digest))
            return;
        fault_at(&l->faults, &n->at, "%s: after " KEY_HASH " come 64 hexadecimal digits", what);
        return;
    }
    if (strlen(text) < KEY_MIN) {
        fault_at(&l->faults, &n->at,
                 "%s has fewer than %d bytes and could be guessed; `weir key new` makes a good one",
                 what, KEY_MIN);
        return;
    }
    config_key_digest(text, digest);
}

/* A list of texts; NULL: it is not there, or was wrong. */
static char **read_list(struct load *l, const struct ynode *n, const char *what)
{
    GPtrArray *list = n ? value_strings(&l->faults, n, what) : NULL;
    if (!list)
        return NULL;
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

static void check_routes(struct load *l, const struct ynode *n, char **routes, const char *what)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < l->config->routes->len; i++)
        g_ptr_array_add(names, ((struct config_route *)l->config->routes->pdata[i])->name);
    g_ptr_array_add(names, NULL);
    for (char **r = routes; r && *r; r++) {
        g_autofree char *guess = NULL;
        if (config_find_route(l->config, *r))
            continue;
        guess = fault_guess_or_list(*r, (const char *const *)names->pdata);
        fault_at(&l->faults, &n->at, "%s: there is no route '%s'%s", what, *r, guess);
    }
}

/* `value` is a map, or only the key. */
static void read_key(struct load *l, const struct ynode *name, const struct ynode *value)
{
    struct config_key *k = g_new0(struct config_key, 1);
    g_autofree char *what = g_strdup_printf("keys.%s", name->raw);
    g_autofree char *routes = g_strconcat(what, ".routes", NULL);
    g_autofree char *models = g_strconcat(what, ".models", NULL);
    const struct ynode *key = value->kind == YNODE_SCALAR ? value : ynode_get(value, "key");
    const char *fault = config_name_fault(name->raw, FALSE);

    g_ptr_array_add(l->config->keys, k);
    k->name = g_strdup(name->raw);
    if (fault)
        fault_at(&l->faults, &name->at, "the name of a key %s", fault);
    if (value->kind != YNODE_SCALAR) {
        schema_read(l, value, what, key_keys, G_N_ELEMENTS(key_keys), NULL, k);
        k->routes = read_list(l, ynode_get(value, "routes"), routes);
        k->models = read_list(l, ynode_get(value, "models"), models);
        check_routes(l, ynode_get(value, "routes"), k->routes, routes);
    }
    if (!k->tenant)
        k->tenant = g_strdup(k->name);
    if (!key && value->kind == YNODE_MAP)
        fault_at(&l->faults, &name->at, "%s has no key; `weir key new` makes one", what);
    else if (key)
        read_digest(l, key, what, k->digest);
}

static void read_keys(struct load *l, const struct ynode *map)
{
    GPtrArray *keys = l->config->keys;

    if (!schema_is_map(l, map, "keys"))
        return;
    for (guint i = 0; i < ynode_count(map); i++)
        read_key(l, ynode_key_at(map, i), ynode_at(map, i));
    g_ptr_array_sort(keys, by_digest);
    for (guint i = 1; i < keys->len && !faults_count(&l->faults); i++) {
        const struct config_key *a = keys->pdata[i - 1], *b = keys->pdata[i];
        if (memcmp(a->digest, b->digest, CONFIG_DIGEST) == 0)
            fault_at(&l->faults, &map->at, "keys: %s and %s are the same key; remove one", a->name,
                     b->name);
    }
}

/* -- from where ------------------------------------------------------------------------------- */

gboolean config_address_exposed(const char *address)
{
    return !g_str_has_prefix(address, "unix:") && !g_str_has_prefix(address, "127.") &&
           !g_str_has_prefix(address, "[::1]:");
}

char *config_exposed(const struct config *c, const char *address)
{
    if (c->open || c->keys->len || !config_address_exposed(address))
        return NULL;
    return g_strdup_printf("%s can be reached from other machines, and there are no keys; add keys "
                           "(`weir key new` makes one), or write auth: none if whoever reaches it "
                           "may use it",
                           address);
}

static void check_exposed(struct load *l, const struct ynode *n, const char *what,
                          const GPtrArray *addresses)
{
    for (guint i = 0; n && i < addresses->len; i++) {
        g_autofree char *fault = config_exposed(l->config, g_ptr_array_index(addresses, i));
        if (fault)
            fault_at(&l->faults, &n->at, "%s: %s", what, fault);
    }
}

void keys_read(struct load *l, const struct ynode *root)
{
    static const char *const ways[] = { "keys", "none", NULL };
    struct config *c = l->config;
    const struct ynode *auth = ynode_get(root, "auth"), *admin = ynode_get(root, "admin");
    const struct ynode *listen = ynode_get(root, "listen");
    gint way = auth ? value_choice(&l->faults, auth, "auth", ways) : -1;

    read_keys(l, ynode_get(root, "keys"));
    c->open = way == 1;
    if (way == 1 && c->keys->len)
        fault_at(&l->faults, &auth->at, "auth: none and keys cannot both be; remove one of them");
    if (way == 0 && !c->keys->len)
        fault_at(&l->faults, &auth->at,
                 "auth: keys, but there are none; add keys (`weir key new` makes one)");
    c->hosts = read_list(l, ynode_get(root, "allowed_hosts"), "allowed_hosts");
    c->origins = read_list(l, ynode_get(root, "allowed_origins"), "allowed_origins");
    schema_read(l, admin, "admin", admin_keys, G_N_ELEMENTS(admin_keys), NULL, c);
    if (admin && ynode_get(admin, "listen"))
        settings_listen(l, ynode_get(admin, "listen"), "admin.listen", c->admin_listen);
    if (auth && way < 0)
        return;
    check_exposed(l, listen, "listen", c->listen);
    check_exposed(l, admin, "admin.listen", c->admin_listen);
}
