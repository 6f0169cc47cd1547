/*
 * encode_media.c - images, audio, video and documents as inlineData or fileData.
 */
#include "gemini.h"

#include <weir/sdk/media.h>
#include <weir/sdk/sink.h>

/* The media type that a name or URL ends with; empty: it does not tell. */
static weir_str media_type_of(weir_str name)
{
    static const struct {
        const char *end;
        const char *type;
    } table[] = {
        { ".png", "image/png" },   { ".jpg", "image/jpeg" },  { ".jpeg", "image/jpeg" },
        { ".webp", "image/webp" }, { ".gif", "image/gif" },   { ".heic", "image/heic" },
        { ".heif", "image/heif" }, { ".wav", "audio/wav" },   { ".mp3", "audio/mp3" },
        { ".ogg", "audio/ogg" },   { ".flac", "audio/flac" }, { ".aac", "audio/aac" },
        { ".m4a", "audio/m4a" },   { ".mp4", "video/mp4" },   { ".mov", "video/mov" },
        { ".webm", "video/webm" }, { ".mpeg", "video/mpeg" }, { ".pdf", "application/pdf" },
        { ".txt", "text/plain" },  { ".md", "text/md" },      { ".html", "text/html" },
        { ".csv", "text/csv" },    { ".xml", "text/xml" },    { ".json", "application/json" },
    };
    weir_str bare = name;

    bare = weir_str_split(&bare, '?');
    bare = weir_str_split(&bare, '#');
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        size_t len = strlen(table[i].end);

        if (bare.len > len && weir_str_is_nocase(weir_str_skip(bare, bare.len - len), table[i].end))
            return weir_str_of(table[i].type);
    }
    return weir_str_make("", 0);
}

/* What the bytes begin with, in base64; empty: unknown. */
static weir_str media_type_sniffed(weir_str data)
{
    static const struct {
        const char *start;
        const char *type;
    } table[] = {
        { "iVBORw0KGgo", "image/png" },   { "/9j/", "image/jpeg" },   { "R0lGOD", "image/gif" },
        { "JVBERi0", "application/pdf" }, { "UklGR", "image/webp" },  { "SUQz", "audio/mp3" },
        { "T2dnUw", "audio/ogg" },        { "ZkxhQw", "audio/flac" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_starts(data, table[i].start))
            return weir_str_of(table[i].type);
    }
    return weir_str_make("", 0);
}

/* Members that the application told in this API's words, but for those written already. */
static void media_rest(struct gem_encoding *e, uint32_t object, bool typed)
{
    WEIR_JSON_EACH_MEMBER(e->doc, object, key, value)
    {
        if (typed && gem_key_is(e->doc, key, "mimeType"))
            continue;
        weir_write_key_text(&e->w, weir_json_text(e->doc, key));
        weir_write_value(&e->w, e->doc, value);
    }
}

static void media_inline(struct gem_encoding *e, const weir_media *m, uint32_t vendor)
{
    weir_str type = m->type;

    if (!type.len)
        type = media_type_of(m->name);
    if (!type.len)
        type = media_type_sniffed(m->data);
    if (!type.len)
        type = weir_str_of(m->kind == WEIR_MEDIA_IMAGE   ? "image/png"
                           : m->kind == WEIR_MEDIA_AUDIO ? "audio/wav"
                                                         : "application/octet-stream");
    weir_write_key(&e->w, "inlineData");
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "mimeType");
    weir_write_string(&e->w, type);
    weir_write_key(&e->w, "data");
    weir_write_string(&e->w, m->data);
    media_rest(e, gem_find(e->doc, vendor, "inlineData"), true);
    weir_write_end_object(&e->w);
}

static void media_file(struct gem_encoding *e, const weir_media *m, weir_str uri, uint32_t vendor)
{
    uint32_t told = gem_find(e->doc, vendor, "fileData");
    weir_str type = weir_json_str(e->doc, gem_find(e->doc, told, "mimeType"), &e->x->arena);

    if (!type.len)
        type = m->type;
    if (!type.len)
        type = media_type_of(uri);
    if (!type.len)
        type = media_type_of(m->name);
    weir_write_key(&e->w, "fileData");
    weir_write_begin_object(&e->w);
    if (type.len) {
        weir_write_key(&e->w, "mimeType");
        weir_write_string(&e->w, type);
    }
    weir_write_key(&e->w, "fileUri");
    weir_write_string(&e->w, uri);
    media_rest(e, told, type.len > 0);
    weir_write_end_object(&e->w);
}

/* Files that lie with Google: every model reads them, but only of the account they belong to. */
static bool media_is_own(weir_str uri)
{
    return weir_str_starts(uri, "gs://") || weir_str_starts(uri, "files/") ||
           weir_str_starts(uri, "https://generativelanguage.googleapis.com/") ||
           weir_str_starts(uri, "https://www.youtube.com/") ||
           weir_str_starts(uri, "https://youtu.be/");
}

/* Why a part cannot be sent; NULL: it can. */
static const char *media_fault(const struct gem_encoding *e, const weir_media *m, weir_str uri)
{
    if (m->data.len)
        return NULL;
    if (!uri.len)
        return "the media holds neither bytes nor a URL";
    if (e->x->foreign && (m->file_id.len || weir_str_starts(uri, "gs://") ||
                          weir_str_starts(uri, "https://generativelanguage.googleapis.com/")))
        return "the file is another provider's";
    if (!media_is_own(uri) && m->file_id.len)
        return "the file is another provider's";
    if (!media_is_own(uri) && !(e->takes & GEM_FETCHES_URLS))
        return "this model does not fetch URLs; send the bytes";
    return NULL;
}

weir_result gem_write_media(struct gem_encoding *e, uint32_t part, uint32_t vendor,
                            const struct gem_place *at, bool *written)
{
    weir_media m;
    const char *fault = "the media cannot be read";
    weir_str uri = weir_str_make("", 0);

    if (weir_media_read(e->doc, part, &m, &e->x->arena)) {
        uri = m.file_id.len ? m.file_id : m.url;
        fault = media_fault(e, &m, uri);
    }
    *written = !fault;
    if (fault)
        return gem_dropped(e, at, "", fault);
    if (m.detail != WEIR_JSON_NONE && !weir_json_is(e->doc, m.detail, "auto"))
        WEIR_TRY(gem_dropped(e, at, "image_url/detail", "the Gemini API has no detail of images"));
    if (weir_json_path(e->doc, part, "file.filename") != WEIR_JSON_NONE && m.name.len)
        WEIR_TRY(gem_dropped(e, at, "file/filename", "the Gemini API has no names of files"));
    if (m.data.len)
        media_inline(e, &m, vendor);
    else
        media_file(e, &m, uri, vendor);
    gem_write_beside(e, vendor);
    return WEIR_OK;
}
