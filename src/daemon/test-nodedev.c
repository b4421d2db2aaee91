/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/nodedev.h"

#include <libxml/relaxng.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"
#include "daemon/nodedev-xml.h"
#include "pci/test-host.h"

#define SCHEMA "/usr/share/libvirt/schemas/nodedev.rng"

typedef struct Fixture {
        TestHost *host;
        PciTree *tree;
        PciNames *names;
        Nodedevs *nodedevs;
        GString *log; /* what the callback was told */
} Fixture;

static void note(const char *name, NodedevChange change, void *userdata) {
        static const char marks[] = {'+', '-', '~'};

        g_string_append_printf(userdata, "%c%s ", marks[change], name);
}

static void fixture_init(Fixture *fixture, const char *host) {
        fixture->host = test_host_new(host);
        fixture->names = pci_names_new();
        fixture->log = g_string_new(NULL);
        assert_int_equal(pci_tree_new(fixture->host->sys, &fixture->tree, NULL), 0);
        assert_int_equal(nodedevs_new(fixture->tree, fixture->names, &fixture->nodedevs, NULL), 0);
        nodedevs_set_callback(fixture->nodedevs, note, fixture->log);
}

static void fixture_done(Fixture *fixture) {
        nodedevs_free(fixture->nodedevs);
        pci_tree_free(fixture->tree);
        pci_names_free(fixture->names);
        test_host_free(fixture->host);
        g_string_free(fixture->log, TRUE);
}

static char *xml_of_all(Fixture *fixture) {
        g_autoptr(GString) out = g_string_new(NULL);
        size_t n;
        const Nodedev *const *list = nodedevs_list(fixture->nodedevs, &n);

        for (size_t i = 0; i < n; i++) {
                g_autofree char *xml = nodedev_to_xml(fixture->nodedevs, list[i]);

                g_string_append_printf(out, "%s\n", xml);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static void captured_hosts_are_shown_whole(void **state) {
        g_auto(GStrv) names = test_host_list();

        STRV_FOREACH(name, names) {
                _cleanup_(fixture_done) Fixture fixture = {};
                g_autofree char *golden = g_strconcat(name, ".nodedev.xml", NULL);
                g_autofree char *xml = NULL;

                fixture_init(&fixture, name);
                xml = xml_of_all(&fixture);
                test_host_assert_golden(golden, xml);
        }
}

static void validate(const Nodedevs *nodedevs, const Nodedev *dev, xmlRelaxNGValidCtxtPtr schema) {
        g_autofree char *text = nodedev_to_xml(nodedevs, dev);
        xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), dev->name, NULL, XML_PARSE_NONET);

        assert_non_null(doc);
        assert_int_equal(xmlRelaxNGValidateDoc(schema, doc), 0);
        xmlFreeDoc(doc);
}

static void what_is_shown_fits_the_schema(void **state) {
        g_auto(GStrv) names = test_host_list();
        xmlRelaxNGParserCtxtPtr parser;
        xmlRelaxNGPtr schema;
        xmlRelaxNGValidCtxtPtr context;

        if (access(SCHEMA, R_OK) < 0)
                skip(); /* libvirt-common is not installed */
        parser = xmlRelaxNGNewParserCtxt(SCHEMA);
        schema = xmlRelaxNGParse(parser);
        assert_non_null(schema);
        context = xmlRelaxNGNewValidCtxt(schema);
        STRV_FOREACH(name, names) {
                _cleanup_(fixture_done) Fixture fixture = {};
                const Nodedev *const *list;
                size_t n;

                fixture_init(&fixture, name);
                list = nodedevs_list(fixture.nodedevs, &n);
                for (size_t i = 0; i < n; i++)
                        validate(fixture.nodedevs, list[i], context);
        }
        xmlRelaxNGFreeValidCtxt(context);
        xmlRelaxNGFree(schema);
        xmlRelaxNGFreeParserCtxt(parser);
}

static int compare_lines(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The answer of libvirt 11.3 for every device, taken on the host when it was captured, without what
 * differs: the features of interfaces, a random UUID of the computer, and the order of a group's
 * members, which is that of a directory there. */
static char *without_differences(const char *text) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; lines[i]; i++) {
                size_t n = 0;

                while (lines[i + n] && strstr(lines[i + n], "<address domain="))
                        n++;
                if (n > 1)
                        qsort(lines + i, n, sizeof(*lines), compare_lines);
                if (!strstr(lines[i], "<feature ") && !strstr(lines[i], "<uuid>") && *lines[i])
                        g_string_append_printf(out, "%s\n", lines[i]);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

/* device is the text up to its end tag. */
static void assert_shown_equally(const Fixture *fixture, const char *device) {
        g_auto(GStrv) parts = g_strsplit_set(device, "<>", 6); /* "", device, …, name, NAME */
        g_autofree char *ours = NULL, *cut = NULL, *whole = NULL;
        const Nodedev *dev;

        assert_true(g_strv_length(parts) == 6);
        dev = nodedevs_find(fixture->nodedevs, parts[4]);
        assert_non_null(dev);
        ours = nodedev_to_xml(fixture->nodedevs, dev);
        cut = without_differences(ours);
        whole = g_strconcat(device, "</device>\n", NULL);
        assert_string_equal(cut, whole);
}

static void libvirt_shows_the_same(void **state) {
        static const char *const hosts[] = {"guide", "bridge"};

        for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
                _cleanup_(fixture_done) Fixture fixture = {};
                g_autofree char *file = g_strconcat(hosts[i], ".libvirt.xml", NULL);
                g_autofree char *path = test_host_path(file);
                g_autofree char *theirs = NULL, *expected = NULL;
                g_auto(GStrv) devices = NULL;
                unsigned compared = 0;

                fixture_init(&fixture, hosts[i]);
                assert_true(g_file_get_contents(path, &theirs, NULL, NULL));
                expected = without_differences(theirs);
                devices = g_strsplit(expected, "</device>\n", 0);
                STRV_FOREACH(device, devices) {
                        if (!*device)
                                continue;
                        assert_shown_equally(&fixture, device);
                        compared++;
                }
                assert_true(compared > 10);
        }
}

static unsigned count(Nodedevs *nodedevs, uint32_t flags) {
        size_t n;
        const Nodedev *const *list = nodedevs_list(nodedevs, &n);
        unsigned found = 0;

        for (size_t i = 0; i < n; i++)
                found += nodedev_matches(list[i], flags);
        return found;
}

static void flags_choose(void **state) {
        _cleanup_(fixture_done) Fixture fixture = {};
        unsigned functions, interfaces;

        fixture_init(&fixture, "server");
        functions = count(fixture.nodedevs, NODEDEV_LIST_PCI);
        interfaces = count(fixture.nodedevs, NODEDEV_LIST_NET);
        assert_int_equal(functions, 17);
        assert_int_equal(interfaces, 5);
        assert_int_equal(count(fixture.nodedevs, 0), functions + interfaces + 1);
        assert_int_equal(count(fixture.nodedevs, NODEDEV_LIST_ACTIVE), functions + interfaces + 1);
        assert_int_equal(count(fixture.nodedevs, NODEDEV_LIST_INACTIVE), 0);
        assert_int_equal(count(fixture.nodedevs, NODEDEV_LIST_PCI | NODEDEV_LIST_INACTIVE), 0);
        assert_int_equal(count(fixture.nodedevs, NODEDEV_LIST_SYSTEM | NODEDEV_LIST_NET |
                                                         NODEDEV_LIST_ACTIVE |
                                                         NODEDEV_LIST_TRANSIENT),
                         interfaces);
        assert_int_equal(count(fixture.nodedevs, NODEDEV_LIST_PERSISTENT), 1);
        assert_int_equal(count(fixture.nodedevs, 1u << 13), 0); /* mediated devices */
}

static void every_parent_leads_to_the_computer(void **state) {
        _cleanup_(fixture_done) Fixture fixture = {};
        const Nodedev *dev = NULL;
        g_auto(Err) err = ERR_INIT;

        fixture_init(&fixture, "server");
        dev = nodedevs_find(fixture.nodedevs, "net_enp59s0f0v0_02_11_22_33_44_00");
        assert_non_null(dev);
        dev = nodedevs_find(fixture.nodedevs, dev->parent);
        assert_string_equal(dev->name, "pci_0000_3b_02_0");
        dev = nodedevs_find(fixture.nodedevs, dev->parent);
        assert_string_equal(dev->name, "pci_0000_3a_00_0");
        dev = nodedevs_find(fixture.nodedevs, dev->parent);
        assert_string_equal(dev->name, "computer");
        assert_null(dev->parent);
        assert_true(nodedevs_lookup(fixture.nodedevs, "x", &dev, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_NO_NODE_DEVICE);
        assert_string_equal(err.message, "no node device with matching name 'x'");
}

#define NIC "sys/devices/pci0000:00/0000:00:01.2/0000:05:00.0"

/* The driver is taken away: the interface goes, the function changes; and comes back. */
static void changes_are_told(void **state) {
        _cleanup_(fixture_done) Fixture fixture = {};
        PciAddr addr = {.bus = 5};
        static const char bare[] = "PCI_CLASS=20000\nPCI_ID=8086:1539\nPCI_SUBSYS_ID=1043:85F0\n";

        fixture_init(&fixture, "amd-desktop");
        test_host_put(fixture.host, NIC "/uevent", bare, strlen(bare));
        test_host_remove(fixture.host, "sys/class/net/enp5s0");
        assert_int_equal(pci_tree_refresh(fixture.tree, addr, NULL), 0);
        nodedevs_refresh_net("enp5s0", fixture.nodedevs); /* later: nothing is left to tell */
        assert_string_equal(fixture.log->str, "~pci_0000_05_00_0 -net_enp5s0_04_d4_c4_5a_1b_2c ");
        assert_null(nodedevs_find(fixture.nodedevs, "net_enp5s0_04_d4_c4_5a_1b_2c"));

        g_string_truncate(fixture.log, 0);
        test_host_link(fixture.host, "sys/class/net/eth7",
                       "../../devices/pci0000:00/0000:00:01.2/0000:05:00.0/net/enp5s0");
        nodedevs_refresh_net(NULL, fixture.nodedevs);
        nodedevs_refresh_net(NULL, fixture.nodedevs);
        assert_string_equal(fixture.log->str, "+net_eth7_04_d4_c4_5a_1b_2c ");

        g_string_truncate(fixture.log, 0);
        test_host_remove(fixture.host, "sys/bus/pci/devices/0000:05:00.0");
        assert_int_equal(pci_tree_rescan(fixture.tree, NULL), 0);
        assert_string_equal(fixture.log->str, "-pci_0000_05_00_0 ");
}

/* Two interfaces whose names differ only in a sign that libvirt's names do not have. */
static void one_name_is_one_device(void **state) {
        _cleanup_(fixture_done) Fixture fixture = {};
        unsigned before;

        fixture_init(&fixture, "amd-desktop");
        before = count(fixture.nodedevs, NODEDEV_LIST_NET);
        test_host_link(fixture.host, "sys/class/net/eth0.1",
                       "../../devices/pci0000:00/0000:00:01.2/0000:05:00.0/net/enp5s0");
        test_host_link(fixture.host, "sys/class/net/eth0_1",
                       "../../devices/pci0000:00/0000:00:01.2/0000:05:00.0/net/enp5s0");
        nodedevs_refresh_net(NULL, fixture.nodedevs);
        assert_int_equal(count(fixture.nodedevs, NODEDEV_LIST_NET), before + 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(captured_hosts_are_shown_whole),
                cmocka_unit_test(what_is_shown_fits_the_schema),
                cmocka_unit_test(libvirt_shows_the_same),
                cmocka_unit_test(flags_choose),
                cmocka_unit_test(every_parent_leads_to_the_computer),
                cmocka_unit_test(changes_are_told),
                cmocka_unit_test(one_name_is_one_device),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
