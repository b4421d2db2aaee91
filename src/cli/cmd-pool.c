/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <stdio.h>
#include <string.h>

#include "base/xml.h"
#include "cli/edit.h"
#include "cli/object.h"
#include "cli/table.h"
#include "cli/volume.h"
#include "cli/xpath.h"
#include "client/object.h"
#include "client/storage.h"

#define XML_INACTIVE    1u
#define DEFINE_VALIDATE 1u

/* virStoragePoolBuildFlags and -CreateFlags. */
static const ArgsBit build_bits[] = {{"overwrite", 4}, {"no-overwrite", 8}, {}};
static const ArgsBit create_bits[] = {{"build", 1}, {"overwrite", 2}, {"no-overwrite", 4}, {}};

int cli_pool(Cli *cli, const char *name, StoragePool **ret, Err *err) {
        uint8_t uuid[16];
        int r;

        if (object_parse_uuid(name, uuid) &&
            storage_pool_lookup_uuid(cli->conn, uuid, ret, NULL) >= 0)
                return 0;
        r = storage_pool_lookup(cli->conn, name, ret, err);
        return r < 0 ? cli_failed(cli, r, "failed to get pool '%s'", name) : 0;
}

static int pool_of(Cli *cli, const Args *args, StoragePool **ret, Err *err) {
        return cli_pool(cli, args_text(args, "pool"), ret, err);
}

/* ---- definitions ---- */

/* What the options of pool-define-as and pool-create-as say, as XML. */
static char *make_xml(const Args *args) {
        const char *target = args_text(args, "target");
        XmlWriter *xml = xml_writer_new(0);

        xml_writer_open(xml, "pool");
        xml_writer_attr(xml, "type", args_text(args, "type"));
        xml_writer_leaf(xml, "name", args_text(args, "name"));
        if (target) {
                xml_writer_open(xml, "target");
                xml_writer_leaf(xml, "path", target);
                xml_writer_close(xml);
        }
        xml_writer_close(xml);
        return xml_writer_finish(xml);
}

static int cmd_define(Cli *cli, const Args *args, Err *err) {
        const char *file = args_text(args, "file");
        unsigned flags = args_flag(args, "validate") ? DEFINE_VALIDATE : 0;
        g_autoptr(StoragePool) pool = NULL;
        g_autofree char *xml = NULL;
        int r = cli_read_file(file, &xml, err);

        if (r < 0)
                return r;
        r = storage_pool_define(cli->conn, xml, flags, &pool, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to define pool from %s", file);
        cli_say(cli, "Pool %s defined from %s\n", pool->name, file);
        return 0;
}

static int cmd_create(Cli *cli, const Args *args, Err *err) {
        const char *file = args_text(args, "file");
        g_autoptr(StoragePool) pool = NULL;
        g_autofree char *xml = NULL;
        int r = cli_read_file(file, &xml, err);

        if (r < 0)
                return r;
        r = storage_pool_create(cli->conn, xml, args_bits(args, create_bits), &pool, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to create pool from %s", file);
        cli_say(cli, "Pool %s created from %s\n", pool->name, file);
        return 0;
}

static int cmd_define_as(Cli *cli, const Args *args, Err *err) {
        g_autofree char *xml = make_xml(args);
        g_autoptr(StoragePool) pool = NULL;
        int r;

        if (args_flag(args, "print-xml")) {
                fputs(xml, stdout);
                return 0;
        }
        r = storage_pool_define(cli->conn, xml, 0, &pool, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to define pool %s", args_text(args, "name"));
        cli_say(cli, "Pool %s defined\n", pool->name);
        return 0;
}

static int cmd_create_as(Cli *cli, const Args *args, Err *err) {
        g_autofree char *xml = make_xml(args);
        g_autoptr(StoragePool) pool = NULL;
        int r;

        if (args_flag(args, "print-xml")) {
                fputs(xml, stdout);
                return 0;
        }
        r = storage_pool_create(cli->conn, xml, args_bits(args, create_bits), &pool, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to create pool %s", args_text(args, "name"));
        cli_say(cli, "Pool %s created\n", pool->name);
        return 0;
}

static int fetch(Cli *cli, const void *object, char **ret, Err *err) {
        return storage_pool_xml(cli->conn, object, XML_INACTIVE, ret, err);
}

static int define(Cli *cli, const void *object, const char *xml, bool validate, Err *err) {
        g_autoptr(StoragePool) pool = NULL;

        return storage_pool_define(cli->conn, xml, validate ? DEFINE_VALIDATE : 0, &pool, err);
}

static int cmd_pool_edit(Cli *cli, const Args *args, Err *err) {
        EditObject object = {.fetch = fetch, .define = define};
        g_autoptr(StoragePool) pool = NULL;
        int r = pool_of(cli, args, &pool, err);

        if (r < 0)
                return r;
        object.object = pool;
        r = edit_object(cli, &object, true, err);
        if (r < 0)
                return r;
        cli_say(cli, "Pool %s XML configuration %s.\n", pool->name,
                r == 0 ? "edited" : "not changed");
        return 0;
}

/* ---- life ---- */

typedef struct Act {
        StoragePoolAction action;
        unsigned flags;
        const char *failed, *done;
} Act;

static int act(Cli *cli, const Args *args, const Act *what, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        int r = pool_of(cli, args, &pool, err);

        if (r < 0)
                return r;
        r = storage_pool_act(cli->conn, pool, what->action, what->flags, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to %s pool %s", what->failed, pool->name);
        cli_say(cli, "Pool %s %s\n", pool->name, what->done);
        return 0;
}

static int cmd_build(Cli *cli, const Args *args, Err *err) {
        return act(cli, args,
                   &(Act){STORAGE_POOL_BUILD, args_bits(args, build_bits), "build", "built"}, err);
}

static int cmd_start(Cli *cli, const Args *args, Err *err) {
        return act(cli, args,
                   &(Act){STORAGE_POOL_START, args_bits(args, create_bits), "start", "started"},
                   err);
}

static int cmd_destroy(Cli *cli, const Args *args, Err *err) {
        return act(cli, args, &(Act){STORAGE_POOL_STOP, 0, "destroy", "destroyed"}, err);
}

static int cmd_delete(Cli *cli, const Args *args, Err *err) {
        return act(cli, args, &(Act){STORAGE_POOL_DELETE, 0, "delete", "deleted"}, err);
}

static int cmd_refresh(Cli *cli, const Args *args, Err *err) {
        return act(cli, args, &(Act){STORAGE_POOL_REFRESH, 0, "refresh", "refreshed"}, err);
}

static int cmd_undefine(Cli *cli, const Args *args, Err *err) {
        return act(cli, args, &(Act){STORAGE_POOL_UNDEFINE, 0, "undefine", "has been undefined"},
                   err);
}

static int cmd_autostart(Cli *cli, const Args *args, Err *err) {
        bool on = !args_flag(args, "disable");
        g_autoptr(StoragePool) pool = NULL;
        int r = pool_of(cli, args, &pool, err);

        if (r < 0)
                return r;
        r = storage_pool_set_autostart(cli->conn, pool, on, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to %smark pool %s as autostarted", on ? "" : "un",
                                  pool->name);
        cli_say(cli, "Pool %s %smarked as autostarted\n", pool->name, on ? "" : "un");
        return 0;
}

/* ---- lists ---- */

static const char *state_text(StoragePoolState state) {
        static const char *const states[] = {"inactive", "building", "running", "degraded",
                                             "inaccessible"};

        return (size_t)state < G_N_ELEMENTS(states) ? states[state] : "unknown";
}

/* Types of pools as bits of the list's flags, from the seventh on. */
static int type_flags(const char *list, unsigned *ret, Err *err) {
        static const char *const types[] = {"dir",      "fs",           "netfs",   "logical",
                                            "disk",     "iscsi",        "scsi",    "mpath",
                                            "rbd",      "sheepdog",     "gluster", "zfs",
                                            "vstorage", "iscsi-direct", NULL};
        g_auto(GStrv) words = g_strsplit(list, ",", -1);

        for (char **word = words; *word; word++) {
                unsigned i = 0;

                while (types[i] && !g_str_equal(types[i], *word))
                        i++;
                if (!types[i])
                        return fail(err, VIR_ERR_INVALID_ARG, "Invalid pool type '%s'", *word);
                *ret |= 1u << (6 + i);
        }
        return 0;
}

typedef struct Row {
        StoragePoolInfo info;
        bool persistent, autostart;
} Row;

static int read_row(Cli *cli, const StoragePool *pool, Row *ret, Err *err) {
        int r = storage_pool_info(cli->conn, pool, &ret->info, err);

        if (r >= 0)
                r = storage_pool_ask(cli->conn, pool, STORAGE_POOL_IS_PERSISTENT, &ret->persistent,
                                     err);
        if (r >= 0)
                r = storage_pool_ask(cli->conn, pool, STORAGE_POOL_HAS_AUTOSTART, &ret->autostart,
                                     err);
        return r;
}

static void add_row(Table *table, const StoragePool *pool, const Row *row, bool details) {
        bool active = row->info.state != STORAGE_POOL_INACTIVE;
        g_autofree char *capacity = active ? object_size(row->info.capacity) : g_strdup("-");
        g_autofree char *allocation = active ? object_size(row->info.allocation) : g_strdup("-");
        g_autofree char *available = active ? object_size(row->info.available) : g_strdup("-");

        if (details)
                table_add(table, (const char *const[]){pool->name, state_text(row->info.state),
                                                       object_yes_no(row->autostart),
                                                       object_yes_no(row->persistent), capacity,
                                                       allocation, available});
        else
                table_add(table, (const char *const[]){pool->name, active ? "active" : "inactive",
                                                       object_yes_no(row->autostart)});
}

static int print_table(Cli *cli, const GPtrArray *pools, bool details, Err *err) {
        static const char *const plain[] = {"Name", "State", "Autostart", NULL};
        static const char *const detailed[] = {"Name",     "State",      "Autostart", "Persistent",
                                               "Capacity", "Allocation", "Available", NULL};
        g_autoptr(Table) table = table_new(details ? detailed : plain);
        g_autofree char *text = NULL;

        for (guint i = 0; i < pools->len; i++) {
                Row row = {};
                int r = read_row(cli, pools->pdata[i], &row, err);

                if (r < 0)
                        return r;
                add_row(table, pools->pdata[i], &row, details);
        }
        text = table_format(table, !cli->quiet, table_terminal_width());
        fputs(text, stdout);
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp((*(StoragePool *const *)a)->name, (*(StoragePool *const *)b)->name);
}

static int cmd_list(Cli *cli, const Args *args, Err *err) {
        bool uuids = args_flag(args, "uuid"), names = args_flag(args, "name");
        g_autoptr(GPtrArray) pools = NULL;
        unsigned flags = object_list_flags(args);
        int r = args_text(args, "type") ? type_flags(args_text(args, "type"), &flags, err) : 0;

        if (r < 0)
                return r;
        r = storage_pool_list(cli->conn, flags, &pools, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to list pools");
        g_ptr_array_sort(pools, compare_names);
        if (!uuids && !names)
                return print_table(cli, pools, args_flag(args, "details"), err);
        for (guint i = 0; i < pools->len; i++) {
                const StoragePool *pool = pools->pdata[i];
                g_autofree char *uuid = object_uuid_text(pool->uuid);

                if (uuids && names)
                        printf("%s %s\n", uuid, pool->name);
                else
                        puts(uuids ? uuid : pool->name);
        }
        return 0;
}

/* ---- one of them ---- */

static int cmd_info(Cli *cli, const Args *args, Err *err) {
        bool bare = args_flag(args, "bytes");
        g_autoptr(StoragePool) pool = NULL;
        g_autofree char *uuid = NULL;
        Row row = {};
        int r = pool_of(cli, args, &pool, err);

        if (r >= 0)
                r = read_row(cli, pool, &row, err);
        if (r < 0)
                return r;
        uuid = object_uuid_text(pool->uuid);
        object_info("Name:", pool->name);
        object_info("UUID:", uuid);
        object_info("State:", state_text(row.info.state));
        object_info("Persistent:", object_yes_no(row.persistent));
        object_info("Autostart:", object_yes_no(row.autostart));
        if (row.info.state != STORAGE_POOL_RUNNING && row.info.state != STORAGE_POOL_DEGRADED)
                return 0;
        object_info_size("Capacity:", row.info.capacity, bare, "");
        object_info_size("Allocation:", row.info.allocation, bare, "");
        object_info_size("Available:", row.info.available, bare, "");
        return 0;
}

static int cmd_uuid(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        g_autofree char *uuid = NULL;
        int r = pool_of(cli, args, &pool, err);

        if (r < 0)
                return r;
        uuid = object_uuid_text(pool->uuid);
        puts(uuid);
        return 0;
}

static int cmd_name(Cli *cli, const Args *args, Err *err) {
        const char *text = args_text(args, "pool");
        g_autoptr(StoragePool) pool = NULL;
        uint8_t uuid[16];
        int r;

        if (!object_parse_uuid(text, uuid))
                return fail(err, VIR_ERR_INVALID_ARG, "failed to get pool '%s'", text);
        r = storage_pool_lookup_uuid(cli->conn, uuid, &pool, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to get pool '%s'", text);
        puts(pool->name);
        return 0;
}

static int cmd_dumpxml(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        g_autofree char *xml = NULL;
        int r = pool_of(cli, args, &pool, err);

        if (r >= 0)
                r = storage_pool_xml(cli->conn, pool,
                                     args_flag(args, "inactive") ? XML_INACTIVE : 0, &xml, err);
        return r < 0 ? r : xpath_print(args, xml, err);
}

static int cmd_capabilities(Cli *cli, const Args *args, Err *err) {
        g_autofree char *xml = NULL;
        int r = storage_capabilities(cli->conn, &xml, err);

        if (r < 0)
                return cli_failed(cli, r, "failed to get storage pool capabilities");
        puts(xml);
        return 0;
}

static int cmd_sources(Cli *cli, const Args *args, Err *err) {
        const char *type = args_text(args, "type"), *file = args_text(args, "srcSpec");
        g_autofree char *spec = NULL, *xml = NULL;
        int r = file ? cli_read_file(file, &spec, err) : 0;

        if (r < 0)
                return r;
        r = storage_find_sources(cli->conn, type, spec, &xml, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to find any %s pool sources", type);
        fputs(xml, stdout);
        return 0;
}

/* ---- the table ---- */

#define OPT_POOL OPT_NEED("pool", CANDIDATES_POOL, "pool name or uuid")
#define OPT_WRITE                                        \
        OPT_FLAG("no-overwrite", "leave what is there"), \
                OPT_FLAG("overwrite", "overwrite what is there")
#define OPT_BUILD OPT_FLAG("build", "make what it stands on first"), OPT_WRITE
#define OPT_AS                                                      \
        OPT_NEED("name", CANDIDATES_NONE, "name of the pool"),      \
                OPT_NEED("type", CANDIDATES_NONE, "type: dir"),     \
                OPT_FLAG("print-xml", "print the XML, do nothing"), \
                OPT_MAY("target", CANDIDATES_FILE, "its directory")

static const Option options_one[] = {OPT_POOL, OPT_END};
static const Option options_define[] = {
        OPT_FILE("file with the pool's XML"),
        OPT_FLAG("validate", "refuse what the schema does not know"),
        OPT_END,
};
static const Option options_create[] = {OPT_FILE("file with the pool's XML"), OPT_BUILD, OPT_END};
static const Option options_define_as[] = {OPT_AS, OPT_END};
static const Option options_create_as[] = {OPT_AS, OPT_BUILD, OPT_END};
static const Option options_build[] = {OPT_POOL, OPT_WRITE, OPT_END};
static const Option options_start[] = {OPT_POOL, OPT_BUILD, OPT_END};
static const Option options_autostart[] = {
        OPT_POOL, OPT_FLAG("disable", "do not start it with the host any more"), OPT_END};
static const Option options_list[] = {
        OPT_OBJECT_LIST,
        OPT_TEXT("type", "only of these types: dir,fs"),
        OPT_FLAG("details", "print their sizes, too"),
        OPT_FLAG("uuid", "only their UUIDs"),
        OPT_FLAG("name", "only their names"),
        OPT_END,
};
static const Option options_info[] = {OPT_POOL, OPT_FLAG("bytes", "sizes in bytes"), OPT_END};
static const Option options_dumpxml[] = {
        OPT_POOL,
        OPT_FLAG("inactive", "as it will be at the next start"),
        OPT_XPATH,
        OPT_END,
};
static const Option options_sources[] = {
        OPT_NEED("type", CANDIDATES_NONE, "type of the pools"),
        OPT_MAY("srcSpec", CANDIDATES_FILE, "file with XML that narrows the search"),
        OPT_END,
};
static const Option options_event[] = {
        OPT_NAMED("pool", CANDIDATES_POOL, "only of this pool"),
        OPT_TEXT("event", "which event to wait for"),
        OPT_FLAG("loop", "wait for more than one, until timeout or interrupt"),
        OPT_NUMBER("timeout", "seconds to wait"),
        OPT_FLAG("list", "list the events"),
        OPT_FLAG("timestamp", "print the time of each"),
        OPT_END,
};

static const Command commands[] = {
        {"find-storage-pool-sources", "look for what could be a pool", NULL, options_sources,
         .run = cmd_sources},
        {"pool-autostart", "start a pool with the host", NULL, options_autostart,
         .run = cmd_autostart},
        {"pool-build", "make what a pool stands on", NULL, options_build, .run = cmd_build},
        {"pool-capabilities", "show which types of pools there are", NULL, NULL,
         .run = cmd_capabilities},
        {"pool-create", "start a pool that is gone when it stops, from a file", NULL,
         options_create, .run = cmd_create},
        {"pool-create-as", "start a pool that is gone when it stops, from options", NULL,
         options_create_as, .run = cmd_create_as},
        {"pool-define", "define a pool from a file, or change its definition", NULL, options_define,
         .run = cmd_define},
        {"pool-define-as", "define a pool from options, or change its definition", NULL,
         options_define_as, .run = cmd_define_as,
         .examples = "pool-define-as images dir --target /srv/images"},
        {"pool-delete", "delete what a pool stands on", NULL, options_one, .run = cmd_delete},
        {"pool-destroy", "stop a pool; its files stay", NULL, options_one, .run = cmd_destroy},
        {"pool-dumpxml", "show the XML of a pool", NULL, options_dumpxml, .run = cmd_dumpxml},
        {"pool-edit", "edit the definition of a pool", NULL, options_one, .run = cmd_pool_edit},
        {"pool-event", "wait for events of pools", NULL, options_event, .run = cmd_pool_event},
        {"pool-info", "show what a pool is", NULL, options_info, .run = cmd_info},
        {"pool-list", "list pools", NULL, options_list, .run = cmd_list},
        {"pool-name", "print the name of a pool by its UUID", NULL, options_one, .run = cmd_name},
        {"pool-refresh", "read the volumes of a pool again", NULL, options_one, .run = cmd_refresh},
        {"pool-start", "start a pool", NULL, options_start, .run = cmd_start},
        {"pool-undefine", "remove the definition of a pool", NULL, options_one,
         .run = cmd_undefine},
        {"pool-uuid", "print the UUID of a pool", NULL, options_one, .run = cmd_uuid},
        {},
};

const CommandGroup group_storage = {
        "pool",
        "Storage Pool",
        (const Command *const[]){commands, NULL},
};
