/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Directories of the host that the guest mounts: by virtiofs, which a program beside QEMU serves,
 * or by 9p, which QEMU serves itself. */

#include "domain/virtio.h"

typedef enum FsType { FS_TYPE_UNSET, FS_TYPE_MOUNT } FsType;
typedef enum FsDriver { FS_DRIVER_UNSET, FS_DRIVER_9P, FS_DRIVER_VIRTIOFS } FsDriver;
typedef enum FsAccess {
        FS_ACCESS_UNSET,
        FS_ACCESS_PASSTHROUGH, /* with the owners and modes that the guest gives */
        FS_ACCESS_MAPPED,      /* owners and modes stand in extended attributes */
        FS_ACCESS_SQUASH,      /* passthrough, but a failing change of owner is no error */
} FsAccess;
typedef enum FsMultidevs { /* several host file systems below the directory */
                           FS_MULTIDEVS_UNSET,
                           FS_MULTIDEVS_DEFAULT,
                           FS_MULTIDEVS_REMAP,
                           FS_MULTIDEVS_FORBID,
                           FS_MULTIDEVS_WARN,
} FsMultidevs;
typedef enum FsWritePolicy { FS_WRITE_UNSET, FS_WRITE_IMMEDIATE } FsWritePolicy;
typedef enum FsCache { FS_CACHE_UNSET, FS_CACHE_NONE, FS_CACHE_ALWAYS } FsCache;
typedef enum FsSandbox { FS_SANDBOX_UNSET, FS_SANDBOX_NAMESPACE, FS_SANDBOX_CHROOT } FsSandbox;

/* Numbers from start on in the guest are those from target on of the host. */
typedef struct FsIdMap {
        DomainNode node;
        DomainNum start, target, count;
} FsIdMap;

typedef struct DomainFilesystem {
        DomainDevice base;
        FsType type;
        FsAccess accessmode;
        VirtioForm model;
        FsMultidevs multidevs;
        char *fmode, *dmode; /* of new files and directories, octal; with FS_ACCESS_MAPPED */
        struct {
                DomainNode node;
                FsDriver type;
                FsWritePolicy wrpolicy;
                DomainNum queue; /* entries of the request queue: a power of 2 */
                DomainVirtio virtio;
        } driver;
        struct { /* the program that serves virtiofs */
                DomainNode node;
                char *path; /* absolute; NULL: found */
                DomainSwitch xattr;
                struct {
                        DomainNode node;
                        FsCache mode;
                } cache;
                struct {
                        DomainNode node;
                        FsSandbox mode;
                } sandbox;
                struct {
                        DomainNode node;
                        DomainSwitch posix, flock;
                } lock;
                struct {
                        DomainNode node;
                        DomainNum size;
                } thread_pool;
                struct {
                        DomainNode node;
                        DomainNum max;
                } openfiles;
        } binary;
        struct {
                DomainNode node;
                GPtrArray *uids, *gids; /* FsIdMap */
        } idmap;
        struct {
                DomainNode node;
                char *dir;    /* absolute */
                char *socket; /* absolute: who serves there is started by others */
        } source;
        struct {
                DomainNode node;
                char *dir; /* the name to mount it by */
        } target;
        DomainFlag readonly;
} DomainFilesystem;
