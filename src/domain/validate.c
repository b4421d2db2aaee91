/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/validate.h"

#include <string.h>

#include "domain/kind.h"

int domain_check_path(const char *path, const char *what, unsigned line, Err *err) {
        if (!path || path[0] == '/')
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "the path '%s' of <%s> at line %u is not absolute",
                    path, what, line);
}

/* In QEMU's key=value lists a ',' would begin another key. */
int domain_check_word(const char *word, const char *what, unsigned line, Err *err) {
        for (const char *s = word; s && *s; s++) {
                if (!g_ascii_isalnum(*s) && !strchr("._-", *s))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "'%s' of <%s> at line %u holds the character '%c'", word, what,
                                    line, g_ascii_isgraph(*s) ? *s : '?');
        }
        return 0;
}

static int check_rom(const DomainDevice *device, Err *err) {
        const DomainRom *rom = &device->rom;

        if (rom->enabled == DOMAIN_SWITCH_OFF && (rom->bar || rom->file))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<rom enabled='no'> at line %u takes neither bar nor file",
                            rom->node.line);
        return domain_check_path(rom->file, "rom", rom->node.line, err);
}

static int check_boot_order(const DomainDevice *device, Err *err) {
        if (device->boot.node.is_present && device->boot.order.value == 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<boot order='0'> at line %u: orders begin at 1",
                            device->boot.node.line);
        return 0;
}

int domain_validate_device(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainKind *kind = domain_kinds[device->kind];
        int r;

        r = domain_check_word(device->alias.name, "alias", device->alias.node.line, err);
        if (r < 0)
                return r;
        r = check_rom(device, err);
        if (r < 0)
                return r;
        r = check_boot_order(device, err);
        if (r < 0)
                return r;
        return kind->check ? kind->check(def, device, err) : 0;
}

/* ---- keys ---- */

/* ret: the key was new. key is taken over. */
static int claim(GHashTable *keys, char *key, unsigned line, Err *err) {
        if (!key)
                return 0;
        if (g_hash_table_contains(keys, key)) {
                g_autofree char *text = key;

                return fail(err, VIR_ERR_XML_ERROR, "%s is there twice, again at line %u", text,
                            line);
        }
        g_hash_table_add(keys, key);
        return 0;
}

static int claim_device(GHashTable *keys, const DomainDevice *device, Err *err) {
        const DomainKind *kind = domain_kinds[device->kind];
        char *boot = NULL, *alias = NULL;
        int r;

        r = claim(keys, kind->key ? kind->key(device) : NULL, device->node.line, err);
        if (r < 0)
                return r;
        if (device->boot.node.is_present)
                boot = g_strdup_printf("boot order %u", (unsigned)device->boot.order.value);
        r = claim(keys, boot, device->node.line, err);
        if (r < 0)
                return r;
        /* The first console has the name of the serial port that it is. */
        if (device->alias.name && device->kind != DOMAIN_CONSOLE)
                alias = g_strdup_printf("alias '%s'", device->alias.name);
        return claim(keys, alias, device->node.line, err);
}

int domain_validate_unique(const DomainDef *def, Err *err) {
        g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        int r = claim_device(keys, device, err);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* ---- the whole ---- */

static int check_limits(const DomainDef *def, const DomainDefaults *defaults, Err *err) {
        unsigned max =
                defaults && defaults->max_hostdevs ? defaults->max_hostdevs : DOMAIN_HOSTDEVS_MAX;
        unsigned n = 0;

        DOMAIN_FOREACH_FUNCTION(hostdev, def)
                n++;
        DOMAIN_FOREACH(DomainInterface, net, def, DOMAIN_INTERFACE)
                n += net->type == NET_TYPE_HOSTDEV;
        if (n <= max)
                return 0;
        return fail_hint(
                err,
                fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                     "%u PCI functions are assigned to guest '%s', where at most %u may be", n,
                     def->name, max),
                "max_assigned_functions in airlockd.conf raises the limit");
}

int domain_def_validate(const DomainDef *def, const DomainDefaults *defaults, Err *err) {
        int r = domain_validate_machine(def, err);

        if (r == 0)
                r = domain_validate_unique(def, err);
        if (r < 0)
                return r;
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        r = domain_validate_device(def, device, err);
                        if (r < 0)
                                return r;
                }
        }
        return check_limits(def, defaults, err);
}
