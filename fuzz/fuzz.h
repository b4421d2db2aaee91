/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one entry that libFuzzer and fuzz/replay.c call. */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
