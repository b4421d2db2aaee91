/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

const Command commands_device[] = {{}};
