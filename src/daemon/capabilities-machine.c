/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/capabilities-machine.h"

static void write_enum(XmlWriter *xml, const char *name, const char *const *values) {
        xml_writer_open(xml, "enum");
        xml_writer_attr(xml, "name", name);
        for (; *values; values++)
                xml_writer_leaf(xml, "value", *values);
        xml_writer_close(xml);
}

static void open_supported(XmlWriter *xml, const char *name, bool is_supported) {
        xml_writer_open(xml, name);
        xml_writer_attr(xml, "supported", is_supported ? "yes" : "no");
}

/* ---- os ---- */

static void write_loader(XmlWriter *xml, const GPtrArray *list, const char *machine) {
        static const char *const types[] = {"rom", "pflash", NULL};
        static const char *const readonly[] = {"yes", "no", NULL};
        bool has_secure = false;

        open_supported(xml, "loader", true);
        for (guint i = 0; i < list->len; i++) {
                const Firmware *firmware = list->pdata[i];

                if (!firmware_is_for(firmware, machine))
                        continue;
                xml_writer_leaf(xml, "value", firmware->code);
                has_secure |= firmware->needs_smm;
        }
        write_enum(xml, "type", types);
        write_enum(xml, "readonly", readonly);
        write_enum(xml, "secure", has_secure ? readonly : readonly + 1);
        xml_writer_close(xml);
}

void capabilities_write_os(XmlWriter *xml, FirmwareStore *firmwares, const char *machine) {
        const GPtrArray *list = firmware_store_list(firmwares);
        const char *names[] = {NULL, NULL};

        for (guint i = 0; i < list->len; i++) {
                const Firmware *firmware = list->pdata[i];

                if (firmware->is_uefi && firmware_is_for(firmware, machine))
                        names[0] = "efi";
        }
        open_supported(xml, "os", true);
        write_enum(xml, "firmware", names);
        write_loader(xml, list, machine);
        xml_writer_close(xml);
}

/* ---- memory, features ---- */

void capabilities_write_memory(XmlWriter *xml) {
        static const char *const sources[] = {"file", "anonymous", "memfd", NULL};

        open_supported(xml, "memoryBacking", true);
        write_enum(xml, "sourceType", sources);
        xml_writer_close(xml);
}

static void write_hyperv(XmlWriter *xml, bool is_kvm) {
        static const char *const names[] = {
                "relaxed", "vapic", "spinlocks", "vpindex",     "runtime",         "synic",
                "stimer",  "reset", "vendor_id", "frequencies", "reenlightenment", "tlbflush",
                "ipi",     "evmcs", "avic",      "emsr_bitmap", "xmm_input",       NULL};
        static const char *const emulated[] = {"spinlocks", "vendor_id", NULL};

        open_supported(xml, "hyperv", true);
        write_enum(xml, "features", is_kvm ? names : emulated);
        xml_writer_close(xml);
}

void capabilities_write_features(XmlWriter *xml, bool is_kvm) {
        static const struct {
                const char *name;
                bool is_supported;
        } features[] = {{"gic", false},    {"vmcoreinfo", true},
                        {"genid", true},   {"backingStoreInput", true},
                        {"backup", false}, {"async-teardown", false},
                        {"ps2", true},     {"sev", false},
                        {"sgx", false}};

        xml_writer_open(xml, "features");
        for (size_t i = 0; i < G_N_ELEMENTS(features); i++) {
                open_supported(xml, features[i].name, features[i].is_supported);
                xml_writer_close(xml);
        }
        write_hyperv(xml, is_kvm);
        open_supported(xml, "launchSecurity", false);
        xml_writer_close(xml);
        xml_writer_close(xml);
}
