/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of a command line, for args.c. What QEMU takes as JSON is built as JSON, so that the
 * same object serves the command line and QMP. */

#include "qemu/args.h"

typedef struct QemuContext {
        const DomainDef *def;
        const QemuRuntime *runtime;
} QemuContext;

/* Options of the machine itself: all but devices and what stands behind them. */
int qemu_args_machine(GPtrArray *args, const QemuContext *context, Err *err);
int qemu_args_boot(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime, Err *err);
void qemu_args_flash(GPtrArray *args, const DomainDef *def);
void qemu_args_clock(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime);
void qemu_args_cpu(GPtrArray *args, const DomainDef *def);
void qemu_args_smp(GPtrArray *args, const DomainDef *def);
void qemu_args_memory(GPtrArray *args, const QemuContext *context);
void qemu_args_iothreads(GPtrArray *args, const DomainDef *def);
void qemu_args_own(GPtrArray *args, const DomainDef *def); /* <qemu:arg>, at the end */

/* The machine's memory is an object of its own, and not what -m makes. */
bool qemu_args_has_main_memory(const DomainDef *def);

/* NULL: the definition names no such timer. */
const DomainTimer *qemu_args_find_timer(const DomainDef *def, TimerName name);

void qemu_args_add(GPtrArray *args, const char *option, const char *value);
void qemu_args_add_json(GPtrArray *args, const char *option, json_t *consumed);
void qemu_args_add_format(GPtrArray *args, const char *option, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

/* value with ',' doubled, as QEMU's key=value lists want it. */
char *qemu_args_escape(const char *value);

/* The text by which QEMU knows an open file: a number, or its name where it came over the monitor.
 */
char *qemu_args_fd(const QemuRuntime *runtime, const char *name);

/* ---- crowded guests (args-crowd.c) ---- */

/* Leaves out of a device's object what QEMU and firmware have no room for in this guest. */
void qemu_args_suit_crowd(const DomainDef *def, const DomainDevice *device, json_t *object);

/* Refuses a guest of more devices than QEMU has room for at all. */
int qemu_args_check_crowd(const DomainDef *def, Err *err);

/* The device is not for the command line: it is plugged in before the guest runs. */
bool qemu_args_is_late(const DomainDef *def, const DomainDevice *device);

/* Appends what follows the last such device. */
void qemu_args_end_late(const DomainDef *def, json_t *commands);

/* ---- kinds of device: args-X.c beside domain/X.c ---- */

/* How QEMU gets one kind of device. A function that is NULL has nothing to say. */
typedef struct QemuKind {
        /* True for a part of the machine, or what QEMU has no device for. */
        bool (*is_built_in)(const DomainDef *def, const DomainDevice *device);

        /* Appends the QMP commands that make what stands behind the device, in order (blockdev-add,
         * netdev_add, chardev-add, object-add). The command line and the clearing away after an
         * unplug are made from the same commands. */
        int (*backend)(const QemuContext *context, const DomainDevice *device, json_t *commands,
                       Err *err);

        /* Fills the arguments of device_add but id and PCI address. */
        int (*device)(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err);

        /* Appends the arguments of further devices that sit on this one. */
        void (*parts)(const QemuContext *context, const DomainDevice *device, json_t *objects);

        /* Options of the command line that are neither. */
        int (*options)(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                       Err *err);

        /* QMP commands for the guest that was started and still pauses. */
        void (*ready)(const DomainDevice *device, json_t *commands);

        /* Whether QEMU can take it while the guest runs. */
        bool (*can_plug)(const DomainDef *def, const DomainDevice *device);
} QemuKind;

extern const QemuKind qemu_disk_kind;
extern const QemuKind qemu_controller_kind;
extern const QemuKind qemu_filesystem_kind;
extern const QemuKind qemu_interface_kind;
extern const QemuKind qemu_serial_kind;
extern const QemuKind qemu_parallel_kind;
extern const QemuKind qemu_console_kind;
extern const QemuKind qemu_channel_kind;
extern const QemuKind qemu_input_kind;
extern const QemuKind qemu_tpm_kind;
extern const QemuKind qemu_graphics_kind;
extern const QemuKind qemu_sound_kind;
extern const QemuKind qemu_audio_kind;
extern const QemuKind qemu_video_kind;
extern const QemuKind qemu_hostdev_kind;
extern const QemuKind qemu_hub_kind;
extern const QemuKind qemu_redirdev_kind;
extern const QemuKind qemu_watchdog_kind;
extern const QemuKind qemu_memballoon_kind;
extern const QemuKind qemu_rng_kind;
extern const QemuKind qemu_panic_kind;
extern const QemuKind qemu_shmem_kind;
extern const QemuKind qemu_crypto_kind;
extern const QemuKind qemu_iommu_kind;
extern const QemuKind qemu_vsock_kind;
extern const QemuKind qemu_pstore_kind;
extern const QemuKind qemu_memory_kind;

/* Fails with what it is for when the QEMU has no such type. */
int qemu_args_check_type(const QemuRuntime *runtime, const char *type, const char *what, Err *err);

/* For .can_plug. */
bool qemu_kind_always(const DomainDef *def, const DomainDevice *device);

#define SET_STRING(object, key, text) json_object_set_new(object, key, json_string(text))
#define SET_INT(object, key, number) \
        json_object_set_new(object, key, json_integer((json_int_t)(number)))
#define SET_BOOL(object, key, value) json_object_set_new(object, key, json_boolean(value))

/* Sets key unless value is NULL; value is taken over. */
void qemu_args_set_optional(json_t *object, const char *key, json_t *value);

/* Appends {"execute": name, "arguments": arguments}; takes arguments over. */
void qemu_args_append_command(json_t *commands, const char *name, json_t *arguments);

int qemu_args_set_pci_address(json_t *object, const DomainDef *def, const DomainDevice *device,
                              Err *err);
/* "driver": "NAME-pci" with the ending of the form, and the switches of <driver>. */
void qemu_args_set_virtio_driver(json_t *object, const char *name, VirtioForm form);
void qemu_args_set_virtio(json_t *object, const DomainVirtio *virtio);

/* Bus and port of a USB device. */
int qemu_args_set_usb_address(json_t *object, const DomainDef *def, const DomainDevice *device,
                              Err *err);
void qemu_args_set_rom(json_t *object, const DomainRom *rom);
/* Firmware boots by index; 0: not from this device. */
unsigned qemu_args_boot_index(const DomainDef *def, const DomainDevice *device);
void qemu_args_set_boot(json_t *object, const DomainDef *def, const DomainDevice *device);

/* "hostnet0" for "net0". */
char *qemu_args_backend_name(const char *prefix, const DomainDevice *device);

/* The value of -chardev for the arguments of chardev-add. */
char *qemu_args_chardev_option(const json_t *arguments);

json_t *qemu_args_flash_node(const char *name, const char *path, FlashFormat format,
                             bool is_read_only);
