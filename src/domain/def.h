/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest as its XML describes it: plain values, no running state but what the live XML shows.
 *
 *         r = domain_def_parse(text, size, &defaults, 0, &def, &err);     parse, fill, check
 *         r = layout_assign(def, NULL, &err);                                 addresses
 * (layout/assign.h) text = domain_def_format(def, DOMAIN_FORMAT_INACTIVE); live =
 * domain_def_copy(def); domain_def_assign_aliases(live);   when the guest starts
 *
 * The structs mirror the XML: an element is a struct that starts with a DomainNode, an attribute is
 * a field. A string is NULL, an enum 0 (…_UNSET), a DomainNum not set where the XML says nothing.
 * Which field is which attribute stands in one set of tables (tables.c); parsing, formatting,
 * copying and freeing all walk these.
 *
 * Three classes of what an XML says: what is served is in the structs; what libvirt's schema has
 * and we do not serve is refused with VIR_ERR_CONFIG_UNSUPPORTED, its name and its line; what no
 * schema has is kept byte for byte where it stood and named in def->warnings. */

#include <glib.h>

#include "base/err.h"
#include "domain/chardev.h"
#include "domain/controller.h"
#include "domain/disk.h"
#include "domain/display.h"
#include "domain/filesystem.h"
#include "domain/hostdev.h"
#include "domain/input.h"
#include "domain/interface.h"
#include "domain/iommu.h"
#include "domain/machine.h"
#include "domain/memory.h"
#include "domain/misc.h"
#include "domain/node.h"
#include "domain/sound.h"
#include "domain/tpm.h"
#include "domain/vsock.h"

typedef struct DomainDef DomainDef;
struct DomainDef {
        DomainNode node;
        DomainType type;
        DomainNum id; /* live */
        char *name;
        uint8_t uuid[16];
        char *title, *description;
        char *metadata; /* <metadata>…</metadata>, byte for byte; NULL: none */

        struct {
                DomainNode node;
                uint8_t uuid[16]; /* changes when the guest goes back in time */
        } genid;

        struct {
                DomainNode node;
                DomainNum slots;
                uint64_t kib;
        } max_memory; /* with what can be plugged in */
        struct {
                DomainNode node;
                DomainSwitch dump_core;
        } memory_element;
        uint64_t memory, current_memory; /* KiB; memory: all cells and devices */
        DomainMemoryBacking memory_backing;
        struct {
                DomainNode node;
                VcpuPlacement placement;
                char *cpuset; /* where threads may be that nothing else pins */
                DomainNum current;
                DomainNum count;
        } vcpu;
        struct {
                DomainNode node;
                GPtrArray *list; /* DomainVcpu, by id, each vCPU once; NULL: not told apart */
        } vcpus;
        DomainNum iothreads;
        struct {
                DomainNode node;
                GPtrArray *list; /* DomainIothread: always as many as iothreads says */
        } iothreadids;
        DomainCputune cputune;
        DomainNumatune numatune;
        struct {
                DomainNode node;
                char *partition; /* "/machine" */
        } resource;

        GPtrArray *sysinfo; /* DomainSysinfo */
        DomainOs os;
        DomainFeatures features;
        DomainCpu cpu;
        DomainClock clock;
        LifecycleAction on_poweroff, on_reboot, on_crash;
        struct {
                DomainNode node;
                DomainEnabled mem, disk;
        } pm;

        struct {
                DomainNode node;
                char *emulator;
                GPtrArray *list[_DOMAIN_DEVICE_MAX]; /* DomainDevice; never NULL */
                DomainRedirFilter redirfilter;
        } devices;

        GPtrArray *seclabels; /* DomainSeclabel */
        DomainQemuCommandline qemu_commandline;
        GPtrArray *warnings; /* char *: what no schema knows, one sentence each; never NULL */
};

/* Namespace of <qemu:commandline>. */
#define DOMAIN_QEMU_NS "http://libvirt.org/schemas/domain/qemu/1.0"

/* Iterates over the guest's devices of one kind; the body must not add or remove any. */
#define DOMAIN_FOREACH(Type, item, def, kind_)                                          \
        for (guint _i_##item = 0, _n_##item = (def)->devices.list[kind_]->len;          \
             _i_##item < _n_##item; _i_##item = _n_##item)                              \
                for (Type * item;                                                       \
                     _i_##item < _n_##item &&                                           \
                     (item = g_ptr_array_index((def)->devices.list[kind_], _i_##item)); \
                     _i_##item++)

/* The assigned PCI functions among the host devices. */
#define DOMAIN_FOREACH_FUNCTION(hostdev, def)                       \
        DOMAIN_FOREACH(DomainHostdev, hostdev, def, DOMAIN_HOSTDEV) \
                if (!domain_hostdev_is_pci(hostdev))                \
                        continue;                                   \
                else

/* What a definition that is silent about it gets. */
typedef struct DomainDefaults {
        const char *emulator; /* NULL: "/usr/bin/qemu-system-x86_64" */
        const char *machine;  /* NULL: "pc" */
        /* Pairs of a machine's alias and its name ("q35", "pc-q35-10.0", …, NULL), from QEMU's
         * capabilities, so that a guest keeps its hardware when QEMU is upgraded. NULL: none. */
        const char *const *machine_aliases;
        unsigned max_hostdevs; /* 0: DOMAIN_HOSTDEVS_MAX */
        /* Chooses loader and nvram for <os firmware='…'>, or completes them by what the host has
         * (qemu/firmware.h). NULL: a definition has to name them. */
        int (*choose_firmware)(DomainDef *def, const void *firmware, Err *err);
        const void *firmware;
} DomainDefaults;

typedef enum DomainParseFlags {
        DOMAIN_PARSE_VALIDATE = 1 << 0, /* what no schema knows is refused as well */
        DOMAIN_PARSE_LIVE = 1 << 1,     /* our own live XML: keep id, aliases, pty paths, ports */
} DomainParseFlags;

typedef enum DomainFormatFlags {
        DOMAIN_FORMAT_INACTIVE = 1 << 0, /* without what only the running guest has */
        DOMAIN_FORMAT_SECURE = 1 << 1,   /* with passwords */
} DomainFormatFlags;

/* Parses, fills the defaults and checks (validate.h). defaults may be NULL. */
int domain_def_parse(const char *text, size_t size, const DomainDefaults *defaults,
                     DomainParseFlags flags, DomainDef **ret, Err *err);
char *domain_def_format(const DomainDef *def, DomainFormatFlags flags);
DomainDef *domain_def_copy(const DomainDef *def);
void domain_def_free(DomainDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainDef, domain_def_free)

/* Whole-definition checks: unique names, targets and addresses, limits. domain_def_parse and
 * domain_def_add_device have done them. */
int domain_def_validate(const DomainDef *def, const DomainDefaults *defaults, Err *err);

/* Gives every device without one the id that it has in QEMU ("net0", "virtio-disk0", "pci.1"). */
void domain_def_assign_aliases(DomainDef *def);

/* A name for one device that is plugged into the running guest def. */
void domain_def_assign_alias(const DomainDef *def, DomainDevice *device);

/* Text of the UUID: 36 characters and a NUL. */
#define DOMAIN_UUID_TEXT_MAX 37
const char *domain_uuid_format(const uint8_t uuid[16], char text[static DOMAIN_UUID_TEXT_MAX]);
/* Reads 36 characters, or 32 hexadecimal digits with '-' anywhere between. -EINVAL otherwise. */
int domain_uuid_parse(const char *text, uint8_t ret[16]);

static inline bool domain_def_is_q35(const DomainDef *def) {
        return g_str_has_prefix(def->os.type.machine, "pc-q35") ||
               g_str_equal(def->os.type.machine, "q35");
}

/* Airlock's own element in the metadata,
 *         <airlock:handover xmlns:airlock='https://airlock-project.example/xmlns/handover/1'
 *                           companions='park'/>
 * True: companions of the guest's devices are parked with them. */
#define DOMAIN_HANDOVER_NS "https://airlock-project.example/xmlns/handover/1"
bool domain_def_parks_companions(const DomainDef *def);

/* Counts memory anew where the guest has NUMA nodes: theirs and that of its memory devices. */
void domain_def_sum_memory(DomainDef *def);

/* The child of <metadata> in a namespace, as virDomainGetMetadata gives it: without the namespace;
 * NULL: none. */
char *domain_def_metadata(const DomainDef *def, const char *uri);

/* Replaces that child by xml, which gets the namespace under the prefix key; xml NULL: removes it.
 * The other children keep their bytes. */
int domain_def_set_metadata(DomainDef *def, const char *key, const char *uri, const char *xml,
                            Err *err);

/* The same of a <metadata> element as it stands; NULL: none. */
char *domain_metadata_get(const char *metadata, const char *uri);
int domain_metadata_set(char **metadata, const char *key, const char *uri, const char *xml,
                        Err *err);
