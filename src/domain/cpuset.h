/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sets of processors or NUMA nodes as XML writes them: "0-3,^2,8". */

#include <stdbool.h>
#include <stdint.h>

#define DOMAIN_CPUSET_MAX 4096 /* members are 0 … DOMAIN_CPUSET_MAX - 1 */

typedef struct DomainCpuset {
        uint64_t words[DOMAIN_CPUSET_MAX / 64];
} DomainCpuset;

/* Ranges and single numbers; "^n" takes a member out again. -EINVAL for a text that is no such
 * list, is empty or leaves the set empty. */
int domain_cpuset_parse(const char *text, DomainCpuset *ret);

/* The shortest list of ranges: "0-1,3,8"; "" for the empty set. */
char *domain_cpuset_format(const DomainCpuset *set);

bool domain_cpuset_has(const DomainCpuset *set, unsigned n);
void domain_cpuset_add(DomainCpuset *set, unsigned n);
void domain_cpuset_remove(DomainCpuset *set, unsigned n);
unsigned domain_cpuset_count(const DomainCpuset *set);

/* The first member that is not below from; -1: there is none. */
int domain_cpuset_next(const DomainCpuset *set, unsigned from);
