/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/test-kernel.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "base/util.h"
#include "handover/journal.h"
#include "handover/worker.h"

static TestKernel *the_kernel; /* the worker's entry points have no userdata */

/* The kernel's part. */

static char *text_of(const Sys *sys, const char *addr, const char *name) {
        g_autofree char *path = g_build_filename("sys/bus/pci/devices", addr, name, NULL);
        char *text = NULL;

        sys_read_text(sys, path, &text);
        return text;
}

/* The driver that a function goes to by its ids. */
static const char *natural_driver(const Sys *sys, const char *addr) {
        static const struct {
                const char *device, *driver;
        } table[] = {{"0x10c9", "igb"}, {"0x10d3", "e1000e"}, {"0x0010", "nvme"}};
        g_autofree char *device = text_of(sys, addr, "device");

        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                if (g_strcmp0(device, table[i].device) == 0)
                        return table[i].driver;
        return NULL;
}

/* Shows the driver (NULL: none) in the link and in the uevent file. */
static void show_driver(const Sys *sys, const char *addr, const char *driver) {
        g_autofree char *link = g_build_filename("sys/bus/pci/devices", addr, "driver", NULL);
        g_autofree char *uevent = g_build_filename("sys/bus/pci/devices", addr, "uevent", NULL);
        g_autofree char *target = g_strdup_printf("/sys/bus/pci/drivers/%s", driver ? driver : "");
        g_autofree char *text = NULL, *changed = NULL;
        const char *rest;

        unlinkat(sys_root_fd(sys), link, 0);
        if (driver && symlinkat(target, sys_root_fd(sys), link) < 0)
                _exit(1);
        if (sys_read(sys, uevent, &text, NULL) < 0)
                _exit(1);
        rest = g_str_has_prefix(text, "DRIVER=") ? strchr(text, '\n') + 1 : text;
        changed = g_strdup_printf("%s%s%s%s", driver ? "DRIVER=" : "", driver ? driver : "",
                                  driver ? "\n" : "", rest);
        if (unlinkat(sys_root_fd(sys), uevent, 0) < 0)
                _exit(1);
        _cleanup_(closep) int fd = sys_open(sys, uevent, O_WRONLY | O_CREAT);
        if (fd < 0 || write(fd, changed, strlen(changed)) < 0)
                _exit(1);
}

static int do_probe(const Sys *sys, const char *addr) {
        g_autofree char *override = text_of(sys, addr, "driver_override");
        g_autofree char *link = g_build_filename("sys/bus/pci/devices", addr, "driver", NULL);
        bool is_set = override && *override && strcmp(override, "(null)") != 0;
        const char *driver = is_set ? override : natural_driver(sys, addr);

        if (sys_exists(sys, link))
                return 0;
        if (g_strcmp0(driver, the_kernel->refusing_driver) == 0)
                return driver ? -EINVAL : 0;
        show_driver(sys, addr, driver);
        return 0;
}

static int do_unbind(const Sys *sys, const char *addr, const char *driver) {
        char c;

        if (g_strcmp0(driver, the_kernel->sticky_driver) == 0) {
                _cleanup_(closep) int fd = sys_open(sys, "sticky", O_RDONLY);

                if (fd < 0 || read(fd, &c, 1) < 0)
                        return -EIO;
        }
        show_driver(sys, addr, NULL);
        return 0;
}

/* A file of the host is one of sysfs: what is written replaces what can be read. */
static int do_store(const Sys *sys, const char *path, const char *value) {
        _cleanup_(closep) int fd = sys_open(sys, path, O_WRONLY | O_TRUNC);
        const char *text = strcmp(value, "\n") == 0 ? "(null)" : value;

        if (fd < 0)
                return fd;
        return write(fd, text, strlen(text)) < 0 ? -EIO : 0;
}

static int kernel_write(const Sys *sys, const char *path, const char *value) {
        g_autofree char *dir = g_path_get_dirname(path);
        g_autofree char *driver = g_path_get_basename(dir);

        if (g_str_has_suffix(path, "/drivers_probe"))
                return do_probe(sys, value);
        if (g_str_has_suffix(path, "/unbind"))
                return do_unbind(sys, value, driver);
        return do_store(sys, path, value);
}

static int kernel_load(const char *module) {
        return -ENOENT;
}

static const WorkerOps kernel_ops = {.write = kernel_write, .load = kernel_load};

/* The host. */

static void put_text(const TestHost *host, const char *path, const char *text) {
        test_host_put(host, path, text, strlen(text));
}

/* What the capture does not have and a hand-over reads. */
static void complete_host(const TestHost *host) {
        g_autofree char *fifo = g_build_filename(host->root, "sticky", NULL);

        put_text(host, "proc/interrupts", " 24:  1  0  IR-PCI-MSI-0000:00:01.0  0-edge  PCIe\n");
        put_text(host, "proc/sys/kernel/random/boot_id", "boot-1\n");
        put_text(host, "dev/vfio/vfio", "");
        put_text(host, "sys/bus/pci/drivers/vfio-pci/bind", "");
        test_host_link(host, "sys/class/block/nvme0c0n1",
                       "/sys/devices/pci0000:00/0000:00:04.0/0000:04:00.0/nvme/nvme0/nvme0c0n1");
        test_host_link(host, "sys/class/block/nvme0n1",
                       "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
        assert_int_equal(mkfifo(fifo, 0600), 0);
}

static void start_daemon(TestKernel *kernel) {
        assert_int_equal(sd_event_new(&kernel->event), 0);
        assert_int_equal(pci_tree_new(kernel->host->sys, &kernel->tree, NULL), 0);
        assert_int_equal(handover_new(kernel->event, kernel->tree, kernel->state_dir,
                                      &kernel->handover, NULL),
                         0);
        handover_set_worker_ops(kernel->handover, &kernel_ops);
}

static void stop_daemon(TestKernel *kernel) {
        g_clear_pointer(&kernel->handover, handover_free);
        g_clear_pointer(&kernel->tree, pci_tree_free);
        g_clear_pointer(&kernel->event, sd_event_unref);
}

int test_kernel_setup(void **state) {
        TestKernel *kernel = g_new0(TestKernel, 1);

        kernel->host = test_host_new("guide");
        complete_host(kernel->host);
        kernel->state_dir = g_dir_make_tmp("test-handover-XXXXXX", NULL);
        start_daemon(kernel);
        *state = the_kernel = kernel;
        return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

int test_kernel_teardown(void **state) {
        TestKernel *kernel = *state;

        stop_daemon(kernel);
        nftw(kernel->state_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        test_host_free(kernel->host);
        err_clear(&kernel->err);
        g_free(kernel->state_dir);
        g_free(kernel);
        return 0;
}

void test_kernel_restart(TestKernel *kernel) {
        stop_daemon(kernel);
        start_daemon(kernel);
}

static void recovered(const Err *err, void *userdata) {
        TestKernel *kernel = userdata;

        err_clear(&kernel->err);
        err_copy(&kernel->err, err);
        kernel->is_over = true;
}

static bool is_alive(const char *uuid, void *userdata) {
        return g_strcmp0(uuid, ((TestKernel *)userdata)->living) == 0;
}

void test_kernel_recover(TestKernel *kernel) {
        kernel->is_over = false;
        assert_int_equal(
                handover_recover(kernel->handover, is_alive, kernel, recovered, kernel, NULL), 0);
        test_kernel_wait(kernel);
}

static void plan_over(Plan *plan, const Err *err, void *userdata) {
        recovered(err, userdata);
}

void test_kernel_start(TestKernel *kernel, Plan *plan) {
        g_auto(Err) err = ERR_INIT;

        kernel->is_over = false;
        if (plan_run(plan, plan_over, kernel, &err) < 0) {
                print_error("%s\n", err.message);
                assert_true(false);
        }
}

void test_kernel_wait(TestKernel *kernel) {
        while (!kernel->is_over)
                assert_true(sd_event_run(kernel->event, UINT64_C(20000000)) > 0);
}

void test_kernel_run(TestKernel *kernel, Plan *plan) {
        test_kernel_start(kernel, plan);
        test_kernel_wait(kernel);
}

void test_kernel_release_sticky(TestKernel *kernel) {
        _cleanup_(closep) int fd = sys_open(kernel->host->sys, "sticky", O_WRONLY);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, "x", 1), 1);
}

void test_kernel_assert_driver(const TestKernel *kernel, const char *addr, const char *driver,
                               const char *override) {
        g_autofree char *link = g_build_filename("sys/bus/pci/devices", addr, "driver", NULL);
        g_autofree char *set = text_of(kernel->host->sys, addr, "driver_override");
        g_autofree char *now = NULL;

        sys_readlink_name(kernel->host->sys, link, &now);
        assert_string_equal(now ? now : "none", driver);
        assert_string_equal(set, override);
}

static void count(const json_t *record, void *userdata) {
}

size_t test_kernel_journal_length(const TestKernel *kernel) {
        g_autofree char *path = g_build_filename(kernel->state_dir, "journal", NULL);
        g_autofree char *data = NULL;
        JournalReport report = {};
        size_t size = 0;

        assert_int_equal(file_read(path, JOURNAL_FILE_MAX, &data, &size, NULL), 0);
        journal_parse(data, size, count, NULL, &report);
        return report.records;
}
