/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/window.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Of QEMU's host bridges. */
#define HOLE_PC  (2 * GIB)
#define HOLE_Q35 (32 * GIB)

/* Of QEMU's CPU models that are not the host's own (target/i386: phys-bits). */
#define MODEL_BITS 40
#define BITS_MAX   52 /* of the architecture */

static uint64_t power_of_two(uint64_t size) {
        uint64_t power = MIB;

        while (power < size && power < UINT64_C(1) << 62)
                power <<= 1;
        return power;
}

uint64_t layout_window_of_bus(const DomainDef *def, unsigned bus) {
        uint64_t sum = 0;

        DOMAIN_FOREACH(DomainHostdev, hostdev, def, DOMAIN_HOSTDEV) {
                if (hostdev->base.address.type == DOMAIN_ADDRESS_PCI &&
                    hostdev->base.address.bus.value == bus)
                        sum += hostdev->window;
        }
        return (sum + MIB - 1) / MIB * MIB;
}

/* Each window is aligned as its largest BAR is: the next power of two has room for both. */
uint64_t layout_window_hole(const DomainDef *def) {
        uint64_t sum = 0;

        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                uint64_t window =
                        controller->type == CONTROLLER_PCI
                                ? layout_window_of_bus(def, (unsigned)controller->index.value)
                                : 0;

                sum += window > 0 ? power_of_two(window) : 0;
        }
        return sum > 0 ? power_of_two(sum) : 0;
}

static const DomainController *find_root(const DomainDef *def) {
        return domain_def_find_bus(def, 0);
}

bool layout_window_hole_kib(const DomainDef *def, uint64_t *ret) {
        const DomainController *root = find_root(def);
        uint64_t needed = layout_window_hole(def);
        bool is_given = root && root->pcihole64.node.is_present;

        if (!is_given && needed <= (domain_def_is_q35(def) ? HOLE_Q35 : HOLE_PC))
                return false;
        *ret = is_given ? root->pcihole64.kib : needed / 1024;
        return true;
}

/* ---- what the CPU can address ---- */

static unsigned address_bits(const DomainDef *def, unsigned host_bits) {
        bool is_hosts = def->type == DOMAIN_TYPE_KVM &&
                        (def->cpu.mode == CPU_HOST_PASSTHROUGH || def->cpu.mode == CPU_MAXIMUM);

        if (def->cpu.maxphysaddr.bits.is_set)
                return (unsigned)def->cpu.maxphysaddr.bits.value;
        if (is_hosts || def->cpu.maxphysaddr.mode)
                return host_bits > 0 ? host_bits : BITS_MAX;
        return MODEL_BITS;
}

static int check_given(const DomainDef *def, uint64_t needed, Err *err) {
        const DomainController *root = find_root(def);

        if (!root || !root->pcihole64.node.is_present || root->pcihole64.kib >= needed / 1024)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "guest '%s' has <pcihole64> of %" G_GUINT64_FORMAT
                    " KiB, and the BARs of its assigned functions need %" G_GUINT64_FORMAT " KiB",
                    def->name, root->pcihole64.kib, needed / 1024);
}

int layout_window_check(const DomainDef *def, unsigned host_bits, Err *err) {
        uint64_t needed = layout_window_hole(def), memory, end;
        unsigned bits = MIN(address_bits(def, host_bits), BITS_MAX);
        int r;

        if (needed == 0)
                return 0;
        r = check_given(def, needed, err);
        if (r < 0)
                return r;
        memory = MAX(def->memory, def->max_memory.kib) * 1024 + 4 * GIB;
        end = (memory + needed - 1) / needed * needed + needed;
        if (end <= UINT64_C(1) << bits)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "guest '%s' cannot address its assigned functions: their BARs take "
                              "%" G_GUINT64_FORMAT " GiB above %" G_GUINT64_FORMAT
                              " GiB of memory, and its CPU has %u address bits (%" G_GUINT64_FORMAT
                              " GiB)",
                              def->name, needed / GIB, (memory - 4 * GIB) / GIB, bits,
                              (UINT64_C(1) << bits) / GIB),
                         host_bits > bits ? "give it the host's: <cpu mode='host-passthrough'>"
                                          : "assign fewer functions, or give it less memory");
}
