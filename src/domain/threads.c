/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/threads.h"

#include "domain/element.h"
#include "domain/tables.h"

const DomainPin *domain_pin_find(const GPtrArray *pins, unsigned id) {
        for (guint i = 0; pins && i < pins->len; i++) {
                const DomainPin *pin = pins->pdata[i];

                if (pin->id.value == id)
                        return pin;
        }
        return NULL;
}

static void *list_add(GPtrArray **list, const DomainElement *element) {
        DomainNode *node = domain_element_new(element);

        if (!*list)
                *list = g_ptr_array_new();
        node->is_present = true;
        g_ptr_array_add(*list, node);
        return node;
}

static void set_pin(GPtrArray **pins, const DomainElement *element, unsigned id,
                    const char *cpuset) {
        DomainPin *pin = (DomainPin *)(uintptr_t)domain_pin_find(*pins, id);

        if (!pin) {
                pin = list_add(pins, element);
                pin->id = DOMAIN_NUM(id);
        }
        g_free(pin->cpuset);
        pin->cpuset = g_strdup(cpuset);
}

void domain_def_pin_vcpu(DomainDef *def, unsigned id, const char *cpuset) {
        def->cputune.node.is_present = true;
        set_pin(&def->cputune.vcpupins, &domain_vcpupin_element, id, cpuset);
}

void domain_def_pin_iothread(DomainDef *def, unsigned id, const char *cpuset) {
        def->cputune.node.is_present = true;
        set_pin(&def->cputune.iothreadpins, &domain_iothreadpin_element, id, cpuset);
}

void domain_def_pin_emulator(DomainDef *def, const char *cpuset) {
        DomainPin *pin = &def->cputune.emulatorpin;

        def->cputune.node.is_present = pin->node.is_present = true;
        g_free(pin->cpuset);
        pin->cpuset = g_strdup(cpuset);
}

const DomainIothread *domain_def_find_iothread(const DomainDef *def, unsigned id) {
        const GPtrArray *list = def->iothreadids.list;

        for (guint i = 0; list && i < list->len; i++)
                if (((const DomainIothread *)list->pdata[i])->id.value == id)
                        return list->pdata[i];
        return NULL;
}

static void count_iothreads(DomainDef *def) {
        guint n = def->iothreadids.list->len;

        def->iothreads = n > 0 ? DOMAIN_NUM(n) : (DomainNum){};
        def->iothreadids.node.is_present = n > 0;
}

void domain_def_add_iothread(DomainDef *def, unsigned id) {
        DomainIothread *thread = list_add(&def->iothreadids.list, &domain_iothread_element);

        thread->id = DOMAIN_NUM(id);
        count_iothreads(def);
}

static void list_remove(GPtrArray *list, const DomainElement *element, const void *item) {
        void *owned = (void *)(uintptr_t)item;

        if (item && g_ptr_array_remove(list, owned))
                domain_element_free(element, owned);
}

void domain_def_remove_iothread(DomainDef *def, unsigned id) {
        list_remove(def->iothreadids.list, &domain_iothread_element,
                    domain_def_find_iothread(def, id));
        list_remove(def->cputune.iothreadpins, &domain_iothreadpin_element,
                    domain_pin_find(def->cputune.iothreadpins, id));
        count_iothreads(def);
}

/* ---- vCPUs ---- */

static unsigned max_vcpus(const DomainDef *def) {
        return (unsigned)domain_num_or(def->vcpu.count, 1);
}

unsigned domain_def_online_vcpus(const DomainDef *def) {
        return (unsigned)domain_num_or(def->vcpu.current, max_vcpus(def));
}

static void set_number(DomainDef *def, unsigned n) {
        def->vcpu.current = n < max_vcpus(def) ? DOMAIN_NUM(n) : (DomainNum){};
}

bool domain_def_has_vcpu(const DomainDef *def, unsigned id) {
        const GPtrArray *list = def->vcpus.list;

        if (!list)
                return id < domain_def_online_vcpus(def);
        return id < list->len && ((const DomainVcpu *)list->pdata[id])->enabled == DOMAIN_SWITCH_ON;
}

/* What comes and goes is hotpluggable; what was there from the beginning may be told so before. */
static void set_listed(DomainDef *def, unsigned id, bool is_online) {
        DomainVcpu *vcpu = def->vcpus.list->pdata[id];

        vcpu->enabled = is_online ? DOMAIN_SWITCH_ON : DOMAIN_SWITCH_OFF;
        vcpu->hotpluggable = DOMAIN_SWITCH_ON;
        vcpu->order = (DomainNum){};
}

void domain_def_set_online_vcpus(DomainDef *def, unsigned n) {
        unsigned online = domain_def_online_vcpus(def), max = max_vcpus(def);

        for (unsigned id = 0; def->vcpus.list && id < max && online < n; id++)
                if (!domain_def_has_vcpu(def, id)) {
                        set_listed(def, id, true);
                        online++;
                }
        for (unsigned id = max; def->vcpus.list && id-- > 0 && online > n;)
                if (domain_def_has_vcpu(def, id)) {
                        set_listed(def, id, false);
                        online--;
                }
        set_number(def, n);
}

void domain_def_set_max_vcpus(DomainDef *def, unsigned n) {
        unsigned online = domain_def_online_vcpus(def);
        GPtrArray *list = def->vcpus.list;

        for (guint i = 0; list && i < list->len; i++)
                domain_element_free(&domain_vcpu_element, list->pdata[i]);
        g_clear_pointer(&def->vcpus.list, g_ptr_array_unref);
        def->vcpus.node.is_present = false;
        def->vcpu.count = DOMAIN_NUM(n);
        set_number(def, MIN(online, n));
}

void domain_def_list_vcpus(DomainDef *def) {
        unsigned online = domain_def_online_vcpus(def);

        if (def->vcpus.list)
                return;
        for (unsigned id = 0; id < max_vcpus(def); id++) {
                DomainVcpu *vcpu = list_add(&def->vcpus.list, &domain_vcpu_element);

                vcpu->id = DOMAIN_NUM(id);
                vcpu->enabled = id < online ? DOMAIN_SWITCH_ON : DOMAIN_SWITCH_OFF;
                vcpu->hotpluggable = id < online ? DOMAIN_SWITCH_OFF : DOMAIN_SWITCH_ON;
        }
        def->vcpus.node.is_present = true;
}

void domain_def_set_vcpu(DomainDef *def, unsigned id, bool is_online) {
        unsigned online = domain_def_online_vcpus(def);

        if (id >= max_vcpus(def) || domain_def_has_vcpu(def, id) == is_online)
                return;
        if (def->vcpus.list || id != (is_online ? online : online - 1)) {
                domain_def_list_vcpus(def);
                set_listed(def, id, is_online);
        }
        set_number(def, is_online ? online + 1 : online - 1);
}
