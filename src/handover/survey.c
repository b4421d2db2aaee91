/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/survey.h"

#include "handover/host.h"

struct Survey {
        Handover host; /* as far as a verdict looks at it */
        Platform *platform;
};

Survey *survey_new(PciTree *tree) {
        Survey *survey = g_new0(Survey, 1);

        survey->host.tree = tree;
        survey->host.sys = pci_tree_sys(tree);
        survey->host.ledger = ledger_new();
        survey->host.running = g_ptr_array_new();
        survey->platform = platform_load(survey->host.sys);
        return survey;
}

void survey_free(Survey *survey) {
        if (!survey)
                return;
        ledger_free(survey->host.ledger);
        g_ptr_array_unref(survey->host.running);
        platform_free(survey->platform);
        g_free(survey);
}

const Platform *survey_platform(const Survey *survey) {
        return survey->platform;
}

int survey_ask(const Survey *survey, PciAddr addr, Verdict **ret, Err *err) {
        const HandoverRequest request = {
                .any_guest = true,
                .managed = true,
                .addrs = &addr,
                .n = 1,
        };

        return handover_judge(&survey->host, survey->platform, &request, ret, err);
}
