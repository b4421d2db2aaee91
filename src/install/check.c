/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/check.h"

#include <string.h>

#include "base/xml.h"
#include "client/guest.h"
#include "install/grammar.h"
#include "install/guest.h"
#include "install/node.h"
#include "install/option.h"

/* Asks about one other guest. Negative ends it. */
typedef int (*Look)(const Guest *guest, const xmlNode *devices, const void *data, Err *err);

/* Last said wins. */
static bool is_off(const Options *options, const char *name) {
        bool on = true;

        for (char *const *texts = options_list(options, "check"); *texts; texts++) {
                g_autoptr(GPtrArray) values = NULL;
                g_auto(Err) reason = ERR_INIT;
                const char *word;

                if (sub_parse(grammar_find("check"), *texts, false, &values, &reason) < 0)
                        continue;
                word = sub_peek(values, name) ?: sub_peek(values, "all");
                if (word && sub_truth(word, &on) < 0)
                        on = true;
        }
        return !on;
}

int check_options(const Options *options, Err *err) {
        for (char *const *texts = options_list(options, "check"); *texts; texts++) {
                g_autoptr(GPtrArray) values = NULL;
                int r = sub_parse(grammar_find("check"), *texts, false, &values, err);

                if (r < 0)
                        return r;
                for (unsigned i = 0; i < values->len; i++) {
                        const SubValue *value = values->pdata[i];
                        bool on;

                        if (sub_truth(value->value, &on) < 0)
                                return fail(err, VIR_ERR_INVALID_ARG,
                                            "--check %s=%s: on or off is wanted", value->key,
                                            value->value);
                }
        }
        return 0;
}

/* Each guest with its devices; one that goes away meanwhile is passed over. */
static int look_at_guests(GuestDef *def, Look look, const void *data, Err *err) {
        g_autoptr(GPtrArray) guests = NULL;
        int r;

        r = guest_list(def->conn, 0, &guests, err);
        for (unsigned i = 0; r >= 0 && i < guests->len; i++) {
                const Guest *guest = guests->pdata[i];
                g_autofree char *text = NULL;
                g_autoptr(XmlDoc) doc = NULL;
                g_auto(Err) gone = ERR_INIT;

                if (guest_xml(def->conn, guest, 0, &text, &gone) < 0 ||
                    xml_doc_parse(text, strlen(text), "domain", &doc, &gone) < 0 ||
                    !xml_child(xml_doc_root(doc), "devices"))
                        continue;
                r = look(guest, xml_child(xml_doc_root(doc), "devices"), data, err);
        }
        return r;
}

static int look_for_path(const Guest *guest, const xmlNode *devices, const void *data, Err *err) {
        const char *path = data;

        XML_FOREACH_CHILD(disk, devices) {
                bool same =
                        g_str_equal(xml_name(disk), "disk") &&
                        (node_is(disk, "source/@file", path) || node_is(disk, "source/@dev", path));

                if (!same || node_find(disk, "shareable") || node_find(disk, "readonly"))
                        continue;
                return fail_hint(err,
                                 fail(err, VIR_ERR_INVALID_ARG,
                                      "the image '%s' is a disk of guest '%s'", path, guest->name),
                                 "if they never run at once: --check path_in_use=off");
        }
        return 0;
}

int check_path_in_use(GuestDef *def, const xmlNode *disk, const char *path, Err *err) {
        if (node_find(disk, "shareable") || node_find(disk, "readonly") ||
            !node_is(disk, "@device", "disk") || is_off(def->options, "path_in_use"))
                return 0;
        return look_at_guests(def, look_for_path, path, err);
}

static int look_for_mac(const Guest *guest, const xmlNode *devices, const void *data, Err *err) {
        const GuestDef *def = data;
        const xmlNode *mine;

        for (unsigned i = 0; (mine = guest_def_device(def, "interface", i)); i++) {
                g_autofree char *mac = node_get(mine, "mac/@address");

                if (!mac)
                        continue;
                XML_FOREACH_CHILD(theirs, devices)
                        if (g_str_equal(xml_name(theirs), "interface") &&
                            node_is(theirs, "mac/@address", mac))
                                return fail_hint(err,
                                                 fail(err, VIR_ERR_INVALID_ARG,
                                                      "the MAC address '%s' is one of guest '%s'",
                                                      mac, guest->name),
                                                 "leave it out, or --check mac_in_use=off");
        }
        return 0;
}

int check_guests(GuestDef *def, Err *err) {
        g_autoptr(Guest) other = NULL;
        g_auto(Err) none = ERR_INIT;

        if (guest_lookup(def->conn, guest_def_name(def), GUEST_BY_NAME, &other, &none) == 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "there is a guest '%s' already", guest_def_name(def)),
                                 "choose another --name, or airlock undefine %s",
                                 guest_def_name(def));
        if (is_off(def->options, "mac_in_use"))
                return 0;
        return look_at_guests(def, look_for_mac, def, err);
}
