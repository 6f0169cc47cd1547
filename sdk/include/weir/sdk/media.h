/*
 * media.h - images, audio and documents in canonical messages, read in one form.
 *
 * A canonical part says where its bytes are in four ways: image_url {url}, input_audio {data,
 * format} (or, as Mistral has it, a string), file {file_id | file_data | file_url}, and source {url
 * | data, media_type} of ordered blocks. See canonical.md.
 */
#ifndef WEIR_SDK_MEDIA_H
#define WEIR_SDK_MEDIA_H

#include <weir/sdk/json.h>
#include <weir/sdk/str.h>

enum {
    WEIR_MEDIA_NONE = 0, /* not media, or not readable */
    WEIR_MEDIA_IMAGE = 1,
    WEIR_MEDIA_AUDIO = 2,
    WEIR_MEDIA_FILE = 3,
};

/* Of `data`, `url` and `file_id` one is there; the others are empty. Spans of the document, or of
 * the arena where they were escaped. */
typedef struct weir_media {
    uint16_t kind; /* WEIR_MEDIA_* */
    uint16_t zero;
    uint32_t detail; /* token of an image's `detail`, or NONE */
    weir_str type;   /* media type, "image/png"; empty: not told */
    weir_str data;   /* base64 */
    weir_str url;
    weir_str file_id;
    weir_str name; /* of a file */
} weir_media;

/* "data:image/png;base64,AAAA" divided. False: it is none, or its data is not base64. */
static inline bool weir_media_data_url(weir_str url, weir_str *type, weir_str *data)
{
    weir_str rest, head;

    if (!weir_str_starts(url, "data:"))
        return false;
    rest = weir_str_skip(url, 5);
    if (!rest.len || !memchr(rest.ptr, ',', rest.len))
        return false;
    head = weir_str_split(&rest, ',');
    if (!weir_str_ends(head, ";base64"))
        return false;
    *data = rest;
    *type = weir_str_split(&head, ';');
    return true;
}

static inline void weir_media_place(weir_media *m, weir_str where)
{
    if (!weir_media_data_url(where, &m->type, &m->data))
        m->url = where;
}

/* The media type of an `input_audio` format. */
static inline weir_str weir_media_audio_type(weir_str format)
{
    if (weir_str_is(format, "wav"))
        return weir_str_of("audio/wav");
    if (weir_str_is(format, "mp3"))
        return weir_str_of("audio/mp3");
    return weir_str_make("", 0);
}

/* The media type of audio by what its bytes begin with, in base64; empty: unknown. */
static inline weir_str weir_media_audio_sniffed(weir_str data)
{
    static const struct {
        const char *start;
        const char *type;
    } table[] = { { "UklGR", "audio/wav" },
                  { "SUQz", "audio/mp3" },
                  { "T2dnUw", "audio/ogg" },
                  { "ZkxhQw", "audio/flac" } };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_starts(data, table[i].start))
            return weir_str_of(table[i].type);
    }
    /* A frame of MPEG audio, layer 3: eleven bits of one, then version and layer. */
    if (weir_str_starts(data, "//") && data.len > 2 && strchr("IJKLMNOPopqrstuv", data.ptr[2]))
        return weir_str_of("audio/mp3");
    return weir_str_make("", 0);
}

/* Mistral has the bytes, or their address, in place of the object. */
static inline void weir_media_read_audio(weir_media *m, weir_str audio)
{
    m->kind = WEIR_MEDIA_AUDIO;
    if (weir_str_starts(audio, "data:") || weir_str_starts(audio, "http://") ||
        weir_str_starts(audio, "https://"))
        weir_media_place(m, audio);
    else
        m->data = audio;
    if (m->data.len && !m->type.len)
        m->type = weir_media_audio_sniffed(m->data);
}

/* What kind a media type is of. */
static inline uint16_t weir_media_kind(weir_str type)
{
    if (weir_str_starts(type, "image/"))
        return WEIR_MEDIA_IMAGE;
    return weir_str_starts(type, "audio/") ? WEIR_MEDIA_AUDIO : WEIR_MEDIA_FILE;
}

static inline void weir_media_read_source(const weir_json *doc, uint32_t part, weir_media *m,
                                          const weir_arena *arena)
{
    uint32_t source = weir_json_find(doc, part, "source");

    m->type = weir_json_str(doc, weir_json_find(doc, source, "media_type"), arena);
    m->data = weir_json_str(doc, weir_json_find(doc, source, "data"), arena);
    if (!m->data.len)
        weir_media_place(m, weir_json_str(doc, weir_json_find(doc, source, "url"), arena));
    m->kind = weir_json_is(doc, weir_json_find(doc, part, "type"), "audio") ? WEIR_MEDIA_AUDIO
                                                                            : WEIR_MEDIA_IMAGE;
}

static inline void weir_media_read_file(const weir_json *doc, uint32_t file, weir_media *m,
                                        const weir_arena *arena)
{
    weir_str data = weir_json_str(doc, weir_json_find(doc, file, "file_data"), arena);
    weir_str url = weir_json_str(doc, weir_json_find(doc, file, "file_url"), arena);

    m->kind = WEIR_MEDIA_FILE;
    m->name = weir_json_str(doc, weir_json_find(doc, file, "filename"), arena);
    m->file_id = weir_json_str(doc, weir_json_find(doc, file, "file_id"), arena);
    if (url.len)
        m->url = url;
    else if (data.len && !weir_media_data_url(data, &m->type, &m->data))
        m->data = data; /* some send bare base64 */
}

/* Reads a part of a message. False, kind WEIR_MEDIA_NONE: it holds no media. */
static inline bool weir_media_read(const weir_json *doc, uint32_t part, weir_media *m,
                                   const weir_arena *arena)
{
    uint32_t image = weir_json_find(doc, part, "image_url");
    uint32_t audio = weir_json_find(doc, part, "input_audio");
    uint32_t file = weir_json_find(doc, part, "file");

    memset(m, 0, sizeof(*m));
    m->detail = WEIR_JSON_NONE;
    m->type = m->data = m->url = m->file_id = m->name = weir_str_make("", 0);
    if (weir_json_is_object(doc, image) || weir_json_is_string(doc, image)) {
        uint32_t url = weir_json_is_string(doc, image) ? image : weir_json_find(doc, image, "url");

        m->kind = WEIR_MEDIA_IMAGE;
        m->detail = weir_json_find(doc, image, "detail");
        weir_media_place(m, weir_json_str(doc, url, arena));
    } else if (weir_json_is_object(doc, audio)) {
        m->kind = WEIR_MEDIA_AUDIO;
        m->data = weir_json_str(doc, weir_json_find(doc, audio, "data"), arena);
        m->type =
            weir_media_audio_type(weir_json_str(doc, weir_json_find(doc, audio, "format"), arena));
    } else if (weir_json_is_string(doc, audio)) {
        weir_media_read_audio(m, weir_json_str(doc, audio, arena));
    } else if (weir_json_is_object(doc, file)) {
        weir_media_read_file(doc, file, m, arena);
    } else if (weir_json_is_object(doc, weir_json_find(doc, part, "source"))) {
        weir_media_read_source(doc, part, m, arena);
    }
    if (!m->data.len && !m->url.len && !m->file_id.len)
        m->kind = WEIR_MEDIA_NONE;
    return m->kind != WEIR_MEDIA_NONE;
}

#endif
