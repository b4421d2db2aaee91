/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "import/note.h"

#include <string.h>

#include "base/util.h"
#include "import/object.h"
#include "import/source.h"

#define CONF_MAX (1u << 20)

void import_note_free(ImportNote *note) {
        g_free(note->what);
        g_free(note->text);
        g_free(note);
}

static void add_note(GPtrArray *notes, char *what_consume, const char *text) {
        ImportNote *note = g_new0(ImportNote, 1);

        note->what = what_consume;
        note->text = g_strdup(text);
        g_ptr_array_add(notes, note);
}

/* ---- qemu.conf ---- */

#define ROOT_TEXT "QEMU runs as root here; images of another owner can be read all the same"
#define LISTEN_TEXT \
        "displays listen on 127.0.0.1 unless the guest says otherwise: <listen type='address' …/>"
#define LABEL_TEXT "guests are not confined by SELinux or AppArmor here"
#define TLS_TEXT   "displays and migration have no TLS here"
#define LOCK_TEXT  "QEMU's own locks guard the images, on this host"

/* Settings that a guest may stand on; others are named together. */
static const struct Setting {
        const char *name, *text; /* name: all that begin with it where it ends in '_' */
} settings[] = {
        {"user", ROOT_TEXT},
        {"group", ROOT_TEXT},
        {"dynamic_ownership", "the owner of an image is left as it is"},
        {"remember_owner", "the owner of an image is left as it is"},
        {"security_", LABEL_TEXT},
        {"vnc_listen", LISTEN_TEXT},
        {"spice_listen", LISTEN_TEXT},
        {"vnc_password", "give each display its own: <graphics passwd='…'>"},
        {"spice_password", "give each display its own: <graphics passwd='…'>"},
        {"vnc_tls", TLS_TEXT},
        {"spice_tls", TLS_TEXT},
        {"vnc_sasl", "displays have no SASL here"},
        {"spice_sasl", "displays have no SASL here"},
        {"vnc_auto_unix_socket", "say it in the guest: <listen type='socket'/>"},
        {"lock_manager", LOCK_TEXT},
        {"nvram", "firmware is found by the descriptors of QEMU's packages"},
        {"hugetlbfs_mount", "large pages are asked of the kernel, without a file system"},
        {"memory_backing_dir", "memory in files lies in Airlock's own directory"},
        {"auto_dump_path", "core dumps lie in Airlock's own directory"},
        {"relaxed_acs_check", "groups are judged by the kernel alone: airlock groups"},
        {"cgroup_device_acl", "what a guest's devices need is opened for it"},
        {"swtpm_", "swtpm runs as root here"},
};

static const struct Setting *find_setting(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
                const char *known = settings[i].name;

                if (g_str_has_suffix(known, "_") ? g_str_has_prefix(name, known)
                                                 : g_str_equal(name, known))
                        return &settings[i];
        }
        return NULL;
}

/* "name" of a line "name = value"; NULL: it sets nothing. Lines within a list begin with none. */
static char *setting_of(const char *line) {
        size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
        const char *rest = line + n + strspn(line + n, " \t");

        return n > 0 && *rest == '=' ? g_strndup(line, n) : NULL;
}

static void note_settings(const ImportSource *source, GPtrArray *notes) {
        g_autofree char *path = g_build_filename(source->etc_dir, "qemu.conf", NULL);
        g_autofree char *text = NULL;
        g_autoptr(GString) others = g_string_new(NULL);
        g_auto(GStrv) lines = NULL;

        if (import_read_file(source->etc, path, CONF_MAX, &text, NULL) < 0)
                return;
        lines = g_strsplit(text, "\n", -1);
        STRV_FOREACH(line, lines) {
                g_autofree char *name = setting_of(line + strspn(line, " \t"));
                const struct Setting *setting = name ? find_setting(name) : NULL;

                if (setting)
                        add_note(notes, g_strconcat("qemu.conf: ", name, NULL), setting->text);
                else if (name)
                        g_string_append_printf(others, "%s%s", others->len > 0 ? ", " : "", name);
        }
        if (others->len > 0)
                add_note(notes, g_strconcat("qemu.conf: ", others->str, NULL), "not used here");
}

/* ---- files ---- */

/* Filters that libvirt brings itself: nobody has to be told of them. */
static const char *const own_filters[] = {
        "allow-arp",
        "allow-dhcp",
        "allow-dhcp-server",
        "allow-dhcpv6",
        "allow-dhcpv6-server",
        "allow-incoming-ipv4",
        "allow-incoming-ipv6",
        "allow-ipv4",
        "allow-ipv6",
        "clean-traffic",
        "clean-traffic-gateway",
        "no-arp-ip-spoofing",
        "no-arp-mac-spoofing",
        "no-arp-spoofing",
        "no-ip-multicast",
        "no-ip-spoofing",
        "no-ipv6-multicast",
        "no-ipv6-spoofing",
        "no-mac-broadcast",
        "no-mac-spoofing",
        "no-other-l2-traffic",
        "no-other-rarp-traffic",
        "qemu-announce-self",
        "qemu-announce-self-rarp",
        NULL,
};

static const struct Place {
        const char *dir, *what; /* what: one of the files, its name follows */
        const char *suffix;     /* NULL: any file */
        const char *const *but; /* names without suffix that are passed over; NULL: none */
        const char *text;
} places[] = {
        {"hooks", "hook", NULL, NULL,
         "not run here; what it does when a guest starts or ends is to be done another way"},
        {"secrets", "secret", ".xml", NULL,
         "secrets are not served: images and pools that need one cannot be used"},
        {"nwfilter", "network filter", ".xml", own_filters,
         "network filters are not served: a guest that names one is refused"},
        {"lxc", "container", ".xml", NULL, "containers are not served"},
        {"libxl", "Xen guest", ".xml", NULL, "guests of Xen are not served"},
        {"ch", "Cloud Hypervisor guest", ".xml", NULL, "guests of other monitors are not served"},
};

static void note_place(const ImportSource *source, const struct Place *place, GPtrArray *notes) {
        g_autofree char *dir = g_build_filename(source->etc_dir, place->dir, NULL);
        g_auto(GStrv) names = NULL;

        if (sys_list(source->etc, dir, &names) < 0)
                return;
        STRV_FOREACH(name, names) {
                g_autofree char *base = g_strdup(name);
                g_autofree char *path = g_build_filename(dir, name, NULL);
                g_auto(GStrv) below = NULL;

                if (place->suffix && !g_str_has_suffix(name, place->suffix))
                        continue;
                /* hooks/qemu.d, and autostart/ beside what is started */
                if (sys_list(source->etc, path, &below) == 0 && (place->suffix || !below[0]))
                        continue;
                if (place->suffix)
                        base[strlen(base) - strlen(place->suffix)] = '\0';
                if (place->but && g_strv_contains(place->but, base))
                        continue;
                add_note(notes, g_strdup_printf("%s %s", place->what, base), place->text);
        }
}

/* ---- what runs without a definition ---- */

static bool is_defined(const ImportSource *source, ImportKind kind, const char *name) {
        for (guint i = 0; i < source->objects->len; i++) {
                const ImportObject *object = source->objects->pdata[i];

                if (object->kind == kind && g_str_equal(object->name, name))
                        return true;
        }
        return false;
}

/* libvirt writes down what is active, and some of that is not defined. */
static void note_transient(const ImportSource *source, ImportKind kind, GPtrArray *notes) {
        static const char *const dirs[] = {
                [IMPORT_POOL] = "run/libvirt/storage",
                [IMPORT_NETWORK] = "run/libvirt/network",
                [IMPORT_GUEST] = "run/libvirt/qemu",
        };
        g_auto(GStrv) names = NULL;

        if (sys_list(source->host, dirs[kind], &names) < 0)
                return;
        STRV_FOREACH(name, names) {
                g_autofree char *base = g_strdup(name);

                if (!g_str_has_suffix(name, ".xml"))
                        continue;
                base[strlen(base) - strlen(".xml")] = '\0';
                if (!is_defined(source, kind, base))
                        add_note(notes, g_strdup_printf("%s %s", import_kind_to_string(kind), base),
                                 "it is active in libvirt and has no definition: it is gone when "
                                 "it ends");
        }
}

GPtrArray *import_notes(const ImportSource *source) {
        GPtrArray *notes = g_ptr_array_new_with_free_func((GDestroyNotify)import_note_free);

        for (ImportKind kind = 0; kind < _IMPORT_KIND_MAX; kind++)
                note_transient(source, kind, notes);
        note_settings(source, notes);
        for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
                note_place(source, &places[i], notes);
        return notes;
}
