/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of a domain capabilities document that are of no device: what clients ask before they
 * write <os>, <memoryBacking> and <features>. */

#include "base/xml.h"
#include "qemu/firmware.h"

void capabilities_write_os(XmlWriter *xml, FirmwareStore *firmwares, const char *machine);
void capabilities_write_memory(XmlWriter *xml);
void capabilities_write_features(XmlWriter *xml, bool is_kvm);
