/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "handover/handover.h"

/* usage: verdicts ROOT STATE-DIR
 * What a daemon on the host whose files are below ROOT would say of each function, in the shape of
 * the member "devices" of the doctor's report. */

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

static int ask(Handover *h, PciAddr addr, json_t *list, Err *err) {
        const HandoverRequest request = {
                .any_guest = true,
                .managed = true,
                .addrs = &addr,
                .n = 1,
        };
        g_autoptr(Verdict) verdict = NULL;
        const Blocker *const *blockers, *const *warnings;
        size_t n_blockers, n_warnings;
        int r = handover_verdict(h, &request, &verdict, err);

        if (r < 0)
                return r;
        blockers = verdict_blockers(verdict, &n_blockers);
        warnings = verdict_warnings(verdict, &n_warnings);
        json_array_append_new(list,
                              json_pack("{s:s, s:b, s:o, s:o}", "address", PCI_ADDR_TEXT(addr),
                                        "assignable", verdict_is_yes(verdict), "blockers",
                                        codes_of(blockers, n_blockers), "warnings",
                                        codes_of(warnings, n_warnings)));
        return 0;
}

static int tell_all(PciTree *tree, const char *state_dir, Err *err) {
        g_autoptr(Handover) h = NULL;
        json_t *list = json_array();
        size_t n;
        const PciDevice *const *all = pci_tree_list(tree, &n);
        int r = handover_new(NULL, tree, state_dir, &h, err);

        for (size_t i = 0; r == 0 && i < n; i++)
                r = ask(h, all[i]->addr, list, err);
        if (r == 0)
                json_dumpf(list, stdout, JSON_COMPACT);
        json_decref(list);
        return r;
}

int main(int argc, char **argv) {
        g_autoptr(Sys) sys = NULL;
        g_autoptr(PciTree) tree = NULL;
        g_auto(Err) err = ERR_INIT;
        int r = argc == 3 ? sys_new(argv[1], &sys) : -1;

        if (r == 0)
                r = pci_tree_new(sys, &tree, &err);
        if (r == 0)
                r = tell_all(tree, argv[2], &err);
        if (r < 0)
                fprintf(stderr, "%s\n",
                        err.message ? err.message : "usage: verdicts ROOT STATE-DIR");
        return r < 0 ? 1 : 0;
}
