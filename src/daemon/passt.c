/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/passt.h"

int passt_add_step(Vm *vm, Plan *plan, const DomainInterface *net, Err *err) {
        static const char *const programs[] = {"/usr/bin/passt", "/usr/local/bin/passt", NULL};
        const char *program = vm_sidecar_find_program(programs);
        g_autofree char *pid_file = vm_sidecar_path(vm, net->base.alias.name, "pid");
        g_auto(GStrv) argv = passt_arguments(net, program ? program : programs[0], pid_file);
        const SidecarSpec spec = {
                .alias = net->base.alias.name,
                .what = "user network passt",
                .argv = argv,
                .hint = "install it: apt install passt",
                .is_daemon = true,
        };

        vm_sidecar_add_step(vm, plan, &spec);
        return 0;
}
