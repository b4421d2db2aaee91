/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The floor under an inventory: one pass over the PCI functions in sysfs, reading of each what a
 * list and a verdict need at least (ids, class, driver, IOMMU group). Prints the nanoseconds. */

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void read_file(int directory, const char *name) {
        char text[64];
        int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || read(fd, text, sizeof(text)) < 0)
                err(1, "%s", name);
        close(fd);
}

static void read_function(int devices, const char *name) {
        static const char *const files[] = {"vendor", "device", "class", NULL};
        static const char *const links[] = {"driver", "iommu_group", NULL};
        char target[256];
        int fd = openat(devices, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                err(1, "%s", name);
        for (size_t i = 0; files[i]; i++)
                read_file(fd, files[i]);
        for (size_t i = 0; links[i]; i++)
                (void)!readlinkat(fd, links[i], target, sizeof(target)); /* may be absent */
        close(fd);
}

int main(void) {
        long long began = now();
        DIR *devices = opendir("/sys/bus/pci/devices");

        if (!devices)
                err(1, "/sys/bus/pci/devices");
        for (struct dirent *entry; (entry = readdir(devices));)
                if (entry->d_name[0] != '.')
                        read_function(dirfd(devices), entry->d_name);
        printf("%lld\n", now() - began);
        return 0;
}
