/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the bytes of a disk image come from, for a disk and for each layer of its backing chain. */

#include "domain/node.h"

#define DOMAIN_CHAIN_MAX 64 /* layers below an image */

typedef enum DiskType {
        DISK_TYPE_UNSET,
        DISK_TYPE_FILE,
        DISK_TYPE_BLOCK,
        DISK_TYPE_NETWORK,
        _DISK_TYPE_MAX,
} DiskType;

typedef enum DiskFormat { DISK_FORMAT_UNSET, DISK_FORMAT_RAW, DISK_FORMAT_QCOW2 } DiskFormat;

typedef enum SourceProtocol {
        SOURCE_PROTOCOL_UNSET,
        SOURCE_NBD,
        SOURCE_HTTP,
        SOURCE_HTTPS,
        _SOURCE_PROTOCOL_MAX,
} SourceProtocol;

typedef enum SourceTransport {
        SOURCE_TRANSPORT_UNSET, /* TCP */
        SOURCE_TCP,
        SOURCE_UNIX,
} SourceTransport;

/* What a guest's start does when the image is not there. */
typedef enum StartupPolicy {
        STARTUP_UNSET,
        STARTUP_MANDATORY,
        STARTUP_REQUISITE, /* fails as well: a migration alone would drop it */
        STARTUP_OPTIONAL,  /* starts without it */
} StartupPolicy;

typedef struct SourceHost {
        DomainNode node;
        char *name;
        DomainNum port;
        SourceTransport transport;
        char *socket; /* of SOURCE_UNIX: absolute */
} SourceHost;

typedef struct DomainSource {
        DomainNode node;
        char *file; /* of DISK_TYPE_FILE: absolute */
        char *dev;  /* of DISK_TYPE_BLOCK: absolute */
        SourceProtocol protocol;
        char *name;  /* NBD's export (NULL: the default one), a URL's path */
        char *query; /* of a URL, without '?' */
        StartupPolicy startup_policy;
        DomainNum index;  /* live: the image's number among all of the guest */
        GPtrArray *hosts; /* SourceHost */
        struct {
                DomainNode node;
                DomainSwitch verify;
        } ssl;
        struct {
                DomainNode node;
                DomainNum size; /* bytes */
        } readahead;
        struct {
                DomainNode node;
                DomainNum seconds;
        } timeout;
        struct {
                DomainNode node;
                DomainNum delay; /* seconds */
        } reconnect;
} DomainSource;

/* A layer below an image; one without a type is the end of the chain. */
typedef struct DomainBacking {
        DomainNode node;
        DiskType type;
        DomainNum index; /* as source.index */
        struct {
                DomainNode node;
                DiskFormat type;
        } format;
        DomainSource source;
        GPtrArray *backing; /* DomainBacking, one at most; NULL: not told */
} DomainBacking;

/* The layer below, from a list of one; NULL: none, or not told. */
static inline DomainBacking *domain_backing_of(const GPtrArray *list) {
        DomainBacking *backing = list && list->len > 0 ? list->pdata[0] : NULL;

        return backing && backing->type ? backing : NULL;
}

/* Path on the host: of a file, a block device; NULL: a network's, or nothing. */
const char *domain_source_path(const DomainSource *source);

/* The source says where something is. */
bool domain_source_is_set(const DomainSource *source);

DomainBacking *domain_backing_new(void);

/* Makes it a layer that is a file or block device of the host. */
void domain_backing_set_path(DomainBacking *backing, const char *path, bool is_block,
                             DiskFormat format);
