/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/verdict.h"

#include <stdarg.h>
#include <string.h>

struct Verdict {
        GPtrArray *blockers, *warnings; /* of Blocker */
};

/* The name in reports, and how a client's call fails: the configuration can never work here, or it
 * cannot work now. */
static const struct BlockerClass {
        const char *name;
        ErrCode code;
} blocker_classes[] = {
        [BLOCKER_ABSENT] = {"absent", VIR_ERR_CONFIG_UNSUPPORTED},
        [BLOCKER_NOT_ENDPOINT] = {"not-endpoint", VIR_ERR_CONFIG_UNSUPPORTED},
        [BLOCKER_NO_IOMMU] = {"no-iommu", VIR_ERR_CONFIG_UNSUPPORTED},
        [BLOCKER_NOIOMMU_GROUP] = {"noiommu-group", VIR_ERR_CONFIG_UNSUPPORTED},
        [BLOCKER_NO_REMAPPING] = {"no-interrupt-remapping", VIR_ERR_CONFIG_UNSUPPORTED},
        [BLOCKER_NO_VFIO] = {"no-vfio", VIR_ERR_CONFIG_UNSUPPORTED},
        [BLOCKER_NO_ACCESS] = {"no-access", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_RESERVED] = {"reserved-memory", VIR_ERR_CONFIG_UNSUPPORTED},
        [BLOCKER_OTHER_CARD] = {"other-card", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_OFF_BUS] = {"off-bus", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_IN_GUEST] = {"in-guest", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_ON_HOST] = {"on-host", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_COMPANION] = {"companion-on-host", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_COMPANION_GUEST] = {"companion-in-guest", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_HOST_NEEDS_IT] = {"host-needs-it", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_HAS_VFS] = {"virtual-functions-in-use", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_QUARANTINED] = {"quarantined", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_STUCK] = {"stuck", VIR_ERR_OPERATION_INVALID},
        [BLOCKER_BUSY] = {"busy", VIR_ERR_RESOURCE_BUSY},
        [BLOCKER_NO_RESET] = {"no-reset", VIR_ERR_CONFIG_UNSUPPORTED},
        [BLOCKER_CONVENTIONAL] = {"conventional-pci", VIR_ERR_CONFIG_UNSUPPORTED},
};
G_STATIC_ASSERT(G_N_ELEMENTS(blocker_classes) == _BLOCKER_CODE_MAX);

const char *blocker_code_to_string(BlockerCode code) {
        return blocker_classes[code].name;
}

static void blocker_free(void *data) {
        Blocker *blocker = data;

        g_free(blocker->owner);
        g_free(blocker->message);
        g_free(blocker->way_out);
        g_free(blocker);
}

Blocker *blocker_new(BlockerCode code, PciAddr addr, const char *format, ...) {
        Blocker *blocker = g_new0(Blocker, 1);
        va_list ap;

        blocker->code = code;
        blocker->addr = addr;
        va_start(ap, format);
        blocker->message = g_strdup_vprintf(format, ap);
        va_end(ap);
        return blocker;
}

Verdict *verdict_new(void) {
        Verdict *verdict = g_new0(Verdict, 1);

        verdict->blockers = g_ptr_array_new_with_free_func(blocker_free);
        verdict->warnings = g_ptr_array_new_with_free_func(blocker_free);
        return verdict;
}

void verdict_free(Verdict *verdict) {
        if (!verdict)
                return;
        g_ptr_array_unref(verdict->blockers);
        g_ptr_array_unref(verdict->warnings);
        g_free(verdict);
}

static void add(GPtrArray *list, Blocker *blocker) {
        for (unsigned i = 0; i < list->len; i++)
                if (strcmp(((const Blocker *)list->pdata[i])->message, blocker->message) == 0) {
                        blocker_free(blocker);
                        return;
                }
        g_ptr_array_add(list, blocker);
}

void verdict_add_consume(Verdict *verdict, Blocker *blocker) {
        add(verdict->blockers, blocker);
}

void verdict_warn_consume(Verdict *verdict, Blocker *blocker) {
        add(verdict->warnings, blocker);
}

bool verdict_is_yes(const Verdict *verdict) {
        return verdict->blockers->len == 0;
}

const Blocker *const *verdict_blockers(const Verdict *verdict, size_t *ret_n) {
        *ret_n = verdict->blockers->len;
        return (const Blocker *const *)verdict->blockers->pdata;
}

const Blocker *const *verdict_warnings(const Verdict *verdict, size_t *ret_n) {
        *ret_n = verdict->warnings->len;
        return (const Blocker *const *)verdict->warnings->pdata;
}

static json_t *list_to_json(const GPtrArray *list) {
        json_t *json = json_array();

        for (unsigned i = 0; i < list->len; i++) {
                const Blocker *b = list->pdata[i];

                json_array_append_new(json,
                                      json_pack("{s:s, s:s, s:s?, s:s, s:s?}", "code",
                                                blocker_code_to_string(b->code), "address",
                                                PCI_ADDR_TEXT(b->addr), "owner", b->owner,
                                                "message", b->message, "way_out", b->way_out));
        }
        return json;
}

json_t *verdict_to_json(const Verdict *verdict) {
        return json_pack("{s:s, s:o, s:o}", "verdict", verdict_is_yes(verdict) ? "yes" : "no",
                         "blockers", list_to_json(verdict->blockers), "warnings",
                         list_to_json(verdict->warnings));
}

/* One blocker is an error with its hint; several are told one after the other, each with its own
 * way out. */
int verdict_to_err(const Verdict *verdict, Err *err) {
        g_autoptr(GString) text = g_string_new(NULL);
        const Blocker *first;
        int r;

        if (verdict_is_yes(verdict))
                return 0;
        first = verdict->blockers->pdata[0];
        for (unsigned i = 1; i < verdict->blockers->len; i++) {
                const Blocker *b = verdict->blockers->pdata[i];

                g_string_append_printf(text, ". %s%s%s", b->message, b->way_out ? "; " : "",
                                       b->way_out ? b->way_out : "");
        }
        if (text->len > 0 && first->way_out)
                g_string_prepend(text, first->way_out);
        r = fail(err, blocker_classes[first->code].code, "%s", first->message);
        if (text->len > 0 && !first->way_out)
                return fail_hint(err, r, "%s", text->str + 2);
        if (text->len > 0)
                return fail_hint(err, r, "%s", text->str);
        return first->way_out ? fail_hint(err, r, "%s", first->way_out) : r;
}
