/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A node device in libvirt's XML (its schema is nodedev.rng), to the byte of what libvirt 11.3
 * writes for what both show. The interface's state and speed are read when asked for, because the
 * kernel sends no device event when a cable is pulled. */

#include "daemon/nodedev.h"

/* The caller frees the text. dev is one of nodedevs. */
char *nodedev_to_xml(const Nodedevs *nodedevs, const Nodedev *dev);
