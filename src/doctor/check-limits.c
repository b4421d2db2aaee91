/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "doctor/check.h"

#define MIB ((uint64_t)1 << 20)

/* "Max locked memory  8388608  8388608  bytes": the hard limit; the caller's. */
static char *parse_memlock(const char *text) {
        static const char name[] = "Max locked memory";
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);

        STRV_FOREACH(line, lines) {
                g_auto(GStrv) words = NULL;
                unsigned n = 0;

                if (!g_str_has_prefix(line, name))
                        continue;
                words = g_strsplit(line + strlen(name), " ", 0);
                STRV_FOREACH(word, words)
                        if (*word && ++n == 2)
                                return g_strdup(word);
        }
        return NULL;
}

void check_memlock(Doctor *d) {
        static const char path[] = "proc/self/limits";
        g_autofree char *limit = NULL, *text = NULL;
        int r;

        text = facts_read(d->facts, path, &r);
        limit = text ? parse_memlock(text) : NULL;
        if (!text)
                doctor_unread(d, path, r);
        else if (!limit)
                doctor_skip(d, "not known: /%s has no line for locked memory", path);
        else
                doctor_ok(d,
                          "%s%s (/%s); airlockd raises each QEMU's own limit to what its devices "
                          "need",
                          limit, strcmp(limit, "unlimited") == 0 ? "" : " bytes", path);
}

/* The number behind "NAME:" in /proc/meminfo. */
static bool meminfo(const char *text, const char *name, uint64_t *ret) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
        size_t length = strlen(name);

        STRV_FOREACH(line, lines)
                if (g_str_has_prefix(line, name) && line[length] == ':') {
                        g_auto(GStrv) words = g_strsplit(g_strstrip(line + length + 1), " ", 2);

                        return words[0] && str_to_uint(words[0], 10, UINT64_MAX / 1024, ret) == 0;
                }
        return false;
}

static uint64_t total_memory(const DoctorFacts *facts) {
        g_autofree char *text = facts_read(facts, "proc/meminfo", NULL);
        uint64_t kib = 0;

        return text && meminfo(text, "MemTotal", &kib) ? kib * 1024 : 0;
}

static bool judge_cgroup(Doctor *d, const char *path, uint64_t total) {
        g_autofree char *text = facts_read(d->facts, path, NULL);
        uint64_t limit;

        if (!text || str_to_uint(text, 10, UINT64_MAX, &limit) < 0)
                return false; /* absent, or "max" */
        if (total > 0 && limit >= total)
                return false;
        doctor_warn(d, "raise MemoryMax of that unit: a guest with a device locks all its memory",
                    "/%s is %" PRIu64 " MiB, less than the machine has", path, limit / MIB);
        return true;
}

void check_cgroup(Doctor *d) {
        static const char *const paths[] = {
                "sys/fs/cgroup/memory.max",
                "sys/fs/cgroup/machine.slice/memory.max",
                "sys/fs/cgroup/system.slice/memory.max",
                "sys/fs/cgroup/system.slice/airlockd.service/memory.max",
        };
        uint64_t total = total_memory(d->facts);
        bool told = false;

        if (!sys_exists(d->facts->sys, "sys/fs/cgroup/cgroup.controllers")) {
                doctor_skip(d, "not known: no unified hierarchy at /sys/fs/cgroup");
                return;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
                told = judge_cgroup(d, paths[i], total) || told;
        if (!told)
                doctor_ok(d, "no limit of memory on the way to airlockd's guests");
}

/* Files that ask for huge pages at boot; the one that does, the caller's. */
static char *find_request(const DoctorFacts *facts) {
        static const char *const dirs[] = {"etc/sysctl.d", "usr/lib/sysctl.d"};
        const char *word = facts_option(facts, "hugepages");
        g_autofree char *text = facts_read(facts, "etc/sysctl.conf", NULL);

        if (word && strcmp(word, "0") != 0)
                return g_strdup_printf("hugepages=%s on the command line", word);
        if (text && g_regex_match_simple("^\\s*vm\\.nr_hugepages\\s*=\\s*[1-9]", text,
                                         G_REGEX_MULTILINE, 0))
                return g_strdup("vm.nr_hugepages in /etc/sysctl.conf");
        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
                g_auto(GStrv) names = NULL;

                if (sys_list(facts->sys, dirs[i], &names) < 0)
                        continue;
                STRV_FOREACH(name, names) {
                        g_autofree char *path = g_build_filename(dirs[i], name, NULL);
                        g_autofree char *one = facts_read(facts, path, NULL);

                        if (one && g_regex_match_simple("^\\s*vm\\.nr_hugepages\\s*=\\s*[1-9]", one,
                                                        G_REGEX_MULTILINE, 0))
                                return g_strdup_printf("vm.nr_hugepages in /%s", path);
                }
        }
        return NULL;
}

/* The name of a guest whose memory shall be of huge pages; the caller's. */
static char *find_guest(const DoctorFacts *facts) {
        g_auto(GStrv) names = NULL;

        if (sys_list(facts->sys, "etc/airlock/guests", &names) < 0)
                return NULL;
        STRV_FOREACH(name, names) {
                g_autofree char *path = g_build_filename("etc/airlock/guests", name, NULL);
                g_autofree char *text =
                        g_str_has_suffix(name, ".xml") ? facts_read(facts, path, NULL) : NULL;

                if (text && strstr(text, "<hugepages"))
                        return g_strndup(name, strlen(name) - strlen(".xml"));
        }
        return NULL;
}

static bool is_mounted(const DoctorFacts *facts) {
        g_autofree char *text = facts_read(facts, "proc/self/mountinfo", NULL);

        return text && strstr(text, " - hugetlbfs ");
}

static void judge_hugepages(Doctor *d, uint64_t pages, uint64_t unused, uint64_t size) {
        g_autofree char *request = find_request(d->facts), *guest = find_guest(d->facts);

        if (pages > 0 && !is_mounted(d->facts))
                doctor_warn(d, "mount -t hugetlbfs hugetlbfs /dev/hugepages",
                            "%" PRIu64 " pages of %" PRIu64 " KiB, but no hugetlbfs is mounted",
                            pages, size);
        else if (pages > 0)
                doctor_ok(d, "%" PRIu64 " pages of %" PRIu64 " KiB, %" PRIu64 " of them free",
                          pages, size, unused);
        else if (guest)
                doctor_fail(d, "set vm.nr_hugepages, or hugepages= on the command line",
                            "guest '%s' wants huge pages, and there are none", guest);
        else if (request)
                doctor_warn(d, "reserve them earlier (hugepages= on the command line) or fewer",
                            "%s asks for some, and there are none", request);
        else
                doctor_ok(d, "none reserved, none asked for (/proc/meminfo)");
}

void check_hugepages(Doctor *d) {
        int r;
        g_autofree char *text = facts_read(d->facts, "proc/meminfo", &r);
        uint64_t pages = 0, unused = 0, size = 0;

        if (!text)
                doctor_unread(d, "proc/meminfo", r);
        else if (!meminfo(text, "HugePages_Total", &pages) ||
                 !meminfo(text, "HugePages_Free", &unused) || !meminfo(text, "Hugepagesize", &size))
                doctor_ok(d, "this kernel has none");
        else
                judge_hugepages(d, pages, unused, size);
}

/* "qemu-system-x86_64 (enforce)": a profile that refuses what it does not know. */
static bool has_strict_profile(const char *profiles) {
        g_auto(GStrv) lines = g_strsplit(profiles ? profiles : "", "\n", 0);

        STRV_FOREACH(line, lines)
                if (strstr(line, "qemu-system") && g_str_has_suffix(line, "(enforce)"))
                        return true;
        return false;
}

void check_lsm(Doctor *d) {
        g_autofree char *list = NULL, *enforce = NULL, *profiles = NULL;
        int r;

        list = facts_read(d->facts, "sys/kernel/security/lsm", &r);
        enforce = facts_read(d->facts, "sys/fs/selinux/enforce", NULL);
        profiles = facts_read(d->facts, "sys/kernel/security/apparmor/profiles", NULL);
        if (!list)
                doctor_unread(d, "sys/kernel/security/lsm", r);
        else if (has_strict_profile(profiles))
                doctor_warn(d, "allow it /dev/vfio/* and the devices' files below /sys",
                            "AppArmor has a profile for qemu-system, which may refuse /dev/vfio");
        else if (g_strcmp0(enforce, "1") == 0)
                doctor_ok(d,
                          "%s; SELinux enforces: images and firmware need labels that airlockd's "
                          "domain may read",
                          list);
        else
                doctor_ok(d, "%s", list);
}
