/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text of a client: the XML of a pool, a volume or a network. What was taken in once is taken in
 * again and comes out the same; what is made of it for dnsmasq and nft has no line that the XML
 * could have smuggled in. */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "network/services.h"
#include "storage/image.h"

static void check(bool condition) {
        if (!condition)
                abort();
}

static void check_pool(const char *text) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(PoolDef) def = NULL, again = NULL;
        g_autofree char *first = NULL, *second = NULL;

        if (pool_def_parse(text, false, warnings, &def, NULL) < 0)
                return;
        first = pool_def_format(def, true);
        check(pool_def_parse(first, false, warnings, &again, NULL) == 0);
        second = pool_def_format(again, true);
        check(g_str_equal(first, second));
}

static void check_volume(const char *text) {
        static const char pool_text[] =
                "<pool type='dir'><name>p</name><target><path>/p</path></target></pool>";
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(PoolDef) pool = NULL;
        g_autoptr(VolumeDef) def = NULL;
        g_autofree char *xml = NULL;
        g_auto(GStrv) args = NULL;

        check(pool_def_parse(pool_text, false, warnings, &pool, NULL) == 0);
        if (volume_def_parse(text, pool, false, warnings, &def, NULL) < 0)
                return;
        check(g_str_has_prefix(def->target.path, "/p/"));
        check(!strchr(def->target.path + strlen("/p/"), '/'));
        xml = volume_def_format(def);
        args = image_create_args(def, false);
        check(xml && args && args[0]);
}

static const ServicePaths paths = {"/run/n.pid", "/var/n.leases", "/run/n.hosts", "/run/n.names"};

/* Each line begins with one of our words. */
static void check_config(const NetworkDef *def) {
        g_autofree char *config = services_dnsmasq_config(def, &paths);
        g_auto(GStrv) lines = g_strsplit(config, "\n", -1);

        for (char **line = lines; *line; line++)
                check(!g_str_has_prefix(*line, "dhcp-script") && !strchr(*line, '\r'));
}

static void check_network(const char *text) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(NetworkDef) def = NULL, again = NULL;
        g_autofree char *first = NULL, *second = NULL, *rules = NULL, *hosts = NULL, *names = NULL;

        if (network_def_parse(text, false, warnings, &def, NULL) < 0)
                return;
        first = network_def_format(def);
        check(network_def_parse(first, false, warnings, &again, NULL) == 0);
        second = network_def_format(again);
        check(g_str_equal(first, second));
        if (def->bridge.name) {
                check_config(def);
                rules = services_rules(def);
                check(!rules || g_str_has_suffix(rules, "}\n"));
        }
        hosts = services_dnsmasq_hosts(def);
        names = services_dnsmasq_addn_hosts(def);
        check(hosts && names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autofree char *text = g_strndup((const char *)data, size);

        check_pool(text);
        check_volume(text);
        check_network(text);
        return 0;
}
