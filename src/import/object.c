/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "import/object.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "base/xml.h"
#include "import/source.h"

#define STATE "var/lib/libvirt/qemu"
#define RUN   "run/libvirt/qemu"

static const struct KindInfo {
        const char *name, *dir; /* below libvirt's directory */
        const char *document;   /* in messages */
} kinds[] = {
        [IMPORT_POOL] = {"pool", "storage", "storage pool"},
        [IMPORT_NETWORK] = {"network", "qemu/networks", "network"},
        [IMPORT_GUEST] = {"guest", "qemu", "domain"},
};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == _IMPORT_KIND_MAX);

const char *import_kind_to_string(ImportKind kind) {
        return kinds[kind].name;
}

void import_object_free(ImportObject *object) {
        if (!object)
                return;
        g_free(object->file);
        g_free(object->name);
        g_free(object->uuid);
        g_free(object->xml);
        g_free(object->bridge);
        g_free(object->saved);
        g_strfreev(object->networks);
        g_strfreev(object->pools);
        err_clear(&object->problem);
        g_free(object);
}

/* ---- what the definition says ---- */

static char *leaf_text(const xmlNode *root, const char *name) {
        const xmlNode *node = xml_child(root, name);
        g_autofree char *text = node ? xml_text(node) : NULL;

        return text && *text ? g_steal_pointer(&text) : NULL;
}

/* Values of <device><source attribute='…'/></device>, each once. */
static char **collect_sources(const xmlNode *root, const char *device, const char *attribute) {
        const xmlNode *devices = xml_child(root, "devices");
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        if (!devices)
                return NULL;
        XML_FOREACH_CHILD(child, devices) {
                const xmlNode *source = xml_child(child, "source");
                g_autofree char *name = NULL;

                if (!source || !g_str_equal(xml_name(child), device))
                        continue;
                name = xml_attr(source, attribute);
                if (name && !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                        g_ptr_array_add(names, g_steal_pointer(&name));
        }
        g_ptr_array_add(names, NULL);
        return (char **)g_ptr_array_steal(names, NULL);
}

static char *own_bridge(const xmlNode *root) {
        const xmlNode *bridge = xml_child(root, "bridge"), *forward = xml_child(root, "forward");
        g_autofree char *mode = forward ? xml_attr(forward, "mode") : NULL;

        if (!bridge || g_strcmp0(mode, "bridge") == 0)
                return NULL;
        return xml_attr(bridge, "name");
}

static int read_definition(ImportObject *object, size_t size, Err *err) {
        g_autoptr(XmlDoc) doc = NULL;
        int r = xml_doc_parse(object->xml, size, kinds[object->kind].document, &doc, err);
        const xmlNode *root = r == 0 ? xml_doc_root(doc) : NULL;
        char *name;

        if (!root)
                return r;
        name = leaf_text(root, "name");
        if (name) {
                g_free(object->name);
                object->name = name;
        }
        object->uuid = leaf_text(root, "uuid");
        if (object->kind == IMPORT_NETWORK)
                object->bridge = own_bridge(root);
        if (object->kind == IMPORT_GUEST) {
                object->networks = collect_sources(root, "interface", "network");
                object->pools = collect_sources(root, "disk", "pool");
        }
        return 0;
}

/* ---- what the files beside it say ---- */

static bool has_argument(const char *line, size_t size, const char *text) {
        const char *end = line + size;

        for (const char *word = line; word < end; word += strlen(word) + 1)
                if (strcmp(word, text) == 0)
                        return true;
        return false;
}

/* The process that libvirt has written down for the guest, if that is still the guest's QEMU. */
static unsigned find_process(const Sys *host, const ImportObject *guest) {
        g_autofree char *pid_file = g_strdup_printf(RUN "/%s.pid", guest->name);
        g_autofree char *path = NULL, *line = NULL;
        uint64_t pid;
        size_t size;

        if (!guest->uuid || sys_read_uint(host, pid_file, 10, INT32_MAX, &pid) < 0)
                return 0;
        path = g_strdup_printf("proc/%u/cmdline", (unsigned)pid);
        if (sys_read(host, path, &line, &size) < 0 || !has_argument(line, size, guest->uuid))
                return 0;
        return (unsigned)pid;
}

static unsigned count_files(const Sys *host, const char *dir, const char *name) {
        g_autofree char *path = g_build_filename(STATE, dir, name, NULL);
        g_auto(GStrv) names = NULL;
        unsigned n = 0;

        if (sys_list(host, path, &names) < 0)
                return 0;
        STRV_FOREACH(file, names)
                n += g_str_has_suffix(file, ".xml");
        return n;
}

static bool is_file_name(const char *name) {
        return *name && !strchr(name, '/') && !g_str_equal(name, ".") && !g_str_equal(name, "..");
}

static void look_around_guest(const Sys *host, ImportObject *guest) {
        g_autofree char *saved = g_strdup_printf(STATE "/save/%s.save", guest->name);

        if (!is_file_name(guest->name))
                return;
        guest->pid = find_process(host, guest);
        guest->snapshots = count_files(host, "snapshot", guest->name);
        guest->checkpoints = count_files(host, "checkpoint", guest->name);
        if (sys_exists(host, saved))
                guest->saved = g_strconcat("/", saved, NULL);
}

static void look_around_network(const Sys *host, ImportObject *network) {
        g_autofree char *path =
                network->bridge ? g_build_filename("sys/class/net", network->bridge, NULL) : NULL;

        if (path && (!is_file_name(network->bridge) || !sys_exists(host, path)))
                g_clear_pointer(&network->bridge, g_free);
}

/* ---- reading them ---- */

static ImportObject *read_object(const ImportSource *source, ImportKind kind, const char *file) {
        const struct KindInfo *info = &kinds[kind];
        g_autofree char *path = g_build_filename(source->etc_dir, info->dir, file, NULL);
        g_autofree char *link =
                g_build_filename(source->etc_dir, info->dir, "autostart", file, NULL);
        g_autofree char *target = NULL;
        ImportObject *object = g_new0(ImportObject, 1);
        size_t size = 0;
        int r;

        object->kind = kind;
        object->file = g_build_filename(source->etc_path, info->dir, file, NULL);
        object->name = g_strndup(file, strlen(file) - strlen(".xml"));
        object->autostart = sys_readlink(source->etc, link, &target) == 0;
        r = import_read_file(source->etc, path, XML_DOC_MAX, &object->xml, &size);
        if (r < 0)
                fail_errno(&object->problem, r, "cannot read '%s'", object->file);
        else if (read_definition(object, size, &object->problem) < 0)
                g_clear_pointer(&object->xml, g_free);
        if (kind == IMPORT_GUEST)
                look_around_guest(source->host, object);
        if (kind == IMPORT_NETWORK)
                look_around_network(source->host, object);
        return object;
}

int import_objects_read(ImportSource *source, ImportKind kind, Err *err) {
        g_autofree char *dir = g_build_filename(source->etc_dir, kinds[kind].dir, NULL);
        g_auto(GStrv) names = NULL;
        int r = sys_list(source->etc, dir, &names);

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return fail_hint(err,
                                 fail_errno(err, r, "cannot read '%s/%s'", source->etc_path,
                                            kinds[kind].dir),
                                 r == -EACCES ? "run it as root"
                                              : "name another: --from DIRECTORY");
        STRV_FOREACH(name, names)
                if (g_str_has_suffix(name, ".xml") && name[0] != '.')
                        g_ptr_array_add(source->objects, read_object(source, kind, name));
        return 0;
}
