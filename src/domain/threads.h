/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Changes of where a guest's threads are, and of its I/O threads. cpuset is a text for
 * domain_cpuset_parse (domain/cpuset.h). */

#include "domain/def.h"

/* The pin of a vCPU or an I/O thread in its list; NULL: it has none. */
const DomainPin *domain_pin_find(const GPtrArray *pins, unsigned id);

void domain_def_pin_vcpu(DomainDef *def, unsigned id, const char *cpuset);
void domain_def_pin_emulator(DomainDef *def, const char *cpuset);
void domain_def_pin_iothread(DomainDef *def, unsigned id, const char *cpuset);

/* NULL: the guest has none of that id. */
const DomainIothread *domain_def_find_iothread(const DomainDef *def, unsigned id);

/* id is free. */
void domain_def_add_iothread(DomainDef *def, unsigned id);

/* With its pin; id is there. */
void domain_def_remove_iothread(DomainDef *def, unsigned id);

/* ---- vCPUs ---- */

/* How many are online. Where the definition tells of each, the last ones go first. */
unsigned domain_def_online_vcpus(const DomainDef *def);
void domain_def_set_online_vcpus(DomainDef *def, unsigned n);

/* How many there are at most; what was told of single ones is forgotten. */
void domain_def_set_max_vcpus(DomainDef *def, unsigned n);

/* Tells of each from now on: those that are online as the board's own, the others as hotpluggable.
 */
void domain_def_list_vcpus(DomainDef *def);

bool domain_def_has_vcpu(const DomainDef *def, unsigned id);

/* One of them comes or goes; from then on the definition tells of each, unless it is the next in
 * order. */
void domain_def_set_vcpu(DomainDef *def, unsigned id, bool is_online);
