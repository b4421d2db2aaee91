/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <string.h>

#include "daemon/dispatch.h"
#include "daemon/emulator.h"
#include "daemon/vm-kind.h"
#include "layout/assign.h"
#include "qemu/args.h"
#include "qemu/caps.h"
#include "rpc/proto.h"
#include "rpc/remote_domain_tune.h"

/* One line that a shell would take as these words. */
static char *join_quoted(const GPtrArray *argv) {
        g_autoptr(GString) line = g_string_new(NULL);

        for (guint i = 0; i < argv->len && argv->pdata[i]; i++) {
                const char *word = argv->pdata[i];
                g_autofree char *quoted = g_shell_quote(word);
                bool is_plain =
                        *word && strcspn(word, " \t\n\"'\\$`{}[]()<>|&;*?#~!") == strlen(word);

                g_string_append_printf(line, "%s%s", i > 0 ? " " : "", is_plain ? word : quoted);
        }
        return g_string_free(g_steal_pointer(&line), FALSE);
}

/* What a start would run, of a definition that nobody has to know: nothing is made for it, and a
 * guest with its name is not touched. */
static int command_line(Manager *manager, const char *xml, char **ret, Err *err) {
        g_autofree char *emulator = emulator_of_xml(xml);
        DomainDefaults defaults = manager_domain_defaults_for(manager, emulator);
        const QemuCaps *caps = manager_caps(manager, emulator);
        g_autoptr(DomainDef) def = NULL;
        g_autoptr(GPtrArray) argv = NULL;
        QemuRuntime runtime = {
                .version = caps ? (unsigned)caps->version : QEMU_VERSION_MIN,
                .qmp_fd = -1,
                .qmp_path = "monitor.sock",
                .run_dir = "/run/guest",
                .has_sandbox = caps && caps->has_sandbox,
        };
        Vm shown = {.manager = manager, .id = -1};
        int r = domain_def_parse(xml, strlen(xml), &defaults, 0, &def, err);

        if (r == 0)
                r = layout_assign(def, NULL, err);
        if (r < 0)
                return r;
        shown.config = def;
        domain_def_assign_aliases(def);
        r = vm_kind_fill_all(&shown, def, err);
        if (r == 0)
                r = qemu_args_build(def, &runtime, &argv, err);
        if (r == 0)
                *ret = join_quoted(argv);
        return r;
}

static int xml_to_native(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_domain_xml_to_native_args *args = data;
        remote_connect_domain_xml_to_native_ret *ret = result;
        int r = flags_check(args->flags, 0, "virConnectDomainXMLToNative", err);

        if (r < 0)
                return r;
        if (strcmp(args->nativeFormat, "qemu-argv") != 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_INVALID_ARG, "unsupported config type %.200s",
                                      args->nativeFormat),
                                 "the format is qemu-argv");
        return command_line(manager, args->domainXml, &ret->nativeConfig, err);
}

static const Procedure procedures[] = {
        GIVES(CONNECT_DOMAIN_XML_TO_NATIVE, "virConnectDomainXMLToNative",
              remote_connect_domain_xml_to_native, xml_to_native),
};

const ProcedureTable rpc_domain_native_table = {REMOTE_PROGRAM, procedures,
                                                G_N_ELEMENTS(procedures)};
