/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/options.h"

#include <errno.h>

#include "base/util.h"
#include "layout/assign.h"

#define CONFIG_FILE  "/etc/airlock/airlockd.conf"
#define CONFIG_GROUP "airlockd"

/* Devices of a guest: QEMU and its ACPI tables bear more, a host rarely has them. */
#define ASSIGNED_FUNCTIONS_DEFAULT 32
#define ASSIGNED_FUNCTIONS_MAX     256

/* Of a guest on q35; a slot of its root bus holds eight. */
#define SPARE_PORTS_MAX 64

/* IANA's port of libvirt over TLS. */
#define TLS_PORT     16514
#define TLS_PRIORITY "NORMAL"
/* Of Airlock's own certificates, below the configuration's directory. */
#define TLS_DIR "tls"

typedef enum OptionKind {
        OPTION_PATH,
        OPTION_TEXT,
        OPTION_FLAG,
        OPTION_FLAG_OFF, /* its presence means no */
        OPTION_NUMBER,
        OPTION_CHOICE, /* of words: an enum of their numbers */
        OPTION_LIST,   /* with ';' between: distinguished names have commas */
} OptionKind;

typedef struct OptionSpec {
        const char *name; /* of the key, and with dashes of the option */
        OptionKind kind;
        size_t offset; /* in Options */
        const char *preset;
        const char *help, *arg;
        unsigned min, max; /* of a number */
        const char *const *choices;
        bool is_live; /* changes while the daemon runs */
} OptionSpec;

static const char *const unix_auths[] = {
        [UNIX_AUTH_MODE] = "mode",
        [UNIX_AUTH_POLKIT] = "polkit",
        NULL,
};

#define AT(member) offsetof(Options, member)

static const OptionSpec specs[] = {
        {"config-dir", OPTION_PATH, AT(paths.config_dir), "/etc/airlock", "Definitions of guests",
         "DIR"},
        {"state-dir", OPTION_PATH, AT(paths.state_dir), "/var/lib/airlock", "Journal and images",
         "DIR"},
        {"run-dir", OPTION_PATH, AT(paths.run_dir), "/run/airlock", "State of running guests",
         "DIR"},
        {"log-dir", OPTION_PATH, AT(paths.log_dir), "/var/log/airlock", "Logs of guests", "DIR"},
        {"cache-dir", OPTION_PATH, AT(paths.cache_dir), "/var/cache/airlock",
         "What QEMU was found to be capable of", "DIR"},
        {"socket-dir", OPTION_PATH, AT(paths.socket_dir), NULL,
         "Own sockets (where nothing is said: the run directory)", "DIR"},
        {"libvirt-socket-dir", OPTION_PATH, AT(libvirt_socket_dir), "/run/libvirt",
         "Sockets that libvirt's clients look for", "DIR"},
        {"no-libvirt-sockets", OPTION_FLAG_OFF, AT(libvirt_sockets), NULL, "Make none of those",
         NULL},
        {"socket-group", OPTION_TEXT, AT(socket_group), NULL,
         "Group that may use the read-write sockets", "GROUP"},
        {"unix-auth", OPTION_CHOICE, AT(unix_auth), NULL,
         "Who gets in over the UNIX sockets: 'mode' (whom the files' mode lets connect) or "
         "'polkit'",
         "WHO", .choices = unix_auths},
        {"max-assigned-functions", OPTION_NUMBER, AT(limits.max_assigned_functions), NULL,
         "PCI functions that one guest may be given", "N", 1, ASSIGNED_FUNCTIONS_MAX,
         .is_live = true},
        {"spare-root-ports", OPTION_NUMBER, AT(limits.spare_root_ports), NULL,
         "PCI Express ports of a new guest for devices that are plugged in later", "N", 0,
         SPARE_PORTS_MAX, .is_live = true},
        {"listen-tls", OPTION_FLAG, AT(listen_tls), NULL, "Serve other hosts, over TLS", NULL},
        {"tls-port", OPTION_NUMBER, AT(tls_port), NULL, "TCP port for TLS (16514)", "N", 1,
         UINT16_MAX},
        {"listen-addr", OPTION_TEXT, AT(listen_addr), NULL,
         "Address to serve TLS on (where nothing is said: all)", "ADDRESS"},
        {"ca-file", OPTION_PATH, AT(ca_file), NULL, "Certificate of the CA", "FILE",
         .is_live = true},
        {"cert-file", OPTION_PATH, AT(cert_file), NULL, "The server's certificate", "FILE",
         .is_live = true},
        {"key-file", OPTION_PATH, AT(key_file), NULL, "The key of that", "FILE", .is_live = true},
        {"crl-file", OPTION_PATH, AT(crl_file), NULL, "What the CA has revoked", "FILE",
         .is_live = true},
        {"tls-priority", OPTION_TEXT, AT(tls_priority), TLS_PRIORITY,
         "Ciphers and versions, as GnuTLS names them", "PRIORITY", .is_live = true},
        {"tls-no-verify-certificate", OPTION_FLAG, AT(tls_no_verify_certificate), NULL,
         "Let in who shows no certificate", NULL, .is_live = true},
        {"tls-allowed-dn-list", OPTION_LIST, AT(tls_allowed_dns), NULL,
         "Names of certificates that are let in, with * and ? (all)", "DN;DN…", .is_live = true},
        {"verbose", OPTION_FLAG, AT(verbose), NULL, "Log more", NULL, .is_live = true},
};

void options_done(Options *options) {
        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
                if (specs[i].kind == OPTION_PATH || specs[i].kind == OPTION_TEXT)
                        g_free(G_STRUCT_MEMBER(char *, options, specs[i].offset));
                else if (specs[i].kind == OPTION_LIST)
                        g_strfreev(G_STRUCT_MEMBER(GStrv, options, specs[i].offset));
        }
        *options = (Options)OPTIONS_INIT;
}

static int set_text(Options *options, const OptionSpec *spec, const char *value, Err *err) {
        char **member = &G_STRUCT_MEMBER(char *, options, spec->offset);

        if (spec->kind == OPTION_PATH && !g_path_is_absolute(value))
                return fail(err, VIR_ERR_INVALID_ARG, "%s: '%s' is no absolute path", spec->name,
                            value);
        g_free(*member);
        *member = g_strdup(value);
        return 0;
}

static int set_number(Options *options, const OptionSpec *spec, const char *value, Err *err) {
        uint64_t number;

        if (str_to_uint(value, 10, spec->max, &number) < 0 || number < spec->min)
                return fail(err, VIR_ERR_INVALID_ARG, "%s: '%s' is no number from %u to %u",
                            spec->name, value, spec->min, spec->max);
        G_STRUCT_MEMBER(unsigned, options, spec->offset) = (unsigned)number;
        return 0;
}

static int set_choice(Options *options, const OptionSpec *spec, const char *value, Err *err) {
        for (unsigned i = 0; spec->choices[i]; i++)
                if (g_str_equal(spec->choices[i], value)) {
                        G_STRUCT_MEMBER(unsigned, options, spec->offset) = i;
                        return 0;
                }
        return fail(err, VIR_ERR_INVALID_ARG, "%s: '%s' is neither '%s' nor '%s'", spec->name,
                    value, spec->choices[0], spec->choices[1]);
}

static int set_flag(Options *options, const OptionSpec *spec, const char *value, Err *err) {
        static const char *const yeses[] = {"yes", "true", "1", NULL};
        static const char *const nos[] = {"no", "false", "0", NULL};
        bool yes = g_strv_contains(yeses, value);

        if (!yes && !g_strv_contains(nos, value))
                return fail(err, VIR_ERR_INVALID_ARG, "%s: '%s' is neither yes nor no", spec->name,
                            value);
        G_STRUCT_MEMBER(bool, options, spec->offset) = spec->kind == OPTION_FLAG_OFF ? !yes : yes;
        return 0;
}

static int set_list(Options *options, const OptionSpec *spec, const char *value, Err *err) {
        GStrv *member = &G_STRUCT_MEMBER(GStrv, options, spec->offset);
        g_auto(GStrv) list = g_strsplit(value, ";", -1);

        STRV_FOREACH(item, list)
                if (*g_strstrip(item) == '\0')
                        return fail(err, VIR_ERR_INVALID_ARG, "%s: an empty name in '%s'",
                                    spec->name, value);
        g_strfreev(*member);
        *member = list[0] ? g_steal_pointer(&list) : NULL;
        return 0;
}

static int set_value(Options *options, const OptionSpec *spec, const char *value, Err *err) {
        switch (spec->kind) {
        case OPTION_LIST:
                return set_list(options, spec, value, err);
        case OPTION_PATH:
        case OPTION_TEXT:
                return set_text(options, spec, value, err);
        case OPTION_CHOICE:
                return set_choice(options, spec, value, err);
        case OPTION_NUMBER:
                return set_number(options, spec, value, err);
        default:
                return set_flag(options, spec, value, err);
        }
}

static const OptionSpec *find_spec(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++)
                if (g_str_equal(specs[i].name, name))
                        return &specs[i];
        return NULL;
}

static int set_presets(Options *options) {
        options->libvirt_sockets = true;
        options->limits.max_assigned_functions = ASSIGNED_FUNCTIONS_DEFAULT;
        options->limits.spare_root_ports = LAYOUT_SPARE_PORTS;
        options->tls_port = TLS_PORT;
        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++)
                if (specs[i].preset)
                        set_text(options, &specs[i], specs[i].preset, NULL);
        return 0;
}

/* A key may be written with '_' as well, as most files of the field do. */
static int read_key(Options *options, GKeyFile *file, const char *path, const char *key, Err *err) {
        g_autofree char *name = g_strdelimit(g_strdup(key), "_", '-');
        const OptionSpec *spec = find_spec(name);
        g_autofree char *value = NULL;

        if (!spec)
                return fail(err, VIR_ERR_INVALID_ARG, "%s: there is no key '%s'", path, key);
        value = g_key_file_get_string(file, CONFIG_GROUP, key, NULL);
        return set_value(options, spec, value ? value : "", err);
}

static int read_file(Options *options, const char *path, bool must_exist, Err *err) {
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) keys = NULL;

        if (!must_exist && !g_file_test(path, G_FILE_TEST_EXISTS))
                return 0;
        if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &error))
                return fail(err, VIR_ERR_INVALID_ARG, "cannot read '%s': %s", path, error->message);
        keys = g_key_file_get_keys(file, CONFIG_GROUP, NULL, &error);
        if (!keys)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s': %s", path, error->message);
        STRV_FOREACH(key, keys) {
                int r = read_key(options, file, path, key, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* What GOption collects: one slot for each of specs, set where it was given. */
typedef struct Given {
        char *text[G_N_ELEMENTS(specs)];
        gboolean flag[G_N_ELEMENTS(specs)];
        char *config;
        gboolean version;
} Given;

static void given_done(Given *given) {
        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++)
                g_free(given->text[i]);
        g_free(given->config);
}

static bool takes_value(const OptionSpec *spec) {
        return spec->kind != OPTION_FLAG && spec->kind != OPTION_FLAG_OFF;
}

static int parse_arguments(int argc, char **argv, Given *given, Err *err) {
        g_autoptr(GOptionContext) context = g_option_context_new("- hand PCI devices to guests");
        g_auto(GStrv) arguments = g_strdupv(argv);
        GOptionEntry entries[G_N_ELEMENTS(specs) + 3] = {
                {"config", 0, 0, G_OPTION_ARG_FILENAME, &given->config,
                 "Configuration file (" CONFIG_FILE ")", "FILE"},
                {"version", 0, 0, G_OPTION_ARG_NONE, &given->version, "Print the version", NULL},
        };
        g_autoptr(GError) error = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++)
                entries[i + 2] = (GOptionEntry){
                        .long_name = specs[i].name,
                        .arg = takes_value(&specs[i]) ? G_OPTION_ARG_STRING : G_OPTION_ARG_NONE,
                        .arg_data = takes_value(&specs[i]) ? (void *)&given->text[i]
                                                           : (void *)&given->flag[i],
                        .description = specs[i].help,
                        .arg_description = specs[i].arg,
                };
        g_option_context_add_main_entries(context, entries, NULL);
        if (!g_option_context_parse_strv(context, &arguments, &error))
                return fail(err, VIR_ERR_INVALID_ARG, "%s", error->message);
        if (arguments[0] && arguments[1])
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' is no option", arguments[1]);
        return 0;
}

/* Airlock's own file where there is one, else that of libvirt. */
static char *find_tls_file(const Options *options, const char *name, const char *libvirt) {
        g_autofree char *own = g_build_filename(options->paths.config_dir, TLS_DIR, name, NULL);

        return g_file_test(own, G_FILE_TEST_EXISTS) ? g_steal_pointer(&own) : g_strdup(libvirt);
}

static void find_tls_files(Options *options) {
        static const struct {
                size_t offset;
                const char *name, *libvirt;
                bool is_optional;
        } files[] = {
                {AT(ca_file), "cacert.pem", "/etc/pki/CA/cacert.pem", false},
                {AT(crl_file), "cacrl.pem", "/etc/pki/CA/cacrl.pem", true},
                {AT(cert_file), "servercert.pem", "/etc/pki/libvirt/servercert.pem", false},
                {AT(key_file), "serverkey.pem", "/etc/pki/libvirt/private/serverkey.pem", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                char **member = &G_STRUCT_MEMBER(char *, options, files[i].offset);

                if (*member)
                        continue;
                *member = find_tls_file(options, files[i].name, files[i].libvirt);
                if (files[i].is_optional && !g_file_test(*member, G_FILE_TEST_EXISTS))
                        g_clear_pointer(member, g_free);
        }
}

int options_load(int argc, char **argv, Options *ret, Err *err) {
        _cleanup_(given_done) Given given = {};
        g_auto(Options) options = OPTIONS_INIT;
        int r;

        set_presets(&options);
        r = parse_arguments(argc, argv, &given, err);
        if (r < 0)
                return r;
        r = read_file(&options, given.config ? given.config : CONFIG_FILE, given.config, err);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(specs); i++) {
                if (given.text[i])
                        r = set_value(&options, &specs[i], given.text[i], err);
                else if (given.flag[i])
                        r = set_value(&options, &specs[i], "yes", err);
        }
        if (r < 0)
                return r;
        if (!options.paths.socket_dir)
                options.paths.socket_dir = g_strdup(options.paths.run_dir);
        find_tls_files(&options);
        options.version = given.version;
        *ret = options;
        options = (Options)OPTIONS_INIT;
        return 0;
}

static bool is_same_list(GStrv a, GStrv b) {
        if (!a || !b)
                return a == b;
        return g_strv_equal((const char *const *)a, (const char *const *)b);
}

static bool is_same(Options *a, Options *b, const OptionSpec *spec) {
        switch (spec->kind) {
        case OPTION_PATH:
        case OPTION_TEXT:
                return g_strcmp0(G_STRUCT_MEMBER(char *, a, spec->offset),
                                 G_STRUCT_MEMBER(char *, b, spec->offset)) == 0;
        case OPTION_LIST:
                return is_same_list(G_STRUCT_MEMBER(GStrv, a, spec->offset),
                                    G_STRUCT_MEMBER(GStrv, b, spec->offset));
        case OPTION_NUMBER:
        case OPTION_CHOICE:
                return G_STRUCT_MEMBER(unsigned, a, spec->offset) ==
                       G_STRUCT_MEMBER(unsigned, b, spec->offset);
        default:
                return G_STRUCT_MEMBER(bool, a, spec->offset) ==
                       G_STRUCT_MEMBER(bool, b, spec->offset);
        }
}

static void swap_pointers(Options *a, Options *b, size_t offset) {
        void *kept = G_STRUCT_MEMBER(void *, a, offset);

        G_STRUCT_MEMBER(void *, a, offset) = G_STRUCT_MEMBER(void *, b, offset);
        G_STRUCT_MEMBER(void *, b, offset) = kept;
}

static void take(Options *options, Options *fresh, const OptionSpec *spec) {
        if (spec->kind == OPTION_NUMBER || spec->kind == OPTION_CHOICE)
                G_STRUCT_MEMBER(unsigned, options, spec->offset) =
                        G_STRUCT_MEMBER(unsigned, fresh, spec->offset);
        else if (spec->kind == OPTION_FLAG || spec->kind == OPTION_FLAG_OFF)
                G_STRUCT_MEMBER(bool, options, spec->offset) =
                        G_STRUCT_MEMBER(bool, fresh, spec->offset);
        else
                swap_pointers(options, fresh, spec->offset);
}

GStrv options_take(Options *options, Options *fresh) {
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        g_auto(GStrv) list = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
                if (is_same(options, fresh, &specs[i]))
                        continue;
                if (specs[i].is_live)
                        take(options, fresh, &specs[i]);
                else
                        g_strv_builder_add(names, specs[i].name);
        }
        list = g_strv_builder_end(names);
        return list[0] ? g_steal_pointer(&list) : NULL;
}

static char *format_preset(Options *presets, const OptionSpec *spec) {
        switch (spec->kind) {
        case OPTION_PATH:
        case OPTION_TEXT:
                return g_strdup(spec->preset);
        case OPTION_NUMBER:
                return g_strdup_printf("%u", G_STRUCT_MEMBER(unsigned, presets, spec->offset));
        case OPTION_CHOICE:
                return g_strdup(spec->choices[0]);
        case OPTION_LIST:
                return NULL;
        default:
                return g_strdup("no");
        }
}

OptionFacts options_facts(size_t number) {
        g_auto(Options) presets = OPTIONS_INIT;

        if (number >= G_N_ELEMENTS(specs))
                return (OptionFacts){};
        set_presets(&presets);
        return (OptionFacts){
                .name = specs[number].name,
                .takes_value = takes_value(&specs[number]),
                .preset = format_preset(&presets, &specs[number]),
        };
}
