/*
 * check.c - see check.h.
 */
#include "plugin/check.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Far beyond what a struct will ever have: larger is damage, not growth. */
enum { STRUCT_MAX = 4096, COUNT_MAX = 64 };

static const char *const services[] = { WEIR_SERVICE_LOG, WEIR_SERVICE_JSON, WEIR_SERVICE_METRIC };

bool plugin_check_abi(unsigned major, unsigned minor, unsigned minor_min, char why[PLUGIN_WHY])
{
    if (major != WEIR_ABI_MAJOR) {
        snprintf(why, PLUGIN_WHY,
                 "it is built for ABI %u, this host speaks %d: install a build of the plugin for "
                 "ABI %d%s",
                 major, WEIR_ABI_MAJOR, WEIR_ABI_MAJOR,
                 major > WEIR_ABI_MAJOR ? ", or a newer weir" : "");
        return false;
    }
    if (minor > WEIR_ABI_MINOR && minor_min > WEIR_ABI_MINOR) {
        snprintf(why, PLUGIN_WHY,
                 "it is built with ABI %u.%u and needs at least %u.%u, this host speaks %d.%d: "
                 "install a newer weir, or an older version of the plugin",
                 major, minor, major, minor_min, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
        return false;
    }
    if (minor_min > minor) {
        snprintf(why, PLUGIN_WHY,
                 "it says that it is built with ABI %u.%u but needs at least %u.%u: correct its "
                 "abi_minor_min",
                 major, minor, major, minor_min);
        return false;
    }
    return true;
}

bool plugin_check_service(const char *id, char why[PLUGIN_WHY])
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (id && strcmp(id, services[i]) == 0) {
            return true;
        }
    }
    snprintf(why, PLUGIN_WHY,
             "it cannot live without the service \"%.100s\", this host has %s, %s and %s: install "
             "a newer weir, or a plugin that makes do without",
             id ? id : "(null)", services[0], services[1], services[2]);
    return false;
}

bool plugin_check_tail(const void *object, size_t size, size_t known)
{
    const unsigned char *p = object;
    for (size_t i = known; i < size; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

/* No weir_plugin_v1: says which version there is instead. */
static void symbol_missing(void *handle, char why[PLUGIN_WHY])
{
    for (int major = 2; major <= 9; major++) {
        char name[32];
        snprintf(name, sizeof(name), "weir_plugin_v%d", major);
        if (dlsym(handle, name)) {
            plugin_check_abi((unsigned)major, 0, 0, why);
            return;
        }
    }
    snprintf(why, PLUGIN_WHY,
             "it exports no symbol weir_plugin_v%d: define it with WEIR_PLUGIN, and link it with "
             "the version script of the kit",
             WEIR_ABI_MAJOR);
}

static bool requires_check(const weir_plugin *p, char why[PLUGIN_WHY])
{
    if (p->require_count > COUNT_MAX || (p->require_count > 0 && !p->requires_)) {
        snprintf(why, PLUGIN_WHY, "its list of %u required services is not there or too long",
                 p->require_count);
        return false;
    }
    for (uint32_t i = 0; i < p->require_count; i++) {
        if (!plugin_check_service(p->requires_[i], why)) {
            return false;
        }
    }
    return true;
}

const weir_plugin *plugin_check_symbol(void *handle, char why[PLUGIN_WHY])
{
    const weir_plugin *p = dlsym(handle, "weir_plugin_v1");
    if (!p) {
        symbol_missing(handle, why);
        return NULL;
    }
    if (p->magic != WEIR_PLUGIN_MAGIC) {
        snprintf(why, PLUGIN_WHY,
                 "its weir_plugin_v1 begins with 0x%08x, not with 0x%08x: it is not made by the "
                 "WEIR_PLUGIN macro",
                 p->magic, WEIR_PLUGIN_MAGIC);
        return NULL;
    }
    size_t least = PLUGIN_UP_TO(weir_plugin, init);
    if (p->struct_size < least || p->struct_size > STRUCT_MAX) {
        snprintf(why, PLUGIN_WHY,
                 "its weir_plugin says it has %u bytes, %zu to %d are possible: set struct_size to "
                 "sizeof(weir_plugin)",
                 p->struct_size, least, STRUCT_MAX);
        return NULL;
    }
    if (!plugin_check_abi(p->abi_major, p->abi_minor, p->abi_minor_min, why)) {
        return NULL;
    }
    if (!plugin_check_tail(p, p->struct_size, sizeof(*p))) {
        snprintf(why, PLUGIN_WHY,
                 "its weir_plugin (%u bytes, ABI %u.%u) uses a field that this host (%zu bytes, "
                 "ABI %d.%d) does not know: install a newer weir",
                 p->struct_size, p->abi_major, p->abi_minor, sizeof(*p), WEIR_ABI_MAJOR,
                 WEIR_ABI_MINOR);
        return NULL;
    }
    if (!p->id || !p->version || p->part_count > COUNT_MAX || (p->part_count > 0 && !p->parts)) {
        snprintf(why, PLUGIN_WHY,
                 "its weir_plugin has no id, no version or no list of at most %d parts: fill them "
                 "in",
                 COUNT_MAX);
        return NULL;
    }
    return requires_check(p, why) ? p : NULL;
}
