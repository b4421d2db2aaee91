/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attribute and child of <features> is which field. */
#include "domain/tables.h"

const DomainField domain_state_fields[] = {
        ATTR_ON(DomainState, state, "state"),
        END,
};
static const DomainField no_fields[] = {END};

#define STATE(variable, xml) \
        static const DomainElement variable = ELEMENT(DomainState, xml, domain_state_fields)
#define KIB(T, f, ...) ATTR_(T, f, NULL, FIELD_KIB, .place = PLACE_TEXT, __VA_ARGS__)

/* ---- hyperv ---- */

STATE(relaxed, "relaxed");
STATE(vapic, "vapic");
STATE(vpindex, "vpindex");
STATE(runtime, "runtime");
STATE(synic, "synic");
STATE(reset, "reset");
STATE(frequencies, "frequencies");
STATE(reenlightenment, "reenlightenment");
STATE(ipi, "ipi");
STATE(evmcs, "evmcs");
STATE(avic, "avic");
STATE(emsr_bitmap, "emsr_bitmap");
STATE(xmm_input, "xmm_input");
STATE(direct, "direct");
STATE(extended, "extended");

static const DomainField spinlocks_fields[] = {
        ATTR_ON(DomainHyperv, spinlocks.state, "state"),
        ATTR_NUM(DomainHyperv, spinlocks.retries, "retries"),
        END,
};
static const DomainElement spinlocks =
        PART_OF(DomainHyperv, spinlocks, "spinlocks", spinlocks_fields);

static const DomainField stimer_fields[] = {
        ATTR_ON(DomainHyperv, stimer.state, "state"),
        CHILD(DomainHyperv, stimer.direct, "direct", direct),
        END,
};
static const DomainElement stimer = PART_OF(DomainHyperv, stimer, "stimer", stimer_fields);

static const DomainField tlbflush_fields[] = {
        ATTR_ON(DomainHyperv, tlbflush.state, "state"),
        CHILD(DomainHyperv, tlbflush.direct, "direct", direct),
        CHILD(DomainHyperv, tlbflush.extended, "extended", extended),
        END,
};
static const DomainElement tlbflush = PART_OF(DomainHyperv, tlbflush, "tlbflush", tlbflush_fields);

static const DomainField vendor_id_fields[] = {
        ATTR_ON(DomainHyperv, vendor_id.state, "state"),
        ATTR_STRING(DomainHyperv, vendor_id.value, "value"),
        END,
};
static const DomainElement vendor_id =
        PART_OF(DomainHyperv, vendor_id, "vendor_id", vendor_id_fields);

static const char *const hyperv_modes[] = {"custom", "passthrough", NULL};

static const DomainField hyperv_fields[] = {
        ATTR_ENUM(DomainHyperv, mode, "mode", hyperv_modes),
        CHILD(DomainHyperv, relaxed, "relaxed", relaxed),
        CHILD(DomainHyperv, vapic, "vapic", vapic),
        PART("spinlocks", spinlocks),
        CHILD(DomainHyperv, vpindex, "vpindex", vpindex),
        CHILD(DomainHyperv, runtime, "runtime", runtime),
        CHILD(DomainHyperv, synic, "synic", synic),
        PART("stimer", stimer),
        CHILD(DomainHyperv, reset, "reset", reset),
        PART("vendor_id", vendor_id),
        CHILD(DomainHyperv, frequencies, "frequencies", frequencies),
        CHILD(DomainHyperv, reenlightenment, "reenlightenment", reenlightenment),
        PART("tlbflush", tlbflush),
        CHILD(DomainHyperv, ipi, "ipi", ipi),
        CHILD(DomainHyperv, evmcs, "evmcs", evmcs),
        CHILD(DomainHyperv, avic, "avic", avic),
        CHILD(DomainHyperv, emsr_bitmap, "emsr_bitmap", emsr_bitmap),
        CHILD(DomainHyperv, xmm_input, "xmm_input", xmm_input),
        END,
};
static const DomainElement hyperv = ELEMENT(DomainHyperv, "hyperv", hyperv_fields);

/* ---- kvm ---- */

STATE(hidden, "hidden");
STATE(hint_dedicated, "hint-dedicated");
STATE(poll_control, "poll-control");
STATE(pv_ipi, "pv-ipi");

static const DomainField dirty_ring_fields[] = {
        ATTR_ON(DomainKvmFeatures, dirty_ring.state, "state"),
        ATTR_NUM(DomainKvmFeatures, dirty_ring.size, "size", .max = 65536),
        END,
};
static const DomainElement dirty_ring =
        PART_OF(DomainKvmFeatures, dirty_ring, "dirty-ring", dirty_ring_fields);

static const DomainField kvm_fields[] = {
        CHILD(DomainKvmFeatures, hidden, "hidden", hidden),
        CHILD(DomainKvmFeatures, hint_dedicated, "hint-dedicated", hint_dedicated),
        CHILD(DomainKvmFeatures, poll_control, "poll-control", poll_control),
        CHILD(DomainKvmFeatures, pv_ipi, "pv-ipi", pv_ipi),
        PART("dirty-ring", dirty_ring),
        END,
};
static const DomainElement kvm = ELEMENT(DomainKvmFeatures, "kvm", kvm_fields);

/* ---- the rest ---- */

static const DomainElement acpi = ELEMENT(DomainFlag, "acpi", no_fields);
static const DomainElement pae = ELEMENT(DomainFlag, "pae", no_fields);
STATE(hap, "hap");
STATE(pvspinlock, "pvspinlock");
STATE(pmu, "pmu");
STATE(vmport, "vmport");
STATE(vmcoreinfo, "vmcoreinfo");
STATE(ps2, "ps2");

static const DomainField apic_fields[] = {
        ATTR_ON(DomainFeatures, apic.eoi, "eoi"),
        END,
};
static const DomainElement apic = PART_OF(DomainFeatures, apic, "apic", apic_fields);

static const DomainField tseg_fields[] = {
        KIB(DomainFeatures, smm.tseg.kib, .unit = "MiB", .is_required = true),
        END,
};
static const DomainElement tseg = PART_OF(DomainFeatures, smm.tseg, "tseg", tseg_fields);

static const DomainField smm_fields[] = {
        ATTR_ON(DomainFeatures, smm.state, "state"),
        PART("tseg", tseg),
        END,
};
static const DomainElement smm = PART_OF(DomainFeatures, smm, "smm", smm_fields);

static const char *const ioapic_drivers[] = {"kvm", "qemu", NULL};

static const DomainField ioapic_fields[] = {
        ATTR_ENUM(DomainFeatures, ioapic.driver, "driver", ioapic_drivers, .is_required = true),
        END,
};
static const DomainElement ioapic = PART_OF(DomainFeatures, ioapic, "ioapic", ioapic_fields);

static const DomainField tb_cache_fields[] = {
        KIB(DomainFeatures, tcg.tb_cache.kib, .unit = "MiB", .is_required = true),
        END,
};
static const DomainElement tb_cache =
        PART_OF(DomainFeatures, tcg.tb_cache, "tb-cache", tb_cache_fields);

static const DomainField tcg_fields[] = {
        PART("tb-cache", tb_cache),
        END,
};
static const DomainElement tcg = PART_OF(DomainFeatures, tcg, "tcg", tcg_fields);

static const DomainField features_fields[] = {
        CHILD(DomainFeatures, acpi, "acpi", acpi),
        PART("apic", apic),
        CHILD(DomainFeatures, pae, "pae", pae),
        CHILD(DomainFeatures, hap, "hap", hap),
        CHILD(DomainFeatures, hyperv, "hyperv", hyperv),
        CHILD(DomainFeatures, kvm, "kvm", kvm),
        CHILD(DomainFeatures, pvspinlock, "pvspinlock", pvspinlock),
        CHILD(DomainFeatures, pmu, "pmu", pmu),
        CHILD(DomainFeatures, vmport, "vmport", vmport),
        PART("smm", smm),
        PART("ioapic", ioapic),
        CHILD(DomainFeatures, vmcoreinfo, "vmcoreinfo", vmcoreinfo),
        PART("tcg", tcg),
        CHILD(DomainFeatures, ps2, "ps2", ps2),
        END,
};
const DomainElement domain_features_element = ELEMENT(DomainFeatures, "features", features_fields);
