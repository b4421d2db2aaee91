/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The image with which a cloud system finds its answers at its first boot ("NoCloud": a CD called
 * CIDATA with user-data, meta-data and perhaps network-config). */

#include <stdbool.h>

#include "base/err.h"

/* text: the value of --cloud-init. Makes the image in directory. */
int cloud_init_make(const char *text, const char *directory, const char *name, char **ret_path,
                    Err *err);

/* The user-data that the sub-options make. password: NULL: none. Pure. */
char *cloud_init_user_data(const char *password, const char *root_key, const char *user_key,
                           bool disable);
