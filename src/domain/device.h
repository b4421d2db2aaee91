/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One device by itself: what a client attaches, detaches or changes, and its place in a guest. */

#include "domain/def.h"

/* Reads one device's XML ("<hostdev …>"). Defaults that hang on the guest (a USB controller's
 * model, an index) are filled from def, which also takes the warnings.
 * DOMAIN_PARSE_LIVE is for a device that is sought in a running guest: its alias names it. Without,
 * aliases that are not the user's own ("ua-…") are dropped. */
int domain_device_parse(DomainDef *def, const char *text, size_t size, DomainParseFlags flags,
                        DomainDevice **ret, Err *err);
char *domain_device_format(const DomainDevice *device, DomainFormatFlags flags);
DomainDevice *domain_device_copy(const DomainDevice *device);
DomainDevice *domain_device_new(DomainDeviceKind kind);
void domain_device_free(DomainDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainDevice, domain_device_free)

/* "hostdev 0000:01:00.0", "disk vda", "interface 52:54:00:…": how messages name it. */
char *domain_device_describe(const DomainDevice *device);

/* The guest's own device that wanted means: by alias where it gives one, else a hostdev by its
 * source, a disk by its target, an interface by its MAC address, others by all that wanted says.
 * VIR_ERR_DEVICE_MISSING when there is none, VIR_ERR_OPERATION_FAILED when several fit. */
int domain_def_find_device(const DomainDef *def, const DomainDevice *wanted, DomainDevice **ret,
                           Err *err);
DomainDevice *domain_def_find_alias(const DomainDef *def, const char *alias);

/* The hostdev that holds a host function; NULL: none. */
DomainHostdev *domain_def_find_hostdev(const DomainDef *def, PciAddr addr);

/* Adds a device after checking that it fits beside the others; def owns it then. On failure nothing
 * changed and the caller keeps it. */
int domain_def_add_device(DomainDef *def, const DomainDefaults *defaults, DomainDevice *device,
                          Err *err);

/* Takes a device (a pointer into def) out of the guest and gives it to the caller. */
DomainDevice *domain_def_take_device(DomainDef *def, DomainDevice *device);

/* The host function that a hostdev means. */
PciAddr domain_hostdev_addr(const DomainHostdev *hostdev);

/* True for a device that sits on the guest's PCI bus (has or needs an address of type pci). */
bool domain_device_is_pci(const DomainDef *def, const DomainDevice *device);

/* True for a device that sits on a USB port (has or needs an address of type usb). */
bool domain_device_is_usb(const DomainDevice *device);

/* Whether the guest has a USB bus at all. */
bool domain_def_has_usb(const DomainDef *def);

/* PCI controllers by the bus number that they make; NULL: no such bus. */
DomainController *domain_def_find_bus(const DomainDef *def, unsigned bus);

/* The first controller of a type; NULL: none. */
DomainController *domain_def_find_controller(const DomainDef *def, ControllerType type,
                                             unsigned index);
