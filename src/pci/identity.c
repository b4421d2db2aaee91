/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "pci/config.h"
#include "pci/vpd.h"

void pci_identity_free(PciIdentity *identity) {
        if (!identity)
                return;
        g_free(identity->serial);
        g_free(identity->slot_path);
        g_free(identity);
}

PciIdentity *pci_identity_copy(const PciIdentity *identity) {
        PciIdentity *copy = g_memdup2(identity, sizeof(*identity));

        copy->serial = g_strdup(identity->serial);
        copy->slot_path = g_strdup(identity->slot_path);
        return copy;
}

/* A source leaves *ret at NULL where the function does not have it. One that cannot be read is as
 * one that is not there: a card that is parked or asleep shows less, and is still the same card. */
typedef void (*SerialSource)(const Sys *sys, const PciDevice *dev, char **ret);

static int read_file(void *userdata, unsigned offset, void *buffer, size_t size) {
        const int *fd = userdata;
        ssize_t n = pread(*fd, buffer, size, (off_t)offset);

        return n < 0 ? neg_errno() : (int)n;
}

static int open_file(const Sys *sys, const PciDevice *dev, const char *name) {
        g_autofree char *path = g_build_filename(dev->path, name, NULL);

        return sys_open(sys, path, O_RDONLY);
}

static void serial_of_config(const Sys *sys, const PciDevice *dev, char **ret) {
        _cleanup_(closep) int fd = open_file(sys, dev, "config");
        PciConfig config;
        uint8_t bytes[8];

        if (fd < 0 || pci_config_load(read_file, &fd, &config) < 0 || config.serial_number == 0)
                return;
        for (unsigned i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(config.serial_number >> (56 - 8 * i));
        *ret = g_strdup_printf("dsn:%02x-%02x-%02x-%02x-%02x-%02x-%02x-%02x", bytes[0], bytes[1],
                               bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
}

static void serial_of_vpd(const Sys *sys, const PciDevice *dev, char **ret) {
        _cleanup_(closep) int fd = open_file(sys, dev, "vpd");
        g_autofree char *serial = NULL;

        if (fd >= 0 && pci_vpd_serial(read_file, &fd, &serial) >= 0 && serial)
                *ret = g_strconcat("vpd:", serial, NULL);
}

/* The first entry of a directory below the function's, or NULL. */
static char *first_below(const Sys *sys, const char *dir) {
        g_auto(GStrv) names = NULL;

        if (sys_list(sys, dir, &names) < 0 || !names[0])
                return NULL;
        return g_build_filename(dir, names[0], NULL);
}

static char *read_attribute(const Sys *sys, const char *dir, const char *name) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        char *text = NULL;

        return sys_read_text(sys, path, &text) < 0 ? NULL : text;
}

static void serial_of_nvme(const Sys *sys, const PciDevice *dev, char **ret) {
        g_autofree char *dir = g_build_filename(dev->path, "nvme", NULL);
        g_autofree char *controller = first_below(sys, dir);
        g_autofree char *serial = controller ? read_attribute(sys, controller, "serial") : NULL;

        if (serial && *serial)
                *ret = g_strconcat("nvme:", serial, NULL);
}

/* Only an address that the card brought with it (NET_ADDR_PERM): virtual functions are often given
 * another one at each start. */
static void serial_of_interface(const Sys *sys, const PciDevice *dev, char **ret) {
        g_autofree char *dir = g_build_filename(dev->path, "net", NULL);
        g_autofree char *interface = first_below(sys, dir);
        g_autofree char *type = NULL, *mac = NULL;

        if (!interface)
                return;
        type = read_attribute(sys, interface, "addr_assign_type");
        mac = read_attribute(sys, interface, "address");
        if (g_strcmp0(type, "0") == 0 && mac && *mac)
                *ret = g_strconcat("mac:", mac, NULL);
}

static char *load_serial(const Sys *sys, const PciDevice *dev) {
        static const SerialSource sources[] = {
                serial_of_config,
                serial_of_vpd,
                serial_of_nvme,
                serial_of_interface,
        };
        char *serial = NULL;

        for (size_t i = 0; !serial && i < G_N_ELEMENTS(sources); i++)
                sources[i](sys, dev, &serial);
        if (serial && !g_utf8_validate(serial, -1, NULL))
                g_clear_pointer(&serial, g_free);
        return serial;
}

/* The addresses in the path of sysfs, from the root bus down. */
static char *slot_path_of(const PciDevice *dev) {
        g_autoptr(GString) path = g_string_new(NULL);
        g_auto(GStrv) parts = g_strsplit(dev->path, "/", 0);

        STRV_FOREACH(part, parts) {
                PciAddr addr;

                if (pci_addr_parse(part, &addr) == 0)
                        g_string_append_printf(path, "%s%s", path->len ? "/" : "", part);
        }
        return g_string_free(g_steal_pointer(&path), FALSE);
}

int pci_identity_load(const Sys *sys, const PciDevice *dev, PciIdentity **ret, Err *err) {
        g_autoptr(PciIdentity) identity = g_new0(PciIdentity, 1);
        g_autofree char *link = pci_device_attribute(dev->addr, "");

        if (!sys_exists(sys, link)) {
                fail(err, VIR_ERR_NO_NODE_DEVICE, "there is no PCI device %s",
                     PCI_ADDR_TEXT(dev->addr));
                return -ENODEV;
        }
        identity->vendor = dev->vendor;
        identity->device = dev->device;
        identity->subsystem_vendor = dev->subsystem_vendor;
        identity->subsystem_device = dev->subsystem_device;
        identity->serial = load_serial(sys, dev);
        identity->slot_path = slot_path_of(dev);
        *ret = g_steal_pointer(&identity);
        return 0;
}

static bool is_same_kind(const char *a, const char *b) {
        size_t n = strcspn(a, ":");

        return strncmp(a, b, n + 1) == 0;
}

bool pci_identity_matches(const PciIdentity *a, const PciIdentity *b) {
        if (a->vendor != b->vendor || a->device != b->device ||
            a->subsystem_vendor != b->subsystem_vendor ||
            a->subsystem_device != b->subsystem_device)
                return false;
        if (!a->serial || !b->serial || !is_same_kind(a->serial, b->serial))
                return true;
        return strcmp(a->serial, b->serial) == 0;
}

json_t *pci_identity_to_json(const PciIdentity *identity) {
        return json_pack("{s:i, s:i, s:i, s:i, s:s?, s:s?}", "vendor", identity->vendor, "device",
                         identity->device, "subsystem_vendor", identity->subsystem_vendor,
                         "subsystem_device", identity->subsystem_device, "serial", identity->serial,
                         "slot_path", identity->slot_path);
}

static int get_id(const json_t *json, const char *key, uint16_t *ret) {
        const json_t *number = json_object_get(json, key);
        json_int_t value = json_integer_value(number);

        if (!json_is_integer(number) || value < 0 || value > UINT16_MAX)
                return -EINVAL;
        *ret = (uint16_t)value;
        return 0;
}

static int get_text(const json_t *json, const char *key, char **ret) {
        const json_t *text = json_object_get(json, key);

        if (!text || json_is_null(text))
                return 0;
        if (!json_is_string(text))
                return -EINVAL;
        *ret = g_strdup(json_string_value(text));
        return 0;
}

int pci_identity_from_json(const json_t *json, PciIdentity **ret) {
        g_autoptr(PciIdentity) identity = g_new0(PciIdentity, 1);

        if (get_id(json, "vendor", &identity->vendor) < 0 ||
            get_id(json, "device", &identity->device) < 0 ||
            get_id(json, "subsystem_vendor", &identity->subsystem_vendor) < 0 ||
            get_id(json, "subsystem_device", &identity->subsystem_device) < 0 ||
            get_text(json, "serial", &identity->serial) < 0 ||
            get_text(json, "slot_path", &identity->slot_path) < 0)
                return -EINVAL;
        *ret = g_steal_pointer(&identity);
        return 0;
}
