/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A change of a guest's numbers, in what runs, in what is configured, or in both, as one job:
 *
 *         check on each definition that is meant → commands to QEMU, one after the other → apply
 *
 * Nothing is applied unless all checks have passed and QEMU has done all it was told. */

#include "daemon/image-facts.h"
#include "daemon/vm.h"

typedef struct VmTune VmTune;

typedef struct VmTuneKind {
        const char *name; /* of the job */
        /* What the checks have to know and takes time; VM_TUNE_WAIT: goes on by vm_tune_checks() or
         * vm_tune_fail(). NULL: nothing. */
        int (*look)(VmTune *tune, Err *err);
        int (*check)(const VmTune *tune, const DomainDef *def, bool is_live, Err *err);
        /* What the host does, and the first commands for QEMU, by vm_tune_tell(); NULL: none. */
        int (*begin)(VmTune *tune, Err *err);
        /* QEMU has done a command; may tell it more. VM_TUNE_WAIT: goes on by vm_tune_next() or
         * vm_tune_fail(). NULL: nothing depends on the answers. */
        int (*answered)(VmTune *tune, json_t *result, Err *err);
        /* QEMU has refused a command: true to give it once more, VM_TUNE_AGAIN_USEC later. NULL:
         * never. */
        bool (*again)(VmTune *tune, const Err *err);
        /* It has refused for good: what tune->commands holds then is sent to put things back. */
        void (*failed)(VmTune *tune);
        void (*apply)(const VmTune *tune, DomainDef *def, bool is_live); /* NULL: nothing to note */
} VmTuneKind;

#define VM_TUNE_WAIT       1
#define VM_TUNE_AGAIN_USEC UINT64_C(250000)

struct VmTune {
        const VmTuneKind *kind;
        bool live, config; /* neither: what the guest is now */
        unsigned index;    /* of a virtual CPU, an I/O thread … */
        uint64_t value;
        const char *text; /* copied */
        const void *data; /* of data_size bytes that own nothing; copied */
        size_t data_size;
        const uint8_t *map; /* processors of the host, lowest bit first; copied */
        size_t map_size;

        /* Of the mechanism; zero in what is given to vm_tune(). */
        Vm *vm;
        Job *job;
        json_t *commands;
        size_t next;
        unsigned tries;
        json_t *first_answer;   /* for kinds */
        ImageFacts *images;     /* of a disk that changes; NULL: none is on this host */
        sd_event_source *timer; /* ends with the tune */
};

/* Runs the change as a job and answers the call; of is copied. */
int vm_tune(Vm *vm, const VmTune *of, Call *call, Err *err);

/* For kinds. arguments is taken over. */
void vm_tune_tell(VmTune *tune, const char *command, json_t *arguments);
void vm_tune_checks(VmTune *tune);
void vm_tune_next(VmTune *tune);
void vm_tune_fail(VmTune *tune, const Err *err);

/* LIVE and CONFIG as a client asked, neither meaning what the guest is now; fails where the guest
 * does not run, or has no configuration. */
int vm_settle(const Vm *vm, bool *live, bool *config, Err *err);

/* ---- kinds ---- */

extern const VmTuneKind vm_tune_memory;        /* value: KiB */
extern const VmTuneKind vm_tune_max_memory;    /* value: KiB */
extern const VmTuneKind vm_tune_memory_period; /* value: seconds */
extern const VmTuneKind vm_tune_vcpus;         /* value: how many are online */
extern const VmTuneKind vm_tune_vcpu;          /* index: which; value: 0 is off */
extern const VmTuneKind vm_tune_max_vcpus;     /* value: how many there are */
extern const VmTuneKind vm_tune_vcpu_pin;      /* index, map (vm-pin.c) */
extern const VmTuneKind vm_tune_emulator_pin;  /* map */
extern const VmTuneKind vm_tune_iothread_pin;  /* index, map */
extern const VmTuneKind vm_tune_add_iothread;  /* index */
extern const VmTuneKind vm_tune_del_iothread;  /* index */
extern const VmTuneKind vm_tune_device;        /* text: XML; index: not 0 forces a drive open */
extern const VmTuneKind vm_tune_disk_size;     /* text: the disk; value: bytes */

/* QEMU says so. */
void vm_balloon_changed(Vm *vm, uint64_t bytes);
/* A virtual CPU was let go of by the guest. False: alias is none. */
bool vm_vcpu_deleted(Vm *vm, const char *alias);
