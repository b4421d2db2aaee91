/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text of a client: a guest's XML the whole way, to what is stored and to QEMU's arguments. What
 * was taken in once is taken in again and comes out the same. A text that is one device is plugged
 * into a small guest. */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "layout/assign.h"
#include "qemu/args.h"

static const QemuRuntime runtime = {.version = QEMU_VERSION(10, 0, 0), .qmp_fd = 3};

static void check(bool condition) {
        if (!condition)
                abort();
}

static void build_args(const DomainDef *def) {
        g_autoptr(DomainDef) live = domain_def_copy(def);
        g_autoptr(GPtrArray) args = NULL;
        g_auto(Err) err = ERR_INIT;
        json_t *ready = NULL;

        domain_def_assign_aliases(live);
        if (qemu_args_build(live, &runtime, &args, &err) < 0) {
                check(err_is_set(&err));
                return;
        }
        check(args->len > 1 && !args->pdata[args->len - 1]);
        if (qemu_args_ready(live, &runtime, &ready, &err) == 0)
                check(json_is_array(ready));
        else
                check(err_is_set(&err));
        json_decref(ready);
}

static void define(const char *text, size_t size) {
        g_auto(Err) err = ERR_INIT;
        g_autoptr(DomainDef) def = NULL;
        g_autoptr(DomainDef) again = NULL;
        g_autofree char *first = NULL;
        g_autofree char *second = NULL;

        if (domain_def_parse(text, size, NULL, 0, &def, &err) < 0 ||
            layout_assign(def, NULL, &err) < 0) {
                check(err_is_set(&err));
                return;
        }
        build_args(def);
        first = domain_def_format(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        check(domain_def_parse(first, strlen(first), NULL, 0, &again, NULL) == 0);
        check(layout_assign(again, NULL, NULL) == 0);
        second = domain_def_format(again, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        check(g_str_equal(first, second));
        domain_def_parks_companions(def);
}

static void plug(const char *text, size_t size) {
        static const char guest[] = "<domain type='kvm'><name>a</name><memory>1024</memory>"
                                    "<os><type machine='q35'>hvm</type></os></domain>";
        g_autoptr(DomainDevice) device = NULL;
        g_autoptr(DomainDef) def = NULL;
        g_autofree char *out = NULL;
        json_t *commands = NULL;

        check(domain_def_parse(guest, strlen(guest), NULL, 0, &def, NULL) == 0);
        check(layout_assign(def, NULL, NULL) == 0);
        domain_def_assign_aliases(def);
        if (domain_device_parse(def, text, size, 0, &device, NULL) < 0)
                return;
        out = domain_device_format(device, DOMAIN_FORMAT_SECURE);
        check(out[0] == '<');
        if (domain_def_add_device(def, NULL, device, NULL) < 0)
                return;
        domain_def_take_device(def, device);
        if (layout_find_free(def, device, NULL) < 0)
                return;
        domain_def_assign_alias(def, device);
        if (qemu_args_plug(def, device, &runtime, &commands, NULL) == 0)
                json_decref(commands);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        define((const char *)data, size);
        plug((const char *)data, size);
        return 0;
}
