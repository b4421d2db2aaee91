/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/option.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/nearest.h"
#include "base/util.h"
#include "cli/roff.h"
#include "install/grammar.h"

#define HELP_WIDTH 26

/* What getopt returns for the first option of the table. */
#define CODE_FIRST 0x100

typedef enum Kind {
        KIND_FLAG,
        KIND_VALUE,
        KIND_MAYBE, /* the value can be left out */
} Kind;

typedef struct OptionDef {
        const char *name;
        Kind kind;
        char letter;
        const char *help;    /* NULL: not shown */
        const char *means;   /* the option that this is another name of; NULL: its own */
        const char *value;   /* … with this value */
        const char *refused; /* why it is not served; NULL: it is */
        const char *offers;  /* what a shell offers for the value: "file", "device", "system" */
} OptionDef;

#define GROUP(title) \
        { .help = (title) }
#define ALIAS(name, kind, letter, means) \
        { (name), (kind), (letter), NULL, (means) }
#define SHORTHAND(name, means, value) \
        { (name), KIND_FLAG, 0, NULL, (means), (value) }
#define REFUSED(name, kind, why) \
        { (name), (kind), .refused = (why) }
#define OTHER_HYPERVISOR "it is for other hypervisors than QEMU"
#define NOT_IN_GUESTS    "airlockd does not serve it in guests"

static const OptionDef defs[] = {
        GROUP("Guest"),
        {"name", KIND_VALUE, 'n', "name of the guest"},
        {"memory", KIND_VALUE, 0, "MiB: 2048, or memory=2048,currentMemory=1024"},
        {"vcpus", KIND_VALUE, 0, "4, or 4,maxvcpus=8,cpuset=0-3, or sockets=1,cores=4,threads=1"},
        {"cpu", KIND_VALUE, 0, "host-passthrough, host-model, or MODEL,+feature,-feature"},
        {"machine", KIND_VALUE, 0, "machine type: q35, pc"},
        {"virt-type", KIND_VALUE, 0, "kvm or qemu"},
        {"arch", KIND_VALUE, 0, "architecture: x86_64"},
        {"metadata", KIND_VALUE, 0, "name=,title=,description=,uuid="},
        {"osinfo", KIND_VALUE, 0, "the guest's system: rhel7.0, or detect=on,require=off; list",
         .offers = "system"},
        {"xml", KIND_VALUE, 0, "XPATH=VALUE on the finished XML, or xpath.delete=XPATH"},
        {"features", KIND_VALUE, 0, "acpi=off, smm.state=on …"},
        {"clock", KIND_VALUE, 0, "offset=localtime …"},
        {"events", KIND_VALUE, 0, "on_poweroff=,on_reboot=,on_crash="},
        {"pm", KIND_VALUE, 0, "suspend_to_mem=,suspend_to_disk="},
        {"memorybacking", KIND_VALUE, 0, "hugepages=on, locked=on …"},
        {"iothreads", KIND_VALUE, 0, "number of threads for disks"},
        {"numatune", KIND_VALUE, 0, "NODES,mode="},
        {"cputune", KIND_VALUE, 0, "vcpupin0.vcpu=0,vcpupin0.cpuset=0-1,shares="},

        GROUP("Installation"),
        {"cdrom", KIND_VALUE, 'c', "image of a CD to install from", .offers = "file"},
        {"location", KIND_VALUE, 'l', "install tree: URL, directory or image[,kernel=,initrd=]",
         .offers = "file"},
        {"import", KIND_FLAG, 0, "boot from the first disk, which has a system"},
        {"pxe", KIND_FLAG, 0, "boot from the network"},
        {"extra-args", KIND_VALUE, 'x', "more words for the installer's kernel"},
        {"initrd-inject", KIND_VALUE, 0, "put this file into the installer's initrd",
         .offers = "file"},
        {"boot", KIND_VALUE, 0, "hd,cdrom,menu=on, uefi, loader=,nvram=, kernel=,initrd=,cmdline="},
        {"install", KIND_VALUE, 0, "bootdev=, kernel=,initrd=,kernel_args=, no_install=yes"},
        {"cloud-init", KIND_MAYBE, 0, "user-data=,meta-data=,network-config=,ssh-key= …"},

        GROUP("Devices; each option can be given several times, with \"none\" it makes no device"),
        {"disk", KIND_VALUE, 0, "PATH,size=GIB,format=,bus=, pool=,size=, vol=POOL/VOL, none",
         .offers = "file"},
        {"network", KIND_VALUE, 'w', "network=, bridge=, user, none; model=,mac="},
        {"hostdev", KIND_VALUE, 0, "host's device: pci_0000_01_00_0, 01:00.0, 8086:10c9",
         .offers = "device"},
        {"graphics", KIND_VALUE, 0, "vnc, spice or none; listen=,port=,password="},
        {"video", KIND_VALUE, 0, "virtio, qxl, vga, none …"},
        {"controller", KIND_VALUE, 0, "type=,model=,index=; usb2, usb3"},
        {"input", KIND_VALUE, 0, "tablet, keyboard, mouse; bus="},
        {"serial", KIND_VALUE, 0, "pty, unix,path=,mode=, file,path= …"},
        {"parallel", KIND_VALUE, 0, "the same"},
        {"console", KIND_VALUE, 0, "the same, with target.type="},
        {"channel", KIND_VALUE, 0, "unix,target.type=virtio,target.name= …"},
        {"sound", KIND_MAYBE, 0, "ich9, ac97 …"},
        {"audio", KIND_VALUE, 0, "type=,id="},
        {"watchdog", KIND_VALUE, 0, "i6300esb,action="},
        {"memballoon", KIND_VALUE, 0, "virtio or none"},
        {"rng", KIND_VALUE, 0, "/dev/urandom or none"},
        {"tpm", KIND_VALUE, 0, "emulator,model=,version=, /dev/tpm0 or none"},
        {"filesystem", KIND_VALUE, 0, "SOURCE,TARGET"},
        {"smartcard", KIND_VALUE, 0, "mode="},
        {"redirdev", KIND_VALUE, 0, "usb,type="},
        {"panic", KIND_VALUE, 0, "model="},
        {"vsock", KIND_VALUE, 0, "cid.auto=yes"},
        {"iommu", KIND_VALUE, 0, "intel,driver.intremap=on"},

        GROUP("What is done"),
        {"connect", KIND_VALUE, 0, "URI or socket of the daemon"},
        {"autostart", KIND_FLAG, 0, "start the guest with the daemon"},
        {"transient", KIND_FLAG, 0, "keep no definition of the guest"},
        {"destroy-on-exit", KIND_FLAG, 0, "stop the guest when the console is left"},
        {"wait", KIND_MAYBE, 0, "minutes to wait for the installation; without: until it ends"},
        {"noautoconsole", KIND_FLAG, 0, "do not connect to the guest's console"},
        {"autoconsole", KIND_VALUE, 0, "text, graphical or none"},
        {"noreboot", KIND_FLAG, 0, "do not start the guest after the installation"},
        {"print-xml", KIND_MAYBE, 0, "print the XML, of step 1, 2 or all, and do nothing"},
        {"dry-run", KIND_FLAG, 0, "do all but what changes the host"},
        {"check", KIND_VALUE, 0, "path_in_use=off, path_exists=off, all=off …"},
        {"quiet", KIND_FLAG, 'q', "errors alone"},
        {"debug", KIND_FLAG, 'd', "tell more"},
        {"help", KIND_FLAG, 'h', "this text; --disk help lists the sub-options of --disk"},
        {"version", KIND_FLAG, 0, "print the version"},
        {"list-options", KIND_FLAG},

        /* Other names. */
        ALIAS("os-variant", KIND_VALUE, 0, "osinfo"),
        ALIAS("host-device", KIND_VALUE, 0, "hostdev"),
        ALIAS("print-step", KIND_VALUE, 0, "print-xml"),
        ALIAS("soundhw", KIND_VALUE, 0, "sound"),
        {"ram", KIND_VALUE, 'r'},
        {"uuid", KIND_VALUE, 'u'},
        {"description", KIND_VALUE},
        {"file", KIND_VALUE, 'f'},
        {"file-size", KIND_VALUE, 's'},
        {"nonsparse", KIND_FLAG},
        {"bridge", KIND_VALUE, 'b'},
        {"mac", KIND_VALUE, 'm'},
        {"cpuset", KIND_VALUE},
        {"os-type", KIND_VALUE},
        {"hvm", KIND_FLAG, 'v'},
        {"accelerate", KIND_FLAG},
        {"check-cpu", KIND_FLAG},
        SHORTHAND("nonetworks", "network", "none"),
        SHORTHAND("nodisks", "disk", "none"),
        SHORTHAND("nographics", "graphics", "none"),
        SHORTHAND("vnc", "graphics", "vnc"),
        SHORTHAND("noacpi", "features", "acpi=off"),
        SHORTHAND("noapic", "features", "apic=off"),

        REFUSED("unattended", KIND_MAYBE,
                "give the installer's answers by --initrd-inject and "
                "--extra-args"),
        REFUSED("reinstall", KIND_VALUE, "undefine the guest and install it anew"),
        REFUSED("livecd", KIND_FLAG, "use --cdrom with --install no_install=yes"),
        REFUSED("sysinfo", KIND_VALUE, "set it in the guest's XML by --xml"),
        REFUSED("qemu-commandline", KIND_VALUE, NOT_IN_GUESTS),
        REFUSED("launchSecurity", KIND_VALUE, NOT_IN_GUESTS),
        REFUSED("seclabel", KIND_VALUE, NOT_IN_GUESTS),
        REFUSED("security", KIND_VALUE, NOT_IN_GUESTS),
        REFUSED("memdev", KIND_VALUE, "set it in the guest's XML by --xml"),
        REFUSED("shmem", KIND_VALUE, "set it in the guest's XML by --xml"),
        REFUSED("resource", KIND_VALUE, NOT_IN_GUESTS),
        REFUSED("memtune", KIND_VALUE, "set it in the guest's XML by --xml"),
        REFUSED("blkiotune", KIND_VALUE, "set it in the guest's XML by --xml"),
        REFUSED("keywrap", KIND_VALUE, OTHER_HYPERVISOR),
        REFUSED("idmap", KIND_VALUE, OTHER_HYPERVISOR),
        REFUSED("init", KIND_VALUE, OTHER_HYPERVISOR),
        REFUSED("paravirt", KIND_FLAG, OTHER_HYPERVISOR),
        REFUSED("container", KIND_FLAG, OTHER_HYPERVISOR),
        REFUSED("sdl", KIND_FLAG, "use --graphics vnc"),
        REFUSED("prompt", KIND_FLAG, "nothing is ever asked for"),
        REFUSED("force", KIND_FLAG, "nothing is ever asked for"),
};

struct Options {
        GHashTable *values; /* name to GPtrArray of char *, NULL-terminated */
};

#define DEF_FOREACH(def) for (const OptionDef *def = defs; def < defs + G_N_ELEMENTS(defs); def++)

static const OptionDef *find_def(const char *name) {
        DEF_FOREACH(def)
        if (def->name && g_str_equal(def->name, name))
                return def;
        return NULL;
}

/* What getopt wants to know. letters and names are at least as long as the table needs. */
static void describe(char *letters, struct option *names) {
        *letters++ = ':';
        DEF_FOREACH(def) {
                if (!def->name)
                        continue;
                *names++ = (struct option){
                        .name = def->name,
                        .has_arg = def->kind == KIND_FLAG    ? no_argument
                                   : def->kind == KIND_VALUE ? required_argument
                                                             : optional_argument,
                        .val = CODE_FIRST + (int)(def - defs),
                };
                if (!def->letter)
                        continue;
                *letters++ = def->letter;
                if (def->kind != KIND_FLAG)
                        *letters++ = ':';
        }
        *letters = '\0';
        *names = (struct option){};
}

static int refuse_unknown(const char *word, Err *err) {
        g_autofree char *name = g_strndup(word, strcspn(word, "="));
        Nearest nearest = {.to = name + strspn(name, "-")};
        int r;

        DEF_FOREACH(def)
        if (def->name && def->help)
                nearest_offer(&nearest, def->name);
        r = fail(err, VIR_ERR_INVALID_ARG, "there is no option '%s'", name);
        if (nearest.name)
                return fail_hint(err, r, "did you mean --%s? airlock install --help lists all",
                                 nearest.name);
        return fail_hint(err, r, "airlock install --help lists all");
}

static void add_value(Options *options, const char *name, const char *value) {
        GPtrArray *list = g_hash_table_lookup(options->values, name);

        if (!list) {
                list = g_ptr_array_new_null_terminated(0, g_free, true);
                g_hash_table_insert(options->values, g_strdup(name), list);
        }
        g_ptr_array_add(list, g_strdup(value));
}

static const OptionDef *def_of(int code) {
        DEF_FOREACH(def)
        if (code == CODE_FIRST + (int)(def - defs) || (def->letter && code == def->letter))
                return def;
        return NULL;
}

/* The next word is this option's value; "--wait -1" has one, too. */
static bool is_value(const char *word) {
        return *word != '-' || g_ascii_isdigit(word[1]);
}

/* getopt's answer to one option. */
static int take_option(Options *options, int code, int argc, char *const *argv, Err *err) {
        const OptionDef *def = def_of(code);
        const char *value = optarg;

        if (code == ':')
                return fail(err, VIR_ERR_INVALID_ARG, "option '%s' needs a value",
                            argv[optind - 1]);
        if (code == '?' && optopt >= CODE_FIRST)
                return fail(err, VIR_ERR_INVALID_ARG, "option '--%s' takes no value",
                            defs[optopt - CODE_FIRST].name);
        if (!def)
                return refuse_unknown(argv[optind - 1], err);
        if (def->refused)
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "--%s is not served", def->name),
                        "%s", def->refused);
        if (def->kind == KIND_MAYBE && !value && optind < argc && is_value(argv[optind]))
                value = argv[optind++];
        add_value(options, def->means ?: def->name, def->value ?: value ?: "");
        return 0;
}

int options_parse(int argc, char *const *argv, Options **ret, Err *err) {
        g_autoptr(Options) options = g_new0(Options, 1);
        char letters[2 * G_N_ELEMENTS(defs) + 2];
        struct option names[G_N_ELEMENTS(defs) + 1];
        int code, r;

        describe(letters, names);
        options->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                (GDestroyNotify)g_ptr_array_unref);
        opterr = 0;
        optind = 0;
        while ((code = getopt_long(argc, argv, letters, names, NULL)) >= 0) {
                r = take_option(options, code, argc, argv, err);
                if (r < 0)
                        return r;
        }
        if (optind < argc)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' belongs to no option", argv[optind]);
        *ret = g_steal_pointer(&options);
        return 0;
}

void options_free(Options *options) {
        if (!options)
                return;
        g_hash_table_unref(options->values);
        g_free(options);
}

bool options_has(const Options *options, const char *name) {
        return options_text(options, name) != NULL;
}

char *const *options_list(const Options *options, const char *name) {
        static char *const none[] = {NULL};
        const GPtrArray *list = g_hash_table_lookup(options->values, name);

        g_assert(find_def(name));
        return list ? (char *const *)list->pdata : none;
}

const char *options_text(const Options *options, const char *name) {
        const GPtrArray *list = g_hash_table_lookup(options->values, name);

        g_assert(find_def(name));
        return list ? list->pdata[list->len - 1] : NULL;
}

const char *options_asks_for_help(const Options *options) {
        DEF_FOREACH(def) {
                const char *text = def->name ? options_text(options, def->name) : NULL;

                if (text && grammar_find(def->name) &&
                    (g_str_equal(text, "help") || g_str_equal(text, "?")))
                        return def->name;
        }
        return NULL;
}

/* The value can be left out: nothing is known to stand there. */
static const char *offers(const OptionDef *def) {
        return def->kind == KIND_VALUE ? def->offers ?: "text" : "";
}

char *options_rows(void) {
        GString *out = g_string_new(NULL);

        DEF_FOREACH(def)
        if (def->name && def->help)
                g_string_append_printf(out, "--%s\t%s\t%s\n", def->name, offers(def), def->help);
        return g_string_free(out, FALSE);
}

/* "-n", "--name" and what each means the same as. */
static void append_names(GString *out, const OptionDef *def) {
        static const char *const values[] = {
                [KIND_FLAG] = "",
                [KIND_VALUE] = " \\fIVALUE\\fR",
                [KIND_MAYBE] = " [\\fIVALUE\\fR]",
        };
        g_autofree char *name = roff_text(def->name);

        g_string_append(out, ".TP\n");
        if (def->letter)
                g_string_append_printf(out, "\\fB\\-%c\\fR, ", def->letter);
        g_string_append_printf(out, "\\fB\\-\\-%s\\fR%s\n", name, values[def->kind]);
}

/* Other names of the option, and what they are short for. */
static void append_aliases(GString *out, const OptionDef *def) {
        DEF_FOREACH(other) {
                g_autofree char *name = other->name ? roff_text(other->name) : NULL;
                g_autofree char *value = other->value ? roff_text(other->value) : NULL;

                if (g_strcmp0(other->means, def->name) != 0)
                        continue;
                if (value)
                        g_string_append_printf(out, "\\fB\\-\\-%s\\fR means \\fI%s\\fR.\n", name,
                                               value);
                else
                        g_string_append_printf(out, "Also \\fB\\-\\-%s\\fR.\n", name);
        }
}

char *options_manual(void) {
        GString *out = g_string_new(NULL);

        DEF_FOREACH(def) {
                g_autofree char *help = def->help ? roff_sentence(def->help) : NULL;

                if (!def->name) {
                        g_autofree char *title = roff_text(def->help);

                        g_string_append_printf(out, ".SS \"%s\"\n",
                                               g_str_has_prefix(title, "Devices") ? "Devices"
                                                                                  : title);
                } else if (help) {
                        append_names(out, def);
                        g_string_append_printf(out, "%s\n", help);
                        append_aliases(out, def);
                }
        }
        return g_string_free(out, FALSE);
}

static void append_def(GString *out, const OptionDef *def) {
        static const char *const values[] = {
                [KIND_FLAG] = "",
                [KIND_VALUE] = " VALUE",
                [KIND_MAYBE] = " [VALUE]",
        };
        g_autofree char *left = NULL;

        if (def->letter)
                left = g_strdup_printf("-%c, --%s%s", def->letter, def->name, values[def->kind]);
        else
                left = g_strdup_printf("    --%s%s", def->name, values[def->kind]);
        g_string_append_printf(out, "  %-*s  %s\n", HELP_WIDTH, left, def->help);
}

char *options_help(void) {
        GString *out =
                g_string_new("airlock install --name NAME --memory MIB DISK METHOD [OPTION]...\n"
                             "\n"
                             "Makes a guest and installs a system in it. The options are "
                             "those of virt-install.\n");

        DEF_FOREACH(def) {
                if (!def->name)
                        g_string_append_printf(out, "\n%s\n", def->help);
                else if (def->help)
                        append_def(out, def);
        }
        return g_string_free(out, FALSE);
}
