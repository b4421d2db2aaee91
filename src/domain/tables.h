/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of the table of <domain> that stand in files of their own. */

#include "domain/fields.h"

/* tables-os.c */
extern const DomainElement domain_os_element;
extern const DomainElement domain_sysinfo_element;

extern const DomainElement domain_firmware_feature_element;

/* tables-features.c */
extern const DomainElement domain_features_element;

/* tables-cpu.c */
extern const DomainElement domain_cpu_element;
extern const DomainElement domain_cpu_feature_element;
extern const DomainElement domain_clock_element;
extern const DomainElement domain_sibling_element;

/* tables-tuning.c */
extern const DomainElement domain_memory_backing_element;
extern const DomainElement domain_numatune_element;
extern const DomainElement domain_vcpus_element;
extern const DomainElement domain_vcpu_element;
extern const DomainElement domain_iothreadids_element;
extern const DomainElement domain_iothread_element;
extern const DomainElement domain_cputune_element;
extern const DomainElement domain_vcpupin_element;
extern const DomainElement domain_emulatorpin_element;
extern const DomainElement domain_iothreadpin_element;

/* Elements that say nothing but state='on'. */
extern const DomainField domain_state_fields[];
