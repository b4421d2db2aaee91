/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-kind.h"

#include "base/test.h"

#include <glib/gstdio.h>

#include "base/sys.h"
#include "domain/device.h"

/* A host made of files, with these USB devices. */
static const struct {
        const char *name, *bus, *device, *vendor, *product;
} on_host[] = {
        {"usb1", "1", "1", "1d6b", "0002"},
        {"1-1", "1", "7", "0951", "1666"},
        {"1-2", "1", "12", "046d", "c534"},
        {"2-3.1", "2", "5", "046d", "c534"},
};

typedef struct Fixture {
        char *root;
        Manager manager;
        Vm vm, other;
} Fixture;

static void put(const Fixture *f, const char *device, const char *file, const char *text) {
        g_autofree char *dir = g_build_filename(f->root, "sys/bus/usb/devices", device, NULL);
        g_autofree char *path = g_build_filename(dir, file, NULL);

        assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
        assert_true(g_file_set_contents(path, text, -1, NULL));
}

static DomainDef *guest(const char *name, const char *devices) {
        g_autofree char *text =
                g_strdup_printf("<domain type='kvm'><name>%s</name><memory>65536</memory><os><type "
                                "machine='q35'>hvm"
                                "</type></os><devices>%s</devices></domain>",
                                name, devices);
        DomainDef *def = NULL;

        assert_int_equal(domain_def_parse(text, strlen(text), NULL, 0, &def, NULL), 0);
        return def;
}

static int setup(void **state) {
        Fixture *f = g_new0(Fixture, 1);

        f->root = g_dir_make_tmp("airlock-usb-XXXXXX", NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(on_host); i++) {
                put(f, on_host[i].name, "busnum", on_host[i].bus);
                put(f, on_host[i].name, "devnum", on_host[i].device);
                put(f, on_host[i].name, "idVendor", on_host[i].vendor);
                put(f, on_host[i].name, "idProduct", on_host[i].product);
        }
        put(f, "1-1:1.0", "bInterfaceClass", "08");
        assert_int_equal(sys_new(f->root, &f->manager.sys), 0);
        f->manager.vms_by_id = g_hash_table_new(g_direct_hash, g_direct_equal);
        f->vm.manager = f->other.manager = &f->manager;
        f->vm.config = guest("mine", "");
        f->other.config = guest("theirs", "");
        *state = f;
        return 0;
}

static void remove_tree(const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *child = g_build_filename(path, name, NULL);

                remove_tree(child);
        }
        g_remove(path);
}

static int teardown(void **state) {
        Fixture *f = *state;

        g_hash_table_unref(f->manager.vms_by_id);
        sys_free(f->manager.sys);
        domain_def_free(f->vm.config);
        domain_def_free(f->other.config);
        domain_def_free(f->other.live);
        remove_tree(f->root);
        g_free(f->root);
        g_free(f);
        return 0;
}

#define HOSTDEV(attrs, source) \
        "<hostdev mode='subsystem' type='usb'><source " attrs ">" source "</source></hostdev>"
#define IDS(vendor, product) "<vendor id='" vendor "'/><product id='" product "'/>"
#define PLACE(bus, device)   "<address bus='" bus "' device='" device "'/>"

/* Fills the guest's one device; the error's code, or 0. */
static int fill(Fixture *f, const char *devices, DomainDef **ret, const char *word) {
        g_autoptr(DomainDef) live = guest("mine", devices);
        g_auto(Err) err = ERR_INIT;
        int r = 0;

        DOMAIN_FOREACH(DomainDevice, device, live, DOMAIN_HOSTDEV)
                r = r < 0 ? r : vm_hostdev_kind.fill(&f->vm, live, device, &err);
        if (r < 0 && word && !strstr(err.message, word))
                print_error("%s\n", err.message);
        if (r < 0 && word)
                assert_non_null(strstr(err.message, word));
        if (ret)
                *ret = g_steal_pointer(&live);
        return r < 0 ? (int)err.code : 0;
}

static void assert_place(const DomainDef *def, unsigned i, unsigned bus, unsigned number) {
        const DomainHostdev *hostdev = def->devices.list[DOMAIN_HOSTDEV]->pdata[i];

        assert_true(hostdev->source.place.node.is_present);
        assert_int_equal(hostdev->source.place.bus.value, bus);
        assert_int_equal(hostdev->source.place.device.value, number);
}

static void a_device_is_found_by_its_ids(void **state) {
        g_autoptr(DomainDef) live = NULL;

        assert_int_equal(fill(*state, HOSTDEV("", IDS("0x0951", "0x1666")), &live, NULL), 0);
        assert_place(live, 0, 1, 7);
}

static void a_place_tells_two_of_one_make_apart(void **state) {
        g_autoptr(DomainDef) live = NULL;

        assert_int_equal(fill(*state, HOSTDEV("", IDS("0x046d", "0xc534")), NULL, "several"),
                         VIR_ERR_OPERATION_FAILED);
        assert_int_equal(
                fill(*state, HOSTDEV("", IDS("0x046d", "0xc534") PLACE("2", "5")), &live, NULL), 0);
        assert_place(live, 0, 2, 5);
}

/* Another one may have taken the number of one that was pulled out. */
static void a_place_with_another_device_in_it_does_not_do(void **state) {
        assert_int_equal(
                fill(*state, HOSTDEV("", IDS("0x0951", "0x1666") PLACE("2", "5")), NULL, "2"),
                VIR_ERR_INTERNAL_ERROR);
}

static void an_optional_device_may_be_absent(void **state) {
        g_autoptr(DomainDef) live = NULL;

        assert_int_equal(fill(*state, HOSTDEV("", IDS("0x1111", "0x2222")), NULL, "1111:2222"),
                         VIR_ERR_INTERNAL_ERROR);
        assert_int_equal(fill(*state, HOSTDEV("startupPolicy='optional'", IDS("0x1111", "0x2222")),
                              &live, NULL),
                         0);
        assert_true(((DomainHostdev *)live->devices.list[DOMAIN_HOSTDEV]->pdata[0])->is_missing);
}

static void a_device_is_in_one_guest(void **state) {
        Fixture *f = *state;

        assert_int_equal(fill(f, HOSTDEV("", PLACE("1", "7")), &f->other.live, NULL), 0);
        g_hash_table_insert(f->manager.vms_by_id, GINT_TO_POINTER(1), &f->other);
        assert_int_equal(fill(f, HOSTDEV("", IDS("0x0951", "0x1666")), NULL, "'theirs'"),
                         VIR_ERR_OPERATION_INVALID);
        g_hash_table_remove_all(f->manager.vms_by_id);
        assert_int_equal(fill(f, HOSTDEV("", PLACE("1", "7")) HOSTDEV("", IDS("0x0951", "0x1666")),
                              NULL, "already"),
                         VIR_ERR_OPERATION_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_device_is_found_by_its_ids, setup, teardown),
                cmocka_unit_test_setup_teardown(a_place_tells_two_of_one_make_apart, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_place_with_another_device_in_it_does_not_do,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(an_optional_device_may_be_absent, setup, teardown),
                cmocka_unit_test_setup_teardown(a_device_is_in_one_guest, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
