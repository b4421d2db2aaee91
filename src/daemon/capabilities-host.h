/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The <host> of the capabilities document: processor, cells, caches. */

#include "base/sys.h"
#include "base/xml.h"
#include "qemu/cpu-model.h"

/* facts NULL: no QEMU told which models there are, and the host has no name of one. */
void capabilities_write_host(XmlWriter *xml, const Sys *sys, const CpuFacts *facts);
