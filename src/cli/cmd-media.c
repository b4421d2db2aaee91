/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of one device that are made by editing its XML: the medium of a drive, the link of a
 * network interface. */
#include "cli/groups.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"

#define UPDATE_FORCE (1u << 2)

typedef enum MediaAction {
        MEDIA_EJECT,
        MEDIA_INSERT,
        MEDIA_UPDATE,
} MediaAction;

static const struct {
        const char *name, *done;
} media_words[] = {
        [MEDIA_EJECT] = {"eject", "ejected"},
        [MEDIA_INSERT] = {"insert", "inserted"},
        [MEDIA_UPDATE] = {"update", "updated"},
};

/* A device of a guest's XML and what is done to it. */
typedef struct DeviceEdit {
        Guest *guest;
        XmlDoc *doc;
        xmlNode *device; /* of doc */
        unsigned flags;  /* GuestAffectFlags, UPDATE_FORCE */
} DeviceEdit;

static void device_edit_done(DeviceEdit *edit) {
        g_clear_pointer(&edit->guest, guest_free);
        g_clear_pointer(&edit->doc, xml_doc_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DeviceEdit, device_edit_done)

/* An attribute of a child; NULL: there is none. */
static char *child_attr(const xmlNode *element, const char *child, const char *attr) {
        xmlNode *found = xml_child(element, child);

        return found ? xml_attr(found, attr) : NULL;
}

static bool has_text(xmlNode *element, const char *child, const char *attr, const char *text) {
        g_autofree char *value = child_attr(element, child, attr);

        return value && g_str_equal(value, text);
}

static void set_attr(xmlNode *element, const char *name, const char *value) {
        xmlSetProp(element, (const xmlChar *)name, (const xmlChar *)value);
}

/* The device's XML as it is now. */
static char *device_text(xmlNode *device) {
        xmlBuffer *buffer = xmlBufferCreate();
        char *text;

        xmlNodeDump(buffer, device->doc, device, 0, 0);
        text = g_strdup((const char *)xmlBufferContent(buffer));
        xmlBufferFree(buffer);
        return text;
}

/* Prints the device's XML with --print-xml, else hands it to the daemon. Returns 1 for the first.
 */
static int apply(Cli *cli, const Args *args, const DeviceEdit *edit, Err *err) {
        g_autofree char *xml = device_text(edit->device);

        if (!args_flag(args, "print-xml"))
                return guest_update(cli->conn, edit->guest, xml, edit->flags, err);
        fputs(xml, stdout);
        return 1;
}

static bool is_drive(xmlNode *device) {
        g_autofree char *kind = xml_attr(device, "device");

        return g_str_equal(xml_name(device), "disk") && kind &&
               (g_str_equal(kind, "cdrom") || g_str_equal(kind, "floppy"));
}

static int find_drive(DeviceEdit *edit, const char *path, Err *err) {
        XML_FOREACH_CHILD(device, xml_child(xml_doc_root(edit->doc), "devices"))
                if (is_drive(device) && (has_text(device, "target", "dev", path) ||
                                         has_text(device, "source", "file", path) ||
                                         has_text(device, "source", "dev", path))) {
                        edit->device = device;
                        return 0;
                }
        return fail(err, VIR_ERR_INVALID_ARG, "No disk found whose source path or target is %s",
                    path);
}

/* A file, or a block device of the host. */
static void insert_source(const Args *args, xmlNode *drive, const char *path) {
        bool block = args_flag(args, "block") ||
                     (!args_flag(args, "print-xml") && g_str_has_prefix(path, "/dev/"));
        xmlNode *source = xmlNewChild(drive, NULL, (const xmlChar *)"source", NULL);

        set_attr(source, block ? "dev" : "file", path);
        set_attr(drive, "type", block ? "block" : "file");
}

static void remove_child(xmlNode *element, const char *name) {
        xmlNode *child = xml_child(element, name);

        if (!child)
                return;
        xmlUnlinkNode(child);
        xmlFreeNode(child);
}

static int edit_medium(const Args *args, const DeviceEdit *edit, MediaAction action, Err *err) {
        const char *path = args_text(args, "source");
        g_autofree char *target = child_attr(edit->device, "target", "dev");
        xmlNode *source = xml_child(edit->device, "source");

        if (action == MEDIA_EJECT && !source)
                return fail(err, VIR_ERR_INVALID_ARG, "The disk device '%s' doesn't have media",
                            args_text(args, "path"));
        if (action != MEDIA_EJECT && !path)
                return fail(err, VIR_ERR_INVALID_ARG, "New disk media source was not specified");
        if (action == MEDIA_INSERT && source)
                return fail(err, VIR_ERR_INVALID_ARG, "The disk device '%s' already has media",
                            target);
        /* With the medium goes what it was based on. */
        remove_child(edit->device, "source");
        remove_child(edit->device, "backingStore");
        if (action != MEDIA_EJECT)
                insert_source(args, edit->device, path);
        return 0;
}

static int media_action(const Args *args, MediaAction *ret, Err *err) {
        static const char *const pairs[][2] = {
                {"eject", "insert"}, {"eject", "update"}, {"insert", "update"}, {"eject", "block"}};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(pairs); i++)
                r = args_exclusive(args, pairs[i][0], pairs[i][1], err);
        *ret = args_flag(args, "eject")    ? MEDIA_EJECT
               : args_flag(args, "insert") ? MEDIA_INSERT
                                           : MEDIA_UPDATE;
        return r;
}

static int cmd_change_media(Cli *cli, const Args *args, Err *err) {
        g_auto(DeviceEdit) edit = {.flags = args_flag(args, "force") ? UPDATE_FORCE : 0};
        MediaAction action;
        bool config;
        int r;

        r = media_action(args, &action, err);
        if (r >= 0)
                r = args_affect(args, &edit.flags, err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &edit.guest, err);
        if (r < 0)
                return r;
        config = edit.flags & GUEST_AFFECT_CONFIG;
        r = cli_guest_doc(cli, edit.guest, config ? GUEST_XML_INACTIVE : 0, &edit.doc, err);
        if (r >= 0)
                r = find_drive(&edit, args_text(args, "path"), err);
        if (r >= 0)
                r = edit_medium(args, &edit, action, err);
        if (r < 0)
                return r;
        r = apply(cli, args, &edit, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to complete action %s on media",
                                  media_words[action].name);
        if (r == 0)
                cli_say(cli, "Successfully %s media.", media_words[action].done);
        return 0;
}

static int find_interface(DeviceEdit *edit, const char *name, Err *err) {
        XML_FOREACH_CHILD(device, xml_child(xml_doc_root(edit->doc), "devices"))
                if (g_str_equal(xml_name(device), "interface") &&
                    (has_text(device, "mac", "address", name) ||
                     has_text(device, "target", "dev", name))) {
                        edit->device = device;
                        return 0;
                }
        return fail(err, VIR_ERR_INVALID_ARG, "interface '%s' not found", name);
}

/* The definition with --config, or where nothing runs; else the running guest. */
static int read_interface(Cli *cli, const Args *args, DeviceEdit *ret, Err *err) {
        bool active, config = args_flag(args, "config");
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &ret->guest, err);
        if (r >= 0)
                r = guest_ask(cli->conn, ret->guest, GUEST_IS_ACTIVE, &active, err);
        if (r < 0)
                return r;
        config = config || !active;
        ret->flags = config ? GUEST_AFFECT_CONFIG : GUEST_AFFECT_LIVE;
        r = cli_guest_doc(cli, ret->guest, config ? GUEST_XML_INACTIVE : 0, &ret->doc, err);
        if (r < 0)
                return r;
        return find_interface(ret, args_text(args, "interface"), err);
}

static int cmd_domif_setlink(Cli *cli, const Args *args, Err *err) {
        const char *state = args_text(args, "state");
        g_auto(DeviceEdit) edit = {};
        xmlNode *link;
        int r;

        if (!g_str_equal(state, "up") && !g_str_equal(state, "down"))
                return fail(err, VIR_ERR_INVALID_ARG, "invalid link state '%s'", state);
        r = read_interface(cli, args, &edit, err);
        if (r < 0)
                return r;
        link = xml_child(edit.device, "link")
                       ?: xmlNewChild(edit.device, NULL, (const xmlChar *)"link", NULL);
        set_attr(link, "state", state);
        r = apply(cli, args, &edit, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to update interface link state");
        if (r == 0)
                cli_say(cli, "Device updated successfully\n");
        return 0;
}

static const char *const link_states[] = {"up", "down", NULL};

static const Option options_update_device[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FILE("file with the device's XML as it shall be"),
        OPT_FLAG("persistent", "the definition, and the guest if it runs"),
        OPT_AFFECT,
        OPT_FLAG("force", "even if the guest does not let go of a medium"),
        OPT_END,
};
static const Option options_change_media[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_NEED("path", CANDIDATES_GUEST_DISK, "the drive's target or source"),
        OPT_MAY("source", CANDIDATES_FILE, "the new medium"),
        OPT_FLAG("eject", "take the medium out"),
        OPT_FLAG("insert", "put one into an empty drive"),
        OPT_FLAG("update", "whether there is one or not; this is the default"),
        OPT_AFFECT,
        OPT_FLAG("force", "even if the guest has locked the drive"),
        OPT_FLAG("print-xml", "only print the drive's XML as it would be"),
        OPT_FLAG("block", "the medium is a block device of the host"),
        OPT_END,
};
static const Option options_domif_setlink[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_NEED("interface", CANDIDATES_GUEST_INTERFACE,
                 "its device on the host, or its MAC address"),
        {.name = "state",
         .kind = OPTION_TEXT,
         .positional = true,
         .required = true,
         .candidates = CANDIDATES_WORDS,
         .words = link_states,
         .help = "up|down"},
        OPT_FLAG("config", "the definition: from the next start on"),
        OPT_FLAG("print-xml", "only print the interface's XML as it would be"),
        OPT_END,
};

const Command commands_device[] = {
        {"change-media", "change the medium of a drive", NULL, options_change_media,
         .run = cmd_change_media,
         .examples = "change-media guest1 sda disc.iso\n"
                     "change-media guest1 sda --eject"},
        {"domif-setlink", "plug a guest's network interface in or out", NULL, options_domif_setlink,
         .run = cmd_domif_setlink},
        {"update-device", "change a device of a guest", NULL, options_update_device,
         .run = cmd_update_device},
        {},
};
