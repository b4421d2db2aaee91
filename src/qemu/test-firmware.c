/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/file.h"
#include "base/test.h"

#define DESCRIPTOR(mapping, machines, features)                                            \
        "{\"description\": \"x\", \"interface-types\": [\"uefi\"], \"mapping\": {" mapping \
        "}, \"targets\": [{\"architecture\": \"x86_64\", \"machines\": [" machines         \
        "]}], \"features\": [" features "], \"tags\": []}"

#define FLASH(name)                                                                   \
        "\"device\": \"flash\", \"executable\": {\"filename\": \"/fw/" name           \
        ".fd\", \"format\": \"raw\"}, \"nvram-template\": {\"filename\": \"/fw/" name \
        "_VARS.fd\", \"format\": \"raw\"}"

static const char keys[] = DESCRIPTOR(FLASH("keys"), "\"pc-q35-*\"",
                                      "\"enrolled-keys\", \"requires-smm\", \"secure-boot\"");
static const char secure[] =
        DESCRIPTOR(FLASH("secure"), "\"pc-q35-*\"", "\"requires-smm\", \"secure-boot\"");
static const char plain[] =
        DESCRIPTOR(FLASH("plain"), "\"pc-i440fx-*\", \"pc-q35-*\"", "\"acpi-s3\"");
static const char stateless[] =
        DESCRIPTOR("\"device\": \"flash\", \"mode\": \"stateless\", \"executable\": "
                   "{\"filename\": \"/fw/stateless.fd\", \"format\": \"raw\"}",
                   "\"pc-q35-*\"", "");
static const char other_arch[] = "{\"interface-types\": [\"uefi\"], \"mapping\": {" FLASH(
        "arm") "}, \"targets\": "
               "[{\"architecture\": \"aarch64\", \"machines\": [\"virt-*\"]}], \"features\": []}";

/* ---- a host with these ---- */

typedef struct Host {
        char *base, *low, *high;
        const char *dirs[3];
        FirmwareStore *store;
} Host;

static void write_file(const char *dir, const char *name, const char *text) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        assert_int_equal(file_write_atomic(path, text, strlen(text), NULL), 0);
}

static int make_host(void **state) {
        Host *host = g_new0(Host, 1);

        host->base = g_dir_make_tmp("firmware-XXXXXX", NULL);
        host->low = g_build_filename(host->base, "low", NULL);
        host->high = g_build_filename(host->base, "high", NULL);
        host->dirs[0] = host->low;
        host->dirs[1] = host->high;
        g_mkdir(host->low, 0700);
        g_mkdir(host->high, 0700);
        write_file(host->low, "40-keys.json", keys);
        write_file(host->low, "50-secure.json", secure);
        write_file(host->low, "60-plain.json", plain);
        write_file(host->low, "70-stateless.json", stateless);
        write_file(host->low, "30-arm.json", other_arch);
        write_file(host->low, "20-broken.json", "{");
        host->store = firmware_store_new(host->dirs, "/nvram");
        *state = host;
        return 0;
}

static int free_host(void **state) {
        Host *host = *state;
        g_autofree char *command = g_strdup_printf("rm -r '%s'", host->base);

        assert_int_equal(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL), TRUE);
        firmware_store_free(host->store);
        g_free(host->base);
        g_free(host->low);
        g_free(host->high);
        g_free(host);
        return 0;
}

/* A guest with this <os>; NULL: it is refused. */
static DomainDef *define(const Host *host, const char *machine, const char *attrs,
                         const char *inner, Err *err) {
        const DomainDefaults defaults = {.choose_firmware = firmware_choose,
                                         .firmware = host->store};
        g_autofree char *xml = g_strdup_printf(
                "<domain type='kvm'><name>g</name><memory>65536</memory><os %s><type machine='%s'>"
                "hvm</type>%s</os><features><acpi/></features></domain>",
                attrs, machine, inner);
        DomainDef *def = NULL;

        domain_def_parse(xml, strlen(xml), &defaults, 0, &def, err);
        return def;
}

static void assert_chosen(const Host *host, const char *machine, const char *inner,
                          const char *code) {
        g_auto(Err) err = ERR_INIT;
        g_autoptr(DomainDef) def = define(host, machine, "firmware='efi'", inner, &err);

        if (!def)
                print_error("%s\n", err.message);
        assert_non_null(def);
        if (def)
                assert_string_equal(def->os.loader.path, code);
}

#define Q35               "pc-q35-10.0"
#define FEATURE(name, is) "<feature enabled='" is "' name='" name "'/>"

static void the_first_that_fits_is_chosen(void **state) {
        assert_chosen(*state, Q35, "", "/fw/keys.fd");
        assert_chosen(*state, "pc-i440fx-10.0", "", "/fw/plain.fd");
        assert_chosen(*state, Q35, "<firmware>" FEATURE("enrolled-keys", "no") "</firmware>",
                      "/fw/secure.fd");
        assert_chosen(*state, Q35, "<firmware>" FEATURE("secure-boot", "no") "</firmware>",
                      "/fw/plain.fd");
        assert_chosen(*state, Q35, "<loader secure='no'/>", "/fw/plain.fd");
        assert_chosen(*state, Q35, "<loader stateless='yes'/>", "/fw/stateless.fd");
        assert_chosen(*state, Q35, "<loader readonly='yes' type='pflash'>/fw/secure.fd</loader>",
                      "/fw/secure.fd");
}

static void what_was_chosen_is_told(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autoptr(DomainDef) def = define(*state, Q35, "firmware='efi'", "", &err);
        const DomainFirmwareFeature *feature;

        assert_non_null(def);
        assert_int_equal(def->os.loader.type, LOADER_PFLASH);
        assert_int_equal(def->os.loader.secure, DOMAIN_SWITCH_ON);
        assert_int_equal(def->features.smm.state, DOMAIN_SWITCH_ON);
        assert_string_equal(def->os.nvram.template, "/fw/keys_VARS.fd");
        assert_string_equal(def->os.nvram.path, "/nvram/g_VARS.fd");
        assert_int_equal(def->os.firmware_features.list->len, 2);
        feature = def->os.firmware_features.list->pdata[0];
        assert_int_equal(feature->name, FIRMWARE_ENROLLED_KEYS);
        assert_int_equal(feature->enabled, DOMAIN_SWITCH_ON);
}

static void a_loader_that_is_known_gets_its_variables(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autoptr(DomainDef) def =
                define(*state, Q35, "",
                       "<loader readonly='yes' type='pflash'>/fw/plain.fd</loader>", &err);
        g_autoptr(DomainDef) other = define(
                *state, Q35, "", "<loader readonly='yes' type='pflash'>/fw/none.fd</loader>", &err);

        assert_non_null(def);
        assert_int_equal(def->os.firmware, FIRMWARE_EFI);
        assert_string_equal(def->os.nvram.template, "/fw/plain_VARS.fd");
        assert_non_null(other);
        assert_int_equal(other->os.firmware, FIRMWARE_UNSET);
        assert_null(other->os.nvram.template);
        assert_string_equal(other->os.nvram.path, "/nvram/g_VARS.fd");
}

static void what_nothing_fits_is_refused(void **state) {
        static const char *const inner[] = {
                "<loader format='qcow2'/>",
                "<loader type='rom'/>",
                "<loader stateless='yes'/><nvram>/x.fd</nvram>",
                "<firmware>" FEATURE("enrolled-keys", "yes")
                        FEATURE("secure-boot", "no") "</firmware>",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(inner); i++) {
                g_auto(Err) err = ERR_INIT;
                g_autoptr(DomainDef) def = define(*state, Q35, "firmware='efi'", inner[i], &err);

                assert_null(def);
                assert_int_equal(err.code, VIR_ERR_OPERATION_FAILED);
        }
}

static void a_guest_whose_firmware_has_gone_is_still_read(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autoptr(DomainDef) def = define(*state, Q35, "firmware='efi'",
                                          "<loader readonly='yes' type='pflash'>/gone.fd</loader>"
                                          "<nvram template='/gone_VARS.fd'>/nvram/g.fd</nvram>",
                                          &err);

        assert_non_null(def);
        assert_string_equal(def->os.loader.path, "/gone.fd");
        assert_string_equal(def->os.nvram.template, "/gone_VARS.fd");
}

static void an_administrator_can_hide_and_replace(void **state) {
        Host *host = *state;

        assert_chosen(host, Q35, "", "/fw/keys.fd");
        write_file(host->high, "40-keys.json", "");
        assert_chosen(host, Q35, "", "/fw/secure.fd");
        write_file(host->high, "50-secure.json", stateless);
        assert_chosen(host, Q35, "", "/fw/stateless.fd");
}

static void what_is_no_descriptor_is_refused(void **state) {
        static const char *const texts[] = {"", "[]", "{}", "{\"interface-types\": 3}", other_arch};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                Firmware *firmware = NULL;

                assert_int_equal(firmware_parse("x", texts[i], &firmware), -EINVAL);
        }
}

#define HOST_TEST(name) cmocka_unit_test_setup_teardown(name, make_host, free_host)

int main(void) {
        const struct CMUnitTest tests[] = {
                HOST_TEST(the_first_that_fits_is_chosen),
                HOST_TEST(what_was_chosen_is_told),
                HOST_TEST(a_loader_that_is_known_gets_its_variables),
                HOST_TEST(what_nothing_fits_is_refused),
                HOST_TEST(a_guest_whose_firmware_has_gone_is_still_read),
                HOST_TEST(an_administrator_can_hide_and_replace),
                cmocka_unit_test(what_is_no_descriptor_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
