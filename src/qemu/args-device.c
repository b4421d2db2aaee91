/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each device as -device and device_add take it: one function a kind. */
#include "qemu/args-part.h"

#include <string.h>

#define SET_STRING(object, key, text) json_object_set_new(object, key, json_string(text))
#define SET_INT(object, key, number) \
        json_object_set_new(object, key, json_integer((json_int_t)(number)))
#define SET_BOOL(object, key, value) json_object_set_new(object, key, json_boolean(value))

/* ---- what all devices have ---- */

static const char *bus_name(const DomainDef *def, unsigned bus) {
        const DomainController *controller = domain_def_find_bus(def, bus);

        /* The root bus is the machine's: it has QEMU's name, whatever its alias. */
        if (bus == 0)
                return domain_def_is_q35(def) ? "pcie.0" : "pci.0";
        return controller ? controller->base.alias.name : NULL;
}

static int set_pci_address(json_t *object, const DomainDef *def, const DomainDevice *device,
                           Err *err) {
        const DomainAddress *address = &device->address;
        const char *bus = bus_name(def, (unsigned)address->bus.value);
        g_autofree char *place = NULL;

        if (address->type != DOMAIN_ADDRESS_PCI || !bus)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "device %s has no address on a PCI bus",
                            device->alias.name);
        place = address->function.value > 0
                        ? g_strdup_printf("0x%x.0x%x", (unsigned)address->slot.value,
                                          (unsigned)address->function.value)
                        : g_strdup_printf("0x%x", (unsigned)address->slot.value);
        SET_STRING(object, "bus", bus);
        SET_STRING(object, "addr", place);
        if (address->multifunction == DOMAIN_SWITCH_ON)
                SET_BOOL(object, "multifunction", true);
        return 0;
}

static void set_rom(json_t *object, const DomainRom *rom) {
        bool is_disabled = rom->enabled == DOMAIN_SWITCH_OFF;

        if (rom->bar || is_disabled)
                SET_INT(object, "rombar", !is_disabled && rom->bar == DOMAIN_SWITCH_ON);
        if (rom->file || is_disabled)
                SET_STRING(object, "romfile", is_disabled ? "" : rom->file);
}

/* The n-th boot device of the <os>: the first of its kind. */
static const DomainDevice *boot_device(const DomainDef *def, BootDev dev) {
        const GPtrArray *nets = def->devices.list[DOMAIN_INTERFACE];

        if (dev == BOOT_NETWORK)
                return nets->len > 0 ? nets->pdata[0] : NULL;
        DOMAIN_FOREACH(DomainDisk, disk, def, DOMAIN_DISK) {
                if ((disk->device == DISK_DEVICE_CDROM) == (dev == BOOT_CDROM))
                        return &disk->base;
        }
        return NULL;
}

/* Firmware boots by index; 0: not from this device. */
static unsigned boot_index(const DomainDef *def, const DomainDevice *device) {
        const GPtrArray *boot = def->os.boot;

        if (device->boot.node.is_present)
                return (unsigned)device->boot.order.value;
        for (guint i = 0; boot && i < boot->len; i++) {
                if (boot_device(def, ((const DomainBootDev *)boot->pdata[i])->dev) == device)
                        return i + 1;
        }
        return 0;
}

static void set_boot(json_t *object, const DomainDef *def, const DomainDevice *device) {
        unsigned index = boot_index(def, device);

        if (index > 0)
                SET_INT(object, "bootindex", index);
}

/* ---- one function a kind: fills object, which has id (and address, where it is on PCI) ---- */

typedef struct Context {
        const DomainDef *def;
        const QemuRuntime *runtime;
} Context;

static int fill_disk(const Context *context, const DomainDevice *device, json_t *object, Err *err) {
        const DomainDisk *disk = (const DomainDisk *)device;
        const DomainAddress *address = &device->address;
        g_autofree char *node = qemu_args_disk_node_name(disk);
        bool is_cdrom = disk->device == DISK_DEVICE_CDROM;
        bool is_write_through = disk->driver.cache == DISK_CACHE_WRITETHROUGH ||
                                disk->driver.cache == DISK_CACHE_DIRECTSYNC;

        if (disk->target.bus == DISK_BUS_VIRTIO) {
                SET_STRING(object, "driver", "virtio-blk-pci");
        } else {
                const DomainController *controller = domain_def_find_controller(
                        context->def,
                        disk->target.bus == DISK_BUS_SATA ? CONTROLLER_SATA : CONTROLLER_IDE,
                        (unsigned)address->controller.value);
                bool is_sata = disk->target.bus == DISK_BUS_SATA;
                g_autofree char *bus = NULL;

                if (!controller || !controller->base.alias.name)
                        return fail(err, VIR_ERR_INTERNAL_ERROR, "disk %s has no controller",
                                    disk->target.dev);
                bus = g_strdup_printf("%s.%u", controller->base.alias.name,
                                      (unsigned)(is_sata ? address->unit : address->bus).value);
                SET_STRING(object, "driver", is_cdrom ? "ide-cd" : "ide-hd");
                SET_STRING(object, "bus", bus);
                if (!is_sata)
                        SET_INT(object, "unit", address->unit.value);
        }
        if (disk->source.file)
                SET_STRING(object, "drive", node);
        if (disk->serial.text)
                SET_STRING(object, "serial", disk->serial.text);
        if (disk->driver.cache > DISK_CACHE_DEFAULT && !is_cdrom)
                SET_STRING(object, "write-cache", is_write_through ? "off" : "on");
        set_boot(object, context->def, device);
        return 0;
}

static void fill_pci_controller(const DomainController *controller, json_t *object) {
        SET_STRING(object, "driver", controller->model_name.text);
        if (controller->target.chassis_nr.is_set)
                SET_INT(object, "chassis_nr", controller->target.chassis_nr.value);
        if (controller->target.chassis.is_set)
                SET_INT(object, "chassis", controller->target.chassis.value);
        if (controller->target.port.is_set)
                SET_INT(object, "port", controller->target.port.value);
        if (!controller->target.hotplug)
                return;
        SET_BOOL(object, controller->model == PCI_MODEL_BRIDGE ? "shpc" : "hotplug",
                 controller->target.hotplug == DOMAIN_SWITCH_ON);
}

static void fill_usb_controller(const DomainController *controller, json_t *object) {
        static const char *const drivers[] = {
                [USB_MODEL_PIIX3_UHCI] = "piix3-usb-uhci",
                [USB_MODEL_PIIX4_UHCI] = "piix4-usb-uhci",
                [USB_MODEL_EHCI] = "usb-ehci",
                [USB_MODEL_ICH9_EHCI1] = "ich9-usb-ehci1",
                [USB_MODEL_ICH9_UHCI1] = "ich9-usb-uhci1",
                [USB_MODEL_ICH9_UHCI2] = "ich9-usb-uhci2",
                [USB_MODEL_ICH9_UHCI3] = "ich9-usb-uhci3",
                [USB_MODEL_NEC_XHCI] = "nec-usb-xhci",
                [USB_MODEL_QEMU_XHCI] = "qemu-xhci",
        };
        unsigned index = (unsigned)controller->index.value;
        g_autofree char *master =
                index == 0 ? g_strdup("usb.0") : g_strdup_printf("usb%u.0", index);
        bool is_xhci =
                controller->model == USB_MODEL_NEC_XHCI || controller->model == USB_MODEL_QEMU_XHCI;

        SET_STRING(object, "driver", drivers[controller->model]);
        if (controller->ports.is_set && is_xhci) {
                SET_INT(object, "p2", controller->ports.value);
                SET_INT(object, "p3", controller->ports.value);
        }
        if (controller->master.node.is_present) {
                SET_STRING(object, "masterbus", master);
                SET_INT(object, "firstport", controller->master.startport.value);
        }
}

static int fill_controller(const Context *context, const DomainDevice *device, json_t *object,
                           Err *err) {
        const DomainController *controller = (const DomainController *)device;

        switch (controller->type) {
        case CONTROLLER_PCI:
                fill_pci_controller(controller, object);
                break;
        case CONTROLLER_USB:
                fill_usb_controller(controller, object);
                break;
        case CONTROLLER_VIRTIO_SERIAL:
                SET_STRING(object, "driver", "virtio-serial-pci");
                if (controller->ports.is_set)
                        SET_INT(object, "max_ports", controller->ports.value);
                break;
        default:
                SET_STRING(object, "driver", "ich9-ahci");
        }
        return 0;
}

static int fill_interface(const Context *context, const DomainDevice *device, json_t *object,
                          Err *err) {
        static const char *const drivers[] = {NULL, "virtio-net-pci", "e1000", "e1000e", "rtl8139"};
        const DomainInterface *net = (const DomainInterface *)device;
        g_autofree char *netdev = qemu_args_backend_name("host", device);

        SET_STRING(object, "driver", drivers[net->model.type]);
        SET_STRING(object, "netdev", netdev);
        SET_STRING(object, "mac", net->mac.address);
        set_boot(object, context->def, device);
        set_rom(object, &device->rom);
        return 0;
}

static int fill_char(const Context *context, const DomainDevice *device, json_t *object, Err *err) {
        const DomainChar *chardev = (const DomainChar *)device;
        g_autofree char *backend = qemu_args_backend_name("char", device);
        const DomainController *controller;
        g_autofree char *bus = NULL;

        SET_STRING(object, "chardev", backend);
        if (chardev->target.type == CHAR_TARGET_ISA_SERIAL) {
                SET_STRING(object, "driver", "isa-serial");
                SET_INT(object, "index", chardev->target.port.value);
                return 0;
        }
        controller = domain_def_find_controller(context->def, CONTROLLER_VIRTIO_SERIAL,
                                                (unsigned)device->address.controller.value);
        if (!controller || !controller->base.alias.name || !device->address.port.is_set)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "%s has no virtio-serial port",
                            device->alias.name);
        bus = g_strdup_printf("%s.0", controller->base.alias.name);
        SET_STRING(object, "driver",
                   device->kind == DOMAIN_CONSOLE ? "virtconsole" : "virtserialport");
        SET_STRING(object, "bus", bus);
        SET_INT(object, "nr", device->address.port.value);
        if (chardev->target.name)
                SET_STRING(object, "name", chardev->target.name);
        return 0;
}

static int fill_input(const Context *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        static const char *const drivers[][2] = {
                [INPUT_TABLET] = {"usb-tablet", "virtio-tablet-pci"},
                [INPUT_MOUSE] = {"usb-mouse", "virtio-mouse-pci"},
                [INPUT_KEYBOARD] = {"usb-kbd", "virtio-keyboard-pci"},
        };
        const DomainInput *input = (const DomainInput *)device;
        const DomainAddress *address = &device->address;
        const DomainController *usb;
        g_autofree char *bus = NULL;

        SET_STRING(object, "driver", drivers[input->type][input->bus == INPUT_BUS_VIRTIO]);
        if (input->bus != INPUT_BUS_USB)
                return 0;
        usb = domain_def_find_controller(
                context->def, CONTROLLER_USB,
                address->type == DOMAIN_ADDRESS_USB ? (unsigned)address->bus.value : 0);
        if (!usb || !usb->base.alias.name)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s: there is no such USB bus",
                            device->alias.name);
        bus = g_strdup_printf("%s.0", usb->base.alias.name);
        SET_STRING(object, "bus", bus);
        if (address->usb_port)
                SET_STRING(object, "port", address->usb_port);
        return 0;
}

/* The one audio backend, which does nothing. */
static char *audiodev_name(const DomainDef *def) {
        const GPtrArray *audios = def->devices.list[DOMAIN_AUDIO];
        const DomainAudio *audio = audios->len > 0 ? audios->pdata[0] : NULL;

        return audio ? g_strdup_printf("audio%u", (unsigned)audio->id.value) : NULL;
}

static int fill_sound(const Context *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        static const char *const drivers[] = {NULL, "AC97", "intel-hda", "ich9-intel-hda"};
        const DomainSound *sound = (const DomainSound *)device;
        g_autofree char *audiodev = audiodev_name(context->def);

        SET_STRING(object, "driver", drivers[sound->model]);
        if (sound->model == SOUND_AC97 && audiodev)
                SET_STRING(object, "audiodev", audiodev);
        return 0;
}

static int fill_video(const Context *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        const DomainVideo *video = (const DomainVideo *)device;
        bool is_primary = context->def->devices.list[DOMAIN_VIDEO]->pdata[0] == device;

        switch (video->model.type) {
        case VIDEO_VGA:
                SET_STRING(object, "driver", "VGA");
                SET_INT(object, "vgamem_mb", MAX(video->model.vram.value / 1024, 1));
                break;
        case VIDEO_BOCHS:
                SET_STRING(object, "driver", "bochs-display");
                SET_INT(object, "vgamem", video->model.vram.value * 1024);
                break;
        default:
                SET_STRING(object, "driver", is_primary ? "virtio-vga" : "virtio-gpu-pci");
                SET_INT(object, "max_outputs", domain_num_or(video->model.heads, 1));
        }
        return 0;
}

static int fill_hostdev(const Context *context, const DomainDevice *device, json_t *object,
                        Err *err) {
        const DomainHostdev *hostdev = (const DomainHostdev *)device;

        SET_STRING(object, "driver", "vfio-pci");
        SET_STRING(object, "host", PCI_ADDR_TEXT(domain_hostdev_addr(hostdev)));
        set_boot(object, context->def, device);
        set_rom(object, &device->rom);
        return 0;
}

static int fill_watchdog(const Context *context, const DomainDevice *device, json_t *object,
                         Err *err) {
        SET_STRING(object, "driver", "i6300esb");
        return 0;
}

static int fill_memballoon(const Context *context, const DomainDevice *device, json_t *object,
                           Err *err) {
        const DomainMemballoon *balloon = (const DomainMemballoon *)device;

        SET_STRING(object, "driver", "virtio-balloon-pci");
        if (balloon->autodeflate)
                SET_BOOL(object, "deflate-on-oom", balloon->autodeflate == DOMAIN_SWITCH_ON);
        if (balloon->free_page_reporting)
                SET_BOOL(object, "free-page-reporting",
                         balloon->free_page_reporting == DOMAIN_SWITCH_ON);
        return 0;
}

static int fill_rng(const Context *context, const DomainDevice *device, json_t *object, Err *err) {
        const DomainRng *rng = (const DomainRng *)device;
        g_autofree char *backend = qemu_args_backend_name("obj", device);

        SET_STRING(object, "driver", "virtio-rng-pci");
        SET_STRING(object, "rng", backend);
        if (rng->rate.node.is_present) {
                SET_INT(object, "max-bytes", rng->rate.bytes.value);
                SET_INT(object, "period", domain_num_or(rng->rate.period, 1000));
        }
        return 0;
}

int qemu_args_device(const DomainDef *def, const DomainDevice *device, const QemuRuntime *runtime,
                     json_t **ret, Err *err) {
        static int (*const fill[_DOMAIN_DEVICE_MAX])(const Context *, const DomainDevice *,
                                                     json_t *, Err *) = {
                [DOMAIN_DISK] = fill_disk,
                [DOMAIN_CONTROLLER] = fill_controller,
                [DOMAIN_INTERFACE] = fill_interface,
                [DOMAIN_SERIAL] = fill_char,
                [DOMAIN_CONSOLE] = fill_char,
                [DOMAIN_CHANNEL] = fill_char,
                [DOMAIN_INPUT] = fill_input,
                [DOMAIN_SOUND] = fill_sound,
                [DOMAIN_VIDEO] = fill_video,
                [DOMAIN_HOSTDEV] = fill_hostdev,
                [DOMAIN_WATCHDOG] = fill_watchdog,
                [DOMAIN_MEMBALLOON] = fill_memballoon,
                [DOMAIN_RNG] = fill_rng,
        };
        const Context context = {.def = def, .runtime = runtime};
        json_t *object;
        int r;

        if (!fill[device->kind] || !device->alias.name)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "<%s> is no device of QEMU",
                            domain_device_kind_to_string(device->kind));
        object = json_object();
        r = fill[device->kind](&context, device, object, err);
        if (r == 0) {
                SET_STRING(object, "id", device->alias.name);
                if (domain_device_is_pci(def, device))
                        r = set_pci_address(object, def, device, err);
        }
        if (r < 0) {
                json_decref(object);
                return r;
        }
        *ret = object;
        return 0;
}
