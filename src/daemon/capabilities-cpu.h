/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The <cpu> of a domain capabilities document: the modes and the models. */

#include "base/xml.h"
#include "qemu/caps.h"
#include "qemu/cpu-model.h"

/* facts NULL: the models are known by name only. */
void capabilities_write_cpu(XmlWriter *xml, const QemuCaps *caps, const CpuFacts *facts,
                            CpuAccel accel);
