/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/guest.h"

#include <string.h>

#include "base/xml.h"
#include "install/caps.h"
#include "install/node.h"
#include "install/option.h"
#include "install/os.h"

/* Root ports of a q35 guest: what is plugged in later finds a place. */
#define ROOT_PORTS_DEFAULT 14

/* libvirt's order of a guest's XML. */
static const char *const order_domain[] = {
        "name",      "uuid",    "genid",         "title",         "description", "metadata",
        "maxMemory", "memory",  "currentMemory", "memoryBacking", "vcpu",        "vcpus",
        "iothreads", "cputune", "numatune",      "sysinfo",       "os",          "features",
        "cpu",       "clock",   "on_poweroff",   "on_reboot",     "on_crash",    "pm",
        "devices",   NULL,
};
static const char *const order_devices[] = {
        "emulator", "disk",    "controller", "filesystem", "interface", "smartcard",  "serial",
        "parallel", "console", "channel",    "input",      "tpm",       "graphics",   "sound",
        "audio",    "video",   "hostdev",    "redirdev",   "watchdog",  "memballoon", "rng",
        "panic",    "vsock",   "iommu",      NULL,
};

void new_volume_free(void *data) {
        NewVolume *volume = data;

        g_free(volume->pool);
        g_free(volume->directory);
        g_free(volume->name);
        g_free(volume->path);
        g_free(volume->format);
        g_free(volume->backing);
        g_free(volume->backing_format);
        g_free(volume);
}

GuestDef *guest_def_new(const Options *options, Conn *conn, OsDb *db) {
        GuestDef *def = g_new0(GuestDef, 1);

        *def = (GuestDef){
                .options = options,
                .conn = conn,
                .db = db,
                .doc = xmlNewDoc((const xmlChar *)"1.0"),
                .volumes = g_ptr_array_new_with_free_func(new_volume_free),
                .root_ports = ROOT_PORTS_DEFAULT,
        };
        def->domain = xmlNewDocNode(def->doc, NULL, (const xmlChar *)"domain", NULL);
        xmlDocSetRootElement(def->doc, def->domain);
        def->devices = node_make(def->domain, "devices");
        return def;
}

void guest_def_free(GuestDef *def) {
        if (!def)
                return;
        caps_free(def->caps);
        xmlFreeDoc(def->doc);
        g_ptr_array_unref(def->volumes);
        g_free(def->cdrom);
        g_free(def->boot_from);
        g_free(def);
}

bool guest_def_is_none(const GuestDef *def, const char *option) {
        return g_strv_contains((const char *const *)options_list(def->options, option), "none");
}

xmlNode *guest_def_device(const GuestDef *def, const char *kind, unsigned index) {
        XML_FOREACH_CHILD(device, def->devices)
                if (g_str_equal(xml_name(device), kind) && index-- == 0)
                        return device;
        return NULL;
}

xmlNode *guest_def_add_device(GuestDef *def, const char *kind) {
        return xmlNewChild(def->devices, NULL, (const xmlChar *)kind, NULL);
}

const char *guest_def_name(const GuestDef *def) {
        const xmlNode *name = xml_child(def->domain, "name");

        return name && name->children ? (const char *)name->children->content : "";
}

static unsigned rank(const char *const *order, const char *name) {
        unsigned i = 0;

        while (order[i] && !g_str_equal(order[i], name))
                i++;
        return i;
}

/* Stable: elements of a name keep their order. */
static void sort_children(xmlNode *element, const char *const *order) {
        unsigned last = g_strv_length((char **)(uintptr_t)order);

        for (unsigned wanted = 0; wanted <= last; wanted++) {
                unsigned n = 0;

                XML_FOREACH_CHILD(child, element)
                        n++;
                /* Each one that is of the rank goes to the end; when all ranks had their turn, all
                 * stand in order. */
                for (xmlNode *child = xml_first(element), *next; child && n > 0;
                     child = next, n--) {
                        next = xml_next(child);
                        if (rank(order, xml_name(child)) != wanted)
                                continue;
                        xmlUnlinkNode(child);
                        xmlAddChild(element, child);
                }
        }
}

void guest_def_sort(xmlNode *domain) {
        sort_children(domain, order_domain);
        sort_children(xml_child(domain, "devices"), order_devices);
}

char *guest_def_text(xmlDoc *doc) {
        xmlBuffer *buffer = xmlBufferCreate();
        char *text;

        xmlNodeDump(buffer, doc, xmlDocGetRootElement(doc), 0, 1);
        text = g_strconcat((const char *)xmlBufferContent(buffer), "\n", NULL);
        xmlBufferFree(buffer);
        return text;
}

bool guest_def_is_q35(const GuestDef *def) {
        g_autofree char *machine = node_get(def->domain, "os/type/@machine");

        return machine && strstr(machine, "q35");
}

bool guest_def_is_uefi(const GuestDef *def) {
        return node_is(def->domain, "os/@firmware", "efi") ||
               node_is(def->domain, "os/loader/@type", "pflash");
}

int guest_def_check(const GuestDef *def, Err *err) {
        g_autoptr(GString) missing = g_string_new(NULL);

        if (!*guest_def_name(def))
                g_string_append(missing, " --name NAME;");
        if (!node_find(def->domain, "memory"))
                g_string_append(missing, " --memory MIB;");
        if (!options_has(def->options, "disk") && !options_has(def->options, "filesystem") &&
            !guest_def_device(def, "disk", 0))
                g_string_append(missing, " --disk PATH,size=GIB, or --disk none;");
        if (def->method == METHOD_NONE)
                g_string_append(missing,
                                " one of --location, --cdrom, --import, --pxe and --boot;");
        if (missing->len == 0)
                return 0;
        g_string_truncate(missing, missing->len - 1);
        return fail(err, VIR_ERR_INVALID_ARG, "a guest needs more than this:%s", missing->str);
}
