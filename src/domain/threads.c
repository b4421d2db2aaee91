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
