/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The images of a guest's disks on this host: that they are there, and which images are below them.
 * QEMU would follow an image's header by itself, to whatever file the guest wrote into it: here it
 * is read first, bounded, and the whole chain is given to QEMU as nodes.
 *
 *         vm_image_look     in a child process, as a file system may hang
 *         vm_image_fill     from what the look has found, before QEMU is told of the disk */

#include "daemon/image-facts.h"
#include "daemon/vm.h"

/* A look that takes longer has hit a file system that hangs. */
#define VM_IMAGE_LOOK_SECONDS 20

#define VM_IMAGE_LATER 1

/* facts is the callee's; NULL when err says why there is none. */
typedef void (*VmImageLooked)(ImageFacts *facts, const Err *err, void *userdata);

/* disks (of DomainDevice; those that are no disks are left out) with all that is below them.
 * VM_IMAGE_LATER: done will be called from a later event; 0: none has an image on this host. */
int vm_image_look(const Vm *vm, const GPtrArray *disks, VmImageLooked done, void *userdata,
                  Err *err);

/* The same for the device of xml that a running guest may get; what cannot be parsed is left to who
 * uses it. */
int vm_image_look_at(const Vm *vm, const char *xml, VmImageLooked done, void *userdata, Err *err);

/* Completes the chain of images of a disk of live, and numbers them. facts NULL: there is no image
 * on this host. */
int vm_image_fill(const DomainDef *live, DomainDisk *disk, ImageFacts *facts, Err *err);

/* The same for every disk of live. Before that: of disks whose image is not there and whose
 * startupPolicy is 'optional', drives lose the medium, others are left out. */
int vm_image_fill_all(const Vm *vm, DomainDef *live, ImageFacts *facts, Err *err);
