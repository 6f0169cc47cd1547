/*
 * health.h - how the targets and limits of a running gateway stand, as its /metrics says.
 */
#pragma once

#include <glib.h>

/* Of what there are two limits. */
enum { HEALTH_REQUESTS, HEALTH_TOKENS, HEALTH_KINDS };

/* Of one target. */
struct health {
    gboolean up;
    guint inflight;
    guint64 good, failed;                          /* attempts since it started */
    gdouble learned;                               /* requests a minute; 0: nothing was learned */
    gint64 told[HEALTH_KINDS], left[HEALTH_KINDS]; /* by the vendor's headers; told 0: nothing */
};

/* Of one limit of our own. */
struct health_limit {
    gdouble booked_s[HEALTH_KINDS]; /* until what is booked has become free again */
    guint inflight;
};

struct health_page {
    GHashTable *targets; /* "provider/model" -> struct health */
    GHashTable *limits;  /* "provider NAME", "tenant NAME" -> struct health_limit */
};

/*
 * Asks the gateway that listens at `address` ("127.0.0.1:8080", "unix:/path"); `key` (may be NULL)
 * is shown as an admin's. To be freed with health_free(). NULL: none runs there (`*why` is NULL),
 * or it does not tell (`*why` says so, to be freed).
 */
struct health_page *health_ask(const char *address, const char *key, char **why);
void health_free(struct health_page *page); /* NULL is fine */
