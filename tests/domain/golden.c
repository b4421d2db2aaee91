/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs every NAME.xml of a directory the whole way, and compares with the files beside it:
 *
 *         NAME.out.xml   the stored definition; defined again, it must come out the same
 *         NAME.args      QEMU's command line, an option a line
 *         NAME.warn      what is named as known to no schema, where there is any
 *         NAME.err       instead of the first two: the refusal
 *
 * The host has the firmware that DIRECTORY/../firmware describes.
 *
 * golden DIRECTORY compares, golden --rewrite DIRECTORY writes: review the difference. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "layout/assign.h"
#include "qemu/args.h"
#include "qemu/firmware.h"

static const char *const machines[] = {"pc", "pc-i440fx-10.0", "q35", "pc-q35-10.0", NULL};

static DomainDefaults defaults = {.machine_aliases = machines, .choose_firmware = firmware_choose};

static void start_graphics(DomainGraphics *graphics, unsigned *port) {
        DomainListen *listen = graphics->listens ? graphics->listens->pdata[0] : NULL;

        if (listen && listen->type == LISTEN_NETWORK && !listen->address)
                listen->address = g_strdup("192.168.122.1");
        if (listen && domain_listen_is_tcp(listen) && !graphics->port.is_set &&
            graphics->autoport == DOMAIN_SWITCH_ON)
                graphics->port = DOMAIN_NUM((*port)++);
        if (graphics->websocket.is_set && graphics->websocket.value == DOMAIN_PORT_AUTO)
                graphics->websocket = DOMAIN_NUM(5700);
        if (listen && listen->type == LISTEN_SOCKET && !listen->socket)
                listen->socket = g_strdup("/run/guest/graphics.sock");
        if (domain_graphics_uses_gl(graphics) && !graphics->gl.rendernode)
                graphics->gl.rendernode = g_strdup("/dev/dri/renderD128");
}

/* What the daemon would fill when it starts the guest. */
static void start(DomainDef *def) {
        unsigned n = 0, port = 5900;

        DOMAIN_FOREACH(DomainGraphics, graphics, def, DOMAIN_GRAPHICS)
                start_graphics(graphics, &port);
        DOMAIN_FOREACH(DomainVsock, vsock, def, DOMAIN_VSOCK) {
                if (!vsock->cid.address.is_set)
                        vsock->cid.address = DOMAIN_NUM(3);
        }
        DOMAIN_FOREACH(DomainHostdev, hostdev, def, DOMAIN_HOSTDEV) {
                if (!domain_hostdev_is_pci(hostdev) && !hostdev->source.place.node.is_present) {
                        hostdev->source.place.node.is_present = true;
                        hostdev->source.place.bus = DOMAIN_NUM(1);
                        hostdev->source.place.device = DOMAIN_NUM(2);
                }
        }
        DOMAIN_FOREACH(DomainInterface, net, def, DOMAIN_INTERFACE) {
                if (domain_interface_has_tap(net) && !net->target.dev)
                        net->target.dev = g_strdup_printf("vnet%u", n++);
                if (domain_interface_is_passt(net))
                        net->source.path = g_strdup("/run/guest/passt.sock");
        }
        DOMAIN_FOREACH(DomainChar, channel, def, DOMAIN_CHANNEL) {
                if (channel->type == CHAR_TYPE_UNIX && !channel->source.path)
                        channel->source.path =
                                g_strdup_printf("/run/guest/%s", channel->target.name);
        }
        domain_def_assign_aliases(def);
}

static int build_args(const DomainDef *def, char **ret, Err *err) {
        const QemuRuntime runtime = {
                .version = QEMU_VERSION(10, 0, 2),
                .qmp_fd = 3,
                .has_vhost_net = true,
                .has_sandbox = true,
                .now = 1700000000,
                .utc_offset = 3600,
                .memory_dir = "/var/lib/airlock/ram",
                .run_dir = "/run/guest",
        };
        g_autoptr(DomainDef) live = domain_def_copy(def);
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GPtrArray) args = NULL;
        int r;

        start(live);
        r = qemu_args_build(live, &runtime, &args, err);
        if (r < 0)
                return r;
        for (guint i = 0; args->pdata[i]; i++) {
                const char *arg = args->pdata[i];

                g_string_append_printf(text, i == 0 ? "%s" : arg[0] == '-' ? "\n%s" : " %s", arg);
        }
        g_string_append_c(text, '\n');
        *ret = g_string_free(g_steal_pointer(&text), FALSE);
        return 0;
}

static int define(const char *text, DomainDef **ret, Err *err) {
        g_autoptr(DomainDef) def = NULL;
        int r;

        r = domain_def_parse(text, strlen(text), &defaults, 0, &def, err);
        if (r < 0)
                return r;
        r = layout_assign(def, NULL, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&def);
        return 0;
}

/* What comes out, by the ending of the file that holds it; NULL: no such file. */
typedef struct Result {
        char *out, *args, *warn, *err;
} Result;

static void result_clear(Result *result) {
        g_free(result->out);
        g_free(result->args);
        g_free(result->warn);
        g_free(result->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Result, result_clear)

static int run_good(const char *text, Result *result, Err *err) {
        g_autoptr(DomainDef) def = NULL;
        int r;

        r = define(text, &def, err);
        if (r < 0)
                return r;
        result->out = domain_def_format(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        r = build_args(def, &result->args, err);
        if (r < 0)
                return r;
        if (def->warnings->len > 0) {
                g_ptr_array_add(def->warnings, NULL);
                g_ptr_array_insert(def->warnings, (int)def->warnings->len - 1, g_strdup(""));
                result->warn = g_strjoinv("\n", (char **)def->warnings->pdata);
        }
        return 0;
}

static void run(const char *text, Result *result) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *words = NULL;

        if (run_good(text, result, &err) == 0)
                return;
        words = err_text(&err);
        g_clear_pointer(&result->out, g_free);
        result->err = g_strdup_printf("%d: %s\n", err.code, words);
}

/* define(dumpxml(x)) changes nothing. */
static int check_again(const char *name, const char *text) {
        g_auto(Err) err = ERR_INIT;
        g_autoptr(DomainDef) def = NULL;
        g_autofree char *again = NULL;

        if (define(text, &def, &err) < 0) {
                fprintf(stderr, "%s: defined again: %s\n", name, err.message);
                return -EINVAL;
        }
        again = domain_def_format(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        if (g_str_equal(text, again))
                return 0;
        fprintf(stderr, "%s: defined again, it comes out as\n%s", name, again);
        return -EINVAL;
}

static int compare(const char *base, const char *ending, const char *text, bool is_rewrite) {
        g_autofree char *path = g_strconcat(base, ending, NULL);
        g_autofree char *wanted = NULL;
        size_t size;

        if (is_rewrite) {
                if (!text)
                        return file_remove(path, NULL);
                return file_write_atomic(path, text, strlen(text), NULL);
        }
        file_read(path, 1u << 20, &wanted, &size, NULL);
        if (g_strcmp0(wanted, text) == 0)
                return 0;
        fprintf(stderr, "%s: wanted\n%sgot\n%s", path, wanted ? wanted : "no such file\n",
                text ? text : "nothing\n");
        return -EINVAL;
}

static int run_file(const char *directory, const char *name, bool is_rewrite) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_autofree char *base = g_strndup(path, strlen(path) - strlen(".xml"));
        g_autofree char *text = NULL;
        g_auto(Result) result = {};
        size_t size;
        int r = 0;

        if (file_read(path, 1u << 20, &text, &size, NULL) < 0)
                return -EIO;
        run(text, &result);
        r |= compare(base, ".out.xml", result.out, is_rewrite);
        r |= compare(base, ".args", result.args, is_rewrite);
        r |= compare(base, ".warn", result.warn, is_rewrite);
        r |= compare(base, ".err", result.err, is_rewrite);
        if (result.out)
                r |= check_again(path, result.out);
        return r;
}

int main(int argc, char **argv) {
        bool is_rewrite = argc == 3 && g_str_equal(argv[1], "--rewrite");
        const char *directory = argc > 1 ? argv[argc - 1] : ".";
        g_autofree char *firmware = g_build_filename(directory, "..", "firmware", NULL);
        const char *const dirs[] = {firmware, NULL};
        g_autoptr(FirmwareStore) store = firmware_store_new(dirs, "/var/lib/airlock/nvram");
        g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
        unsigned n = 0, bad = 0;
        const char *name;

        defaults.firmware = store;
        while (dir && (name = g_dir_read_name(dir))) {
                if (!g_str_has_suffix(name, ".xml") || g_str_has_suffix(name, ".out.xml"))
                        continue;
                n++;
                bad += run_file(directory, name, is_rewrite) != 0;
        }
        printf("%u definitions, %u differ\n", n, bad);
        return n == 0 || bad > 0;
}
