/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "import/copy.h"
#include "import/note.h"
#include "import/object.h"
#include "import/source.h"

#define UUID_A "11111111-2222-3333-4444-555555555555"

/* ---- a host in a directory ---- */

static char *root;

static char *at(const char *path) {
        return g_build_filename(root, path, NULL);
}

static void put_bytes(const char *path, const char *data, size_t size) {
        g_autofree char *full = at(path);
        g_autofree char *dir = g_path_get_dirname(full);

        assert_int_equal(file_mkdir_p(dir, 0755, NULL), 0);
        assert_true(g_file_set_contents(full, data, (gssize)size, NULL));
}

static void put(const char *path, const char *text) {
        put_bytes(path, text, strlen(text));
}

static void put_link(const char *path, const char *target) {
        g_autofree char *full = at(path);
        g_autofree char *dir = g_path_get_dirname(full);

        assert_int_equal(file_mkdir_p(dir, 0755, NULL), 0);
        assert_int_equal(symlink(target, full), 0);
}

static void put_guest(const char *name, const char *inside) {
        g_autofree char *path = g_strdup_printf("etc/libvirt/qemu/%s.xml", name);
        g_autofree char *xml = g_strdup_printf(
                "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n<domain type='kvm'><name>%s"
                "</name><uuid>" UUID_A "</uuid>%s</domain>\n",
                name, inside);

        put(path, xml);
}

static int set_up(void **state) {
        root = g_dir_make_tmp("airlock-import-XXXXXX", NULL);
        put("etc/libvirt/libvirtd.conf", "");
        return root ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int tear_down(void **state) {
        nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        g_clear_pointer(&root, g_free);
        return 0;
}

static ImportSource *open_root(void) {
        ImportSource *source = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(import_source_open(&(ImportPlace){.root = root}, &source, &err), 0);
        return source;
}

static const ImportObject *object_at(const ImportSource *source, guint i) {
        assert_true(i < source->objects->len);
        return source->objects->pdata[i];
}

/* ---- objects ---- */

static void pools_come_before_networks_before_guests(void **state) {
        g_autoptr(ImportSource) source = NULL;

        put_guest("b", "");
        put_guest("a", "");
        put("etc/libvirt/qemu/networks/n.xml", "<network><name>n</name></network>");
        put("etc/libvirt/storage/p.xml", "<pool type='dir'><name>p</name></pool>");
        put("etc/libvirt/qemu/notes.txt", "not a definition");
        source = open_root();
        assert_int_equal(source->objects->len, 4);
        assert_string_equal(object_at(source, 0)->name, "p");
        assert_string_equal(object_at(source, 1)->name, "n");
        assert_string_equal(object_at(source, 2)->name, "a");
        assert_string_equal(object_at(source, 3)->name, "b");
        assert_string_equal(object_at(source, 2)->uuid, UUID_A);
}

static void autostart_is_a_link_wherever_it_leads(void **state) {
        g_autoptr(ImportSource) source = NULL;

        put_guest("a", "");
        put_guest("b", "");
        put_link("etc/libvirt/qemu/autostart/a.xml", "/nowhere/a.xml");
        source = open_root();
        assert_true(object_at(source, 0)->autostart);
        assert_false(object_at(source, 1)->autostart);
}

static void what_a_guest_needs_is_named_once(void **state) {
        g_autoptr(ImportSource) source = NULL;
        const ImportObject *guest;

        put_guest("a", "<devices><interface type='network'><source network='lan'/></interface>"
                       "<interface type='network'><source network='lan'/></interface>"
                       "<disk type='volume'><source pool='p' volume='v'/></disk>"
                       "<disk type='file'><source file='/x'/></disk></devices>");
        source = open_root();
        guest = object_at(source, 0);
        assert_int_equal(g_strv_length(guest->networks), 1);
        assert_string_equal(guest->networks[0], "lan");
        assert_int_equal(g_strv_length(guest->pools), 1);
}

static void a_broken_file_is_an_object_with_a_line(void **state) {
        g_autoptr(ImportSource) source = NULL;
        const ImportObject *guest;

        put("etc/libvirt/qemu/bad.xml", "<domain>\n<name>bad</nome>\n</domain>");
        source = open_root();
        guest = object_at(source, 0);
        assert_null(guest->xml);
        assert_string_equal(guest->name, "bad");
        assert_non_null(strstr(guest->problem.message, "2"));
}

/* A test that hangs has failed. */
static void a_fifo_is_not_waited_for(void **state) {
        g_autoptr(ImportSource) source = NULL;
        g_autofree char *path = at("etc/libvirt/qemu/fifo.xml");

        put_guest("a", "");
        assert_int_equal(mkfifo(path, 0600), 0);
        source = open_root();
        assert_int_equal(source->objects->len, 2);
        assert_null(object_at(source, 1)->xml);
        assert_non_null(strstr(object_at(source, 1)->problem.message, "fifo.xml"));
}

static void a_huge_file_is_not_read(void **state) {
        g_autoptr(ImportSource) source = NULL;
        g_autofree char *path = at("etc/libvirt/qemu/huge.xml");

        put("etc/libvirt/qemu/huge.xml", "<domain/>");
        assert_int_equal(truncate(path, 1 << 30), 0);
        source = open_root();
        assert_null(object_at(source, 0)->xml);
        assert_int_equal(object_at(source, 0)->problem.errnum, EFBIG);
}

static void a_host_without_libvirt_is_told_so(void **state) {
        g_autofree char *empty = at("empty");
        ImportSource *source = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(mkdir(empty, 0755), 0);
        assert_int_equal(import_source_open(&(ImportPlace){.root = empty}, &source, &err), -ENOENT);
        assert_non_null(strstr(err.message, "etc/libvirt"));
        assert_non_null(strstr(err.hint, "--from"));
}

static void another_directory_can_be_named(void **state) {
        g_autoptr(ImportSource) source = NULL;
        g_autofree char *from = at("etc/libvirt");
        g_auto(Err) err = ERR_INIT;

        put_guest("a", "");
        assert_int_equal(import_source_open(&(ImportPlace){.from = from}, &source, &err), 0);
        assert_int_equal(source->objects->len, 1);
        assert_string_equal(source->etc_path, from);
}

/* ---- what is found beside them ---- */

static void put_process(const char *uuid) {
        static const char before[] = "qemu\0-name\0guest=a\0-uuid\0";
        g_autoptr(GString) line = g_string_new_len(before, sizeof(before) - 1);

        g_string_append_len(line, uuid, (gssize)strlen(uuid) + 1);
        put("run/libvirt/qemu/a.pid", "4711");
        put_bytes("proc/4711/cmdline", line->str, line->len);
}

static void a_running_guest_is_seen_by_its_process(void **state) {
        g_autoptr(ImportSource) source = NULL;

        put_guest("a", "");
        put_process(UUID_A);
        source = open_root();
        assert_int_equal(object_at(source, 0)->pid, 4711);
}

static void the_number_of_another_process_means_nothing(void **state) {
        g_autoptr(ImportSource) source = NULL;

        put_guest("a", "");
        put_process("99999999-2222-3333-4444-555555555555");
        source = open_root();
        assert_int_equal(object_at(source, 0)->pid, 0);
}

static void saved_memory_and_snapshots_are_seen(void **state) {
        g_autoptr(ImportSource) source = NULL;
        const ImportObject *guest;

        put_guest("a", "");
        put("var/lib/libvirt/qemu/save/a.save", "memory");
        put("var/lib/libvirt/qemu/snapshot/a/one.xml", "");
        put("var/lib/libvirt/qemu/snapshot/a/two.xml", "");
        source = open_root();
        guest = object_at(source, 0);
        assert_string_equal(guest->saved, "/var/lib/libvirt/qemu/save/a.save");
        assert_int_equal(guest->snapshots, 2);
        assert_int_equal(guest->checkpoints, 0);
}

static void a_bridge_that_is_up_is_seen(void **state) {
        g_autoptr(ImportSource) source = NULL;

        put("etc/libvirt/qemu/networks/a.xml",
            "<network><name>a</name><bridge name='virbr0'/></network>");
        put("etc/libvirt/qemu/networks/b.xml",
            "<network><name>b</name><bridge name='virbr1'/></network>");
        put("etc/libvirt/qemu/networks/c.xml", "<network><name>c</name><forward mode='bridge'/>"
                                               "<bridge name='virbr0'/></network>");
        put("sys/class/net/virbr0/mtu", "1500");
        source = open_root();
        assert_string_equal(object_at(source, 0)->bridge, "virbr0");
        assert_null(object_at(source, 1)->bridge);
        assert_null(object_at(source, 2)->bridge); /* somebody else's: it is there for good */
}

static void what_starts_with_the_host_is_found(void **state) {
        static const char *const daemons[] = {"libvirtd", "virtqemud", NULL};
        g_autoptr(ImportSource) source = open_root();
        g_autofree char *none = import_boot_unit(source->host, daemons);
        g_autofree char *socket = NULL, *masked = NULL;

        assert_null(none);
        put("usr/lib/systemd/system/virtqemud.socket", "");
        put_link("etc/systemd/system/sockets.target.wants/virtqemud.socket",
                 "/usr/lib/systemd/system/virtqemud.socket");
        socket = import_boot_unit(source->host, daemons);
        assert_string_equal(socket, "virtqemud.socket");
        put_link("etc/systemd/system/virtqemud.socket", "/dev/null");
        masked = import_boot_unit(source->host, daemons);
        assert_null(masked);
}

/* ---- what stays behind ---- */

static bool is_noted(const GPtrArray *notes, const char *what) {
        for (guint i = 0; i < notes->len; i++)
                if (g_str_equal(((const ImportNote *)notes->pdata[i])->what, what))
                        return true;
        return false;
}

static void settings_are_named_and_comments_are_not(void **state) {
        g_autoptr(ImportSource) source = NULL;
        g_autoptr(GPtrArray) notes = NULL;

        put("etc/libvirt/qemu.conf", "#vnc_tls = 1\nvnc_listen = \"0.0.0.0\"\n"
                                     "cgroup_device_acl = [\n  \"/dev/null\",\n]\n"
                                     "max_queued = 0\n  max_core=1\nnonsense\n");
        source = open_root();
        notes = import_notes(source);
        assert_int_equal(notes->len, 3);
        assert_true(is_noted(notes, "qemu.conf: vnc_listen"));
        assert_true(is_noted(notes, "qemu.conf: cgroup_device_acl"));
        assert_true(is_noted(notes, "qemu.conf: max_queued, max_core"));
}

static void hooks_secrets_and_own_filters_are_named(void **state) {
        g_autoptr(ImportSource) source = NULL;
        g_autoptr(GPtrArray) notes = NULL;

        put("etc/libvirt/hooks/qemu", "#!/bin/sh\n");
        put("etc/libvirt/hooks/network.d/50-mine", "#!/bin/sh\n");
        put("etc/libvirt/secrets/abc.xml", "<secret/>");
        put("etc/libvirt/secrets/abc.base64", "AAAA");
        put("etc/libvirt/nwfilter/clean-traffic.xml", "<filter/>");
        put("etc/libvirt/nwfilter/mine.xml", "<filter/>");
        put("etc/libvirt/lxc/autostart/c.xml", "");
        source = open_root();
        notes = import_notes(source);
        assert_int_equal(notes->len, 4);
        assert_true(is_noted(notes, "hook qemu"));
        assert_true(is_noted(notes, "hook network.d"));
        assert_true(is_noted(notes, "secret abc"));
        assert_true(is_noted(notes, "network filter mine"));
}

static void what_runs_without_a_definition_is_named(void **state) {
        g_autoptr(ImportSource) source = NULL;
        g_autoptr(GPtrArray) notes = NULL;

        put_guest("a", "");
        put("run/libvirt/qemu/a.xml", "<domstatus/>");
        put("run/libvirt/qemu/b.xml", "<domstatus/>");
        put("run/libvirt/qemu/b.pid", "1");
        put("run/libvirt/network/n.xml", "<networkstatus/>");
        source = open_root();
        notes = import_notes(source);
        assert_int_equal(notes->len, 2);
        assert_true(is_noted(notes, "guest b"));
        assert_true(is_noted(notes, "network n"));
}

/* ---- copies ---- */

static void a_file_is_copied_once_and_never_replaced(void **state) {
        g_autoptr(ImportSource) source = open_root();
        g_autofree char *to = at("airlock/nvram/a_VARS.fd");
        g_autofree char *from = g_strdup("/var/vars.fd");
        const ImportCopy copy = {"UEFI variables", from, to, false};
        g_autofree char *text = NULL;
        ImportCopyState is;
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(import_copy_judge(source->host, &copy, &is, NULL), 0);
        assert_int_equal(is, IMPORT_COPY_MISSING);
        put("var/vars.fd", "variables");
        assert_int_equal(import_copy_judge(source->host, &copy, &is, NULL), 0);
        assert_int_equal(is, IMPORT_COPY_WANTED);
        assert_int_equal(import_copy_make(source->host, &copy, NULL), 0);
        assert_int_equal(file_read(to, 100, &text, NULL, NULL), 0);
        assert_string_equal(text, "variables");
        assert_int_equal(import_copy_judge(source->host, &copy, &is, NULL), 0);
        assert_int_equal(is, IMPORT_COPY_DONE);
        put("airlock/nvram/a_VARS.fd", "newer");
        assert_true(import_copy_judge(source->host, &copy, &is, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_OPERATION_FAILED);
}

static void a_tpm_is_copied_whole(void **state) {
        g_autoptr(ImportSource) source = open_root();
        g_autofree char *to = at("airlock/swtpm/a"), *file = at("airlock/swtpm/a/tpm2/permall");
        g_autofree char *lock = at("airlock/swtpm/a/tpm2/.lock"),
                        *left = g_strdup_printf("%s.partial", to);
        g_autofree char *from = g_strdup("/var/swtpm/a");
        const ImportCopy copy = {"TPM", from, to, true};
        ImportCopyState is;

        put("var/swtpm/a/tpm2/permall", "keys");
        put("var/swtpm/a/tpm2/.lock", "");
        assert_int_equal(import_copy_judge(source->host, &copy, &is, NULL), 0);
        assert_int_equal(is, IMPORT_COPY_WANTED);
        assert_int_equal(import_copy_make(source->host, &copy, NULL), 0);
        assert_true(g_file_test(file, G_FILE_TEST_IS_REGULAR));
        assert_false(g_file_test(lock, G_FILE_TEST_EXISTS));
        assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
        assert_int_equal(import_copy_judge(source->host, &copy, &is, NULL), 0);
        assert_int_equal(is, IMPORT_COPY_DONE);
        import_copy_undo(source->host, &copy);
        assert_false(g_file_test(to, G_FILE_TEST_EXISTS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(pools_come_before_networks_before_guests),
                TEST(autostart_is_a_link_wherever_it_leads),
                TEST(what_a_guest_needs_is_named_once),
                TEST(a_broken_file_is_an_object_with_a_line),
                TEST(a_fifo_is_not_waited_for),
                TEST(a_huge_file_is_not_read),
                TEST(a_host_without_libvirt_is_told_so),
                TEST(another_directory_can_be_named),
                TEST(a_running_guest_is_seen_by_its_process),
                TEST(the_number_of_another_process_means_nothing),
                TEST(saved_memory_and_snapshots_are_seen),
                TEST(a_bridge_that_is_up_is_seen),
                TEST(what_starts_with_the_host_is_found),
                TEST(settings_are_named_and_comments_are_not),
                TEST(hooks_secrets_and_own_filters_are_named),
                TEST(what_runs_without_a_definition_is_named),
                TEST(a_file_is_copied_once_and_never_replaced),
                TEST(a_tpm_is_copied_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
