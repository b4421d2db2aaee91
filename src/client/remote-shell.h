/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command that leads to the daemon of another host by ssh. */

#include "client/uri.h"

/* "ssh", its options and host, and the script that the other host's shell gets: airlock-ssh-helper
 * or virt-ssh-helper where there is one, else nc. */
GStrv remote_shell_arguments(const Uri *uri);
