/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

#include "layout/window.h"

/* What OVMF has for 64-bit BARs by itself. */
#define OVMF_HOLE_KIB (UINT64_C(32) << 20)

#define WINDOW_SMALL (2u << 20)

static bool is_built_in(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        if (controller->type == CONTROLLER_SATA)
                return controller->index.value == 0 && domain_def_is_q35(def);
        if (controller->type == CONTROLLER_FDC)
                return !domain_def_is_q35(def);
        return controller->type == CONTROLLER_IDE || controller->model == PCI_MODEL_ROOT ||
               controller->model == PCI_MODEL_PCIE_ROOT || controller->model == USB_MODEL_NONE;
}

/* ---- PCI ---- */

static void set_num(json_t *object, const char *key, DomainNum num) {
        if (num.is_set)
                SET_INT(object, key, num.value);
}

/* A function that is unplugged and plugged in again, the guest restarted in between, finds the
 * window that it had. Firmware reserves two MiB by itself. */
static void reserve_window(const DomainDef *def, const DomainController *controller,
                           json_t *object) {
        uint64_t window = layout_window_of_bus(def, (unsigned)controller->index.value);

        if (window > WINDOW_SMALL && g_str_equal(controller->model_name.text, "pcie-root-port"))
                SET_INT(object, "pref64-reserve", window);
}

static void fill_pci(const DomainDef *def, const DomainController *controller, json_t *object) {
        SET_STRING(object, "driver", controller->model_name.text);
        reserve_window(def, controller, object);
        set_num(object, "chassis_nr", controller->target.chassis_nr);
        set_num(object, "chassis", controller->target.chassis);
        set_num(object, "port", controller->target.port);
        set_num(object, "bus_nr", controller->target.bus_nr);
        set_num(object, "numa_node", controller->target.numa);
        if (!controller->target.hotplug)
                return;
        SET_BOOL(object, controller->model == PCI_MODEL_BRIDGE ? "shpc" : "hotplug",
                 controller->target.hotplug == DOMAIN_SWITCH_ON);
}

/* ---- USB ---- */

static void fill_usb(const DomainController *controller, json_t *object) {
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
                [USB_MODEL_PCI_OHCI] = "pci-ohci",
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

/* ---- virtio ---- */

/* The forms that virtio-scsi and virtio-serial have. */
static void set_virtio_driver(const DomainController *controller, const char *name,
                              json_t *object) {
        const char *form = controller->model == VIRTIO_MODEL_TRANSITIONAL ? "-transitional"
                           : controller->model == VIRTIO_MODEL_NON_TRANSITIONAL
                                   ? "-non-transitional"
                                   : "";
        g_autofree char *driver = g_strconcat(name, "-pci", form, NULL);

        SET_STRING(object, "driver", driver);
}

static void set_switch(json_t *object, const char *key, DomainSwitch value) {
        if (value)
                SET_BOOL(object, key, value == DOMAIN_SWITCH_ON);
}

static void set_virtio_options(const DomainController *controller, json_t *object) {
        const typeof(controller->driver) *driver = &controller->driver;

        set_switch(object, "iommu_platform", driver->iommu);
        set_switch(object, "ats", driver->ats);
        set_switch(object, "packed", driver->packed);
        set_switch(object, "page-per-vq", driver->page_per_vq);
}

static void fill_virtio_scsi(const DomainController *controller, json_t *object) {
        const typeof(controller->driver) *driver = &controller->driver;

        set_virtio_driver(controller, "virtio-scsi", object);
        set_num(object, "num_queues", driver->queues);
        set_num(object, "cmd_per_lun", driver->cmd_per_lun);
        set_num(object, "max_sectors", driver->max_sectors);
        set_switch(object, "ioeventfd", driver->ioeventfd);
        if (driver->iothread.is_set) {
                g_autofree char *name =
                        g_strdup_printf("iothread%u", (unsigned)driver->iothread.value);

                SET_STRING(object, "iothread", name);
        }
        set_virtio_options(controller, object);
}

static void fill_scsi(const DomainController *controller, json_t *object) {
        static const char *const drivers[] = {
                [SCSI_MODEL_LSILOGIC] = "lsi",       [SCSI_MODEL_LSISAS1068] = "mptsas1068",
                [SCSI_MODEL_LSISAS1078] = "megasas", [SCSI_MODEL_VMPVSCSI] = "pvscsi",
                [SCSI_MODEL_DC390] = "dc390",        [SCSI_MODEL_AM53C974] = "am53c974",
        };

        if (domain_controller_is_virtio(controller))
                fill_virtio_scsi(controller, object);
        else
                SET_STRING(object, "driver", drivers[controller->model]);
}

static void fill_virtio_serial(const DomainController *controller, json_t *object) {
        set_virtio_driver(controller, "virtio-serial", object);
        set_num(object, "max_ports", controller->ports);
        set_num(object, "vectors", controller->vectors);
        set_virtio_options(controller, object);
}

/* ---- the kind ---- */

static int fill_controller(const QemuContext *context, const DomainDevice *device, json_t *object,
                           Err *err) {
        const DomainController *controller = (const DomainController *)device;

        switch (controller->type) {
        case CONTROLLER_PCI:
                fill_pci(context->def, controller, object);
                break;
        case CONTROLLER_USB:
                fill_usb(controller, object);
                break;
        case CONTROLLER_VIRTIO_SERIAL:
                fill_virtio_serial(controller, object);
                break;
        case CONTROLLER_SCSI:
                fill_scsi(controller, object);
                break;
        case CONTROLLER_FDC:
                SET_STRING(object, "driver", "isa-fdc");
                break;
        case CONTROLLER_NVME:
                SET_STRING(object, "driver", "nvme");
                SET_STRING(object, "serial", controller->serial.text);
                break;
        default:
                SET_STRING(object, "driver", "ich9-ahci");
        }
        return 0;
}

/* The root bus is the machine's own: it has no -device. */
static int root_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                        Err *err) {
        const DomainController *controller = (const DomainController *)device;
        const DomainDef *def = context->def;
        uint64_t kib;

        if (controller->type != CONTROLLER_PCI || controller->index.value > 0 ||
            !layout_window_hole_kib(def, &kib))
                return 0;
        qemu_args_add_format(args, "-global", "%s.pci-hole64-size=%" G_GUINT64_FORMAT "K",
                             domain_def_is_q35(def) ? "q35-pcihost" : "i440FX-pcihost", kib);
        /* OVMF takes its size from here (OvmfPkg, PlatformInitLib); other firmware does not look.
         */
        if (kib > OVMF_HOLE_KIB && def->os.loader.type == LOADER_PFLASH)
                qemu_args_add_format(args, "-fw_cfg",
                                     "name=opt/ovmf/X-PciMmio64Mb,string=%" G_GUINT64_FORMAT,
                                     kib / 1024);
        return 0;
}

/* Buses of the guest are numbered by its firmware, before it runs. */
static bool can_plug(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        return controller->type == CONTROLLER_SCSI ||
               controller->type == CONTROLLER_VIRTIO_SERIAL ||
               controller->model == USB_MODEL_QEMU_XHCI || controller->model == USB_MODEL_NEC_XHCI;
}

const QemuKind qemu_controller_kind = {
        .is_built_in = is_built_in,
        .device = fill_controller,
        .options = root_options,
        .can_plug = can_plug,
};
