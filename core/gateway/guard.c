/*
 * guard.c - see guard.h.
 */
#include "gateway/guard.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/socket.h>

enum { HASHED = 16, HASHED_KEY = 120 };

/* A key that was found good, and its hash: hashing is most of what looking a key up costs. */
struct hashed {
    uint8_t len; /* 0: none */
    char key[HASHED_KEY];
    unsigned char digest[CONFIG_DIGEST];
};

struct guard {
    EVP_MD_CTX *context;
    EVP_MD *sha256;
    struct hashed hashed[HASHED]; /* by the last byte of the key, which is as good as random */
};

struct guard *guard_new(void)
{
    struct guard *g = g_new0(struct guard, 1);

    g->context = EVP_MD_CTX_new();
    g->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    return g;
}

void guard_free(struct guard *g)
{
    if (!g)
        return;
    EVP_MD_CTX_free(g->context);
    EVP_MD_free(g->sha256);
    OPENSSL_cleanse(g->hashed, sizeof g->hashed);
    g_free(g);
}

unsigned guard_door(int fd)
{
    struct sockaddr_storage at = { 0 };
    socklen_t len = sizeof at;
    bool local = false;

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return 0;
    if (at.ss_family == AF_UNIX)
        return DOOR_LOCAL;
    if (at.ss_family == AF_INET)
        local = ntohl(((struct sockaddr_in *)&at)->sin_addr.s_addr) >> 24 == 127;
    else if (at.ss_family == AF_INET6)
        local = IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&at)->sin6_addr);
    return local ? DOOR_LOCAL | DOOR_HOST : 0;
}

/* -- host and origin -------------------------------------------------------------------------- */

enum { NAME_MAX_BYTES = 256 };

/* In lower case, so that it can be compared; too long a one is nobody's. */
static weir_str lower(weir_str s, char into[NAME_MAX_BYTES])
{
    size_t len = s.len <= NAME_MAX_BYTES ? s.len : 0;

    for (size_t i = 0; i < len; i++)
        into[i] = g_ascii_tolower(s.ptr[i]);
    return (weir_str){ into, len };
}

static weir_str without_port(weir_str host)
{
    size_t end = host.len;

    while (end && g_ascii_isdigit(host.ptr[end - 1]))
        end--;
    if (end && host.ptr[end - 1] == ':')
        host.len = end - 1;
    return host;
}

/* Names that no name server can give to another machine. 127.example.com is not one. */
static bool is_loopback(weir_str host)
{
    size_t i = 0;

    if (str_is(host, "localhost") || str_is(host, "[::1]") || str_glob(host, S("*.localhost")))
        return true;
    while (i < host.len && (g_ascii_isdigit(host.ptr[i]) || host.ptr[i] == '.'))
        i++;
    return i && i == host.len && str_begins(host, S("127."));
}

/* A page can give its own name this machine's address, and then asks as if it were at home: but
 * its name stands in Host. Beyond loopback there are other names than we know. */
static bool host_is_good(const struct config *c, unsigned door, const struct http_request *req)
{
    char text[NAME_MAX_BYTES];
    weir_str sent = http_header(&req->head, "host"), host;
    bool matters = door & DOOR_HOST || (c->hosts && !(door & DOOR_LOCAL));

    if (!sent.ptr || !matters)
        return true;
    host = without_port(lower(sent, text));
    return is_loopback(host) || str_in(host, (const char *const *)c->hosts);
}

static bool origin_is_good(const struct config *c, const struct http_request *req)
{
    char text[NAME_MAX_BYTES];
    weir_str origin = http_header(&req->head, "origin");

    return !origin.ptr || str_in(lower(origin, text), (const char *const *)c->origins);
}

/* -- keys ------------------------------------------------------------------------------------- */

static const weir_str key_headers[] = {
    { "authorization", 13 }, { "x-api-key", 9 }, { "x-goog-api-key", 14 }, { "api-key", 7 }
};

static bool hash(struct guard *g, weir_str key, unsigned char digest[EVP_MAX_MD_SIZE])
{
    return EVP_DigestInit_ex(g->context, g->sha256, NULL) &&
           EVP_DigestUpdate(g->context, key.ptr, key.len) &&
           EVP_DigestFinal_ex(g->context, digest, NULL);
}

/* Only good keys are remembered, so that strangers cannot drive them out. Whether one still is good
 * is the configuration's to say, each time. */
static const struct config_key *look_up(struct guard *g, const struct config *c, weir_str key)
{
    struct hashed *h = &g->hashed[(unsigned char)key.ptr[key.len - 1] % HASHED];
    unsigned char digest[EVP_MAX_MD_SIZE];
    const struct config_key *found;

    if (h->len == key.len && CRYPTO_memcmp(h->key, key.ptr, key.len) == 0)
        return config_find_key(c, h->digest);
    if (!hash(g, key, digest))
        return NULL;
    found = config_find_key(c, digest);
    if (found && key.len <= HASHED_KEY) {
        h->len = (uint8_t)key.len;
        memcpy(h->key, key.ptr, key.len);
        memcpy(h->digest, digest, CONFIG_DIGEST);
    }
    return found;
}

static weir_str bearer(weir_str value)
{
    static const char scheme[] = "bearer ";

    if (value.len < sizeof scheme - 1 || g_ascii_strncasecmp(value.ptr, scheme, 7) != 0)
        return value;
    return str_trim((weir_str){ value.ptr + 7, value.len - 7 });
}

static weir_str key_in_query(weir_str query)
{
    const char *p = query.ptr, *end = p + query.len;

    while (p < end) {
        const char *next = memchr(p, '&', (size_t)(end - p));
        weir_str pair = { p, (size_t)((next ? next : end) - p) };

        if (str_begins(pair, S("key=")))
            return (weir_str){ pair.ptr + 4, pair.len - 4 };
        p = next ? next + 1 : end;
    }
    return S("");
}

static void try_key(struct guard *g, const struct config *c, weir_str key, struct admission *in)
{
    if (!key.len || in->key)
        return;
    in->sent = true;
    in->key = look_up(g, c, key);
}

/* The first of each kind counts: applications that send several may mean another by some. */
static void find_key(struct guard *g, const struct config *c, struct http_request *req,
                     struct admission *in)
{
    unsigned seen = 0;

    for (uint32_t i = 0; i < req->head.header_count; i++) {
        weir_header *h = &req->head.headers[i];

        for (unsigned k = 0; k < G_N_ELEMENTS(key_headers); k++) {
            if (h->name.len != key_headers[k].len ||
                !http_name_same(h->name.ptr, key_headers[k].ptr, h->name.len))
                continue;
            if (!(seen & 1u << k))
                try_key(g, c, k == 0 ? bearer(h->value) : h->value, in);
            seen |= 1u << k;
            h->value.len = 0;
        }
    }
    try_key(g, c, key_in_query(req->head.query), in);
}

/* -- the decision ----------------------------------------------------------------------------- */

static bool is_admin(const struct config *c, unsigned door, const struct config_key *key)
{
    if (key && key->admin)
        return true;
    if (door & DOOR_ADMIN)
        return door & DOOR_LOCAL || c->open;
    return door & DOOR_LOCAL && !c->keys->len && !c->admin_listen->len;
}

struct admission guard_admit(struct guard *g, const struct config *c, unsigned door,
                             struct http_request *req)
{
    struct admission in = { 0 };

    if (c->keys->len)
        find_key(g, c, req, &in);
    if (!host_is_good(c, door, req)) {
        in.class_id = WEIR_CLASS_PERMISSION;
        in.why = "the request was meant for another host; allowed_hosts names those that are this";
    } else if (!origin_is_good(c, req)) {
        in.class_id = WEIR_CLASS_PERMISSION;
        in.why = "a page of this origin may not ask here; allowed_origins names those that may";
    } else {
        in.admin = is_admin(c, door, in.key);
        if (c->keys->len && !in.key && !in.admin) {
            in.class_id = WEIR_CLASS_AUTHENTICATION;
            in.why = in.sent ? "the key is not known here"
                             : "no key was sent; send one as Authorization: Bearer KEY, or as the "
                               "API at hand does";
        }
    }
    return in;
}

/* -- browsers --------------------------------------------------------------------------------- */

bool guard_preflight(struct http_request *req)
{
    weir_str asked = http_header(&req->head, "access-control-request-headers");
    weir_header headers[] = {
        { S("access-control-allow-origin"), http_header(&req->head, "origin") },
        { S("access-control-allow-methods"), S("GET, POST, PUT, PATCH, DELETE") },
        { S("access-control-allow-headers"), asked.len ? asked : S("*") },
        { S("access-control-max-age"), S("600") },
        { S("vary"), S("Origin") },
        { S("access-control-allow-private-network"), S("true") },
    };
    size_t count = G_N_ELEMENTS(headers);

    if (!str_is(req->head.method, "OPTIONS") || !headers[0].value.len ||
        !http_header(&req->head, "access-control-request-method").len)
        return false;
    if (!http_header(&req->head, "access-control-request-private-network").len)
        count--;
    http_reply_whole(req, 204, headers, count, S(""));
    return true;
}

size_t guard_cors(const struct config *c, const struct http_request *req,
                  weir_header headers[GUARD_CORS])
{
    weir_str origin = c->origins ? http_header(&req->head, "origin") : S("");

    if (!origin.len || !origin_is_good(c, req))
        return 0;
    headers[0] = (weir_header){ S("access-control-allow-origin"), origin };
    headers[1] = (weir_header){ S("access-control-expose-headers"), S("*") };
    headers[2] = (weir_header){ S("vary"), S("Origin") };
    return GUARD_CORS;
}
