/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options that have sub-options, as data: where each sub-option stands in a guest's XML
 * (libvirt's formatdomain). The names are virt-install's. */

#include "install/suboption.h"

/* NULL: the option has no sub-options. */
const Grammar *grammar_find(const char *option);
