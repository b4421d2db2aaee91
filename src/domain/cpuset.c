/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/cpuset.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include "base/util.h"

bool domain_cpuset_has(const DomainCpuset *set, unsigned n) {
        return n < DOMAIN_CPUSET_MAX && (set->words[n / 64] >> n % 64 & 1);
}

void domain_cpuset_add(DomainCpuset *set, unsigned n) {
        set->words[n / 64] |= UINT64_C(1) << n % 64;
}

void domain_cpuset_remove(DomainCpuset *set, unsigned n) {
        set->words[n / 64] &= ~(UINT64_C(1) << n % 64);
}

int domain_cpuset_next(const DomainCpuset *set, unsigned from) {
        for (unsigned n = from; n < DOMAIN_CPUSET_MAX; n++)
                if (domain_cpuset_has(set, n))
                        return (int)n;
        return -1;
}

unsigned domain_cpuset_count(const DomainCpuset *set) {
        unsigned count = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(set->words); i++)
                count += (unsigned)__builtin_popcountll(set->words[i]);
        return count;
}

/* One member of the list; item is written over. */
static int parse_item(char *item, DomainCpuset *set) {
        bool is_out = *item == '^';
        char *first = item + is_out, *dash = strchr(first, '-');
        uint64_t low, high;

        if (dash)
                *dash = 0;
        if (str_to_uint(first, 10, DOMAIN_CPUSET_MAX - 1, &low) < 0)
                return -EINVAL;
        high = low;
        if (dash && (is_out || str_to_uint(dash + 1, 10, DOMAIN_CPUSET_MAX - 1, &high) < 0))
                return -EINVAL;
        if (high < low)
                return -EINVAL;
        for (uint64_t n = low; n <= high; n++) {
                if (is_out)
                        domain_cpuset_remove(set, (unsigned)n);
                else
                        domain_cpuset_add(set, (unsigned)n);
        }
        return 0;
}

int domain_cpuset_parse(const char *text, DomainCpuset *ret) {
        g_auto(GStrv) items = g_strsplit(text, ",", -1);
        DomainCpuset set = {};

        STRV_FOREACH(item, items) {
                if (parse_item(g_strstrip(item), &set) < 0)
                        return -EINVAL;
        }
        if (domain_cpuset_count(&set) == 0)
                return -EINVAL;
        *ret = set;
        return 0;
}

char *domain_cpuset_format(const DomainCpuset *set) {
        GString *out = g_string_new(NULL);
        int first = domain_cpuset_next(set, 0);

        while (first >= 0) {
                int last = first;

                while (domain_cpuset_has(set, (unsigned)last + 1))
                        last++;
                g_string_append_printf(out, last > first ? "%s%d-%d" : "%s%d",
                                       out->len > 0 ? "," : "", first, last);
                first = domain_cpuset_next(set, (unsigned)last + 1);
        }
        return g_string_free(out, FALSE);
}
