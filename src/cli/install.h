/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/candidates.h"

/* Becomes the program that makes guests, with these words and the connection of cli. Returns only
 * when that fails. */
int install_exec(const Cli *cli, char *const *words, Err *err);

/* What the program prints when it is called with these words, line by line; empty where it is not
 * installed. The caller's, by g_strfreev(). */
char **install_rows(const char *const *words);

/* Offers what can stand for a value of this kind: "device", "file", "network", "system" …. */
void install_offer_value(Offer *o, const char *kind);
