/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/prepare.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "prepare/diff.h"
#include "prepare/early.h"

#define MODPROBE_FILE "etc/modprobe.d/airlock.conf"
#define UNSAFE_SWITCH "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

void prepare_plan_free(PreparePlan *plan) {
        if (!plan)
                return;
        edits_done(&plan->edits);
        g_ptr_array_unref(plan->commands);
        g_ptr_array_unref(plan->notes);
        g_free(plan);
}

static PreparePlan *plan_new(const Sys *sys) {
        PreparePlan *plan = g_new0(PreparePlan, 1);

        plan->loader = loader_detect(sys);
        edits_init(&plan->edits, sys);
        plan->commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
        plan->notes = g_ptr_array_new_with_free_func(g_free);
        return plan;
}

static void note(PreparePlan *plan, const char *text) {
        g_ptr_array_add(plan->notes, g_strdup(text));
}

/* By the firmware's table, as a virtual machine can have another maker's IOMMU than its processor;
 * else by the processor, which tells when the IOMMU is still off in the firmware. */
static int detect_vendor(const Sys *sys, LineVendor *ret, Err *err) {
        g_autofree char *text = NULL;

        if (sys_exists(sys, "sys/firmware/acpi/tables/DMAR")) {
                *ret = LINE_INTEL;
                return 0;
        }
        if (sys_exists(sys, "sys/firmware/acpi/tables/IVRS")) {
                *ret = LINE_AMD;
                return 0;
        }
        if (sys_read(sys, "proc/cpuinfo", &text, NULL) < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "this tree has no /proc/cpuinfo, which says whose IOMMU it "
                                      "is"),
                                 "say --iommu intel or --iommu amd");
        if (strstr(text, "GenuineIntel"))
                *ret = LINE_INTEL;
        else if (strstr(text, "AuthenticAMD") || strstr(text, "HygonGenuine"))
                *ret = LINE_AMD;
        else
                *ret = LINE_OTHER;
        return 0;
}

int prepare_line_wish(const Sys *sys, const PrepareWish *wish, LineWish *ret, Err *err) {
        LineVendor vendor = LINE_OTHER;
        int r = 0;

        if (!wish->iommu)
                vendor = LINE_OTHER;
        else if (g_str_equal(wish->vendor, "intel"))
                vendor = LINE_INTEL;
        else if (g_str_equal(wish->vendor, "amd"))
                vendor = LINE_AMD;
        else
                r = detect_vendor(sys, &vendor, err);
        if (r < 0)
                return r;
        *ret = (LineWish){
                .vendor = vendor,
                .passthrough = wish->passthrough,
                .unsafe = wish->unsafe_always ? LINE_ON : LINE_KEEP,
                .more = wish->more,
        };
        return 0;
}

static int refuse_loader(const Loader *loader, const char *words, Err *err) {
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "this host is started by %s, whose configuration airlock leaves "
                              "alone; the words are: %s",
                              loader->title, words),
                         "%s", loader->by_hand);
}

static int plan_line(PreparePlan *plan, const PrepareWish *wish, Err *err) {
        g_autofree char *words = NULL;
        LineWish line;
        guint n;
        int r = prepare_line_wish(plan->edits.sys, wish, &line, err);

        if (r < 0)
                return r;
        words = line_wish_text(&line);
        if (!*words)
                note(plan, "the IOMMU of this processor is on unless a word turns it off: none "
                           "is added");
        if (plan->loader->by_hand)
                return *words ? refuse_loader(plan->loader, words, err) : 0;
        n = plan->edits.files->len;
        r = loader_edit(plan->loader, &plan->edits, &line, plan->notes, err);
        for (guint i = n; r == 0 && i < plan->edits.files->len; i++) {
                if (!edit_is_changed(g_ptr_array_index(plan->edits.files, i)))
                        continue;
                plan->loader->commands(plan->edits.sys, plan->commands);
                break;
        }
        return r;
}

static int plan_modules(PreparePlan *plan, Err *err) {
        static const char *const modules[] = {"vfio_iommu_type1", "vfio-pci"};

        for (size_t i = 0; i < G_N_ELEMENTS(modules); i++) {
                int r = ensure_line(&plan->edits, "etc/modules-load.d/airlock.conf", modules[i],
                                    modules[i], err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* With interrupt remapping the chips of the interrupts have names that begin so. */
static bool remaps_interrupts(const Sys *sys) {
        g_autofree char *text = NULL;

        return sys_read(sys, "proc/interrupts", &text, NULL) == 0 && strstr(text, " IR-");
}

static bool has_iommu(const Sys *sys) {
        g_auto(GStrv) groups = NULL;

        return sys_list(sys, "sys/kernel/iommu_groups", &groups) == 0 && groups && *groups;
}

static int plan_unsafe(PreparePlan *plan, const PrepareWish *wish, Err *err) {
        const Sys *sys = plan->edits.sys;
        Edit *edit = NULL;
        int r = 0;

        if (!wish->unsafe_now && !wish->unsafe_always)
                return 0;
        if (remaps_interrupts(sys)) {
                note(plan, "interrupts are remapped on this host: unsafe ones need not be "
                           "allowed, and are not");
                return 0;
        }
        if (sys_is_live(sys) && !has_iommu(sys))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "the IOMMU is off, so it is not known whether this host "
                                      "remaps interrupts"),
                                 "turn it on first (airlock prepare, then reboot), and allow "
                                 "unsafe interrupts only if airlock doctor asks for it");
        if (wish->unsafe_now && !sys_is_live(sys))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--unsafe-interrupts now is about the running kernel, not a tree");
        plan->unsafe_now = wish->unsafe_now;
        if (wish->unsafe_always)
                r = ensure_line(&plan->edits, MODPROBE_FILE, "options vfio_iommu_type1 ",
                                "options vfio_iommu_type1 allow_unsafe_interrupts=1", err);
        if (r == 0 && wish->unsafe_always)
                r = edits_open(&plan->edits, MODPROBE_FILE, &edit, err);
        plan->is_risky = wish->unsafe_now || (edit && edit_is_changed(edit));
        return r;
}

int prepare_plan(const Sys *sys, const PrepareWish *wish, PreparePlan **ret, Err *err) {
        g_autoptr(PreparePlan) plan = plan_new(sys);
        bool early = wish->early && *wish->early;
        int r = 0;

        if (wish->iommu)
                r = plan_line(plan, wish, err);
        if (r == 0 && (wish->iommu || early))
                r = plan_modules(plan, err);
        if (r == 0)
                r = plan_unsafe(plan, wish, err);
        if (r == 0 && early)
                r = early_edit(&plan->edits, wish->early, plan->commands, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&plan);
        return 0;
}

char *prepare_diff(const Edits *edits) {
        g_autoptr(GString) out = g_string_new(NULL);

        for (guint i = 0; i < edits->files->len; i++) {
                const Edit *edit = g_ptr_array_index(edits->files, i);
                g_autofree char *diff =
                        diff_unified(edit->path, edit->before, edit->text ? edit->text->str : NULL);

                g_string_append(out, diff);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

int prepare_set_unsafe(const Sys *sys, bool on, Err *err) {
        int r = sys_write(sys, UNSAFE_SWITCH, on ? "Y" : "N");

        if (r == -ENOENT)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "the module vfio_iommu_type1 is not loaded"),
                                 "modprobe vfio_iommu_type1");
        return r < 0 ? fail_errno(err, r, "cannot write /" UNSAFE_SWITCH) : 0;
}
