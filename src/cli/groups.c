/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

const CommandGroup *const command_groups[] = {
        &group_assign,  &group_doctor,  &group_domain,  &group_monitor, &group_events, &group_host,
        &group_nodedev, &group_network, &group_storage, &group_volume,  &group_self,   NULL,
};
