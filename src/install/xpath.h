/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --xml: the last word on the guest's XML.
 *
 *         ./cpu/@mode=host-passthrough     sets what the expression finds, or makes a plain path
 *         xpath.delete=./clock             removes it
 *         xpath.set=./name,xpath.value=x   the same as the first
 *         xpath.create=./devices/panic     makes it */

#include <libxml/tree.h>

#include "base/err.h"

int xpath_apply(xmlDoc *doc, char *const *texts, Err *err);
