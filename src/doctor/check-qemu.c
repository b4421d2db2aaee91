/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/util.h"
#include "doctor/check.h"

#define OLDEST_MAJOR 7
#define OLDEST_MINOR 2

static const char *find_binary(const DoctorFacts *facts) {
        static const char *const paths[] = {"usr/bin/qemu-system-x86_64", "usr/libexec/qemu-kvm",
                                            "usr/bin/qemu-kvm", "usr/local/bin/qemu-system-x86_64"};

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
                if (sys_exists(facts->sys, paths[i]))
                        return paths[i];
        return NULL;
}

/* In the child: who asks may be told to end while QEMU thinks. */
static void end_with_parent(gpointer unused) {
        (void)unused;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* What the binary prints to that option; NULL: it failed. The caller's. */
static char *ask(const char *path, const char *option, const char *value) {
        g_autofree char *binary = g_strconcat("/", path, NULL);
        char *argv[] = {binary, (char *)(uintptr_t)option, (char *)(uintptr_t)value, NULL};
        g_autofree char *out = NULL;
        int status;

        if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, end_with_parent, NULL, &out,
                          NULL, &status, NULL) ||
            status != 0)
                return NULL;
        return g_steal_pointer(&out);
}

/* "QEMU emulator version 10.0.2 (Debian …)" */
static bool parse_version(const char *text, uint64_t *ret_major, uint64_t *ret_minor) {
        const char *at = strstr(text, "version ");
        g_auto(GStrv) parts = at ? g_strsplit(at + strlen("version "), ".", 3) : NULL;
        size_t digits;

        if (!parts || !parts[0] || !parts[1])
                return false;
        digits = strspn(parts[1], "0123456789");
        parts[1][digits] = '\0';
        return str_to_uint(parts[0], 10, 999, ret_major) == 0 &&
               str_to_uint(parts[1], 10, 999, ret_minor) == 0;
}

static bool has_device(const char *list, const char *name) {
        g_autofree char *line = g_strdup_printf("name \"%s\"", name);

        return list && strstr(list, line);
}

static void judge(Doctor *d, const char *path, const char *version) {
        g_autofree char *devices = NULL;
        uint64_t major, minor;

        if (!parse_version(version, &major, &minor)) {
                doctor_warn(d, NULL, "/%s does not tell its version", path);
                return;
        }
        if (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR)) {
                doctor_fail(d, "install QEMU 7.2 or later", "/%s is version %u.%u", path,
                            (unsigned)major, (unsigned)minor);
                return;
        }
        devices = ask(path, "-device", "help");
        if (!has_device(devices, "vfio-pci"))
                doctor_fail(d, "install the distribution's complete QEMU for this machine",
                            "/%s, version %u.%u, has no device vfio-pci", path, (unsigned)major,
                            (unsigned)minor);
        else
                doctor_ok(d, "/%s, version %u.%u, has vfio-pci%s%s", path, (unsigned)major,
                          (unsigned)minor,
                          has_device(devices, "intel-iommu") ? ", intel-iommu" : "",
                          has_device(devices, "amd-iommu") ? ", amd-iommu" : "");
}

void check_qemu(Doctor *d) {
        const char *path = find_binary(d->facts);
        g_autofree char *version = NULL;

        if (!path && sys_exists(d->facts->sys, "usr/bin")) {
                doctor_fail(d, "install qemu-system-x86 (qemu-kvm)",
                            "neither /usr/bin/qemu-system-x86_64 nor /usr/libexec/qemu-kvm");
                return;
        }
        if (!path || !sys_is_live(d->facts->sys)) {
                doctor_skip(d, "not known: programs of another root are not run");
                return;
        }
        version = ask(path, "-version", NULL);
        if (version)
                judge(d, path, version);
        else
                doctor_fail(d, "run it by hand to see why", "/%s cannot be run", path);
}
