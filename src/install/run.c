/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/run.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/util.h"
#include "base/xml.h"
#include "client/conn.h"
#include "install/caps.h"
#include "install/interrupt.h"
#include "install/node.h"
#include "install/option.h"
#include "install/os.h"

#define KIB 1024

#define UNDEFINE_NVRAM_AND_TPM (1u << 2 | 1u << 5)

void run_say(const Run *run, const char *format, ...) {
        va_list ap;

        if (run->quiet)
                return;
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        fflush(stdout);
}

int run_connect(Run *run, Err *err) {
        return cli_connect(&run->cli, err);
}

/* The installer's machine: the guest's, but that it boots the installer, and ends where it would
 * begin again. */
static void write_first(const Run *run, xmlNode *domain) {
        const GuestDef *def = run->def;
        const Media *media = &run->media;
        g_autofree char *args = media_kernel_args(media, def);
        xmlNode *os = node_make(domain, "os");
        bool chosen = node_find(os, "kernel") != NULL;
        const char *medium = def->cdrom && media->kind == MEDIA_NONE ? "cdrom" : NULL;
        const char *from = def->boot_from ?: medium;

        node_set(domain, "on_reboot", "destroy");
        if (media->local_kernel)
                node_set(os, "kernel", media->local_kernel);
        if (media->local_initrd)
                node_set(os, "initrd", media->local_initrd);
        if (args && media->local_kernel)
                node_set(os, "cmdline", args);
        if (chosen)
                return;
        while (node_find(os, "boot"))
                node_set(os, "boot", NULL);
        if (media->local_kernel || !from)
                return;
        node_set(os, "boot#0/@dev", from);
        if (node_find(domain, "devices/disk") && !g_str_equal(from, "hd"))
                node_set(os, "boot#1/@dev", "hd");
}

/* An installation from the network unpacks more than the system itself needs. */
static void raise_memory(Run *run, xmlNode *domain) {
        g_autofree char *text = node_get(domain, "memory");
        uint64_t kib = 0, needed = os_network_memory(run->def->os) / KIB;

        if (run->media.kind != MEDIA_URL && run->media.kind != MEDIA_DIRECTORY)
                return;
        if (!text || str_to_uint(text, 10, UINT64_MAX, &kib) < 0 || kib >= needed)
                return;
        if (!run->memory_told)
                fprintf(stderr,
                        "warning: an installation of %s from the network needs %" G_GUINT64_FORMAT
                        " MiB; the guest has them until it ends\n",
                        os_short_id(run->def->os), needed / KIB);
        run->memory_told = true;
        node_set_format(domain, "memory", "%" G_GUINT64_FORMAT, needed);
        node_set_format(domain, "currentMemory", "%" G_GUINT64_FORMAT, needed);
}

static void add_cloud_init(const Run *run, xmlNode *domain) {
        xmlNode *devices = node_make(domain, "devices");
        xmlNode *disk = xmlNewChild(devices, NULL, (const xmlChar *)"disk", NULL);
        bool q35 = guest_def_is_q35(run->def);

        node_set(disk, "@type", "file");
        node_set(disk, "@device", "cdrom");
        node_set(disk, "driver/@name", "qemu");
        node_set(disk, "driver/@type", "raw");
        node_set(disk, "source/@file", run->media.cloud_init ?: "cloud-init.iso");
        /* The last of its bus: no other disk of the guest is there. */
        node_set(disk, "target/@dev", q35 ? "sdz" : "hdd");
        node_set(disk, "target/@bus", q35 ? "sata" : "ide");
        node_set(disk, "readonly", "");
}

/* The medium was for the installation; its drive stays, empty. Windows wants it again. */
static void take_out_medium(const Run *run, xmlNode *domain) {
        const xmlNode *devices = node_make(domain, "devices");

        if (!run->def->cdrom || os_is_windows(run->def->os))
                return;
        XML_FOREACH_CHILD(disk, devices)
                if (node_is(disk, "@device", "cdrom") &&
                    node_is(disk, "source/@file", run->def->cdrom)) {
                        node_set(disk, "source", NULL);
                        node_set(disk, "driver", NULL);
                }
}

static bool has_installation(const Run *run) {
        const GuestDef *def = run->def;

        if (def->no_install)
                return false;
        return def->method == METHOD_TREE || def->method == METHOD_CDROM ||
               def->method == METHOD_DEVICE;
}

void run_write_xml(Run *run) {
        bool cloud_init = options_has(run->options, "cloud-init");
        xmlDoc *first = xmlCopyDoc(run->def->doc, 1);
        xmlDoc *second = xmlCopyDoc(run->def->doc, 1);

        g_clear_pointer(&run->first, g_free);
        g_clear_pointer(&run->second, g_free);
        if (has_installation(run)) {
                write_first(run, xmlDocGetRootElement(first));
                raise_memory(run, xmlDocGetRootElement(first));
                take_out_medium(run, xmlDocGetRootElement(second));
        }
        if (cloud_init)
                add_cloud_init(run, xmlDocGetRootElement(first));
        guest_def_sort(xmlDocGetRootElement(first));
        if (has_installation(run) || cloud_init)
                run->first = guest_def_text(first);
        run->second = guest_def_text(second);
        xmlFreeDoc(first);
        xmlFreeDoc(second);
}

static int undo_start(void *context, const char *name, Err *err) {
        Run *run = context;
        g_autoptr(Guest) guest = NULL;
        g_auto(Err) reason = ERR_INIT;
        int r = run_connect(run, err);

        if (r < 0)
                return r;
        if (guest_lookup(run->cli.conn, name, GUEST_BY_NAME, &guest, &reason) < 0 || guest->id < 0)
                return 1;
        return guest_act(run->cli.conn, guest, GUEST_DESTROY, 0, err);
}

static int undo_define(void *context, const char *name, Err *err) {
        Run *run = context;
        g_autoptr(Guest) guest = NULL;
        g_auto(Err) reason = ERR_INIT;
        int r = run_connect(run, err);

        if (r < 0)
                return r;
        if (guest_lookup(run->cli.conn, name, GUEST_BY_NAME, &guest, &reason) < 0)
                return 1;
        return guest_act(run->cli.conn, guest, GUEST_UNDEFINE, UNDEFINE_NVRAM_AND_TPM, err);
}

/* Starts it by the first XML, and keeps the second. */
static int make_guest(Run *run, Guest **ret, Err *err) {
        const char *name = guest_def_name(run->def);
        bool transient = options_has(run->options, "transient");
        bool start = transient || run->first || !options_has(run->options, "noreboot");
        g_autoptr(Guest) guest = NULL;
        int r = 0;

        if (interrupt_is_set(run->interrupt))
                return interrupt_fail(err);
        if (start) {
                r = guest_create_xml(run->cli.conn, run->first ?: run->second, 0, &guest, err);
                if (r >= 0)
                        undo_add(&run->undo, "the start of guest", name, undo_start);
        }
        if (r >= 0 && !transient) {
                g_clear_pointer(&guest, guest_free);
                r = guest_define(run->cli.conn, run->second, 0, &guest, err);
                if (r >= 0)
                        undo_add(&run->undo, "the definition of guest", name, undo_define);
        }
        if (r >= 0 && options_has(run->options, "autostart"))
                r = guest_set_autostart(run->cli.conn, guest, false, true, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&guest);
        return 0;
}

int run_install(Run *run, Err *err) {
        const char *name = guest_def_name(run->def);
        g_autoptr(Guest) guest = NULL;
        int r;

        r = media_prepare(&run->media, run->options, err);
        if (r >= 0)
                r = run_make_volumes(run, err);
        if (r < 0)
                return r;
        run_write_xml(run);
        r = make_guest(run, &guest, err);
        if (r < 0)
                return r;
        run_say(run, run->first ? "Guest '%s' runs its installer.\n" : "Guest '%s' is made.\n",
                name);
        return run_follow(run, guest, err);
}
