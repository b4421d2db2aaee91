/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network/network-update.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "domain/document.h"
#include "network/network-xml.h"

/* One text or number by which entries are told apart. */
typedef struct Key {
        const char *name;
        size_t offset;
        bool is_num;
} Key;

#define KEY(T, f) \
        { #f, offsetof(T, f), false }
#define KEY_NUM(T, f) \
        { #f, offsetof(T, f), true }
#define KEYS_MAX 8

typedef struct Section {
        const char *name;
        const DomainElement *element; /* NULL: cannot be changed alone */
        const char *entry;            /* as messages call it */
        bool can_modify;              /* by its first key */

        Key keys[KEYS_MAX];  /* end with a nameless one; an entry is removed by all it says */
        unsigned n_identity; /* two entries that agree in one of so many keys are the same... */
        bool identity_all;   /* ...or in all of them */
} Section;

static const Section sections[_NETWORK_SECTION_MAX] = {
        [NETWORK_SECTION_NONE] = {"none"},
        [NETWORK_SECTION_BRIDGE] = {"bridge"},
        [NETWORK_SECTION_DOMAIN] = {"domain"},
        [NETWORK_SECTION_IP] = {"ip"},
        [NETWORK_SECTION_IP_DHCP_HOST] = {.name = "ip-dhcp-host",
                                          .element = &network_host_element,
                                          .entry = "dhcp host",
                                          .can_modify = true,
                                          .keys = {KEY(NetworkHost, mac), KEY(NetworkHost, ip),
                                                   KEY(NetworkHost, name), KEY(NetworkHost, id)},
                                          .n_identity = 3},
        [NETWORK_SECTION_IP_DHCP_RANGE] = {.name = "ip-dhcp-range",
                                           .element = &network_range_element,
                                           .entry = "dhcp range",
                                           .keys = {KEY(NetworkRange, start),
                                                    KEY(NetworkRange, end)},
                                           .n_identity = 2,
                                           .identity_all = true},
        [NETWORK_SECTION_FORWARD] = {"forward"},
        [NETWORK_SECTION_FORWARD_INTERFACE] = {.name = "forward-interface",
                                               .element = &network_forward_interface_element,
                                               .entry = "forward interface",
                                               .keys = {KEY(NetworkForwardInterface, dev)},
                                               .n_identity = 1},
        [NETWORK_SECTION_FORWARD_PF] = {"forward-pf"},
        [NETWORK_SECTION_PORTGROUP] = {.name = "portgroup",
                                       .element = &network_portgroup_element,
                                       .entry = "portgroup",
                                       .can_modify = true,
                                       .keys = {KEY(NetworkPortgroup, name)},
                                       .n_identity = 1},
        [NETWORK_SECTION_DNS_HOST] = {.name = "dns-host",
                                      .element = &network_dns_host_element,
                                      .entry = "DNS HOST",
                                      .keys = {KEY(NetworkDnsHost, ip)},
                                      .n_identity = 1},
        [NETWORK_SECTION_DNS_TXT] = {.name = "dns-txt",
                                     .element = &network_txt_element,
                                     .entry = "DNS TXT",
                                     .keys = {KEY(NetworkTxt, name), KEY(NetworkTxt, value)},
                                     .n_identity = 1},
        [NETWORK_SECTION_DNS_SRV] = {.name = "dns-srv",
                                     .element = &network_srv_element,
                                     .entry = "DNS SRV",
                                     .keys = {KEY(NetworkSrv, service), KEY(NetworkSrv, protocol),
                                              KEY(NetworkSrv, domain), KEY(NetworkSrv, target),
                                              KEY_NUM(NetworkSrv, port),
                                              KEY_NUM(NetworkSrv, priority),
                                              KEY_NUM(NetworkSrv, weight)},
                                     .n_identity = 7,
                                     .identity_all = true},
};

/* ---- which list ---- */

static bool gives_addresses(const NetworkIp *ip) {
        return (ip->dhcp.ranges && ip->dhcp.ranges->len > 0) ||
               (ip->dhcp.hosts && ip->dhcp.hosts->len > 0);
}

static NetworkIp *find_ip(const NetworkDef *def, int parent) {
        guint n = def->ips ? def->ips->len : 0;

        if (parent >= 0)
                return (guint)parent < n ? def->ips->pdata[parent] : NULL;
        for (guint i = 0; i < n; i++)
                if (gives_addresses(def->ips->pdata[i]))
                        return def->ips->pdata[i];
        return n > 0 ? def->ips->pdata[0] : NULL;
}

static int find_dhcp_list(NetworkDef *def, const NetworkUpdate *update, GPtrArray ***ret,
                          Err *err) {
        NetworkIp *ip = find_ip(def, update->parent);

        if (!ip)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "couldn't locate a matching <ip> (number %d) in network '%s'",
                            update->parent, def->name);
        ip->dhcp.node.is_present = true;
        *ret = update->section == NETWORK_SECTION_IP_DHCP_HOST ? &ip->dhcp.hosts : &ip->dhcp.ranges;
        return 0;
}

static GPtrArray **find_dns_list(NetworkDef *def, NetworkSection section) {
        def->dns.node.is_present = true;
        if (section == NETWORK_SECTION_DNS_HOST)
                return &def->dns.hosts;
        return section == NETWORK_SECTION_DNS_TXT ? &def->dns.txts : &def->dns.srvs;
}

static int find_list(NetworkDef *def, const NetworkUpdate *update, GPtrArray ***ret, Err *err) {
        switch (update->section) {
        case NETWORK_SECTION_IP_DHCP_HOST:
        case NETWORK_SECTION_IP_DHCP_RANGE:
                return find_dhcp_list(def, update, ret, err);
        case NETWORK_SECTION_FORWARD_INTERFACE:
                def->forward.node.is_present = true;
                *ret = &def->forward.interfaces;
                return 0;
        case NETWORK_SECTION_PORTGROUP:
                *ret = &def->portgroups;
                return 0;
        default:
                *ret = find_dns_list(def, update->section);
                return 0;
        }
}

/* ---- which entry ---- */

static const void *at(const void *entry, const Key *key) {
        return (const uint8_t *)entry + key->offset;
}

static bool says(const void *entry, const Key *key) {
        return key->is_num ? ((const DomainNum *)at(entry, key))->is_set
                           : *(char *const *)at(entry, key) != NULL;
}

static bool agree(const void *a, const void *b, const Key *key) {
        if (!says(a, key) || !says(b, key))
                return says(a, key) == says(b, key);
        if (key->is_num)
                return ((const DomainNum *)at(a, key))->value ==
                       ((const DomainNum *)at(b, key))->value;
        return g_ascii_strcasecmp(*(char *const *)at(a, key), *(char *const *)at(b, key)) == 0;
}

static bool share_name(const NetworkDnsHost *a, const NetworkDnsHost *b) {
        NETWORK_FOREACH(NetworkText, one, a->names) {
                NETWORK_FOREACH(NetworkText, other, b->names) {
                        if (g_str_equal(one->text, other->text))
                                return true;
                }
        }
        return false;
}

/* Both cannot be there at once. */
static bool is_same(const Section *section, const void *a, const void *b) {
        unsigned n = 0;

        if (section->element == &network_dns_host_element && share_name(a, b))
                return true;
        for (unsigned i = 0; i < section->n_identity; i++) {
                bool is_equal = agree(a, b, &section->keys[i]);

                if (!section->identity_all && is_equal && says(a, &section->keys[i]))
                        return true;
                n += is_equal;
        }
        return section->identity_all && n == section->n_identity;
}

/* The entry has all that wanted says. */
static bool matches(const Section *section, const void *entry, const void *wanted) {
        bool says_any = false;

        for (const Key *key = section->keys; key->name; key++) {
                if (says(wanted, key) && !agree(entry, wanted, key))
                        return false;
                says_any |= says(wanted, key);
        }
        if (section->element != &network_dns_host_element)
                return says_any;
        NETWORK_FOREACH(NetworkText, name, ((const NetworkDnsHost *)wanted)->names) {
                const NetworkText *const one[] = {name};
                GPtrArray names = {.pdata = (gpointer *)(uintptr_t)one, .len = 1};
                const NetworkDnsHost alone = {.names = &names};

                if (!share_name(entry, &alone))
                        return false;
                says_any = true;
        }
        return says_any;
}

/* "mac='52:54:00:00:00:01' name='a'", for messages. */
static char *describe(const Section *section, const void *entry) {
        GString *text = g_string_new(NULL);

        for (const Key *key = section->keys; key->name; key++) {
                if (!says(entry, key))
                        continue;
                g_string_append_printf(text, "%s%s=", text->len > 0 ? " " : "", key->name);
                if (key->is_num)
                        g_string_append_printf(
                                text, "'%u'", (unsigned)((const DomainNum *)at(entry, key))->value);
                else
                        g_string_append_printf(text, "'%s'", *(char *const *)at(entry, key));
        }
        return g_string_free(text, FALSE);
}

/* ---- the changes ---- */

typedef struct Change {
        const Section *section;
        const NetworkDef *def;
        GPtrArray *list;
        void *entry; /* freed unless the list has it */
} Change;

static int fail_missing(const Change *change, Err *err) {
        g_autofree char *text = describe(change->section, change->entry);

        fail(err, VIR_ERR_OPERATION_INVALID,
             "couldn't locate a matching %s entry (%s) in network '%s'", change->section->entry,
             text, change->def->name);
        return -ENOENT;
}

static int find_entry(const Change *change, guint *ret, Err *err) {
        guint n = 0;

        for (guint i = 0; i < change->list->len; i++)
                if (matches(change->section, change->list->pdata[i], change->entry) && n++ == 0)
                        *ret = i;
        if (n == 0)
                return fail_missing(change, err);
        if (n > 1)
                return fail(
                        err, VIR_ERR_OPERATION_INVALID,
                        "%u %s entries of network '%s' match: say more of the one that is meant", n,
                        change->section->entry, change->def->name);
        return 0;
}

static int delete_entry(Change *change, Err *err) {
        guint i = 0;
        int r = find_entry(change, &i, err);

        if (r < 0)
                return r;
        domain_element_free(change->section->element, change->list->pdata[i]);
        g_ptr_array_remove_index(change->list, i);
        return 0;
}

static int check_new(const Change *change, const void *except, Err *err) {
        for (guint i = 0; i < change->list->len; i++) {
                const void *other = change->list->pdata[i];
                g_autofree char *text = NULL;

                if (other == except || !is_same(change->section, other, change->entry))
                        continue;
                text = describe(change->section, other);
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "there is an existing %s entry in network '%s' that matches: %s",
                            change->section->entry, change->def->name, text);
        }
        return 0;
}

static int add_entry(Change *change, bool first, Err *err) {
        int r = check_new(change, NULL, err);

        if (r < 0)
                return r;
        g_ptr_array_insert(change->list, first ? 0 : -1, g_steal_pointer(&change->entry));
        return 0;
}

/* The entry with the same first key gives way. */
static int modify_entry(Change *change, Err *err) {
        const Key *key = &change->section->keys[0];
        int r;

        if (!change->section->can_modify)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "%s entries cannot be modified, only added or deleted",
                            change->section->entry);
        for (guint i = 0; i < change->list->len; i++) {
                void *old = change->list->pdata[i];

                if (!says(change->entry, key) || !agree(old, change->entry, key))
                        continue;
                r = check_new(change, old, err);
                if (r < 0)
                        return r;
                change->list->pdata[i] = g_steal_pointer(&change->entry);
                domain_element_free(change->section->element, old);
                return 0;
        }
        return fail_missing(change, err);
}

static int apply(Change *change, NetworkChange kind, Err *err) {
        switch (kind) {
        case NETWORK_MODIFY:
                return modify_entry(change, err);
        case NETWORK_DELETE:
                return delete_entry(change, err);
        case NETWORK_ADD_FIRST:
        case NETWORK_ADD_LAST:
                return add_entry(change, kind == NETWORK_ADD_FIRST, err);
        default:
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "unrecognized network update command code %d", (int)kind);
        }
}

static int check_section(const NetworkDef *def, const NetworkUpdate *update, Err *err) {
        unsigned section = (unsigned)update->section;

        if (section >= _NETWORK_SECTION_MAX || section == NETWORK_SECTION_NONE)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "unrecognized network update section code %u", section);
        if (!sections[section].element)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "can't update '%s' section of network '%s'",
                                      sections[section].name, def->name),
                                 "define the network anew: net-edit %s; a running one is to be "
                                 "started anew",
                                 def->name);
        return 0;
}

/* A list item needs its own name, where a range that is to be removed may be named by its ends
 * alone; a client's document has its root for that. */
static int parse_entry(const Section *section, const char *xml, void *entry, Err *err) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        const DomainDocument document = {section->element, false, warnings, NULL};

        return domain_document_parse(xml, &document, entry, err);
}

static int run(NetworkDef *def, const NetworkUpdate *update, Change *change, Err *err) {
        GPtrArray **list = NULL;
        int r = parse_entry(change->section, update->xml, change->entry, err);

        if (r == 0)
                r = find_list(def, update, &list, err);
        if (r != 0)
                return r;
        assert(list);
        if (!*list)
                *list = g_ptr_array_new();
        change->list = *list;
        return apply(change, update->change, err);
}

/* What goes out by default follows the list. */
static void follow_interfaces(NetworkDef *def) {
        const GPtrArray *list = def->forward.interfaces;

        g_free(def->forward.dev);
        def->forward.dev = list && list->len > 0
                                   ? g_strdup(((NetworkForwardInterface *)list->pdata[0])->dev)
                                   : NULL;
}

int network_def_update(NetworkDef *def, const NetworkUpdate *update, Err *err) {
        Change change = {.def = def};
        int r = check_section(def, update, err);

        if (r < 0)
                return r;
        change.section = &sections[update->section];
        change.entry = domain_element_new(change.section->element);
        r = run(def, update, &change, err);
        if (change.entry)
                domain_element_free(change.section->element, change.entry);
        if (r < 0)
                return r;
        if (update->section == NETWORK_SECTION_FORWARD_INTERFACE)
                follow_interfaces(def);
        return network_def_check(def, err);
}
