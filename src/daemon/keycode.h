/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keys as clients name them, for QEMU: its own numbers ("qnum") are the scan codes of the first PC
 * keyboards (AT set 1), with the top bit for the keys that came later and have the prefix e0. */

#include "base/err.h"

/* virKeycodeSet. */
typedef enum KeycodeSet {
        KEYCODE_LINUX, /* linux/input-event-codes.h */
        KEYCODE_XT,
        KEYCODE_ATSET1, /* 0xe01c: with its prefix */
        KEYCODE_ATSET2,
        KEYCODE_ATSET3,
        KEYCODE_OSX,
        KEYCODE_XT_KBD,
        KEYCODE_USB,   /* HID usage page 7 */
        KEYCODE_WIN32, /* virtual-key codes */
        KEYCODE_QNUM,  /* RFB's extended key events, too */
        _KEYCODE_MAX,
} KeycodeSet;

/* A set that is not known is an INVALID_ARG, a key that is not in it an INTERNAL_ERROR, as clients
 * expect. */
int keycode_to_qnum(unsigned set, unsigned code, unsigned *ret, Err *err);
