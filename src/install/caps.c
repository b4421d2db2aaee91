/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/caps.h"

#include <string.h>

#include "base/xml.h"
#include "client/conn.h"
#include "client/host.h"
#include "install/node.h"

#define ARCH_DEFAULT "x86_64"

void caps_free(Caps *caps) {
        if (!caps)
                return;
        g_free(caps->arch);
        g_free(caps->virt_type);
        g_free(caps->emulator);
        if (caps->machines)
                g_ptr_array_unref(caps->machines);
        xml_doc_free(caps->domain);
        g_free(caps);
}

static const xmlNode *find_arch(const xmlNode *capabilities, const char *arch) {
        XML_FOREACH_CHILD(guest, capabilities)
                if (g_str_equal(xml_name(guest), "guest") && node_is(guest, "os_type", "hvm") &&
                    node_is(guest, "arch/@name", arch))
                        return xml_child(guest, "arch");
        return NULL;
}

static const xmlNode *find_type(const xmlNode *arch, const char *type) {
        XML_FOREACH_CHILD(domain, arch)
                if (g_str_equal(xml_name(domain), "domain") && node_is(domain, "@type", type))
                        return domain;
        return NULL;
}

static void add_machines(Caps *caps, const xmlNode *element) {
        XML_FOREACH_CHILD(machine, element) {
                g_autofree char *canonical = xml_attr(machine, "canonical");

                if (!g_str_equal(xml_name(machine), "machine"))
                        continue;
                g_ptr_array_add(caps->machines, xml_text(machine));
                if (canonical)
                        g_ptr_array_add(caps->machines, g_steal_pointer(&canonical));
        }
}

static int read_type(Caps *caps, const xmlNode *arch, const char *wanted, Err *err) {
        const xmlNode *type = find_type(arch, wanted ?: "kvm");

        if (!type && !wanted)
                type = find_type(arch, "qemu");
        if (!type)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "the host has no guests of type '%s'", wanted ?: "qemu"),
                                 "airlock capabilities shows which it has");
        caps->pae = node_find(arch->parent, "features/pae") != NULL;
        caps->virt_type = xml_attr(type, "type");
        caps->emulator = node_get(type, "emulator") ?: node_get(arch, "emulator");
        caps->machines = g_ptr_array_new_with_free_func(g_free);
        add_machines(caps, type);
        add_machines(caps, arch);
        return 0;
}

int caps_load(Conn *conn, const char *arch, const char *virt_type, Caps **ret, Err *err) {
        g_autoptr(Caps) caps = g_new0(Caps, 1);
        g_autoptr(XmlDoc) doc = NULL;
        g_autofree char *text = NULL;
        const xmlNode *found;
        int r;

        r = host_capabilities(conn, &text, err);
        if (r < 0)
                return r;
        r = xml_doc_parse(text, strlen(text), "host's capabilities", &doc, err);
        if (r < 0)
                return r;
        caps->arch = g_strdup(arch ?: ARCH_DEFAULT);
        found = find_arch(xml_doc_root(doc), caps->arch);
        if (!found)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "the host has no guests of %s",
                            caps->arch);
        r = read_type(caps, found, virt_type, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&caps);
        return 0;
}

bool caps_has_machine(const Caps *caps, const char *machine) {
        return g_ptr_array_find_with_equal_func(caps->machines, machine, g_str_equal, NULL);
}

int caps_load_domain(Conn *conn, Caps *caps, const char *machine, Err *err) {
        HostDomainCaps of = {
                .emulator = caps->emulator,
                .arch = caps->arch,
                .machine = machine,
                .virt_type = caps->virt_type,
        };
        g_autofree char *text = NULL;
        int r;

        r = host_domain_capabilities(conn, &of, &text, err);
        if (r < 0)
                return r;
        g_clear_pointer(&caps->domain, xml_doc_free);
        return xml_doc_parse(text, strlen(text), "domain capabilities", &caps->domain, err);
}

bool caps_has(const Caps *caps, const char *place, const char *list, const char *value) {
        const xmlNode *found = caps->domain ? node_find(xml_doc_root(caps->domain), place) : NULL;

        for (const xmlNode *e = found ? xml_first(found) : NULL; e; e = xml_next(e)) {
                if (!g_str_equal(xml_name(e), "enum") || !node_is(e, "@name", list))
                        continue;
                XML_FOREACH_CHILD(one, e)
                        if (node_is(one, ".", value))
                                return true;
        }
        return false;
}
