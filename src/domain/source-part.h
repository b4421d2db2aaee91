/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sources of images, for disk.c. */

#include "domain/element.h"
#include "domain/source.h"

extern const char *const domain_disk_types[];   /* by DiskType - 1 */
extern const char *const domain_disk_formats[]; /* by DiskFormat - 1 */

extern const DomainElement domain_source_element;
extern const DomainElement domain_backing_element;

void domain_backing_free(GPtrArray *list);
void domain_source_fill(DomainSource *source);
void domain_backing_fill(GPtrArray *list);

/* Takes the numbers away that only a running guest has. */
void domain_source_strip(DomainSource *source, GPtrArray *backing);

/* The source may be that of an empty drive. */
int domain_source_check(const DomainSource *source, DiskType type, Err *err);

/* The whole chain. */
int domain_backing_check(const GPtrArray *list, Err *err);
