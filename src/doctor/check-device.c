/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "doctor/check.h"
#include "handover/handover.h"

#define GIB             ((uint64_t)1 << 30)
#define BAR_LARGE       (4 * GIB) /* does not fit below 4 GiB, whatever the firmware does */
#define VFS_TOLD_SINGLY 4

/* Parts of the host itself: host and ISA bridges, memory controllers, IOMMUs and interrupt
 * controllers, SMBus. They are endpoints to the kernel, and no use to a guest. */
static bool is_chipset(const PciDevice *dev) {
        unsigned base = dev->class >> 16, class = dev->class >> 8;

        return base == 0x05 || base == 0x06 || base == 0x08 || class == 0x0c05;
}

/* What checks of devices are about. */
static bool is_candidate(const PciDevice *dev) {
        return pci_device_is_endpoint(dev) && !is_chipset(dev);
}

/* "16 GiB", "256 KiB"; the caller's. */
static char *size_text(uint64_t size) {
        return g_format_size_full(size, G_FORMAT_SIZE_IEC_UNITS);
}

typedef struct Bar {
        const PciDevice *dev;
        unsigned number;
        uint64_t size;
} Bar;

/* A memory BAR without an address: the firmware and the kernel had no room for it. Those of virtual
 * functions are part of their physical function's. */
static bool is_unplaced(const PciDevice *dev, unsigned i) {
        return dev->bars[i].size > 0 && dev->bars[i].start == 0 && !dev->bars[i].is_io &&
               !dev->is_vf;
}

static bool judge_bars(Doctor *d, const PciDevice *dev, Bar *largest) {
        bool told = false;

        for (unsigned i = 0; i < PCI_BARS; i++) {
                g_autofree char *size = NULL;

                if (dev->bars[i].size > largest->size && !dev->bars[i].is_io)
                        *largest = (Bar){dev, i, dev->bars[i].size};
                if (!is_unplaced(dev, i))
                        continue;
                size = size_text(dev->bars[i].size);
                doctor_about(d, PCI_ADDR_TEXT(dev->addr));
                doctor_fail(d,
                            "turn on Above 4G Decoding (and Resizable BAR off) in the firmware's "
                            "setup, or boot with pci=realloc",
                            "BAR %u (%s) has no address: the window of its bridge has no room", i,
                            size);
                told = true;
        }
        return told;
}

void check_bars(Doctor *d) {
        size_t n;
        const PciDevice *const *all = pci_tree_list(d->facts->tree, &n);
        g_autofree char *size = NULL;
        Bar largest = {};
        bool told = false;

        for (size_t i = 0; i < n; i++)
                if (is_candidate(all[i]))
                        told = judge_bars(d, all[i], &largest) || told;
        doctor_about(d, NULL);
        size = size_text(largest.size);
        if (!told && !largest.dev)
                doctor_skip(d, "no endpoint has a memory BAR");
        else if (!told)
                doctor_ok(
                        d, "all have addresses; the largest is BAR %u of %s, %s at %#" PRIx64 "%s",
                        largest.number, PCI_ADDR_TEXT(largest.dev->addr), size,
                        largest.dev->bars[largest.number].start,
                        largest.size >= BAR_LARGE ? "; a guest's firmware needs a window as large, "
                                                    "which airlockd reckons"
                                                  : "");
}

static char *read_attribute(const DoctorFacts *facts, const PciDevice *dev, const char *name) {
        g_autofree char *path = g_build_filename(dev->path, name, NULL);

        return facts_read(facts, path, NULL);
}

static bool judge_power(Doctor *d, const PciDevice *dev) {
        g_autofree char *allowed = read_attribute(d->facts, dev, "d3cold_allowed");
        g_autofree char *control = read_attribute(d->facts, dev, "power/control");
        g_autofree char *state = read_attribute(d->facts, dev, "power_state");
        g_autofree char *way_out = g_strdup_printf(
                "echo 0 > /sys/bus/pci/devices/%s/d3cold_allowed; echo on > "
                "/sys/bus/pci/devices/%s/power/control; if it stays away, switch the "
                "host off and on",
                PCI_ADDR_TEXT(dev->addr), PCI_ADDR_TEXT(dev->addr));

        if (dev->responds && g_strcmp0(state, "D3cold") != 0)
                return false;
        doctor_about(d, PCI_ADDR_TEXT(dev->addr));
        if (g_strcmp0(control, "auto") == 0 && facts_is_true(allowed))
                doctor_warn(d, way_out,
                            "asleep without power (%s, d3cold_allowed %s, power/control "
                            "%s): it may not wake for VFIO",
                            state ? state : "its configuration space reads as ones", allowed,
                            control);
        else
                doctor_warn(d, way_out,
                            "its configuration space reads as ones: it fell off the "
                            "bus, or sleeps without power");
        return true;
}

void check_power(Doctor *d) {
        size_t n;
        const PciDevice *const *all = pci_tree_list(d->facts->tree, &n);
        bool told = false;

        for (size_t i = 0; i < n; i++)
                if (pci_device_is_endpoint(all[i]))
                        told = judge_power(d, all[i]) || told;
        doctor_about(d, NULL);
        if (n == 0)
                doctor_skip(d, "there is no PCI function");
        else if (!told)
                doctor_ok(d, "every endpoint answers");
}

static bool has_method(const PciDevice *dev, const char *name) {
        g_auto(GStrv) methods = g_strsplit(dev->reset_method ? dev->reset_method : "", " ", 0);

        return g_strv_contains((const char *const *)methods, name);
}

/* Older kernels have no list; whether there is a reset at all they say. */
static bool can_reset(const PciDevice *dev) {
        return dev->reset_method ? *dev->reset_method : dev->can_reset;
}

/* Functions that a reset of its bus hits although they are in no group with it. */
static unsigned count_bystanders(const DoctorFacts *facts, const PciDevice *dev) {
        size_t n;
        unsigned found = 0;
        const PciDevice *const *all = pci_tree_list(facts->tree, &n);

        for (size_t i = 0; i < n; i++)
                if (all[i] != dev && all[i]->addr.domain == dev->addr.domain &&
                    all[i]->addr.bus == dev->addr.bus && all[i]->iommu_group != dev->iommu_group)
                        found++;
        return found;
}

static void judge_reset(Doctor *d, const PciDevice *dev) {
        bool by_bus = g_strcmp0(dev->reset_method, "bus") == 0;
        unsigned bystanders = by_bus ? count_bystanders(d->facts, dev) : 0;

        doctor_about(d, PCI_ADDR_TEXT(dev->addr));
        if (!can_reset(dev))
                doctor_warn(d, "expect that it serves one guest a boot of the host",
                            "no way to reset it (%s): what a guest did to it, the next one finds",
                            dev->reset_method ? "reset_method is empty" : "there is no file reset");
        else if (bystanders > 0)
                doctor_warn(d, "assign all functions of its bus to the same guest",
                            "only its whole bus can be reset, with %u more on it", bystanders);
}

void check_reset(Doctor *d) {
        size_t n, functions = 0, flr = 0;
        const PciDevice *const *all = pci_tree_list(d->facts->tree, &n);

        for (size_t i = 0; i < n; i++) {
                if (!is_candidate(all[i]))
                        continue;
                functions++;
                if (has_method(all[i], "flr") || (!all[i]->reset_method && all[i]->has_flr))
                        flr++;
                judge_reset(d, all[i]);
        }
        doctor_about(d, NULL);
        if (functions == 0)
                doctor_skip(d, "there is no endpoint");
        else
                doctor_ok(d, "%zu of %zu endpoints have a function level reset", flr, functions);
}

/* Each device, and the sum. */

static bool is_held(const PciDevice *dev) {
        return pci_device_is_endpoint(dev) && dev->driver && !handover_is_vfio(dev->driver) &&
               strcmp(dev->driver, "pci-stub") != 0;
}

/* Endpoints beside it in its group that a driver of the host has, "a b"; the caller's, NULL: none.
 * ret_foreign: one of them is no function of the same card. */
static char *find_companions(const DoctorFacts *facts, const PciDevice *dev, bool *ret_foreign) {
        g_autoptr(GString) out = g_string_new(NULL);
        size_t n;
        g_autofree const PciDevice **members = pci_tree_group(facts->tree, dev->iommu_group, &n);

        *ret_foreign = false;
        for (size_t i = 0; i < n; i++) {
                if (members[i] == dev || !is_held(members[i]))
                        continue;
                g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "",
                                       PCI_ADDR_TEXT(members[i]->addr));
                *ret_foreign = *ret_foreign || !facts_is_same_card(members[i], dev);
        }
        return out->len > 0 ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

typedef struct DeviceVerdict {
        DoctorVerdict verdict;
        bool is_ready;       /* it can be assigned, though perhaps at a price */
        BlockerCode blocker; /* the first one; where it is not ready */
        char *text, *way_out;
} DeviceVerdict;

static void device_verdict_clear(void *data) {
        DeviceVerdict *v = data;

        g_free(v->text);
        g_free(v->way_out);
}

/* Why no device of the host can be assigned, where that is so of one. */
static const char *host_reason(BlockerCode code) {
        switch (code) {
        case BLOCKER_NO_IOMMU:
                return "no IOMMU is in use";
        case BLOCKER_NOIOMMU_GROUP:
                return "the groups are of VFIO's no-IOMMU mode";
        case BLOCKER_NO_REMAPPING:
                return "interrupts are not remapped, and allow_unsafe_interrupts is off";
        case BLOCKER_NO_VFIO:
                return "the kernel has no VFIO";
        case BLOCKER_NO_ACCESS:
                return "there is no device node of VFIO";
        default:
                return NULL;
        }
}

/* The hand-over's sentence, without what the line says already. The caller's. */
static char *sentence(const Blocker *blocker, const PciDevice *dev) {
        g_autofree char *name = g_strdup_printf("PCI device %s ", PCI_ADDR_TEXT(dev->addr));
        static const char used[] = "is used by the host: ";
        const char *rest = blocker->message + strlen(name);

        if (!g_str_has_prefix(blocker->message, name))
                return g_strdup(blocker->message);
        return g_str_has_prefix(rest, used) ? g_strdup(rest + strlen(used))
                                            : g_strconcat("it ", rest, NULL);
}

/* What the host itself uses is as it should be. */
static DeviceVerdict judge_blocked(const PciDevice *dev, const Blocker *first) {
        bool is_kept = first->code == BLOCKER_HOST_NEEDS_IT || first->code == BLOCKER_HAS_VFS;
        g_autofree char *why = sentence(first, dev);

        return (DeviceVerdict){
                .verdict = is_kept ? DOCTOR_SKIPPED : DOCTOR_WARN,
                .blocker = first->code,
                .text = g_strdup_printf(
                        "%s: %s", is_kept ? "stays with the host" : "cannot be assigned", why),
                .way_out = is_kept ? NULL : g_strdup(first->way_out),
        };
}

/* A price that is paid with the assignment; what others lose is told by the line itself. */
static const Blocker *find_price(const Verdict *verdict) {
        size_t n;
        const Blocker *const *warnings = verdict_warnings(verdict, &n);

        for (size_t i = 0; i < n; i++)
                if (warnings[i]->code == BLOCKER_HAS_VFS)
                        return warnings[i];
        return NULL;
}

static DeviceVerdict judge_free(const DoctorFacts *facts, const PciDevice *dev,
                                const Verdict *verdict) {
        bool foreign;
        g_autofree char *companions = find_companions(facts, dev, &foreign);
        const Blocker *price = find_price(verdict);
        const char *reset = can_reset(dev) ? "yes" : "none";

        if (dev->reset_method && *dev->reset_method)
                reset = dev->reset_method;
        return (DeviceVerdict){
                .verdict = foreign || price ? DOCTOR_WARN : DOCTOR_OK,
                .is_ready = true,
                .text = g_strdup_printf(
                        "%04x:%04x, driver %s, reset: %s, group %d%s%s%s%s", dev->vendor,
                        dev->device, dev->driver ? dev->driver : "none", reset, dev->iommu_group,
                        companions ? " together with " : "", companions ? companions : "",
                        price ? "; " : "", price ? price->message : ""),
                .way_out = foreign ? g_strdup("give its companions to the same guest, or have them "
                                              "parked (--with-companions)")
                                   : NULL,
        };
}

static DeviceVerdict judge_device(const DoctorFacts *facts, const PciDevice *dev,
                                  const Verdict *verdict) {
        size_t n;
        const Blocker *const *blockers = verdict_blockers(verdict, &n);

        return n > 0 ? judge_blocked(dev, blockers[0]) : judge_free(facts, dev, verdict);
}

static DeviceVerdict judge_unknown(const Err *err) {
        return (DeviceVerdict){
                .verdict = DOCTOR_SKIPPED,
                .blocker = _BLOCKER_CODE_MAX,
                .text = g_strdup_printf("not known: %s", err->message),
        };
}

/* Each once: in how many places the host uses a disk depends on who looks. */
static json_t *codes_of(const Blocker *const *blockers, size_t n) {
        json_t *list = json_array();
        bool seen[_BLOCKER_CODE_MAX] = {};

        for (size_t i = 0; i < n; i++) {
                if (!seen[blockers[i]->code])
                        json_array_append_new(
                                list, json_string(blocker_code_to_string(blockers[i]->code)));
                seen[blockers[i]->code] = true;
        }
        return list;
}

/* verdict NULL: it is not known. */
static void keep_codes(Doctor *d, const PciDevice *dev, const Verdict *verdict) {
        size_t n_blockers = 0, n_warnings = 0;
        const Blocker *const *blockers = verdict ? verdict_blockers(verdict, &n_blockers) : NULL;
        const Blocker *const *warnings = verdict ? verdict_warnings(verdict, &n_warnings) : NULL;

        json_array_append_new(d->devices,
                              json_pack("{s:s, s:o, s:o, s:o}", "address", PCI_ADDR_TEXT(dev->addr),
                                        "assignable",
                                        verdict ? json_boolean(n_blockers == 0) : json_null(),
                                        "blockers", codes_of(blockers, n_blockers), "warnings",
                                        codes_of(warnings, n_warnings)));
}

static void tell_device(Doctor *d, const PciDevice *dev, const DeviceVerdict *v) {
        doctor_about(d, PCI_ADDR_TEXT(dev->addr));
        if (v->verdict == DOCTOR_OK)
                doctor_ok(d, "%s", v->text);
        else if (v->verdict == DOCTOR_SKIPPED)
                doctor_skip(d, "%s", v->text);
        else
                doctor_warn(d, v->way_out, "%s", v->text);
}

/* Every endpoint of the host with its verdict. */
typedef struct Endpoints {
        const PciDevice *const *devices; /* n of them */
        const DeviceVerdict *verdicts;   /* one a device; those of bridges say nothing */
        size_t n;
} Endpoints;

/* Many virtual functions of one card share a line. */
static void tell_vfs(Doctor *d, const Endpoints *all, const PciDevice *pf) {
        g_autofree char *object = g_strdup_printf("VFs of %s", PCI_ADDR_TEXT(pf->addr));
        unsigned ready = 0;

        for (size_t i = 0; i < all->n; i++)
                if (all->devices[i]->is_vf && pci_addr_is_equal(all->devices[i]->pf, pf->addr) &&
                    all->verdicts[i].is_ready)
                        ready++;
        doctor_about(d, object);
        if (ready == pf->vfs)
                doctor_ok(d, "all %u can be assigned", pf->vfs);
        else
                doctor_warn(d, "airlock verdict ADDRESS tells why of each",
                            "%u of %u can be assigned", ready, pf->vfs);
}

static bool is_told_with_pf(const DoctorFacts *facts, const PciDevice *dev) {
        const PciDevice *pf = dev->is_vf ? pci_tree_find(facts->tree, dev->pf) : NULL;

        return pf && pf->vfs > VFS_TOLD_SINGLY;
}

static void tell_all(Doctor *d, const Endpoints *all) {
        for (size_t i = 0; i < all->n; i++) {
                const PciDevice *dev = all->devices[i];

                if (!all->verdicts[i].text || is_told_with_pf(d->facts, dev))
                        continue;
                tell_device(d, dev, &all->verdicts[i]);
                if (dev->is_pf && dev->vfs > VFS_TOLD_SINGLY)
                        tell_vfs(d, all, dev);
        }
        doctor_about(d, NULL);
}

/* What keeps every one of them; NULL: not the same for all. */
static const char *common_reason(const Endpoints *all) {
        const DeviceVerdict *first = NULL;

        for (size_t i = 0; i < all->n; i++) {
                const DeviceVerdict *v = &all->verdicts[i];

                if (!v->text)
                        continue;
                first = first ? first : v;
                if (v->is_ready || v->blocker != first->blocker)
                        return NULL;
        }
        return first ? host_reason(first->blocker) : NULL;
}

/* Bridges and what belongs to the chipset have a verdict and no line. */
static DeviceVerdict ask(Doctor *d, const PciDevice *dev) {
        g_autoptr(Verdict) verdict = NULL;
        g_auto(Err) err = ERR_INIT;
        DeviceVerdict v = {};
        int r = survey_ask(d->facts->survey, dev->addr, &verdict, &err);

        keep_codes(d, dev, verdict);
        if (!is_candidate(dev))
                return v;
        v = r < 0 ? judge_unknown(&err) : judge_device(d->facts, dev, verdict);
        d->endpoints++;
        d->ready += v.is_ready ? 1 : 0;
        return v;
}

void check_devices(Doctor *d) {
        g_autoptr(GArray) verdicts = g_array_new(FALSE, TRUE, sizeof(DeviceVerdict));
        const char *reason;
        Endpoints all = {};

        all.devices = pci_tree_list(d->facts->tree, &all.n);
        g_array_set_clear_func(verdicts, device_verdict_clear);
        for (size_t i = 0; i < all.n; i++) {
                DeviceVerdict v = ask(d, all.devices[i]);

                g_array_append_val(verdicts, v);
        }
        all.verdicts = (const DeviceVerdict *)(void *)verdicts->data;
        reason = common_reason(&all);
        if (d->endpoints == 0)
                doctor_skip(d, "there is no endpoint");
        else if (reason)
                doctor_fail(d, NULL, "none of %u endpoints can be assigned: %s", d->endpoints,
                            reason);
        else
                tell_all(d, &all);
}
