/*
 * note.c - hostile plugin files: the bytes as an ELF file, and as the text of its note.
 */
#include <stddef.h>
#include <stdint.h>

#include "plugin/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(plugin_note) file = { 0 };
    g_autoptr(GError) error = NULL;
    if (plugin_note_read(&file, data, size, &error)) {
        g_assert(file.text && g_utf8_validate(file.text, -1, NULL));
        (void)!plugin_note_accept(&file, NULL);
    }
    g_auto(plugin_note) text = { 0 };
    if (plugin_note_parse(&text, (const char *)data, size, NULL)) {
        (void)!plugin_note_accept(&text, NULL);
    }
    return 0;
}
