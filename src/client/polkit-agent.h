/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A program that asks for a password on this process's terminal when polkit wants one
 * (pkttyagent(1)). On a desktop its own agent does that. */

#include <glib.h>

#include "base/err.h"

typedef struct PolkitAgent PolkitAgent;

/* Blocks until it is known to polkit. -ENOTTY: there is no terminal; -ENOENT: there is no such
 * program; another negative errno: it ended before it was ready. */
int polkit_agent_start(PolkitAgent **ret);
/* Ends it. NULL: does nothing. */
void polkit_agent_free(PolkitAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PolkitAgent, polkit_agent_free)
