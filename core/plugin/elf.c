/*
 * elf.c - see elf.h. Reads ELF64 program headers and notes with memcpy only, so that neither
 * alignment nor length of anything in the file is trusted.
 */
#include "plugin/elf.h"

#include <elf.h>
#include <string.h>
#include <weir/plugin.h>

#include "plugin/error.h"

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define HOST_DATA ELFDATA2LSB
#else
#define HOST_DATA ELFDATA2MSB
#endif

#if defined(__x86_64__)
#define HOST_MACHINE      EM_X86_64
#define HOST_MACHINE_NAME "x86-64"
#elif defined(__aarch64__)
#define HOST_MACHINE      EM_AARCH64
#define HOST_MACHINE_NAME "aarch64"
#elif defined(__riscv) && __riscv_xlen == 64
#define HOST_MACHINE      EM_RISCV
#define HOST_MACHINE_NAME "riscv64"
#elif defined(__powerpc64__)
#define HOST_MACHINE      EM_PPC64
#define HOST_MACHINE_NAME "ppc64"
#elif defined(__s390x__)
#define HOST_MACHINE      EM_S390
#define HOST_MACHINE_NAME "s390x"
#else
#error "name the ELF machine of this architecture here"
#endif

/* A piece of the file, or NULL if it does not lie within. */
static const guint8 *span(const guint8 *bytes, gsize size, guint64 offset, guint64 len)
{
    return offset <= size && len <= size - offset ? bytes + offset : NULL;
}

static gboolean header_check(const guint8 *bytes, gsize size, Elf64_Ehdr *h, GError **error)
{
    if (size < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG) != 0) {
        return plugin_refuse(error, "it is not an ELF file: a plugin is a shared object built for "
                                    "this system; remove the file or build it anew");
    }
    if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != HOST_DATA) {
        return plugin_refuse(error,
                             "it is a %s-bit, %s-endian ELF file, this host is 64-bit %s: build "
                             "it for this machine",
                             bytes[EI_CLASS] == ELFCLASS32 ? "32" : "64",
                             bytes[EI_DATA] == ELFDATA2MSB ? "big" : "little", HOST_MACHINE_NAME);
    }
    if (size < sizeof(*h)) {
        return plugin_refuse(error,
                             "it is cut off in its ELF header (%" G_GSIZE_FORMAT " bytes): "
                             "copy it again",
                             size);
    }
    memcpy(h, bytes, sizeof(*h));
    if (h->e_machine != HOST_MACHINE) {
        return plugin_refuse(error,
                             "it is built for ELF machine %u, this host is %s (%u): build "
                             "it for this machine",
                             h->e_machine, HOST_MACHINE_NAME, HOST_MACHINE);
    }
    if (h->e_type != ET_DYN) {
        return plugin_refuse(error,
                             "it is an ELF file of type %u, not a shared object (%u): link "
                             "it with -shared",
                             h->e_type, ET_DYN);
    }
    if (h->e_phentsize != sizeof(Elf64_Phdr) ||
        !span(bytes, size, h->e_phoff, (guint64)h->e_phnum * sizeof(Elf64_Phdr))) {
        return plugin_refuse(error,
                             "its program headers do not lie within its %" G_GSIZE_FORMAT
                             " bytes: the file is cut off or damaged, copy it again",
                             size);
    }
    return TRUE;
}

/* Looks for our note among those of one segment. */
static const char *segment_note(const guint8 *notes, guint64 size, guint64 align, gsize *text_size)
{
    guint64 at = 0;
    while (size - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        memcpy(&n, notes + at, sizeof(n));
        guint64 name = at + sizeof(n);
        guint64 text = (name + n.n_namesz + align - 1) & ~(align - 1);
        guint64 next = (text + n.n_descsz + align - 1) & ~(align - 1);
        if (text > size || n.n_descsz > size - text) {
            return NULL;
        }
        if (n.n_type == WEIR_NOTE_TYPE && n.n_namesz == sizeof(WEIR_NOTE_NAME) &&
            memcmp(notes + name, WEIR_NOTE_NAME, sizeof(WEIR_NOTE_NAME)) == 0) {
            *text_size = n.n_descsz;
            return (const char *)notes + text;
        }
        if (next >= size) { /* the last one need not be padded */
            return NULL;
        }
        at = next;
    }
    return NULL;
}

const char *plugin_elf_note(const guint8 *bytes, gsize size, gsize *text_size, GError **error)
{
    Elf64_Ehdr h;
    if (!header_check(bytes, size, &h, error)) {
        return NULL;
    }
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, bytes + h.e_phoff + i * sizeof(p), sizeof(p));
        if (p.p_type != PT_NOTE) {
            continue;
        }
        const guint8 *notes = span(bytes, size, p.p_offset, p.p_filesz);
        if (!notes) {
            plugin_refuse(error,
                          "a note segment does not lie within its %" G_GSIZE_FORMAT
                          " bytes: the file is cut off or damaged, copy it again",
                          size);
            return NULL;
        }
        const char *text = segment_note(notes, p.p_filesz, p.p_align == 8 ? 8 : 4, text_size);
        if (text) {
            return text;
        }
    }
    plugin_refuse(error, "it has no identity note (section " WEIR_NOTE_SECTION "): it is no plugin "
                         "of ours, or was built without WEIR_PLUGIN or WEIR_NOTE, or was stripped "
                         "of its notes");
    return NULL;
}
