/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-machine.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "domain/tables.h"
#include "qemu/caps.h"

#define NVRAM_MAX (64u << 20)

char *vm_nvram_dir(const Paths *paths) {
        return g_build_filename(paths->state_dir, "nvram", NULL);
}

static char *memory_dir(const Vm *vm) {
        return g_build_filename(vm->manager->paths.state_dir, "ram", NULL);
}

/* ---- what is made ---- */

/* The guest's own copy, at its first start or after it was taken away. */
static int make_nvram(const Vm *vm, const DomainDef *live, Err *err) {
        const DomainOs *os = &live->os;
        g_autofree char *dir = NULL;
        g_autofree char *template = NULL;
        size_t size;
        int r;

        if (!os->nvram.path || access(os->nvram.path, F_OK) == 0)
                return 0;
        if (!os->nvram.template)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "'%s', the nvram of guest '%s', is not there, and no "
                                      "template is known for it",
                                      os->nvram.path, vm_name(vm)),
                                 "name one: <nvram template='…'>");
        r = file_read(os->nvram.template, NVRAM_MAX, &template, &size, err);
        if (r < 0)
                return fail_errno(err, r, "cannot read the nvram template '%s'",
                                  os->nvram.template);
        dir = g_path_get_dirname(os->nvram.path);
        r = file_mkdir_p(dir, 0700, err);
        return r < 0 ? r : file_write_atomic(os->nvram.path, template, size, err);
}

static bool has_file_memory(const DomainDef *live) {
        const DomainMemoryBacking *backing = &live->memory_backing;

        return backing->source.type == MEMORY_FILE ||
               (!backing->source.type && backing->access.mode == MEMORY_SHARED);
}

static int make_memory_dir(const Vm *vm, const DomainDef *live, Err *err) {
        g_autofree char *dir = memory_dir(vm);

        return has_file_memory(live) || live->cpu.numa.cells ? file_mkdir_p(dir, 0700, err) : 0;
}

/* ---- what is there ---- */

static bool has_model(const QemuCaps *caps, const char *name) {
        for (char **model = caps->cpu_models; model && *model; model++)
                if (g_str_equal(*model, name))
                        return true;
        return false;
}

static int check_caps(const Vm *vm, const DomainDef *live, Err *err) {
        const QemuCaps *caps = manager_caps(vm->manager, live->devices.emulator);
        const DomainCpu *cpu = &live->cpu;

        if (!caps)
                return 0;
        if (!caps_find_machine(caps, live->os.type.machine))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "'%s' has no machine '%s', which guest '%s' is defined on",
                            caps->binary, live->os.type.machine, vm_name(vm));
        if (cpu->mode == CPU_CUSTOM && caps->cpu_models && !has_model(caps, cpu->model.name))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "'%s' has no CPU model '%s', which guest '%s' wants", caps->binary,
                            cpu->model.name, vm_name(vm));
        return 0;
}

int vm_machine_prepare(Vm *vm, const DomainDef *live, Err *err) {
        int r = check_caps(vm, live, err);

        if (r == 0)
                r = make_memory_dir(vm, live, err);
        return r == 0 ? make_nvram(vm, live, err) : r;
}

/* ---- what the host's board says of itself ---- */

/* Files of sys/class/dmi/id (Documentation/ABI/testing/sysfs-class-dmi) and what they are in
 * SMBIOS. */
typedef struct DmiName {
        const char *file, *entry;
} DmiName;

static const DmiName bios_names[] = {
        {"bios_vendor", "vendor"}, {"bios_version", "version"}, {"bios_date", "date"}, {}};
static const DmiName system_names[] = {{"sys_vendor", "manufacturer"},
                                       {"product_name", "product"},
                                       {"product_version", "version"},
                                       {"product_serial", "serial"},
                                       {"product_sku", "sku"},
                                       {"product_family", "family"},
                                       {}};
static const DmiName board_names[] = {{"board_vendor", "manufacturer"}, {"board_name", "product"},
                                      {"board_version", "version"},     {"board_serial", "serial"},
                                      {"board_asset_tag", "asset"},     {}};
static const DmiName chassis_names[] = {{"chassis_vendor", "manufacturer"},
                                        {"chassis_version", "version"},
                                        {"chassis_serial", "serial"},
                                        {"chassis_asset_tag", "asset"},
                                        {}};

static void read_block(const Sys *sys, DomainSysBlock *block, const DmiName *names) {
        block->node.is_present = true;
        block->entries = g_ptr_array_new();
        for (; names->file; names++) {
                g_autofree char *path = g_strdup_printf("sys/class/dmi/id/%s", names->file);
                g_autofree char *text = NULL;
                DomainSysEntry *entry;

                if (sys_read_text(sys, path, &text) < 0 || !*text)
                        continue;
                entry = g_new0(DomainSysEntry, 1);
                entry->node.is_present = true;
                entry->name = g_strdup(names->entry);
                entry->text = g_steal_pointer(&text);
                g_ptr_array_add(block->entries, entry);
        }
}

static DomainSysinfo *read_sysinfo(const Sys *sys) {
        DomainSysinfo *sysinfo = domain_element_new(&domain_sysinfo_element);
        DomainSysBlock *board = g_new0(DomainSysBlock, 1);

        sysinfo->node.is_present = true;
        sysinfo->type = SYSINFO_SMBIOS;
        sysinfo->boards = g_ptr_array_new();
        g_ptr_array_add(sysinfo->boards, board);
        read_block(sys, &sysinfo->bios, bios_names);
        read_block(sys, &sysinfo->system, system_names);
        read_block(sys, board, board_names);
        read_block(sys, &sysinfo->chassis, chassis_names);
        return sysinfo;
}

void vm_machine_read(const Vm *vm, const DomainDef *live, VmMachine *ret) {
        *ret = (VmMachine){.memory_dir = memory_dir(vm)};
        if (live->os.smbios.mode == SMBIOS_HOST)
                ret->sysinfo = read_sysinfo(vm->manager->sys);
}

void vm_machine_clear(VmMachine *machine) {
        g_clear_pointer(&machine->memory_dir, g_free);
        domain_element_free(&domain_sysinfo_element, machine->sysinfo);
        machine->sysinfo = NULL;
}

void vm_machine_fill_runtime(const VmMachine *machine, QemuRuntime *runtime) {
        g_autoptr(GDateTime) now = g_date_time_new_now_local();

        runtime->now = g_date_time_to_unix(now);
        runtime->utc_offset = (int32_t)(g_date_time_get_utc_offset(now) / G_TIME_SPAN_SECOND);
        runtime->memory_dir = machine->memory_dir;
        runtime->host_sysinfo = machine->sysinfo;
}
