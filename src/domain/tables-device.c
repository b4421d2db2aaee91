/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attribute and child of each device is which field. In the order that we write them. */
#include "domain/device.h"
#include "domain/fields.h"

/* ---- what all devices have ---- */

static bool is_pci(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_PCI;
}

static bool is_drive(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_DRIVE;
}

static bool is_port(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_VIRTIO_SERIAL;
}

static bool is_drive_or_port(const void *object) {
        return is_drive(object) || is_port(object);
}

static bool is_usb(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_USB;
}

static bool is_not_pci(const void *object) {
        return !is_pci(object);
}

static const char *const address_types[] = {"pci", "drive", "virtio-serial", "usb", NULL};

static const DomainField address_fields[] = {
        ATTR_ENUM(DomainAddress, type, "type", address_types, .is_required = true),
        ATTR_HEX(DomainAddress, domain, "domain", 4, .when = is_pci, .max = UINT16_MAX),
        ATTR_NUM(DomainAddress, controller, "controller", .when = is_drive_or_port),
        ATTR_HEX(DomainAddress, bus, "bus", 2, .when = is_pci, .max = UINT8_MAX),
        ATTR_NUM(DomainAddress, bus, "bus", .when = is_not_pci),
        ATTR_HEX(DomainAddress, slot, "slot", 2, .when = is_pci, .max = 31),
        ATTR_HEX(DomainAddress, function, "function", 1, .when = is_pci, .max = 7),
        ATTR_ON(DomainAddress, multifunction, "multifunction", .when = is_pci),
        ATTR_NUM(DomainAddress, target, "target", .when = is_drive),
        ATTR_NUM(DomainAddress, unit, "unit", .when = is_drive),
        ATTR_NUM(DomainAddress, port, "port", .when = is_port),
        ATTR_STRING(DomainAddress, usb_port, "port", .when = is_usb),
        END,
};
const DomainElement domain_address_element = ELEMENT(DomainAddress, "address", address_fields);

static const DomainField alias_fields[] = {
        ATTR_STRING(DomainAlias, name, "name", .is_required = true),
        END,
};
const DomainElement domain_alias_element = ELEMENT(DomainAlias, "alias", alias_fields);

static const DomainField boot_fields[] = {
        ATTR_NUM(DomainBoot, order, "order", .is_required = true, .max = 1000),
        END,
};
static const DomainElement boot = ELEMENT(DomainBoot, "boot", boot_fields);

static const DomainField rom_fields[] = {
        ATTR_YES(DomainRom, enabled, "enabled"),
        ATTR_ON(DomainRom, bar, "bar"),
        ATTR_STRING(DomainRom, file, "file"),
        END,
};
static const DomainElement rom = ELEMENT(DomainRom, "rom", rom_fields);

#define DEVICE_BOOT    CHILD(DomainDevice, boot, "boot", boot)
#define DEVICE_ALIAS   CHILD(DomainDevice, alias, "alias", domain_alias_element)
#define DEVICE_ROM     CHILD(DomainDevice, rom, "rom", rom)
#define DEVICE_ADDRESS CHILD(DomainDevice, address, "address", domain_address_element)

static const DomainField no_fields[] = {END};

/* ---- disk ---- */

static const char *const disk_types[] = {"file", NULL};
static const char *const disk_devices[] = {"disk", "cdrom", NULL};
static const char *const disk_formats[] = {"raw", "qcow2", NULL};
static const char *const disk_buses[] = {"virtio", "sata", "ide", NULL};
static const char *const disk_caches[] = {
        "default", "none", "writethrough", "writeback", "directsync", "unsafe", NULL};
static const char *const disk_ios[] = {"threads", "native", "io_uring", NULL};
static const char *const disk_discards[] = {"unmap", "ignore", NULL};
static const char *const disk_zeroes[] = {"off", "on", "unmap", NULL};

static const DomainField disk_driver_fields[] = {
        ATTR_STRING(DomainDisk, driver.name, "name"),
        ATTR_ENUM(DomainDisk, driver.type, "type", disk_formats),
        ATTR_ENUM(DomainDisk, driver.cache, "cache", disk_caches),
        ATTR_ENUM(DomainDisk, driver.io, "io", disk_ios),
        ATTR_ENUM(DomainDisk, driver.discard, "discard", disk_discards),
        ATTR_ENUM(DomainDisk, driver.detect_zeroes, "detect_zeroes", disk_zeroes),
        END,
};
static const DomainElement disk_driver = PART_OF(DomainDisk, driver, "driver", disk_driver_fields);

static const DomainField disk_source_fields[] = {
        ATTR_STRING(DomainDisk, source.file, "file"),
        END,
};
static const DomainElement disk_source = PART_OF(DomainDisk, source, "source", disk_source_fields);

static const DomainField disk_target_fields[] = {
        ATTR_STRING(DomainDisk, target.dev, "dev", .is_required = true),
        ATTR_ENUM(DomainDisk, target.bus, "bus", disk_buses),
        END,
};
static const DomainElement disk_target = PART_OF(DomainDisk, target, "target", disk_target_fields);

static const DomainElement readonly_flag = ELEMENT(DomainFlag, "readonly", no_fields);

static const DomainField serial_fields[] = {
        TEXT_STRING(DomainText, text, .is_required = true),
        END,
};
static const DomainElement disk_serial = ELEMENT(DomainText, "serial", serial_fields);

static const DomainField disk_fields[] = {
        ATTR_ENUM(DomainDisk, type, "type", disk_types),
        ATTR_ENUM(DomainDisk, device, "device", disk_devices),
        PART("driver", disk_driver),
        PART("source", disk_source),
        PART("target", disk_target, .is_required = true),
        CHILD(DomainDisk, readonly, "readonly", readonly_flag),
        CHILD(DomainDisk, serial, "serial", disk_serial),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

/* ---- controller ---- */

static const char *const controller_types[] = {"usb", "ide", "sata", "virtio-serial", "pci", NULL};
static const char *const controller_models[] = {
        "pci-root",
        "pci-bridge",
        "dmi-to-pci-bridge",
        "pcie-root",
        "pcie-root-port",
        "pcie-switch-upstream-port",
        "pcie-switch-downstream-port",
        "pcie-to-pci-bridge",
        "piix3-uhci",
        "piix4-uhci",
        "ehci",
        "ich9-ehci1",
        "ich9-uhci1",
        "ich9-uhci2",
        "ich9-uhci3",
        "nec-xhci",
        "qemu-xhci",
        "none",
        NULL,
};
G_STATIC_ASSERT(G_N_ELEMENTS(controller_models) == USB_MODEL_NONE + 1);

static bool has_ports(const void *object) {
        const DomainController *controller = object;

        return controller->type == CONTROLLER_USB || controller->type == CONTROLLER_VIRTIO_SERIAL;
}

static bool is_pci_controller(const void *object) {
        return ((const DomainController *)object)->type == CONTROLLER_PCI;
}

static bool is_usb_controller(const void *object) {
        return ((const DomainController *)object)->type == CONTROLLER_USB;
}

static const DomainField model_name_fields[] = {
        ATTR_STRING(DomainText, text, "name", .is_required = true),
        END,
};
const DomainElement domain_text_model_element = ELEMENT(DomainText, "model", model_name_fields);

static const DomainField controller_target_fields[] = {
        ATTR_NUM(DomainController, target.chassis_nr, "chassisNr", .max = UINT8_MAX),
        ATTR_NUM(DomainController, target.chassis, "chassis", .max = UINT8_MAX),
        ATTR_HEX(DomainController, target.port, "port", 1, .max = UINT8_MAX),
        ATTR_ON(DomainController, target.hotplug, "hotplug"),
        END,
};
static const DomainElement controller_target =
        PART_OF(DomainController, target, "target", controller_target_fields);

static const DomainField master_fields[] = {
        ATTR_NUM(DomainController, master.startport, "startport", .max = 14),
        END,
};
static const DomainElement master = PART_OF(DomainController, master, "master", master_fields);

static const DomainField controller_fields[] = {
        ATTR_ENUM(DomainController, type, "type", controller_types, .is_required = true),
        ATTR_NUM(DomainController, index, "index", .max = UINT8_MAX),
        ATTR_ENUM(DomainController, model, "model", controller_models),
        ATTR_NUM(DomainController, ports, "ports", .when = has_ports, .max = 255),
        CHILD(DomainController, model_name, "model", domain_text_model_element,
              .when = is_pci_controller),
        PART("target", controller_target, .when = is_pci_controller),
        DEVICE_ALIAS,
        PART("master", master, .when = is_usb_controller),
        DEVICE_ADDRESS,
        END,
};

/* ---- interface ---- */

static const char *const net_types[] = {"user", "bridge", NULL};
static const char *const net_models[] = {"virtio", "e1000", "e1000e", "rtl8139", NULL};
static const char *const net_links[] = {"up", "down", NULL};

static bool is_bridged(const void *object) {
        return ((const DomainInterface *)object)->type == NET_TYPE_BRIDGE;
}

static const DomainField mac_fields[] = {
        ATTR_STRING(DomainInterface, mac.address, "address", .is_required = true),
        END,
};
static const DomainElement mac = PART_OF(DomainInterface, mac, "mac", mac_fields);

static const DomainField net_source_fields[] = {
        ATTR_STRING(DomainInterface, source.bridge, "bridge", .is_required = true),
        END,
};
static const DomainElement net_source =
        PART_OF(DomainInterface, source, "source", net_source_fields);

static const DomainField net_target_fields[] = {
        ATTR_STRING(DomainInterface, target.dev, "dev", .is_required = true),
        END,
};
static const DomainElement net_target =
        PART_OF(DomainInterface, target, "target", net_target_fields);

static const DomainField net_model_fields[] = {
        ATTR_ENUM(DomainInterface, model.type, "type", net_models, .is_required = true),
        END,
};
static const DomainElement net_model = PART_OF(DomainInterface, model, "model", net_model_fields);

static const DomainField net_link_fields[] = {
        ATTR_ENUM(DomainInterface, link.state, "state", net_links, .is_required = true),
        END,
};
static const DomainElement net_link = PART_OF(DomainInterface, link, "link", net_link_fields);

static const DomainField interface_fields[] = {
        ATTR_ENUM(DomainInterface, type, "type", net_types, .is_required = true),
        PART("mac", mac),
        PART("source", net_source, .when = is_bridged),
        PART("target", net_target, .when = is_bridged),
        PART("model", net_model),
        PART("link", net_link),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ROM,
        DEVICE_ADDRESS,
        END,
};

/* ---- serial, console, channel ---- */

static const char *const char_types[] = {"pty", "file", "unix", "null", NULL};
static const char *const char_modes[] = {"bind", "connect", NULL};
static const char *const char_targets[] = {"isa-serial", "serial", "virtio", NULL};
static const char *const char_states[] = {"connected", "disconnected", NULL};

static bool is_unix(const void *object) {
        return ((const DomainChar *)object)->type == CHAR_TYPE_UNIX;
}

static bool is_file(const void *object) {
        return ((const DomainChar *)object)->type == CHAR_TYPE_FILE;
}

static bool is_channel(const void *object) {
        return ((const DomainChar *)object)->base.kind == DOMAIN_CHANNEL;
}

static bool is_not_channel(const void *object) {
        return !is_channel(object);
}

static bool is_console(const void *object) {
        return ((const DomainChar *)object)->base.kind == DOMAIN_CONSOLE;
}

static bool is_serial(const void *object) {
        return ((const DomainChar *)object)->base.kind == DOMAIN_SERIAL;
}

static const DomainField char_source_fields[] = {
        ATTR_ENUM(DomainChar, source.mode, "mode", char_modes, .when = is_unix),
        ATTR_STRING(DomainChar, source.path, "path"),
        ATTR_ON(DomainChar, source.append, "append", .when = is_file),
        END,
};
static const DomainElement char_source = PART_OF(DomainChar, source, "source", char_source_fields);

static const DomainField char_target_fields[] = {
        ATTR_ENUM(DomainChar, target.type, "type", char_targets),
        ATTR_NUM(DomainChar, target.port, "port", .when = is_not_channel, .max = 3),
        ATTR_STRING(DomainChar, target.name, "name", .when = is_channel),
        ATTR_ENUM(DomainChar, target.state, "state", char_states, .when = is_channel),
        CHILD(DomainChar, target.model, "model", domain_text_model_element, .when = is_serial),
        END,
};
static const DomainElement char_target = PART_OF(DomainChar, target, "target", char_target_fields);

static const DomainField char_fields[] = {
        ATTR_ENUM(DomainChar, type, "type", char_types, .is_required = true),
        ATTR_STRING(DomainChar, tty, "tty", .when = is_console),
        PART("source", char_source),
        PART("target", char_target),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

/* ---- input, graphics, video, sound ---- */

static const char *const input_types[] = {"tablet", "mouse", "keyboard", NULL};
static const char *const input_buses[] = {"ps2", "usb", "virtio", NULL};

static const DomainField input_fields[] = {
        ATTR_ENUM(DomainInput, type, "type", input_types, .is_required = true),
        ATTR_ENUM(DomainInput, bus, "bus", input_buses),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static const char *const graphics_types[] = {"vnc", NULL};
static const char *const listen_types[] = {"address", "socket", "none", NULL};

static bool has_address(const void *object) {
        return ((const DomainListen *)object)->type == LISTEN_ADDRESS;
}

static bool has_socket(const void *object) {
        return ((const DomainListen *)object)->type == LISTEN_SOCKET;
}

/* Known once the children are: while parsing, every graphics takes a port. */
static bool is_tcp(const void *object) {
        const DomainGraphics *graphics = object;
        const GPtrArray *listens = graphics->listens;

        return !listens || ((const DomainListen *)listens->pdata[0])->type == LISTEN_ADDRESS;
}

static const DomainField listen_fields[] = {
        ATTR_ENUM(DomainListen, type, "type", listen_types, .is_required = true),
        ATTR_STRING(DomainListen, address, "address", .when = has_address),
        ATTR_STRING(DomainListen, socket, "socket", .when = has_socket),
        END,
};
static const DomainElement graphics_listen = ELEMENT(DomainListen, "listen", listen_fields);

static const DomainField graphics_fields[] = {
        ATTR_ENUM(DomainGraphics, type, "type", graphics_types, .is_required = true),
        ATTR_STRING(DomainGraphics, socket, "socket"),
        ATTR_(DomainGraphics, port, "port", FIELD_PORT, .max = UINT16_MAX, .when = is_tcp),
        ATTR_YES(DomainGraphics, autoport, "autoport", .when = is_tcp),
        ATTR_STRING(DomainGraphics, listen_address, "listen", .when = is_tcp),
        ATTR_STRING(DomainGraphics, keymap, "keymap"),
        ATTR_STRING(DomainGraphics, passwd, "passwd", .is_secure = true),
        LIST(DomainGraphics, listens, "listen", graphics_listen),
        DEVICE_ALIAS,
        END,
};

static const char *const video_models[] = {"vga", "virtio", "bochs", "none", NULL};

static const DomainField video_model_fields[] = {
        ATTR_ENUM(DomainVideo, model.type, "type", video_models, .is_required = true),
        ATTR_NUM(DomainVideo, model.vram, "vram"),
        ATTR_NUM(DomainVideo, model.heads, "heads", .max = 16),
        ATTR_YES(DomainVideo, model.primary, "primary"),
        END,
};
static const DomainElement video_model = PART_OF(DomainVideo, model, "model", video_model_fields);

static const DomainField video_fields[] = {
        PART("model", video_model),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static const char *const sound_models[] = {"ac97", "ich6", "ich9", NULL};

static const DomainField sound_fields[] = {
        ATTR_ENUM(DomainSound, model, "model", sound_models, .is_required = true),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static const char *const audio_types[] = {"none", NULL};

static const DomainField audio_fields[] = {
        ATTR_NUM(DomainAudio, id, "id", .is_required = true),
        ATTR_ENUM(DomainAudio, type, "type", audio_types, .is_required = true),
        END,
};

/* ---- hostdev ---- */

static const char *const hostdev_modes[] = {"subsystem", NULL};
static const char *const hostdev_types[] = {"pci", NULL};
static const char *const hostdev_drivers[] = {"vfio", NULL};

static const DomainField hostdev_driver_fields[] = {
        ATTR_ENUM(DomainHostdev, driver.name, "name", hostdev_drivers),
        END,
};
static const DomainElement hostdev_driver =
        PART_OF(DomainHostdev, driver, "driver", hostdev_driver_fields);

#define SOURCE(field) source.address.field

static const DomainField hostdev_address_fields[] = {
        ATTR_ENUM(DomainHostdev, SOURCE(type), "type", hostdev_types),
        ATTR_HEX(DomainHostdev, SOURCE(domain), "domain", 4, .max = UINT16_MAX),
        ATTR_HEX(DomainHostdev, SOURCE(bus), "bus", 2, .max = UINT8_MAX, .is_required = true),
        ATTR_HEX(DomainHostdev, SOURCE(slot), "slot", 2, .max = 31, .is_required = true),
        ATTR_HEX(DomainHostdev, SOURCE(function), "function", 1, .max = 7, .is_required = true),
        END,
};
static const DomainElement hostdev_address =
        PART_OF(DomainHostdev, source.address, "address", hostdev_address_fields);

static const DomainField hostdev_source_fields[] = {
        PART("address", hostdev_address, .is_required = true),
        END,
};
static const DomainElement hostdev_source =
        PART_OF(DomainHostdev, source, "source", hostdev_source_fields);

static const DomainField hostdev_fields[] = {
        ATTR_ENUM(DomainHostdev, mode, "mode", hostdev_modes),
        ATTR_ENUM(DomainHostdev, type, "type", hostdev_types, .is_required = true),
        ATTR_YES(DomainHostdev, managed, "managed"),
        PART("driver", hostdev_driver),
        PART("source", hostdev_source, .is_required = true),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ROM,
        DEVICE_ADDRESS,
        END,
};

/* ---- watchdog, memballoon, rng ---- */

static const char *const watchdog_models[] = {"i6300esb", "itco", NULL};
static const char *const watchdog_actions[] = {"reset", "shutdown",   "poweroff", "pause",
                                               "none",  "inject-nmi", NULL};

static const DomainField watchdog_fields[] = {
        ATTR_ENUM(DomainWatchdog, model, "model", watchdog_models, .is_required = true),
        ATTR_ENUM(DomainWatchdog, action, "action", watchdog_actions),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static const char *const balloon_models[] = {"virtio", "none", NULL};

static const DomainField balloon_stats_fields[] = {
        ATTR_NUM(DomainMemballoon, stats.period, "period", .is_required = true),
        END,
};
static const DomainElement balloon_stats =
        PART_OF(DomainMemballoon, stats, "stats", balloon_stats_fields);

static const DomainField memballoon_fields[] = {
        ATTR_ENUM(DomainMemballoon, model, "model", balloon_models, .is_required = true),
        ATTR_ON(DomainMemballoon, autodeflate, "autodeflate"),
        ATTR_ON(DomainMemballoon, free_page_reporting, "freePageReporting"),
        PART("stats", balloon_stats),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static const char *const rng_models[] = {"virtio", NULL};
static const char *const rng_backends[] = {"random", NULL};

static const DomainField rng_rate_fields[] = {
        ATTR_NUM(DomainRng, rate.bytes, "bytes", .is_required = true),
        ATTR_NUM(DomainRng, rate.period, "period"),
        END,
};
static const DomainElement rng_rate = PART_OF(DomainRng, rate, "rate", rng_rate_fields);

static const DomainField rng_backend_fields[] = {
        ATTR_ENUM(DomainRng, backend.model, "model", rng_backends, .is_required = true),
        TEXT_STRING(DomainRng, backend.path),
        END,
};
static const DomainElement rng_backend = PART_OF(DomainRng, backend, "backend", rng_backend_fields);

static const DomainField rng_fields[] = {
        ATTR_ENUM(DomainRng, model, "model", rng_models, .is_required = true),
        PART("rate", rng_rate),
        PART("backend", rng_backend, .is_required = true),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

#define DEVICE(kind_, T, xml, table) \
        [kind_] = {                  \
                .name = xml, .fields = table, .size = sizeof(T), .kind = kind_, .is_device = true}

const DomainElement domain_device_elements[_DOMAIN_DEVICE_MAX] = {
        DEVICE(DOMAIN_DISK, DomainDisk, "disk", disk_fields),
        DEVICE(DOMAIN_CONTROLLER, DomainController, "controller", controller_fields),
        DEVICE(DOMAIN_INTERFACE, DomainInterface, "interface", interface_fields),
        DEVICE(DOMAIN_SERIAL, DomainChar, "serial", char_fields),
        DEVICE(DOMAIN_CONSOLE, DomainChar, "console", char_fields),
        DEVICE(DOMAIN_CHANNEL, DomainChar, "channel", char_fields),
        DEVICE(DOMAIN_INPUT, DomainInput, "input", input_fields),
        DEVICE(DOMAIN_GRAPHICS, DomainGraphics, "graphics", graphics_fields),
        DEVICE(DOMAIN_SOUND, DomainSound, "sound", sound_fields),
        DEVICE(DOMAIN_AUDIO, DomainAudio, "audio", audio_fields),
        DEVICE(DOMAIN_VIDEO, DomainVideo, "video", video_fields),
        DEVICE(DOMAIN_HOSTDEV, DomainHostdev, "hostdev", hostdev_fields),
        DEVICE(DOMAIN_WATCHDOG, DomainWatchdog, "watchdog", watchdog_fields),
        DEVICE(DOMAIN_MEMBALLOON, DomainMemballoon, "memballoon", memballoon_fields),
        DEVICE(DOMAIN_RNG, DomainRng, "rng", rng_fields),
};

const char *domain_device_kind_to_string(DomainDeviceKind kind) {
        return domain_device_elements[kind].name;
}
