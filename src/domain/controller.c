/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/defaults.h"
#include "domain/kind.h"

#define NVME_SERIAL_MAX 20 /* NVMe base specification, Identify Controller: SN */

/* ---- XML ---- */

static const char *const controller_types[] = {
        "usb", "ide", "sata", "virtio-serial", "pci", "scsi", "fdc", "nvme", NULL,
};
G_STATIC_ASSERT(G_N_ELEMENTS(controller_types) == _CONTROLLER_MAX);

static const char *const controller_models[] = {
        "pci-root",
        "pci-bridge",
        "pci-expander-bus",
        "dmi-to-pci-bridge",
        "pcie-root",
        "pcie-expander-bus",
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
        "pci-ohci",
        "none",
        "auto",
        "lsilogic",
        "lsisas1068",
        "lsisas1078",
        "vmpvscsi",
        "dc390",
        "am53c974",
        "virtio-scsi",
        "virtio-transitional",
        "virtio-non-transitional",
        NULL,
};
G_STATIC_ASSERT(G_N_ELEMENTS(controller_models) == VIRTIO_MODEL_NON_TRANSITIONAL + 1);

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

static bool is_virtio_serial(const void *object) {
        return ((const DomainController *)object)->type == CONTROLLER_VIRTIO_SERIAL;
}

static bool is_nvme(const void *object) {
        return ((const DomainController *)object)->type == CONTROLLER_NVME;
}

static const DomainField model_name_fields[] = {
        ATTR_STRING(DomainText, text, "name", .is_required = true),
        END,
};
const DomainElement domain_text_model_element = ELEMENT(DomainText, "model", model_name_fields);

#define NODES_MAX 128 /* of QEMU */

static const DomainField controller_target_fields[] = {
        ATTR_NUM(DomainController, target.chassis_nr, "chassisNr", .max = UINT8_MAX),
        ATTR_NUM(DomainController, target.chassis, "chassis", .max = UINT8_MAX),
        ATTR_HEX(DomainController, target.port, "port", 1, .max = UINT8_MAX),
        ATTR_NUM(DomainController, target.bus_nr, "busNr", .max = UINT8_MAX - 1),
        ATTR_ON(DomainController, target.hotplug, "hotplug"),
        ATTR_NUM(DomainController, target.numa, "node", .place = PLACE_LEAF, .max = NODES_MAX - 1),
        END,
};
static const DomainElement controller_target =
        PART_OF(DomainController, target, "target", controller_target_fields);

static const DomainField master_fields[] = {
        ATTR_NUM(DomainController, master.startport, "startport", .max = 14),
        END,
};
static const DomainElement master = PART_OF(DomainController, master, "master", master_fields);

static const DomainField driver_fields[] = {
        ATTR_NUM(DomainController, driver.queues, "queues", .max = UINT16_MAX),
        ATTR_NUM(DomainController, driver.cmd_per_lun, "cmd_per_lun"),
        ATTR_NUM(DomainController, driver.max_sectors, "max_sectors"),
        ATTR_ON(DomainController, driver.ioeventfd, "ioeventfd"),
        ATTR_NUM(DomainController, driver.iothread, "iothread"),
        ATTR_ON(DomainController, driver.iommu, "iommu"),
        ATTR_ON(DomainController, driver.ats, "ats"),
        ATTR_ON(DomainController, driver.packed, "packed"),
        ATTR_ON(DomainController, driver.page_per_vq, "page_per_vq"),
        END,
};
static const DomainElement controller_driver =
        PART_OF(DomainController, driver, "driver", driver_fields);

static const DomainField pcihole64_fields[] = {
        ATTR_(DomainController, pcihole64.kib, NULL, FIELD_KIB, .place = PLACE_TEXT,
              .is_required = true),
        END,
};
static const DomainElement pcihole64 =
        PART_OF(DomainController, pcihole64, "pcihole64", pcihole64_fields);

static const DomainField controller_serial_fields[] = {
        TEXT_STRING(DomainText, text, .is_required = true),
        END,
};
static const DomainElement controller_serial =
        ELEMENT(DomainText, "serial", controller_serial_fields);

static const DomainField controller_fields[] = {
        ATTR_ENUM(DomainController, type, "type", controller_types, .is_required = true),
        ATTR_NUM(DomainController, index, "index", .max = UINT8_MAX),
        ATTR_ENUM(DomainController, model, "model", controller_models),
        ATTR_NUM(DomainController, ports, "ports", .when = has_ports, .max = 255),
        ATTR_NUM(DomainController, vectors, "vectors", .when = is_virtio_serial, .max = UINT16_MAX),
        CHILD(DomainController, serial, "serial", controller_serial, .when = is_nvme),
        CHILD(DomainController, model_name, "model", domain_text_model_element,
              .when = is_pci_controller),
        PART("target", controller_target, .when = is_pci_controller),
        PART("driver", controller_driver),
        DEVICE_ALIAS,
        PART("master", master, .when = is_usb_controller),
        DEVICE_ADDRESS,
        PART("pcihole64", pcihole64, .when = is_pci_controller),
        END,
};

/* ---- defaults ---- */

/* ICH9's UHCI controllers are companions of the EHCI that is named before them: one bus, one index.
 */
static bool find_companion(const DomainDef *def, const DomainController *controller,
                           unsigned *ret) {
        bool is_found = false;

        if (controller->model < USB_MODEL_ICH9_UHCI1 || controller->model > USB_MODEL_ICH9_UHCI3)
                return false;
        DOMAIN_FOREACH(DomainController, other, def, DOMAIN_CONTROLLER) {
                if (other == controller)
                        break;
                if (other->model != USB_MODEL_ICH9_EHCI1 || !other->index.is_set)
                        continue;
                *ret = (unsigned)other->index.value;
                is_found = true;
        }
        return is_found;
}

unsigned domain_controller_next_index(const DomainDef *def, const DomainController *controller) {
        unsigned index = 0;

        if (find_companion(def, controller, &index))
                return index;
        while (domain_def_find_controller(def, controller->type, index))
                index++;
        return index;
}

ControllerModel domain_root_model(const DomainDef *def) {
        return domain_def_is_q35(def) ? PCI_MODEL_PCIE_ROOT : PCI_MODEL_ROOT;
}

static ControllerModel default_pci_model(const DomainDef *def, unsigned index) {
        if (index == 0)
                return domain_root_model(def);
        return domain_def_is_q35(def) ? PCI_MODEL_PCIE_ROOT_PORT : PCI_MODEL_BRIDGE;
}

/* What QEMU calls each model of PCI controller; NULL: it is a part of the machine. */
static const char *pci_model_name(ControllerModel model) {
        static const char *const names[] = {
                [PCI_MODEL_BRIDGE] = "pci-bridge",
                [PCI_MODEL_EXPANDER] = "pxb",
                [PCI_MODEL_DMI_TO_PCI] = "i82801b11-bridge",
                [PCI_MODEL_PCIE_EXPANDER] = "pxb-pcie",
                [PCI_MODEL_PCIE_ROOT_PORT] = "pcie-root-port",
                [PCI_MODEL_PCIE_SWITCH_UP] = "x3130-upstream",
                [PCI_MODEL_PCIE_SWITCH_DOWN] = "xio3130-downstream",
                [PCI_MODEL_PCIE_TO_PCI] = "pcie-pci-bridge",
        };

        return (size_t)model < G_N_ELEMENTS(names) ? names[model] : NULL;
}

static bool is_expander(const DomainController *controller) {
        return controller->model == PCI_MODEL_EXPANDER ||
               controller->model == PCI_MODEL_PCIE_EXPANDER;
}

/* Buses of the definition that are behind this one. */
static unsigned count_buses_behind(const DomainDef *def, uint64_t bus) {
        unsigned n = 0;

        DOMAIN_FOREACH(DomainController, other, def, DOMAIN_CONTROLLER) {
                const DomainAddress *address = &other->base.address;

                if (other->type == CONTROLLER_PCI && address->type == DOMAIN_ADDRESS_PCI &&
                    address->bus.value == bus && other->index.value > bus)
                        n += 1 + count_buses_behind(def, other->index.value);
        }
        return n;
}

/* The buses behind an expander follow its own number: each new one stands below the others, with
 * numbers between for what is behind it, and for one bridge at least. Firmware counts the buses of
 * the first root bus from 0 up. */
static int fill_bus_nr(const DomainDef *def, DomainController *controller, Err *err) {
        uint64_t lowest = (uint64_t)UINT8_MAX + 1, numbers;

        if (controller->target.bus_nr.is_set)
                return 0;
        numbers = 1 + MAX(count_buses_behind(def, controller->index.value), 1);
        DOMAIN_FOREACH(DomainController, other, def, DOMAIN_CONTROLLER) {
                if (is_expander(other))
                        lowest = MIN(lowest, domain_num_or(other->target.bus_nr, lowest));
        }
        if (lowest <= numbers)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: no bus number is left below those of the guest's "
                            "expander buses",
                            (unsigned)controller->index.value);
        fill_num(&controller->target.bus_nr, lowest - numbers);
        return 0;
}

static int fill_pci_controller(DomainDef *def, DomainController *controller, Err *err) {
        const char *name;

        FILL_ENUM(controller->model, default_pci_model(def, (unsigned)controller->index.value));
        name = pci_model_name(controller->model);
        if (!name)
                return 0;
        controller->model_name.node.is_present = true;
        fill_text(&controller->model_name.text, name);
        controller->target.node.is_present = true;
        if (is_expander(controller))
                return fill_bus_nr(def, controller, err);
        if (controller->model == PCI_MODEL_BRIDGE)
                fill_num(&controller->target.chassis_nr, controller->index.value);
        else if (controller->model == PCI_MODEL_PCIE_ROOT_PORT ||
                 controller->model == PCI_MODEL_PCIE_SWITCH_DOWN)
                fill_num(&controller->target.chassis, controller->index.value);
        else if (!controller->target.hotplug)
                controller->target.node.is_present = controller->target.node.line > 0;
        return 0;
}

/* QEMU wants a serial number; this one is the guest's own and stays. */
static void fill_nvme_serial(const DomainDef *def, DomainController *controller) {
        const uint8_t *uuid = def->uuid;

        controller->serial.node.is_present = true;
        if (!controller->serial.text)
                controller->serial.text =
                        g_strdup_printf("%02x%02x%02x%02x-%u", uuid[0], uuid[1], uuid[2], uuid[3],
                                        (unsigned)controller->index.value);
}

static int fill_controller(DomainDef *def, DomainDevice *device, Err *err) {
        DomainController *controller = (DomainController *)device;

        if (!controller->index.is_set)
                fill_num(&controller->index, domain_controller_next_index(def, controller));
        if (controller->type == CONTROLLER_PCI)
                return fill_pci_controller(def, controller, err);
        if (controller->type == CONTROLLER_USB)
                FILL_ENUM(controller->model,
                          domain_def_is_q35(def) ? USB_MODEL_QEMU_XHCI : USB_MODEL_PIIX3_UHCI);
        if (controller->type == CONTROLLER_NVME)
                fill_nvme_serial(def, controller);
        if (controller->type == CONTROLLER_SCSI &&
            (controller->model == SCSI_MODEL_AUTO || !controller->model))
                controller->model = SCSI_MODEL_LSILOGIC;
        return 0;
}

/* ---- checks ---- */

typedef struct ModelRange {
        ControllerType type;
        ControllerModel first, last;
} ModelRange;

static int check_controller_model(const DomainController *controller, Err *err) {
        static const ModelRange ranges[] = {
                {CONTROLLER_PCI, PCI_MODEL_ROOT, PCI_MODEL_PCIE_TO_PCI},
                {CONTROLLER_USB, USB_MODEL_PIIX3_UHCI, USB_MODEL_NONE},
                {CONTROLLER_SCSI, SCSI_MODEL_AUTO, VIRTIO_MODEL_NON_TRANSITIONAL},
                {CONTROLLER_VIRTIO_SERIAL, VIRTIO_MODEL_TRANSITIONAL,
                 VIRTIO_MODEL_NON_TRANSITIONAL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
                if (controller->type == ranges[i].type && controller->model >= ranges[i].first &&
                    controller->model <= ranges[i].last)
                        return 0;
        }
        if (controller->model == CONTROLLER_MODEL_UNSET)
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "<controller> at line %u has a model of another type",
                    controller->base.node.line);
}

/* Machines that a model of PCI controller is for. */
static bool fits_machine(const DomainController *controller, bool is_q35) {
        switch (controller->model) {
        case PCI_MODEL_ROOT:
        case PCI_MODEL_EXPANDER:
                return !is_q35;
        case PCI_MODEL_BRIDGE:
                return true;
        default:
                return is_q35;
        }
}

static int check_pci_target(const DomainController *controller, Err *err) {
        unsigned index = (unsigned)controller->index.value;

        if (is_expander(controller)) {
                if (controller->target.bus_nr.value > 0)
                        return 0;
                return fail(err, VIR_ERR_XML_ERROR, "PCI controller %u: busNr is from 1 to 254",
                            index);
        }
        if (controller->target.bus_nr.is_set || controller->target.numa.is_set)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: busNr and a NUMA node are for expander buses",
                            index);
        return 0;
}

static int check_pci_controller(const DomainDef *def, const DomainController *controller,
                                Err *err) {
        bool is_root =
                controller->model == PCI_MODEL_ROOT || controller->model == PCI_MODEL_PCIE_ROOT;
        unsigned index = (unsigned)controller->index.value;

        if (is_root != (index == 0))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: index 0 is for the root bus and for nothing else",
                            index);
        if (!fits_machine(controller, domain_def_is_q35(def)))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: machine '%s' has no place for this model", index,
                            def->os.type.machine);
        if (controller->pcihole64.node.is_present && !is_root)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: <pcihole64> is for the root bus", index);
        return check_pci_target(controller, err);
}

static int check_model_name(const DomainController *controller, Err *err) {
        const char *name = controller->model_name.text, *wanted = pci_model_name(controller->model);
        bool is_ioh =
                controller->model == PCI_MODEL_PCIE_ROOT_PORT && g_strcmp0(name, "ioh3420") == 0;

        if (!name || g_strcmp0(name, wanted) == 0 || is_ioh)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "<model name='%s'> at line %u: this model of PCI controller is '%s'", name,
                    controller->model_name.node.line, wanted ? wanted : "a part of the machine");
}

bool domain_controller_is_virtio(const DomainController *controller) {
        return controller->type == CONTROLLER_VIRTIO_SERIAL ||
               (controller->type == CONTROLLER_SCSI && controller->model >= SCSI_MODEL_VIRTIO);
}

bool domain_controller_is_narrow(const DomainController *controller) {
        return controller->model == SCSI_MODEL_LSILOGIC || controller->model == SCSI_MODEL_DC390 ||
               controller->model == SCSI_MODEL_AM53C974;
}

int domain_check_iothread(const DomainDef *def, DomainNum thread, const DomainDevice *device,
                          Err *err) {
        const GPtrArray *list = def->iothreadids.list;
        g_autofree char *what = NULL;

        if (!thread.is_set)
                return 0;
        for (guint i = 0; list && i < list->len; i++)
                if (((const DomainIothread *)list->pdata[i])->id.value == thread.value)
                        return 0;
        what = domain_device_describe(device);
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "%s names I/O thread %u, which the guest does not have", what,
                              (unsigned)thread.value),
                         "give it <iothreads>%u</iothreads>", (unsigned)thread.value);
}

static int check_driver(const DomainController *controller, Err *err) {
        const typeof(controller->driver) *driver = &controller->driver;
        bool has_queues = driver->queues.is_set || driver->cmd_per_lun.is_set ||
                          driver->max_sectors.is_set || driver->iothread.is_set;
        const char *what = NULL;

        if (!driver->node.is_present)
                return 0;
        if (!domain_controller_is_virtio(controller))
                what = "is for virtio's controllers";
        else if (controller->type != CONTROLLER_SCSI && (has_queues || driver->ioeventfd))
                what = "has attributes of virtio-scsi";
        if (!what)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<driver> of <controller> at line %u %s",
                    driver->node.line, what);
}

static int check_index(const DomainDef *def, const DomainController *controller, Err *err) {
        unsigned index = (unsigned)controller->index.value;
        const char *what = controller->type == CONTROLLER_IDE ? "IDE" : "floppy";

        if (controller->type != CONTROLLER_IDE && controller->type != CONTROLLER_FDC)
                return 0;
        if (index == 0 && (controller->type == CONTROLLER_FDC || !domain_def_is_q35(def)))
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "machine '%s' has no %s controller %u",
                    def->os.type.machine, what, index);
}

static int check_controller(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainController *controller = (const DomainController *)device;
        int r;

        r = check_controller_model(controller, err);
        if (r < 0)
                return r;
        r = check_index(def, controller, err);
        if (r < 0)
                return r;
        r = check_driver(controller, err);
        if (r < 0)
                return r;
        r = domain_check_iothread(def, controller->driver.iothread, device, err);
        if (r < 0)
                return r;
        if (controller->serial.text && strlen(controller->serial.text) > NVME_SERIAL_MAX)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<serial> at line %u: an NVMe controller's has %d characters at most",
                            controller->serial.node.line, NVME_SERIAL_MAX);
        if (controller->type != CONTROLLER_PCI)
                return 0;
        r = check_pci_controller(def, controller, err);
        return r < 0 ? r : check_model_name(controller, err);
}

/* ---- the kind ---- */

static char *controller_key(const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;
        static const char *const types[_CONTROLLER_MAX] = {
                NULL, "USB", "IDE", "SATA", "virtio-serial", "PCI", "SCSI", "floppy", "NVMe",
        };
        bool is_companion = controller->model >= USB_MODEL_ICH9_UHCI1 &&
                            controller->model <= USB_MODEL_ICH9_UHCI3;

        return g_strdup_printf(
                "%s controller %u%s", types[controller->type], (unsigned)controller->index.value,
                is_companion ? (char[]){' ', (char)('0' + controller->model), 0} : "");
}

static char *describe_controller(const DomainDevice *device) {
        return g_strdup_printf("controller %u",
                               (unsigned)((const DomainController *)device)->index.value);
}

static bool is_same_controller(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainController *a = (const DomainController *)device;
        const DomainController *b = (const DomainController *)wanted;

        return a->type == b->type && a->index.value == b->index.value;
}

static bool is_on_pci(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        switch (controller->type) {
        case CONTROLLER_PCI:
                return controller->model != PCI_MODEL_ROOT &&
                       controller->model != PCI_MODEL_PCIE_ROOT;
        case CONTROLLER_USB:
                return controller->model != USB_MODEL_NONE;
        case CONTROLLER_FDC:
                return false;
        default:
                return true;
        }
}

static char *name_by_type(const DomainController *controller, bool is_q35) {
        unsigned index = (unsigned)controller->index.value;

        switch (controller->type) {
        case CONTROLLER_PCI:
                return g_strdup_printf(
                        controller->model == PCI_MODEL_PCIE_ROOT ? "pcie.%u" : "pci.%u", index);
        case CONTROLLER_USB:
                return index == 0 ? g_strdup("usb") : g_strdup_printf("usb%u", index);
        case CONTROLLER_SATA:
                /* The machine's own controller has this name in QEMU. */
                return index == 0 && is_q35 ? g_strdup("ide") : g_strdup_printf("sata%u", index);
        case CONTROLLER_IDE:
                return index == 0 ? g_strdup("ide") : g_strdup_printf("ide%u", index);
        default:
                return g_strdup_printf("%s%u", controller_types[controller->type - 1], index);
        }
}

/* The members of an ICH9 EHCI and its companions share an index. */
static char *usb_companion_name(const DomainController *controller) {
        return g_strdup_printf("usb%u-uhci%d", (unsigned)controller->index.value,
                               controller->model - USB_MODEL_ICH9_UHCI1 + 1);
}

static char *controller_name(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        if (controller->model >= USB_MODEL_ICH9_UHCI1 && controller->model <= USB_MODEL_ICH9_UHCI3)
                return usb_companion_name(controller);
        return name_by_type(controller, domain_def_is_q35(def));
}

const DomainKind domain_controller_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_CONTROLLER, DomainController, "controller",
                                  controller_fields),
        .name = controller_name,
        .fill = fill_controller,
        .check = check_controller,
        .key = controller_key,
        .describe = describe_controller,
        .is_same = is_same_controller,
        .is_pci = is_on_pci,
};
