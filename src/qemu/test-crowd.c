/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test.h"
#include "layout/assign.h"
#include "qemu/args.h"

#define RNG "<rng model='virtio'><backend model='random'/></rng>"

/* A running guest with n virtio devices. */
static DomainDef *guest(const char *machine, unsigned n) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(Err) err = ERR_INIT;
        DomainDef *def = NULL;

        g_string_printf(text,
                        "<domain type='qemu'><name>g</name><memory>65536</memory><os>"
                        "<type machine='%s'>hvm</type></os><on_reboot>destroy</on_reboot>"
                        "<devices><controller type='usb' model='none'/><memballoon model='none'/>",
                        machine);
        for (unsigned i = 0; i < n; i++)
                g_string_append(text, RNG);
        g_string_append(text, "</devices></domain>");
        if (domain_def_parse(text->str, text->len, NULL, 0, &def, &err) < 0 ||
            layout_assign(def, NULL, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(def);
        domain_def_assign_aliases(def);
        return def;
}

static const QemuRuntime runtime = {.version = QEMU_VERSION(10, 0, 0), .qmp_fd = 3};

/* How often part stands on the command line. */
static unsigned count_args(const DomainDef *def, const char *part) {
        g_autoptr(GPtrArray) args = NULL;
        unsigned n = 0;

        assert_int_equal(qemu_args_build(def, &runtime, &args, NULL), 0);
        for (guint i = 0; args->pdata[i]; i++)
                n += strstr(args->pdata[i], part) != NULL;
        return n;
}

static json_t *ready(const DomainDef *def) {
        json_t *commands = NULL;

        assert_int_equal(qemu_args_ready(def, &runtime, &commands, NULL), 0);
        return commands;
}

static unsigned count_commands(const json_t *commands, const char *name, const char *key) {
        unsigned n = 0;
        json_t *command;
        size_t i;

        json_array_foreach(commands, i, command) {
                if (g_str_equal(json_string_value(json_object_get(command, "execute")), name))
                        n += !key || json_object_get(json_object_get(command, "arguments"), key);
        }
        return n;
}

static void a_few_devices_stand_on_the_command_line(void **state) {
        g_autoptr(DomainDef) def = guest("pc", 20);
        json_t *commands = ready(def);

        assert_int_equal(count_args(def, "virtio-rng-pci"), 20);
        assert_int_equal(count_args(def, "disable-legacy"), 0);
        assert_int_equal(json_array_size(commands), 0);
        json_decref(commands);
}

static void many_come_before_the_first_instruction(void **state) {
        static const char *const machines[] = {"pc", "q35"};

        for (size_t i = 0; i < G_N_ELEMENTS(machines); i++) {
                g_autoptr(DomainDef) def = guest(machines[i], 216);
                json_t *commands = ready(def);
                size_t n = json_array_size(commands);
                unsigned early;

                early = count_args(def, "virtio-rng-pci");
                assert_in_range(early, 40, 48);
                assert_int_equal(count_commands(commands, "device_add", NULL), 216 - early);
                assert_int_equal(count_commands(commands, "device_add", "vectors"), 0);
                /* A reset makes them a part of the machine, whatever the guest's own reset does. */
                assert_string_equal(json_string_value(json_object_get(
                                            json_array_get(commands, n - 2), "execute")),
                                    "system_reset");
                assert_int_equal(count_commands(commands, "set-action", "reboot"), 2);
                json_decref(commands);
        }
}

static void hundreds_share_what_qemu_and_firmware_have(void **state) {
        g_autoptr(DomainDef) def = guest("pc", 900);
        json_t *commands = ready(def);

        assert_int_equal(count_commands(commands, "device_add", NULL), 900 - 48);
        /* No MSI-X for any, and no I/O ports behind the bridges after the seventh. */
        assert_int_equal(count_commands(commands, "device_add", "vectors"), 900 - 48);
        assert_true(count_commands(commands, "device_add", "disable-legacy") > 600);
        assert_int_equal(count_args(def, "\"shpc\":false"), 30 - 7);
        json_decref(commands);
}

static void more_than_qemu_maps_are_refused(void **state) {
        g_autoptr(DomainDef) def = guest("pc", 1000);
        g_autoptr(GPtrArray) args = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_true(qemu_args_build(def, &runtime, &args, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_CONFIG_UNSUPPORTED);
        assert_non_null(strstr(err.message, "'g' has 1000 PCI devices"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_few_devices_stand_on_the_command_line),
                cmocka_unit_test(many_come_before_the_first_instruction),
                cmocka_unit_test(hundreds_share_what_qemu_and_firmware_have),
                cmocka_unit_test(more_than_qemu_maps_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
