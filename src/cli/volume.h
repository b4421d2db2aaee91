/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the commands of pools and of volumes share. */

#include "cli/cli.h"
#include "client/storage.h"

/* A pool by its name or UUID. */
int cli_pool(Cli *cli, const char *name, StoragePool **ret, Err *err);
