/*
 * owner.c - see owner.h.
 *
 * The table is a cache of sets: a hash says which shard, which set of eight, and the entry among
 * them that has not been seen for longest makes room. No memory is taken before something is known.
 */
#include "route/owner.h"

#include <glib.h>
#include <openssl/evp.h>
#include <string.h>
#include <weir/sdk/text.h>

enum { SHARDS = 16, WAYS = 8, KEY = 16 };

struct entry {
    unsigned char key[KEY];
    struct owner owner; /* provider NULL: free */
    int64_t seen_us;
};

struct shard {
    GMutex lock;
    uint32_t sets;
    struct entry *entries; /* NULL until something is noted */
};

static struct shard shards[SHARDS];
static gint64 lifetime_us; /* atomic */

static bool hash_value(weir_text value, unsigned char key[KEY])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct weir_text_cursor cursor = weir_text_open(value);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL);

    while (good) {
        weir_str piece = weir_text_piece(&cursor);

        if (!piece.len)
            break;
        good = EVP_DigestUpdate(md, piece.ptr, piece.len);
    }
    good = good && EVP_DigestFinal_ex(md, digest, NULL);
    EVP_MD_CTX_free(md);
    if (good)
        memcpy(key, digest, KEY);
    return good;
}

static struct entry *set_of(const struct shard *s, const unsigned char key[KEY])
{
    uint32_t number;

    memcpy(&number, key + 4, sizeof number);
    return s->entries + (size_t)(number % s->sets) * WAYS;
}

static bool is_alive(const struct entry *e, int64_t now_us)
{
    return e->owner.provider &&
           now_us - e->seen_us < __atomic_load_n(&lifetime_us, __ATOMIC_RELAXED);
}

static struct entry *find(const struct shard *s, const unsigned char key[KEY])
{
    struct entry *set = s->entries ? set_of(s, key) : NULL;

    for (int i = 0; set && i < WAYS; i++) {
        if (set[i].owner.provider && memcmp(set[i].key, key, KEY) == 0)
            return &set[i];
    }
    return NULL;
}

static struct entry *oldest(const struct shard *s, const unsigned char key[KEY])
{
    struct entry *set = set_of(s, key), *old = set;

    for (int i = 0; i < WAYS; i++) {
        if (!set[i].owner.provider)
            return &set[i];
        if (set[i].seen_us < old->seen_us)
            old = &set[i];
    }
    return old;
}

static void resize(struct shard *s, uint32_t sets)
{
    struct entry *was = s->entries;
    size_t count = (size_t)s->sets * WAYS;

    if (sets == s->sets)
        return;
    s->sets = sets;
    s->entries = was && sets ? g_new0(struct entry, (size_t)sets * WAYS) : NULL;
    for (size_t i = 0; s->entries && i < count; i++) {
        struct entry *to = oldest(s, was[i].key);

        if (was[i].owner.provider && (!to->owner.provider || to->seen_us < was[i].seen_us))
            *to = was[i];
    }
    g_free(was);
}

void owner_configure(uint32_t size, int64_t ttl_us)
{
    uint32_t sets = size / (SHARDS * WAYS) + (size % (SHARDS * WAYS) != 0);

    __atomic_store_n(&lifetime_us, ttl_us, __ATOMIC_RELAXED);
    for (int i = 0; i < SHARDS; i++) {
        g_mutex_lock(&shards[i].lock);
        resize(&shards[i], sets);
        g_mutex_unlock(&shards[i].lock);
    }
}

void owner_note(weir_text value, const struct owner *owner, int64_t now_us)
{
    unsigned char key[KEY];
    struct shard *s;
    struct entry *e;

    if (!value.len || !hash_value(value, key))
        return;
    s = &shards[key[0] % SHARDS];
    g_mutex_lock(&s->lock);
    if (s->sets && !s->entries)
        s->entries = g_new0(struct entry, (size_t)s->sets * WAYS);
    if (s->entries) {
        e = find(s, key);
        e = e ? e : oldest(s, key);
        memcpy(e->key, key, KEY);
        e->owner = *owner;
        e->seen_us = now_us;
    }
    g_mutex_unlock(&s->lock);
}

bool owner_find(weir_text value, int64_t now_us, struct owner *owner)
{
    unsigned char key[KEY];
    struct shard *s;
    struct entry *e;
    bool found;

    if (!value.len || !hash_value(value, key))
        return false;
    s = &shards[key[0] % SHARDS];
    g_mutex_lock(&s->lock);
    e = find(s, key);
    found = e && is_alive(e, now_us);
    if (found) {
        *owner = e->owner;
        e->seen_us = now_us > e->seen_us ? now_us : e->seen_us;
    }
    g_mutex_unlock(&s->lock);
    return found;
}
