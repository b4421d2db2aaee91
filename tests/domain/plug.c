/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plug GUEST.xml DEVICE.xml…: the guest's command line and, for each device, the QMP commands that
 * plug it in and those that clean up behind it, as one JSON object. check-plug gives them to QEMU.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "layout/assign.h"
#include "qemu/args.h"

#define FILE_MAX (1u << 20)

static const QemuRuntime runtime = {.version = QEMU_VERSION(10, 0, 2), .qmp_fd = 3};

static char *read_file(const char *path) {
        char *text = NULL;
        size_t size;

        if (file_read(path, FILE_MAX, &text, &size, NULL) < 0) {
                fprintf(stderr, "cannot read %s\n", path);
                exit(EXIT_FAILURE);
        }
        return text;
}

static void check(int r, const Err *err) {
        if (r >= 0)
                return;
        fprintf(stderr, "%s\n", err->message);
        exit(EXIT_FAILURE);
}

static json_t *build_args(const DomainDef *def) {
        g_autoptr(GPtrArray) args = NULL;
        g_auto(Err) err = ERR_INIT;
        json_t *list = json_array();

        check(qemu_args_build(def, &runtime, &args, &err), &err);
        for (guint i = 0; args->pdata[i]; i++)
                json_array_append_new(list, json_string(args->pdata[i]));
        return list;
}

static json_t *plug(DomainDef *def, const char *path) {
        g_autofree char *text = read_file(path);
        DomainDevice *device = NULL;
        g_auto(Err) err = ERR_INIT;
        json_t *commands = NULL;

        check(domain_device_parse(def, text, strlen(text), 0, &device, &err), &err);
        check(layout_find_free(def, device, &err), &err);
        domain_def_assign_alias(def, device);
        check(qemu_args_plug(def, device, &runtime, &commands, &err), &err);
        check(domain_def_add_device(def, NULL, device, &err), &err);
        return json_pack("{s:o, s:o, s:s}", "plug", commands, "unplug",
                         qemu_args_unplug(def, device), "alias", device->alias.name);
}

int main(int argc, char **argv) {
        g_autofree char *text = read_file(argc > 1 ? argv[1] : "");
        g_autoptr(DomainDef) def = NULL;
        g_auto(Err) err = ERR_INIT;
        json_t *devices = json_array(), *args, *whole;

        check(domain_def_parse(text, strlen(text), NULL, 0, &def, &err), &err);
        check(layout_assign(def, NULL, &err), &err);
        domain_def_assign_aliases(def);
        args = build_args(def);
        for (int i = 2; i < argc; i++)
                json_array_append_new(devices, plug(def, argv[i]));
        whole = json_pack("{s:o, s:o}", "args", args, "devices", devices);
        json_dumpf(whole, stdout, JSON_COMPACT);
        json_decref(whole);
        return EXIT_SUCCESS;
}
