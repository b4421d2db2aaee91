/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/xpath.h"
#include "client/host.h"

/* A version number as libvirt packs it. */
#define VERSION_MAJOR(v) ((v) / 1000000)
#define VERSION_MINOR(v) ((v) / 1000 % 1000)
#define VERSION_MICRO(v) ((v) % 1000)

static int cmd_uri(Cli *cli, const Args *args, Err *err) {
        puts(conn_uri(cli->conn));
        return 0;
}

static int cmd_hostname(Cli *cli, const Args *args, Err *err) {
        g_autofree char *name = NULL;
        int r;

        r = host_name(cli->conn, &name, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to get hostname");
        puts(name);
        return 0;
}

static void print_version(const char *label, const char *what, uint64_t version) {
        printf("%s: %s %" PRIu64 ".%" PRIu64 ".%" PRIu64 "\n", label, what, VERSION_MAJOR(version),
               VERSION_MINOR(version), VERSION_MICRO(version));
}

static int cmd_version(Cli *cli, const Args *args, Err *err) {
        g_autofree char *hypervisor = NULL;
        uint64_t library, running;
        int r;

        r = host_hypervisor(cli->conn, &hypervisor, err);
        if (r >= 0)
                r = host_library_version(cli->conn, &library, err);
        if (r >= 0)
                r = host_hypervisor_version(cli->conn, &running, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to get the version");
        printf("Compiled against library: airlock %s\n", AIRLOCK_VERSION);
        printf("Using library: airlock %s\n", AIRLOCK_VERSION);
        print_version("Using API", hypervisor, library);
        print_version("Running hypervisor", hypervisor, running);
        if (args_flag(args, "daemon"))
                printf("Running against daemon: %" PRIu64 ".%" PRIu64 ".%" PRIu64 "\n",
                       VERSION_MAJOR(library), VERSION_MINOR(library), VERSION_MICRO(library));
        return 0;
}

static int cmd_nodeinfo(Cli *cli, const Args *args, Err *err) {
        HostInfo info;
        int r;

        r = host_info(cli->conn, &info, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to get node information");
        printf("%-20s %s\n", "CPU model:", info.model);
        printf("%-20s %d\n", "CPU(s):", info.cpus);
        if (info.mhz)
                printf("%-20s %d MHz\n", "CPU frequency:", info.mhz);
        printf("%-20s %d\n", "CPU socket(s):", info.sockets);
        printf("%-20s %d\n", "Core(s) per socket:", info.cores);
        printf("%-20s %d\n", "Thread(s) per core:", info.threads);
        printf("%-20s %d\n", "NUMA cell(s):", info.nodes);
        printf("%-20s %" PRIu64 " KiB\n", "Memory size:", info.memory);
        return 0;
}

static int cmd_capabilities(Cli *cli, const Args *args, Err *err) {
        g_autofree char *xml = NULL;
        int r;

        r = host_capabilities(cli->conn, &xml, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to get capabilities");
        return xpath_print(args, xml, err);
}

static int cmd_domcapabilities(Cli *cli, const Args *args, Err *err) {
        HostDomainCaps of = {
                .emulator = args_text(args, "emulatorbin"),
                .arch = args_text(args, "arch"),
                .machine = args_text(args, "machine"),
                .virt_type = args_text(args, "virttype"),
        };
        g_autofree char *xml = NULL;
        int r;

        r = host_domain_capabilities(cli->conn, &of, &xml, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to get emulator capabilities");
        return xpath_print(args, xml, err);
}

static const Option options_xpath[] = {OPT_XPATH, OPT_END};
static const Option options_domcapabilities[] = {
        OPT_TEXT("virttype", "kind of virtualization: kvm or qemu"),
        OPT_TEXT("emulatorbin", "path of the emulator"),
        OPT_TEXT("arch", "architecture of the guest"),
        OPT_TEXT("machine", "machine type"),
        OPT_XPATH,
        OPT_END,
};
static const Option options_version[] = {
        OPT_FLAG("daemon", "the daemon's version too"),
        OPT_END,
};

static const Command commands[] = {
        {"capabilities", "show what the host can do, in XML", NULL, options_xpath,
         .run = cmd_capabilities},
        {"domcapabilities", "show what a guest can have, in XML", NULL, options_domcapabilities,
         .run = cmd_domcapabilities},
        {"hostname", "print the host's name", .run = cmd_hostname},
        {"nodeinfo", "show the host's processors and memory", .run = cmd_nodeinfo},
        {"uri", "print the URI of the connection", .run = cmd_uri},
        {"version", "print the versions of the command, the daemon and QEMU", NULL, options_version,
         .run = cmd_version},
        {},
};

const CommandGroup group_host = {
        "host",
        "Host and Hypervisor",
        (const Command *const[]){commands, commands_host_cpu, commands_host_memory, commands_import,
                                 NULL},
};
