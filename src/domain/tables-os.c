/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attribute and child of <os> and <sysinfo> is which field. */
#include "domain/tables.h"

static const DomainField text_fields[] = {TEXT_STRING(DomainText, text), END};

/* ---- firmware ---- */

static const char *const boot_devs[] = {"hd", "cdrom", "network", "fd", NULL};
static const char *const loader_types[] = {"rom", "pflash", NULL};
static const char *const flash_formats[] = {"raw", "qcow2", NULL};
static const char *const firmwares[] = {"bios", "efi", NULL};
static const char *const firmware_features[] = {"enrolled-keys", "secure-boot", NULL};
static const char *const nvram_types[] = {"file", NULL};
static const char *const smbios_modes[] = {"emulate", "host", "sysinfo", NULL};

static const DomainField type_fields[] = {
        ATTR_STRING(DomainOs, type.arch, "arch"),
        ATTR_STRING(DomainOs, type.machine, "machine"),
        TEXT_STRING(DomainOs, type.text, .is_required = true),
        END,
};
static const DomainElement type = PART_OF(DomainOs, type, "type", type_fields);

static const DomainField firmware_feature_fields[] = {
        ATTR_YES(DomainFirmwareFeature, enabled, "enabled", .is_required = true),
        ATTR_ENUM(DomainFirmwareFeature, name, "name", firmware_features, .is_required = true),
        END,
};
const DomainElement domain_firmware_feature_element =
        ELEMENT(DomainFirmwareFeature, "feature", firmware_feature_fields);

static const DomainField firmware_fields[] = {
        LIST(DomainOs, firmware_features.list, "feature", domain_firmware_feature_element),
        END,
};
static const DomainElement firmware =
        PART_OF(DomainOs, firmware_features, "firmware", firmware_fields);

static const DomainField loader_fields[] = {
        ATTR_YES(DomainOs, loader.readonly, "readonly"),
        ATTR_YES(DomainOs, loader.secure, "secure"),
        ATTR_ENUM(DomainOs, loader.type, "type", loader_types),
        ATTR_YES(DomainOs, loader.stateless, "stateless"),
        ATTR_ENUM(DomainOs, loader.format, "format", flash_formats),
        TEXT_STRING(DomainOs, loader.path),
        END,
};
static const DomainElement loader = PART_OF(DomainOs, loader, "loader", loader_fields);

static bool nvram_is_text(const void *object) {
        return !((const DomainOs *)object)->nvram.type;
}

static bool nvram_has_source(const void *object) {
        return !nvram_is_text(object);
}

static const DomainField nvram_source_fields[] = {
        ATTR_STRING(DomainOs, nvram.file, "file", .is_required = true),
        END,
};
static const DomainElement nvram_source = {
        .name = "source", .node = offsetof(DomainOs, nvram.source), .fields = nvram_source_fields};

static const DomainField nvram_fields[] = {
        ATTR_STRING(DomainOs, nvram.template, "template"),
        ATTR_ENUM(DomainOs, nvram.template_format, "templateFormat", flash_formats),
        ATTR_ENUM(DomainOs, nvram.type, "type", nvram_types),
        ATTR_ENUM(DomainOs, nvram.format, "format", flash_formats),
        TEXT_STRING(DomainOs, nvram.path, .when = nvram_is_text),
        PART("source", nvram_source, .when = nvram_has_source, .is_required = true),
        END,
};
static const DomainElement nvram = PART_OF(DomainOs, nvram, "nvram", nvram_fields);

/* ---- boot ---- */

static const DomainElement kernel = ELEMENT(DomainText, "kernel", text_fields);
static const DomainElement initrd = ELEMENT(DomainText, "initrd", text_fields);
static const DomainElement cmdline = ELEMENT(DomainText, "cmdline", text_fields);
static const DomainElement shim = ELEMENT(DomainText, "shim", text_fields);

static const DomainField bootdev_fields[] = {
        ATTR_ENUM(DomainBootDev, dev, "dev", boot_devs, .is_required = true),
        END,
};
const DomainElement domain_bootdev_element = ELEMENT(DomainBootDev, "boot", bootdev_fields);

static const DomainField bootmenu_fields[] = {
        ATTR_YES(DomainOs, bootmenu.enable, "enable"),
        ATTR_NUM(DomainOs, bootmenu.timeout, "timeout", .max = UINT16_MAX),
        END,
};
static const DomainElement bootmenu = PART_OF(DomainOs, bootmenu, "bootmenu", bootmenu_fields);

static const DomainField bios_fields[] = {
        ATTR_YES(DomainOs, bios.serial, "useserial"),
        ATTR_STRING(DomainOs, bios.reboot_timeout, "rebootTimeout"),
        END,
};
static const DomainElement bios = PART_OF(DomainOs, bios, "bios", bios_fields);

static const DomainField smbios_fields[] = {
        ATTR_ENUM(DomainOs, smbios.mode, "mode", smbios_modes, .is_required = true),
        END,
};
static const DomainElement smbios = PART_OF(DomainOs, smbios, "smbios", smbios_fields);

static const DomainField os_fields[] = {
        ATTR_ENUM(DomainOs, firmware, "firmware", firmwares),
        PART("type", type, .is_required = true),
        PART("firmware", firmware),
        PART("loader", loader),
        PART("nvram", nvram),
        CHILD(DomainOs, kernel, "kernel", kernel),
        CHILD(DomainOs, initrd, "initrd", initrd),
        CHILD(DomainOs, cmdline, "cmdline", cmdline),
        CHILD(DomainOs, shim, "shim", shim),
        LIST(DomainOs, boot, "boot", domain_bootdev_element),
        PART("bootmenu", bootmenu),
        PART("bios", bios),
        PART("smbios", smbios),
        END,
};
const DomainElement domain_os_element = ELEMENT(DomainOs, "os", os_fields);

/* ---- sysinfo ---- */

static const char *const sysinfo_types[] = {"smbios", "fwcfg", NULL};

static bool is_smbios(const void *object) {
        return ((const DomainSysinfo *)object)->type == SYSINFO_SMBIOS;
}

static bool is_fwcfg(const void *object) {
        return ((const DomainSysinfo *)object)->type == SYSINFO_FWCFG;
}

static const DomainField entry_fields[] = {
        ATTR_STRING(DomainSysEntry, name, "name", .is_required = true),
        TEXT_STRING(DomainSysEntry, text, .is_required = true),
        END,
};
static const DomainElement entry = ELEMENT(DomainSysEntry, "entry", entry_fields);

static const DomainField text_entry_fields[] = {
        TEXT_STRING(DomainSysEntry, text, .is_required = true),
        END,
};
static const DomainElement text_entry = ELEMENT(DomainSysEntry, "entry", text_entry_fields);

static const DomainField fwcfg_entry_fields[] = {
        ATTR_STRING(DomainSysEntry, name, "name", .is_required = true),
        ATTR_STRING(DomainSysEntry, file, "file"),
        TEXT_STRING(DomainSysEntry, text),
        END,
};
static const DomainElement fwcfg_entry = ELEMENT(DomainSysEntry, "entry", fwcfg_entry_fields);

static const DomainField block_fields[] = {
        LIST(DomainSysBlock, entries, "entry", entry),
        END,
};
static const DomainElement sys_bios = ELEMENT(DomainSysBlock, "bios", block_fields);
static const DomainElement sys_system = ELEMENT(DomainSysBlock, "system", block_fields);
static const DomainElement sys_board = ELEMENT(DomainSysBlock, "baseBoard", block_fields);
static const DomainElement sys_chassis = ELEMENT(DomainSysBlock, "chassis", block_fields);

static const DomainField oem_fields[] = {
        LIST(DomainSysBlock, entries, "entry", text_entry),
        END,
};
static const DomainElement oem_strings = ELEMENT(DomainSysBlock, "oemStrings", oem_fields);

static const DomainField sysinfo_fields[] = {
        ATTR_ENUM(DomainSysinfo, type, "type", sysinfo_types, .is_required = true),
        CHILD(DomainSysinfo, bios, "bios", sys_bios, .when = is_smbios),
        CHILD(DomainSysinfo, system, "system", sys_system, .when = is_smbios),
        LIST(DomainSysinfo, boards, "baseBoard", sys_board, .when = is_smbios),
        CHILD(DomainSysinfo, chassis, "chassis", sys_chassis, .when = is_smbios),
        CHILD(DomainSysinfo, oem_strings, "oemStrings", oem_strings, .when = is_smbios),
        LIST(DomainSysinfo, entries, "entry", fwcfg_entry, .when = is_fwcfg),
        END,
};
const DomainElement domain_sysinfo_element = ELEMENT(DomainSysinfo, "sysinfo", sysinfo_fields);
