/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/proto.h"

#include <glib.h>

static const struct ProcedureName {
        int number;
        const char *name;
} procedure_names[] = {
#define PROCEDURE(number, name) {(number), #name},
#include "rpc/procedures.h"
#undef PROCEDURE
};

/* Words that libvirt's functions do not write as one capital and small letters. */
static const struct {
        const char *word;
        const char *written;
} special_words[] = {
        {"CPU", "CPU"},
        {"DHCP", "DHCP"},
        {"FD", "FD"},
        {"FSFREEZE", "FSFreeze"},
        {"FSINFO", "FSInfo"},
        {"FSTHAW", "FSThaw"},
        {"FSTRIM", "FSTrim"},
        {"ID", "ID"},
        {"IOTHREAD", "IOThread"},
        {"MAC", "MAC"},
        {"NMI", "NMI"},
        {"NWFILTER", "NWFilter"},
        {"PM", "PM"},
        {"NWFILTERS", "NWFilters"},
        {"SEV", "SEV"},
        {"SSH", "SSH"},
        {"URI", "URI"},
        {"UUID", "UUID"},
        {"WWN", "WWN"},
        {"XML", "XML"},
};

const char *rpc_proto_name(int procedure) {
        /* The numbers have no gap, but the list says so only by being read. */
        if (procedure >= 1 && procedure <= (int)G_N_ELEMENTS(procedure_names) &&
            procedure_names[procedure - 1].number == procedure)
                return procedure_names[procedure - 1].name;
        return NULL;
}

static void append_word(GString *out, const char *word) {
        g_autofree char *small = g_ascii_strdown(word + 1, -1);

        for (size_t i = 0; i < G_N_ELEMENTS(special_words); i++)
                if (g_str_equal(special_words[i].word, word)) {
                        g_string_append(out, special_words[i].written);
                        return;
                }
        g_string_append_c(out, word[0]);
        g_string_append(out, small);
}

char *rpc_proto_function(int procedure) {
        const char *name = rpc_proto_name(procedure);
        g_autoptr(GString) out = NULL;
        g_auto(GStrv) words = NULL;

        if (!name)
                return NULL;
        out = g_string_new("vir");
        words = g_strsplit(name, "_", -1);
        for (size_t i = 0; words[i]; i++)
                append_word(out, words[i]);
        return g_string_free(g_steal_pointer(&out), FALSE);
}
