/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Node devices: the host's devices under libvirt's names ("pci_0000_01_00_0"). */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"

typedef struct Conn Conn;

/* Bits 0 to 21 of a list's flags choose by capability; nodedev_cap_flag() knows their names. */
#define NODEDEV_LIST_PERSISTENT (1u << 28)
#define NODEDEV_LIST_TRANSIENT  (1u << 29)
#define NODEDEV_LIST_INACTIVE   (1u << 30)
#define NODEDEV_LIST_ACTIVE     (1u << 31)

#define NODEDEV_XML_INACTIVE 1u

/* "pci" to its bit; 0: there is no such capability. */
unsigned nodedev_cap_flag(const char *cap);

/* NULL-terminated names of all capabilities, in the order of their bits. */
const char *const *nodedev_caps(void);

/* Sorted names. */
int nodedev_list(Conn *conn, unsigned flags, char ***ret, Err *err);

/* 0 when there is such a device. */
int nodedev_lookup(Conn *conn, const char *name, Err *err);

int nodedev_xml(Conn *conn, const char *name, unsigned flags, char **ret, Err *err);

/* *ret is NULL for the root of the tree. */
int nodedev_parent(Conn *conn, const char *name, char **ret, Err *err);

typedef enum NodedevQuestion {
        NODEDEV_IS_ACTIVE,
        NODEDEV_IS_PERSISTENT,
        NODEDEV_HAS_AUTOSTART,
        _NODEDEV_QUESTION_MAX,
} NodedevQuestion;

int nodedev_ask(Conn *conn, const char *name, NodedevQuestion question, bool *ret, Err *err);

/* driver NULL: the daemon's choice, vfio. */
int nodedev_detach(Conn *conn, const char *name, const char *driver, Err *err);
int nodedev_reattach(Conn *conn, const char *name, Err *err);
int nodedev_reset(Conn *conn, const char *name, Err *err);
