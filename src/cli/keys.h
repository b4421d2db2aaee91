/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The Linux kernel's names of keys. */

/* "KEY_ENTER" as its number, 1 to 255; -ENOENT. */
int key_code(const char *name);
