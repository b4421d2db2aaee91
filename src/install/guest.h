/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest that is being made, as the XML that grows from the command line:
 *
 *         guest_new() → guest_read() → guest_set_defaults() → guest_text()
 *
 * Nothing on the host is changed by any of it; what must be made is listed in `volumes`. */

#include <stdbool.h>
#include <stdint.h>

#include <libxml/tree.h>

#include <glib.h>

#include "base/err.h"

typedef struct Caps Caps;
typedef struct Conn Conn;
typedef struct Options Options;
typedef struct Os Os;
typedef struct OsDb OsDb;

/* A volume that is to be made before the guest is. */
typedef struct NewVolume {
        char *pool;      /* name; NULL: that of directory */
        char *directory; /* … which is made a pool when it is none */
        char *name;
        char *path;    /* once it is known */
        char *format;  /* "qcow2", "raw" */
        uint64_t size; /* bytes; 0: that of the backing image */
        bool whole;    /* all of it is allocated at once */
        char *backing;
        char *backing_format;
        xmlNode *disk; /* in the guest's XML */
} NewVolume;

/* Where the installer comes from. */
typedef enum Method {
        METHOD_NONE,
        METHOD_IMPORT,
        METHOD_CDROM,
        METHOD_TREE,   /* location, or a kernel and an initrd */
        METHOD_DEVICE, /* --pxe, --install bootdev= */
        METHOD_BOOT,   /* --boot says it all */
} Method;

typedef struct GuestDef {
        const Options *options; /* borrowed, as the next two */
        Conn *conn;
        OsDb *db;
        const Os *os;
        Caps *caps;

        xmlDoc *doc;
        xmlNode *domain;
        xmlNode *devices;

        GPtrArray *volumes; /* NewVolume * */
        Method method;
        char *cdrom;     /* image that is put in for the installation; NULL: none */
        char *boot_from; /* "network", "cdrom": what METHOD_DEVICE boots; NULL */
        bool wants_uefi;
        bool no_install; /* nothing is installed: the first boot is the last */
        int root_ports;  /* of q35 */
} GuestDef;

GuestDef *guest_def_new(const Options *options, Conn *conn, OsDb *db);
void guest_def_free(GuestDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestDef, guest_def_free)

/* What the options say of the machine: all but devices. */
int guest_def_read(GuestDef *def, Err *err);

/* What they say of devices. The system is known by now. */
int guest_def_read_devices(GuestDef *def, Err *err);

/* What they did not say. */
int guest_def_set_defaults(GuestDef *def, Err *err);

/* Nothing that an installation needs was left out. */
int guest_def_check(const GuestDef *def, Err *err);

/* "none" was given for that option: there is to be no such device. */
bool guest_def_is_none(const GuestDef *def, const char *option);

/* Devices of that kind; index from 0. NULL: there are fewer. */
xmlNode *guest_def_device(const GuestDef *def, const char *kind, unsigned index);
xmlNode *guest_def_add_device(GuestDef *def, const char *kind);

const char *guest_def_name(const GuestDef *def);

/* Puts the elements in the order that people know; they have no order for the daemon. */
void guest_def_sort(xmlNode *domain);

/* The XML of a whole document. */
char *guest_def_text(xmlDoc *doc);

bool guest_def_is_q35(const GuestDef *def);
bool guest_def_is_uefi(const GuestDef *def);

/* --disk, in disk.c. values is what was typed. */
int guest_def_read_disk(GuestDef *def, const char *text, Err *err);
int guest_def_default_disk(GuestDef *def, xmlNode *disk, Err *err);

/* The image of a CD in a drive of its own, before all others. */
void guest_def_add_cdrom(GuestDef *def, const char *path);

/* --hostdev, in hostdev.c: finds the device that the name means. */
int guest_def_read_hostdev(GuestDef *def, const char *text, Err *err);

void new_volume_free(void *data);

/* The controllers that USB has on a PCI bus: of USB 2, with its companions, and of USB 3. */
void guest_def_add_usb2(GuestDef *def);
void guest_def_add_usb3(GuestDef *def);
