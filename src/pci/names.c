/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/names.h"

#include <pci/pci.h>

#define NAME_MAX_SIZE 256 /* longer texts are cut off; pci.ids has none */

/* libpci reads pci.ids at the first question. What was asked once is kept, unknown ids too: the
 * same few hundred are asked for over and over. */
struct PciNames {
        struct pci_access *access;
        GHashTable *known; /* key → text, NULL for what pci.ids does not know */
};

enum {
        KEY_VENDOR = 1,
        KEY_PRODUCT,
        KEY_CLASS,
};

/* libpci sets its own only where the bus is scanned, which is not what it is here for. */
static void ignore_message(char *format, ...) {
}

static G_NORETURN void die_of_message(char *format, ...) {
        g_error("libpci: %s", format);
}

PciNames *pci_names_new(void) {
        PciNames *names = g_new0(PciNames, 1);

        names->access = pci_alloc();
        names->access->debug = ignore_message;
        names->access->warning = ignore_message;
        names->access->error = die_of_message; /* must not return */
        names->known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
        return names;
}

void pci_names_free(PciNames *names) {
        if (!names)
                return;
        pci_cleanup(names->access);
        g_hash_table_unref(names->known);
        g_free(names);
}

static int64_t key_of(unsigned kind, uint16_t a, uint16_t b) {
        return (int64_t)kind << 32 | (int64_t)a << 16 | b;
}

static const char *lookup(PciNames *names, unsigned kind, int flags, uint16_t a, uint16_t b) {
        int64_t key = key_of(kind, a, b);
        char text[NAME_MAX_SIZE];
        const char *name;
        void *known;

        if (g_hash_table_lookup_extended(names->known, &key, NULL, &known))
                return known;
        /* The udev database is the same list again, slower. */
        flags |= PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB;
        name = pci_lookup_name(names->access, text, sizeof(text), flags, a, b);
        known = g_strdup(name);
        g_hash_table_insert(names->known, g_memdup2(&key, sizeof(key)), known);
        return known;
}

const char *pci_names_vendor(PciNames *names, uint16_t vendor) {
        return lookup(names, KEY_VENDOR, PCI_LOOKUP_VENDOR, vendor, 0);
}

const char *pci_names_product(PciNames *names, uint16_t vendor, uint16_t device) {
        return lookup(names, KEY_PRODUCT, PCI_LOOKUP_DEVICE, vendor, device);
}

const char *pci_names_class(PciNames *names, uint32_t class) {
        return lookup(names, KEY_CLASS, PCI_LOOKUP_CLASS, (uint16_t)(class >> 8), 0);
}
