/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "handover/guard.h"
#include "handover/host.h"
#include "handover/modprobe.h"
#include "handover/platform.h"

#define CONFIG_HEADER 64 /* bytes that every function has (PCI Local Bus 3.0, 6.1) */

/* One function is judged by each check of a table, so that a person reads every blocker at once. */
typedef struct Judge {
        const Handover *h;
        const HandoverRequest *request;
        const PciIdentity *configured; /* of the function that is judged; NULL: any card will do */
        const Platform *platform;
        Verdict *verdict;
} Judge;

static void refuse(Judge *j, Blocker *blocker, const char *owner, const char *way_out) {
        blocker->owner = g_strdup(owner);
        blocker->way_out = g_strdup(way_out);
        verdict_add_consume(j->verdict, blocker);
}

static void warn(Judge *j, Blocker *blocker, const char *owner) {
        blocker->owner = g_strdup(owner);
        verdict_warn_consume(j->verdict, blocker);
}

static bool is_for_guest(const Judge *j) {
        return j->request->guest || j->request->any_guest;
}

static char *detach_command(PciAddr addr) {
        g_autofree char *name = pci_addr_node_name(addr);

        return g_strdup_printf("detach it first: airlock nodedev-detach %s", name);
}

bool handover_is_vfio(const char *driver) {
        static const char name[] = "vfio_pci";
        size_t n = driver ? strlen(driver) : 0, own = strlen(name);

        if (n < own || !modprobe_is_same(driver + n - own, name))
                return false;
        return n == own || driver[n - own - 1] == '_' || driver[n - own - 1] == '-';
}

bool handover_is_harmless(const char *driver) {
        return !driver || handover_is_vfio(driver) || strcmp(driver, "pci-stub") == 0;
}

bool handover_is_others(const LedgerEntry *entry, const char *uuid) {
        return entry && entry->uuid && g_strcmp0(entry->uuid, uuid) != 0;
}

static bool is_listed(const PciAddr *addrs, size_t n, PciAddr addr) {
        for (size_t i = 0; i < n; i++)
                if (pci_addr_is_equal(addrs[i], addr))
                        return true;
        return false;
}

static bool is_wanted(const HandoverRequest *request, PciAddr addr) {
        return is_listed(request->addrs, request->n, addr) ||
               is_listed(request->configured, request->n_configured, addr);
}

GArray *handover_companions(const Handover *h, const HandoverRequest *request, PciAddr addr) {
        const PciDevice *dev = pci_tree_find(h->tree, addr);
        GArray *companions = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        g_autofree const PciDevice **members = NULL;
        size_t n = 0;

        if (dev)
                members = pci_tree_group(h->tree, dev->iommu_group, &n);
        for (size_t i = 0; i < n; i++)
                if (pci_device_is_endpoint(members[i]) && !is_wanted(request, members[i]->addr) &&
                    !handover_is_harmless(members[i]->driver))
                        g_array_append_val(companions, members[i]->addr);
        return companions;
}

/* The checks. */

static int check_nature(Judge *j, const PciDevice *dev, Err *err) {
        if (!pci_device_is_endpoint(dev))
                refuse(j,
                       blocker_new(BLOCKER_NOT_ENDPOINT, dev->addr,
                                   "PCI device %s is no endpoint (%s) and stays with the host",
                                   PCI_ADDR_TEXT(dev->addr), pci_kind_to_string(dev->kind)),
                       "host", "assign the devices behind it");
        return 0;
}

static char *group_file(const PciDevice *dev, const char *name) {
        return g_strdup_printf("sys/kernel/iommu_groups/%d/%s", dev->iommu_group, name);
}

/* VFIO makes groups of its own where the administrator wants it without an IOMMU; QEMU takes none
 * of them (Documentation/driver-api/vfio.rst). */
static bool is_noiommu_group(const Judge *j, const PciDevice *dev) {
        g_autofree char *path = group_file(dev, "name");
        g_autofree char *name = NULL;

        return sys_read_text(j->h->sys, path, &name) == 0 && strcmp(name, "vfio-noiommu") == 0;
}

static int check_group(Judge *j, const PciDevice *dev, Err *err) {
        g_autofree char *cause = NULL, *way_out = NULL;

        if (dev->iommu_group >= 0 && is_noiommu_group(j, dev)) {
                refuse(j,
                       blocker_new(BLOCKER_NOIOMMU_GROUP, dev->addr,
                                   "PCI device %s is in IOMMU group %d of VFIO's no-IOMMU mode, "
                                   "which protects the host from nothing",
                                   PCI_ADDR_TEXT(dev->addr), dev->iommu_group),
                       "host", "enable the IOMMU of the host");
                return 0;
        }
        if (dev->iommu_group >= 0)
                return 0;
        cause = platform_no_iommu_cause(j->platform);
        way_out = platform_no_iommu_way_out(j->platform);
        refuse(j,
               blocker_new(BLOCKER_NO_IOMMU, dev->addr,
                           "PCI device %s is in no IOMMU group (no link "
                           "/sys/bus/pci/devices/%s/iommu_group): %s",
                           PCI_ADDR_TEXT(dev->addr), PCI_ADDR_TEXT(dev->addr), cause),
               "host", way_out);
        return 0;
}

static int check_remapping(Judge *j, const PciDevice *dev, Err *err) {
        if (!is_for_guest(j) || dev->iommu_group < 0 || j->platform->remapping != REMAPPING_OFF ||
            j->platform->accepts_unsafe)
                return 0;
        refuse(j,
               blocker_new(
                       BLOCKER_NO_REMAPPING, dev->addr,
                       "PCI device %s is given to no guest: the host does not remap interrupts (no "
                       "IR- chip in /proc/interrupts) and allow_unsafe_interrupts is off",
                       PCI_ADDR_TEXT(dev->addr)),
               "host", platform_no_remapping_way_out());
        return 0;
}

static int check_vfio(Judge *j, const PciDevice *dev, Err *err) {
        if (j->platform->missing_module)
                refuse(j,
                       blocker_new(BLOCKER_NO_VFIO, dev->addr,
                                   "the running kernel has no module %s",
                                   j->platform->missing_module),
                       "host", "install the kernel's complete set of modules");
        else if (j->platform->is_vfio_loaded && sys_exists(j->h->sys, "dev") &&
                 !sys_exists(j->h->sys, "dev/vfio/vfio") && !sys_exists(j->h->sys, "dev/iommu"))
                refuse(j,
                       blocker_new(BLOCKER_NO_ACCESS, dev->addr,
                                   "VFIO is loaded, but there is neither /dev/vfio/vfio nor "
                                   "/dev/iommu"),
                       "host", "mount devtmpfs on /dev, or let udev make the nodes");
        return 0;
}

/* Regions of type "direct" stay mapped for the firmware, and the kernel refuses to give their
 * devices away; "direct-relaxable" ones do not count
 * (Documentation/ABI/testing/sysfs-kernel-iommu_groups). */
static int check_reserved(Judge *j, const PciDevice *dev, Err *err) {
        g_autofree char *path = group_file(dev, "reserved_regions");
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (!is_for_guest(j) || dev->iommu_group < 0 || sys_read_text(j->h->sys, path, &text) < 0)
                return 0;
        lines = g_strsplit(text, "\n", 0);
        STRV_FOREACH(line, lines)
                if (g_str_has_suffix(line, " direct")) {
                        refuse(j,
                               blocker_new(
                                       BLOCKER_RESERVED, dev->addr,
                                       "the firmware keeps memory mapped for PCI device %s (RMRR, "
                                       "/%s: %s), and the kernel assigns no such device",
                                       PCI_ADDR_TEXT(dev->addr), path, line),
                               "firmware",
                               "turn off what uses it in the firmware's setup (legacy "
                               "USB, management controller's shared port)");
                        return 0;
                }
        return 0;
}

static int check_presence(Judge *j, const PciDevice *dev, Err *err) {
        g_autofree char *path = pci_device_attribute(dev->addr, "config");
        _cleanup_(closep) int fd = sys_open(j->h->sys, path, O_RDONLY);
        uint8_t header[CONFIG_HEADER];

        if (fd < 0 || pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
                return 0;
        for (size_t i = 0; i < sizeof(header); i++)
                if (header[i] != 0xff)
                        return 0;
        refuse(j,
               blocker_new(BLOCKER_OFF_BUS, dev->addr,
                           "PCI device %s fell off the bus: its configuration space reads as ones",
                           PCI_ADDR_TEXT(dev->addr)),
               "hardware", "switch the host off and on; if it comes back, try d3cold_allowed=0");
        return 0;
}

/* Where the configured card is now; NULL: nowhere. The caller's. */
static char *find_card(const Judge *j) {
        size_t n;
        const PciDevice *const *all = pci_tree_list(j->h->tree, &n);

        for (size_t i = 0; i < n; i++) {
                g_autoptr(PciIdentity) identity = NULL;

                if (all[i]->vendor == j->configured->vendor &&
                    all[i]->device == j->configured->device &&
                    pci_identity_load(j->h->sys, all[i], &identity, NULL) == 0 &&
                    pci_identity_matches(identity, j->configured))
                        return g_strdup(PCI_ADDR_TEXT(all[i]->addr));
        }
        return NULL;
}

static char *where_card_is(const Judge *j) {
        g_autofree char *place = find_card(j);

        if (place)
                return g_strdup_printf(
                        "the configured card is at %s now: change the guest's address", place);
        return g_strdup("the configured card is nowhere in this host");
}

/* Parked, a card shows less of itself (no MAC address, no NVMe serial) than the ledger noted. */
static int check_identity(Judge *j, const PciDevice *dev, Err *err) {
        const LedgerEntry *entry = ledger_find(j->h->ledger, dev->addr);
        g_autoptr(PciIdentity) now = NULL;
        g_autofree char *way_out = NULL;
        int r;

        if (!j->configured)
                return 0;
        r = pci_identity_load(j->h->sys, dev, &now, err);
        if (r < 0)
                return r;
        if (pci_identity_matches(now, j->configured) &&
            (!entry || !entry->identity || pci_identity_matches(entry->identity, j->configured)))
                return 0;
        way_out = where_card_is(j);
        refuse(j,
               blocker_new(BLOCKER_OTHER_CARD, dev->addr,
                           "PCI device %s (%04x:%04x, %s) is not the card that was configured "
                           "(%04x:%04x, %s)",
                           PCI_ADDR_TEXT(dev->addr), now->vendor, now->device,
                           now->serial ? now->serial : "no serial number", j->configured->vendor,
                           j->configured->device,
                           j->configured->serial ? j->configured->serial : "no serial number"),
               "hardware", way_out);
        return 0;
}

static int check_owner(Judge *j, const PciDevice *dev, Err *err) {
        const LedgerEntry *entry = ledger_find(j->h->ledger, dev->addr);
        g_autofree char *way_out = NULL;

        if (!entry || (entry->side != SIDE_GUEST && !handover_is_others(entry, j->request->uuid)))
                return 0;
        way_out = g_strdup_printf("detach it from '%s' or shut that guest down", entry->guest);
        if (entry->side == SIDE_GUEST)
                refuse(j,
                       blocker_new(BLOCKER_IN_GUEST, dev->addr, "PCI device %s is in guest '%s'",
                                   PCI_ADDR_TEXT(dev->addr), entry->guest),
                       entry->guest, way_out);
        else
                refuse(j,
                       blocker_new(
                               BLOCKER_IN_GUEST, dev->addr,
                               "PCI device %s is parked for guest '%s', which has %s of its IOMMU "
                               "group",
                               PCI_ADDR_TEXT(dev->addr), entry->guest,
                               PCI_ADDR_TEXT(entry->companion_of)),
                       entry->guest, way_out);
        return 0;
}

static int check_marks(Judge *j, const PciDevice *dev, Err *err) {
        const LedgerEntry *entry = ledger_find(j->h->ledger, dev->addr);
        const Plan *plan = handover_plan_of(j->h, dev->addr);
        g_autofree char *name = pci_addr_node_name(dev->addr);
        g_autofree char *release =
                g_strdup_printf("when it is known to be well, give it back to the "
                                "host: airlock nodedev-reattach %s",
                                name);

        if (plan)
                refuse(j,
                       blocker_new(BLOCKER_BUSY, dev->addr, "PCI device %s is being moved by '%s'",
                                   PCI_ADDR_TEXT(dev->addr), plan_title(plan)),
                       plan_title(plan), "wait until that has ended");
        if (entry && entry->quarantine && is_for_guest(j))
                refuse(j,
                       blocker_new(BLOCKER_QUARANTINED, dev->addr,
                                   "PCI device %s is in quarantine: %s", PCI_ADDR_TEXT(dev->addr),
                                   entry->quarantine),
                       "quarantine", release);
        if (entry && entry->stuck)
                refuse(j,
                       blocker_new(
                               BLOCKER_STUCK, dev->addr,
                               "the kernel has not finished an earlier step on PCI device %s: %s",
                               PCI_ADDR_TEXT(dev->addr), entry->stuck),
                       "kernel", "end what holds it, or reboot the host");
        return 0;
}

static int check_managed(Judge *j, const PciDevice *dev, Err *err) {
        g_autofree char *way_out = detach_command(dev->addr);
        const char *driver = dev->driver ? dev->driver : "none";

        if (is_for_guest(j) && !j->request->managed && !handover_is_vfio(dev->driver))
                refuse(j,
                       blocker_new(BLOCKER_ON_HOST, dev->addr,
                                   "PCI device %s is on the host (driver %s) and managed='no'",
                                   PCI_ADDR_TEXT(dev->addr), driver),
                       driver, way_out);
        return 0;
}

/* A guest that is not named yet can take the companion along. */
static void companion_on_host(Judge *j, const PciDevice *dev, const PciDevice *companion) {
        g_autofree char *command = detach_command(companion->addr);
        g_autofree char *way_out = g_strdup_printf("%s (or --with-companions)", command);
        Blocker *blocker =
                blocker_new(BLOCKER_COMPANION, dev->addr,
                            "PCI device %s shares IOMMU group %d with %s, which %s holds",
                            PCI_ADDR_TEXT(dev->addr), dev->iommu_group,
                            PCI_ADDR_TEXT(companion->addr), companion->driver);

        if (j->request->any_guest) {
                blocker->way_out = g_strdup("give both to the same guest, or have the companion "
                                            "parked (--with-companions)");
                warn(j, blocker, companion->driver);
        } else {
                refuse(j, blocker, companion->driver, way_out);
        }
}

static void companion_in_guest(Judge *j, const PciDevice *dev, const LedgerEntry *entry) {
        g_autofree char *way_out =
                g_strdup_printf("an IOMMU group goes to one guest as a whole: detach %s from '%s'",
                                PCI_ADDR_TEXT(entry->addr), entry->guest);
        Blocker *blocker =
                blocker_new(BLOCKER_COMPANION_GUEST, dev->addr,
                            "PCI device %s shares IOMMU group %d with %s, which guest '%s' has",
                            PCI_ADDR_TEXT(dev->addr), dev->iommu_group, PCI_ADDR_TEXT(entry->addr),
                            entry->guest);

        if (j->request->any_guest)
                warn(j, blocker, entry->guest); /* that guest can have it */
        else
                refuse(j, blocker, entry->guest, way_out);
}

static int check_guards_of(Judge *j, const PciDevice *dev, Err *err);

/* The administrator may park the members of a group one by one. */
static int check_companions(Judge *j, const PciDevice *dev, Err *err) {
        g_autoptr(GArray) on_host = handover_companions(j->h, j->request, dev->addr);
        g_autofree const PciDevice **members = NULL;
        size_t n;

        if (!is_for_guest(j))
                return 0;
        members = pci_tree_group(j->h->tree, dev->iommu_group, &n);
        for (size_t i = 0; i < n; i++) {
                const LedgerEntry *entry = ledger_find(j->h->ledger, members[i]->addr);

                if (!pci_addr_is_equal(members[i]->addr, dev->addr) && entry &&
                    entry->side == SIDE_GUEST && handover_is_others(entry, j->request->uuid))
                        companion_in_guest(j, dev, entry);
        }
        for (unsigned i = 0; i < on_host->len; i++) {
                PciAddr addr = g_array_index(on_host, PciAddr, i);
                const PciDevice *companion = pci_tree_find(j->h->tree, addr);
                int r = 0;

                if (!j->request->with_companions)
                        companion_on_host(j, dev, companion);
                if (j->request->with_companions || j->request->any_guest)
                        r = check_guards_of(j, companion, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_virtual_functions(Judge *j, const PciDevice *dev, Err *err) {
        if (!dev->is_pf || dev->vfs == 0 || handover_is_vfio(dev->driver))
                return 0;
        for (unsigned i = 0; i < dev->vfs; i++) {
                const PciDevice *vf = pci_tree_find(j->h->tree, dev->vf_addrs[i]);
                const LedgerEntry *entry = ledger_find(j->h->ledger, dev->vf_addrs[i]);

                if (!entry && !(vf && handover_is_vfio(vf->driver)))
                        continue;
                refuse(j,
                       blocker_new(BLOCKER_HAS_VFS, dev->addr,
                                   "PCI device %s has the virtual function %s, which is %s%s",
                                   PCI_ADDR_TEXT(dev->addr), PCI_ADDR_TEXT(dev->vf_addrs[i]),
                                   entry && entry->guest ? "in guest " : "parked",
                                   entry && entry->guest ? entry->guest : ""),
                       entry ? entry->guest : NULL, "give its virtual functions back first");
                return 0;
        }
        warn(j,
             blocker_new(BLOCKER_HAS_VFS, dev->addr,
                         "the %u virtual functions of PCI device %s end with its host driver",
                         dev->vfs, PCI_ADDR_TEXT(dev->addr)),
             dev->driver);
        return 0;
}

static void guard_hit(Judge *j, const PciDevice *dev, const GuardHit *hit) {
        Blocker *blocker = blocker_new(BLOCKER_HOST_NEEDS_IT, dev->addr,
                                       "PCI device %s is used by the host: %s",
                                       PCI_ADDR_TEXT(dev->addr), hit->text);
        g_autofree char *way_out =
                g_strdup_printf("%s%sto take it nevertheless: --take-host-devices",
                                hit->way_out ? hit->way_out : "", hit->way_out ? ", or " : "");

        if (hit->is_warning || j->request->take_host_devices)
                warn(j, blocker, hit->owner);
        else
                refuse(j, blocker, hit->owner, way_out);
}

static int check_guards_of(Judge *j, const PciDevice *dev, Err *err) {
        g_autoptr(GPtrArray) hits = guard_hits_new();
        int r;

        if (handover_is_vfio(dev->driver))
                return 0;
        r = guard_check(j->h->sys, dev, hits, err);
        for (unsigned i = 0; r == 0 && i < hits->len; i++)
                guard_hit(j, dev, hits->pdata[i]);
        return r;
}

static int check_limits(Judge *j, const PciDevice *dev, Err *err) {
        if (!is_for_guest(j))
                return 0;
        if (!dev->can_reset)
                warn(j,
                     blocker_new(
                             BLOCKER_NO_RESET, dev->addr,
                             "PCI device %s has no reset: what one guest leaves in it, the next "
                             "one finds",
                             PCI_ADDR_TEXT(dev->addr)),
                     "hardware");
        if (!dev->is_express)
                warn(j,
                     blocker_new(BLOCKER_CONVENTIONAL, dev->addr,
                                 "PCI device %s is a conventional PCI device: it shares its bus's "
                                 "requester id and perhaps its interrupt line with others",
                                 PCI_ADDR_TEXT(dev->addr)),
                     "hardware");
        return 0;
}

static int (*const checks[])(Judge *j, const PciDevice *dev, Err *err) = {
        check_group,
        check_remapping,
        check_vfio,
        check_reserved,
        check_presence,
        check_identity,
        check_owner,
        check_marks,
        check_managed,
        check_companions,
        check_virtual_functions,
        check_guards_of,
        check_limits,
};

static int judge_function(Judge *j, PciAddr addr, Err *err) {
        const PciDevice *dev = pci_tree_find(j->h->tree, addr);
        int r = 0;

        if (!dev) {
                g_autofree char *way_out = j->configured ? where_card_is(j) : NULL;

                refuse(j,
                       blocker_new(BLOCKER_ABSENT, addr, "there is no PCI device %s",
                                   PCI_ADDR_TEXT(addr)),
                       NULL, way_out ? way_out : "airlock devices lists what is there");
                return 0;
        }
        check_nature(j, dev, err);
        if (!pci_device_is_endpoint(dev))
                return 0; /* no other reason matters */
        for (size_t i = 0; r == 0 && i < G_N_ELEMENTS(checks); i++)
                r = checks[i](j, dev, err);
        return r;
}

int handover_judge(const Handover *h, const Platform *platform, const HandoverRequest *request,
                   Verdict **ret, Err *err) {
        g_autoptr(Verdict) verdict = verdict_new();
        Judge j = {.h = h, .request = request, .platform = platform, .verdict = verdict};
        int r = 0;

        for (size_t i = 0; r == 0 && i < request->n; i++) {
                j.configured = request->identities ? request->identities[i] : NULL;
                r = judge_function(&j, request->addrs[i], err);
        }
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&verdict);
        return 0;
}

int handover_verdict(Handover *h, const HandoverRequest *request, Verdict **ret, Err *err) {
        g_autoptr(Platform) platform = platform_load(h->sys);

        if (platform->remapping == REMAPPING_UNKNOWN)
                return fail_errno(err, platform->remapping_r, "cannot read /proc/interrupts");
        return handover_judge(h, platform, request, ret, err);
}
