/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a guest's screen and terminal are, and whether its monitor answers. */
#include "cli/groups.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "client/guest-stats.h"

#define VNC_PORT 5900

static int cmd_domcontrol(Cli *cli, const Args *args, Err *err) {
        static const char *const states[] = {"ok", "background job", "occupied", "error"};
        g_autoptr(Guest) guest = NULL;
        GuestControl control;
        const char *state;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_control(cli->conn, guest, &control, err);
        if (r < 0)
                return r;
        state = control.state < G_N_ELEMENTS(states) ? states[control.state] : "unknown";
        if (control.state == 0)
                puts(state);
        else
                printf("%s (%0.3fs)\n", state, (double)control.time / 1000);
        return 0;
}

/* The XML of a guest that must run. */
static int read_running(Cli *cli, const Args *args, unsigned flags, XmlDoc **ret, Err *err) {
        g_autoptr(Guest) guest = NULL;
        bool active;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_ask(cli->conn, guest, GUEST_IS_ACTIVE, &active, err);
        if (r < 0)
                return r;
        if (!active)
                return fail(err, VIR_ERR_OPERATION_INVALID, "Domain is not running");
        return cli_guest_doc(cli, guest, flags, ret, err);
}

/* The first address that a <graphics> listens on; NULL: none is said. */
static char *listen_address(const xmlNode *graphics) {
        xmlNode *listen = xml_child(graphics, "listen");
        char *address = xml_attr(graphics, "listen");

        return address || !listen ? address : xml_attr(listen, "address");
}

static bool is_any(const char *address) {
        return !address || g_str_equal(address, "0.0.0.0") || g_str_equal(address, "::");
}

/* "vnc://127.0.0.1:0"; NULL: it listens on no port. */
static char *display_uri(const xmlNode *graphics, const char *password) {
        g_autofree char *type = xml_attr(graphics, "type");
        g_autofree char *address = listen_address(graphics);
        g_autofree char *socket = xml_attr(graphics, "socket");
        uint64_t port = 0, tls = 0;
        GString *uri;

        xml_attr_uint(graphics, "port", 10, UINT16_MAX, &port, NULL);
        xml_attr_uint(graphics, "tlsPort", 10, UINT16_MAX, &tls, NULL);
        if (port == 0 && tls == 0 && !socket)
                return NULL;
        uri = g_string_new(NULL);
        if (socket && port == 0) {
                g_string_printf(uri, "%s+unix://%s", type, socket);
                return g_string_free(uri, FALSE);
        }
        g_string_printf(uri, "%s://", type);
        if (password && g_str_equal(type, "vnc"))
                g_string_append_printf(uri, ":%s@", password);
        g_string_append(uri, is_any(address) ? "localhost" : address);
        if (port > 0)
                g_string_append_printf(
                        uri, ":%u", (unsigned)(g_str_equal(type, "vnc") ? port - VNC_PORT : port));
        if (tls > 0)
                g_string_append_printf(uri, "%stls-port=%u", port > 0 ? "?" : "/?", (unsigned)tls);
        if (password && g_str_equal(type, "spice"))
                g_string_append_printf(uri, "%spassword=%s", tls > 0 ? "&" : "?", password);
        return g_string_free(uri, FALSE);
}

static int cmd_domdisplay(Cli *cli, const Args *args, Err *err) {
        bool all = args_flag(args, "all"), with_password = args_flag(args, "include-password");
        const char *wanted = args_text(args, "type");
        g_autoptr(XmlDoc) doc = NULL;
        unsigned found = 0;
        int r;

        r = read_running(cli, args, with_password ? GUEST_XML_SECURE : 0, &doc, err);
        if (r < 0)
                return r;
        XML_FOREACH_CHILD(device, xml_child(xml_doc_root(doc), "devices")) {
                g_autofree char *type = xml_attr(device, "type");
                g_autofree char *password = with_password ? xml_attr(device, "passwd") : NULL;
                g_autofree char *uri = NULL;

                if (!g_str_equal(xml_name(device), "graphics") ||
                    (wanted && !g_str_equal(wanted, type)) || (found > 0 && !all))
                        continue;
                uri = display_uri(device, password);
                if (!uri)
                        continue;
                printf(all ? "%s\n" : "%s", uri);
                found++;
        }
        if (found > 0)
                return 0;
        if (wanted)
                return fail(err, VIR_ERR_INVALID_ARG, "No graphical display with type '%s' found",
                            wanted);
        return fail(err, VIR_ERR_INVALID_ARG, "No graphical display found");
}

static int cmd_vncdisplay(Cli *cli, const Args *args, Err *err) {
        g_autoptr(XmlDoc) doc = NULL;
        int r;

        r = read_running(cli, args, 0, &doc, err);
        if (r < 0)
                return r;
        XML_FOREACH_CHILD(device, xml_child(xml_doc_root(doc), "devices")) {
                g_autofree char *type = xml_attr(device, "type");
                g_autofree char *address = listen_address(device);
                uint64_t port = 0;

                if (!g_str_equal(xml_name(device), "graphics") || !g_str_equal(type, "vnc") ||
                    xml_attr_uint(device, "port", 10, UINT16_MAX, &port, NULL) < 0 ||
                    port < VNC_PORT)
                        continue;
                printf("%s:%u\n", is_any(address) ? "" : address, (unsigned)port - VNC_PORT);
                return 0;
        }
        return fail(err, VIR_ERR_INVALID_ARG, "Failed to get VNC port. Is this domain using VNC?");
}

static int cmd_ttyconsole(Cli *cli, const Args *args, Err *err) {
        g_autoptr(XmlDoc) doc = NULL;
        xmlNode *console;
        g_autofree char *tty = NULL;
        int r;

        r = read_running(cli, args, 0, &doc, err);
        if (r < 0)
                return r;
        console = xml_child(xml_child(xml_doc_root(doc), "devices"), "console");
        tty = console ? xml_attr(console, "tty") : NULL;
        if (!tty)
                return fail(err, VIR_ERR_INVALID_ARG, "No console available");
        puts(tty);
        return 0;
}

static const Option options_active[] = {OPT_GUEST(CANDIDATES_GUEST_ACTIVE), OPT_END};
static const Option options_domdisplay[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FLAG("include-password", "with the password"),
        OPT_TEXT("type", "only a screen of this type: vnc or spice"),
        OPT_FLAG("all", "all screens"),
        OPT_END,
};

const Command commands_display[] = {
        {"domcontrol", "tell whether QEMU's monitor answers", NULL, options_active,
         .run = cmd_domcontrol},
        {"domdisplay", "print the URI of a guest's screen", NULL, options_domdisplay,
         .run = cmd_domdisplay},
        {"ttyconsole", "print the terminal of a guest's console", NULL, options_active,
         .run = cmd_ttyconsole},
        {"vncdisplay", "print the address of a guest's VNC screen", NULL, options_active,
         .run = cmd_vncdisplay},
        {},
};
