/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "doctor/check.h"
#include "pci/config.h"

#define GROUPS "sys/kernel/iommu_groups"

/* What the kernel wants of a port before it lets a group end there. */
static const struct {
        uint16_t bit;
        const char *name;
} wanted[] = {
        {PCI_ACS_SOURCE_VALIDATION, "source validation"},
        {PCI_ACS_REQUEST_REDIRECT, "request redirect"},
        {PCI_ACS_COMPLETION_REDIRECT, "completion redirect"},
        {PCI_ACS_UPSTREAM_FORWARDING, "upstream forwarding"},
};

typedef struct Group {
        const PciDevice **members; /* n of them */
        size_t n, endpoints, cards;
} Group;

/* Members are sorted by address, so that the functions of a card follow each other. */
static void count_members(Group *group) {
        const PciDevice *last = NULL;

        for (size_t i = 0; i < group->n; i++) {
                if (!pci_device_is_endpoint(group->members[i]))
                        continue;
                group->endpoints++;
                if (!last || !facts_is_same_card(last, group->members[i]))
                        group->cards++;
                last = group->members[i];
        }
}

/* -EACCES where only the first 64 bytes can be read, as for everybody but root. */
static int load_config(const DoctorFacts *facts, const PciDevice *dev, PciConfig *ret) {
        g_autofree char *path = pci_device_attribute(dev->addr, "config");
        uint8_t bytes[PCI_CONFIG_EXTENDED_SIZE];
        _cleanup_(closep) int fd = sys_open(facts->sys, path, O_RDONLY);
        ssize_t size;

        if (fd < 0)
                return fd;
        size = pread(fd, bytes, sizeof(bytes), 0);
        if (size < 0)
                return neg_errno();
        if (size < PCI_CONFIG_SIZE)
                return -EACCES;
        pci_config_parse(bytes, (size_t)size, ret);
        return 0;
}

/* What the port can do and does not: what it cannot is not asked of it. The caller's; NULL:
 * nothing. */
static char *missing_controls(const PciConfig *config) {
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
                if (config->acs_can & wanted[i].bit & ~config->acs_does)
                        g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "",
                                               wanted[i].name);
        return out->len > 0 ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

/* Why a port lets the group go on beyond it; NULL: it does not. The caller's. */
static char *blame_port(const PciDevice *dev, const PciConfig *config) {
        g_autofree char *missing = NULL;

        if (!config->has_acs)
                return g_strdup_printf("%s %s has no ACS", pci_kind_to_string(dev->kind),
                                       PCI_ADDR_TEXT(dev->addr));
        missing = missing_controls(config);
        return missing ? g_strdup_printf("%s %s has ACS, but these are off: %s",
                                         pci_kind_to_string(dev->kind), PCI_ADDR_TEXT(dev->addr),
                                         missing)
                       : NULL;
}

/* The same for any function. Without the whole configuration space a port looks like a bridge. */
static char *blame(const DoctorFacts *facts, const PciDevice *dev, unsigned *unread) {
        bool is_port = dev->kind == PCI_ROOT_PORT || dev->kind == PCI_DOWNSTREAM_PORT;
        PciConfig config;

        if (!is_port && dev->kind != PCI_BRIDGE)
                return NULL;
        if (load_config(facts, dev, &config) < 0) {
                *unread += 1;
                return NULL;
        }
        if (is_port)
                return blame_port(dev, &config);
        return g_strdup_printf("%s is a conventional PCI bridge, behind which devices cannot be "
                               "told apart",
                               PCI_ADDR_TEXT(dev->addr));
}

static char *blame_all(const DoctorFacts *facts, const Group *group, unsigned *unread) {
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; i < group->n; i++) {
                g_autofree char *one = blame(facts, group->members[i], unread);

                if (one)
                        g_string_append_printf(out, "; %s", one);
        }
        if (*unread > 0)
                g_string_append(out, "; what its bridges lack is shown to root only");
        else if (out->len == 0)
                g_string_append(out, "; no bridge of the group lacks anything that can be seen");
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *list_endpoints(const Group *group) {
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; i < group->n; i++)
                if (pci_device_is_endpoint(group->members[i]))
                        g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "",
                                               PCI_ADDR_TEXT(group->members[i]->addr));
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static void tell_shared(Doctor *d, const Group *group) {
        unsigned unread = 0;
        g_autofree char *list = list_endpoints(group);
        g_autofree char *why = NULL;

        if (group->cards < 2) {
                doctor_ok(d, "the functions of one card: %s", list);
                return;
        }
        why = blame_all(d->facts, group, &unread);
        if (unread > 0)
                d->unread++;
        doctor_warn(d,
                    "assign them together, or put one into another slot, or turn ACS on in the "
                    "firmware's setup",
                    "%zu cards in one group, %s%s", group->cards, list, why);
}

static void tell_group(Doctor *d, int number, size_t *alone) {
        Group group = {};
        g_autofree const PciDevice **members = NULL;
        g_autofree char *object = g_strdup_printf("group %d", number);

        members = pci_tree_group(d->facts->tree, number, &group.n);
        group.members = members;
        count_members(&group);
        if (group.endpoints == 1)
                *alone += 1;
        if (group.endpoints < 2)
                return;
        doctor_about(d, object);
        tell_shared(d, &group);
}

static int compare_numbers(const void *a, const void *b) {
        int x = *(const int *)a, y = *(const int *)b;

        return (x > y) - (x < y);
}

/* Those that the functions name, each once. */
static GArray *list_groups(const DoctorFacts *facts) {
        GArray *numbers = g_array_new(FALSE, FALSE, sizeof(int));
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
        size_t n;
        const PciDevice *const *all = pci_tree_list(facts->tree, &n);

        for (size_t i = 0; i < n; i++)
                if (all[i]->iommu_group >= 0 &&
                    g_hash_table_add(seen, GINT_TO_POINTER(all[i]->iommu_group + 1)))
                        g_array_append_val(numbers, all[i]->iommu_group);
        g_array_sort(numbers, compare_numbers);
        return numbers;
}

void check_groups(Doctor *d) {
        g_autoptr(GArray) numbers = list_groups(d->facts);
        size_t alone = 0;

        if (numbers->len == 0) {
                doctor_skip(d, "there are no IOMMU groups");
                return;
        }
        for (unsigned i = 0; i < numbers->len; i++)
                tell_group(d, g_array_index(numbers, int, i), &alone);
        doctor_about(d, NULL);
        doctor_ok(d, "%zu devices are alone in their group, of %u groups", alone, numbers->len);
}
