/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/suboption.h"

#include "base/test.h"
#include "install/grammar.h"
#include "install/node.h"

/* An element to write into. */
static xmlNode *element_new(const char *name) {
        return xmlNewNode(NULL, (const xmlChar *)name);
}

static void assert_place(const xmlNode *element, const char *path, const char *value) {
        g_autofree char *is = node_get(element, path);

        if (value)
                assert_string_equal(is, value);
        else
                assert_null(is);
}

/* What the text of an option makes of its element. */
static xmlNode *apply(const char *option, const char *text) {
        const Grammar *grammar = grammar_find(option);
        xmlNode *element = element_new("element");
        g_autoptr(GPtrArray) values = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(sub_parse(grammar, text, false, &values, &err), 0);
        assert_int_equal(sub_apply(grammar, values, element, &err), 0);
        return element;
}

static void assert_refused(const char *option, const char *text, const char *message) {
        const Grammar *grammar = grammar_find(option);
        xmlNode *element = element_new("element");
        g_autoptr(GPtrArray) values = NULL;
        g_auto(Err) err = ERR_INIT;
        g_autofree char *said = NULL;
        int r = sub_parse(grammar, text, false, &values, &err);

        if (r >= 0)
                r = sub_apply(grammar, values, element, &err);
        said = err_text(&err);
        assert_true(r < 0);
        assert_non_null(strstr(said, message));
        xmlFreeNode(element);
}

static void words_and_names_find_their_places(void **state) {
        xmlNode *disk =
                apply("disk", "driver.cache=none,bus=scsi,readonly=on,iotune.read_iops_sec=5");

        assert_place(disk, "driver/@cache", "none");
        assert_place(disk, "target/@bus", "scsi");
        assert_place(disk, "readonly", "");
        assert_place(disk, "iotune/read_iops_sec", "5");
        xmlFreeNode(disk);
}

static void the_first_word_needs_no_name(void **state) {
        xmlNode *video = apply("video", "qxl,heads=2");
        xmlNode *shared = apply("filesystem", "/here,there,readonly=yes");

        assert_place(video, "model/@type", "qxl");
        assert_place(video, "model/@heads", "2");
        assert_place(shared, "source/@dir", "/here");
        assert_place(shared, "target/@dir", "there");
        xmlFreeNode(video);
        xmlFreeNode(shared);
}

static void numbers_in_names_choose_elements(void **state) {
        xmlNode *cpu = apply("cpu", "numa.cell1.cpus=2,3,cell0.cpus=0-1,numa.cell1.memory=4096");

        assert_place(cpu, "numa/cell#0/@cpus", "0-1");
        assert_place(cpu, "numa/cell#1/@cpus", "2,3");
        assert_place(cpu, "numa/cell#1/@memory", "4096");
        xmlFreeNode(cpu);
}

static void truths_become_the_words_of_their_place(void **state) {
        xmlNode *network = apply("network", "rom.bar=no,trustGuestRxFilters=on");
        xmlNode *features = apply("features", "acpi=on,apic=off,smm.state=yes");

        assert_place(network, "rom/@bar", "off");
        assert_place(network, "@trustGuestRxFilters", "yes");
        assert_place(features, "acpi", "");
        assert_place(features, "apic", NULL);
        assert_place(features, "smm/@state", "on");
        xmlFreeNode(network);
        xmlFreeNode(features);
}

static void quotes_keep_commas(void **state) {
        xmlNode *metadata = apply("metadata", "title='a, name=b',description=one\\, two");

        assert_place(metadata, "title", "a, name=b");
        assert_place(metadata, "description", "one, two");
        assert_place(metadata, "name", NULL);
        xmlFreeNode(metadata);
}

static void an_empty_value_takes_the_place_away(void **state) {
        xmlNode *watchdog = apply("watchdog", "i6300esb,action=reset");
        const Grammar *grammar = grammar_find("watchdog");
        g_autoptr(GPtrArray) values = NULL;

        assert_int_equal(sub_parse(grammar, "action=", false, &values, NULL), 0);
        assert_int_equal(sub_apply(grammar, values, watchdog, NULL), 0);
        assert_place(watchdog, "@action", NULL);
        assert_place(watchdog, "@model", "i6300esb");
        xmlFreeNode(watchdog);
}

static void what_is_wrong_is_refused_by_name(void **state) {
        assert_refused("disk", "pth=/x", "did you mean 'path'?");
        assert_refused("network", "rom.bar=maybe", "yes or no is wanted");
        assert_refused("video", "qxl,heads=two", "a number is wanted");
        assert_refused("video", "qxl,heads", "needs a value");
        assert_refused("metadata", "title='open", "is not closed");
        assert_refused("clock", "timer1000.name=rtc", "no sub-option");
}

static void what_was_typed_is_taken_once(void **state) {
        g_autoptr(GPtrArray) values = NULL;
        g_autofree char *size = NULL, *again = NULL;

        assert_int_equal(sub_parse(grammar_find("disk"), "/x,size=3,size=4", false, &values, NULL),
                         0);
        assert_string_equal(sub_peek(values, "path"), "/x");
        size = sub_take(values, "size");
        again = sub_take(values, "size");
        assert_string_equal(size, "4");
        assert_null(again);
}

static void every_sub_option_has_a_place_or_an_own_reader(void **state) {
        static const char *const options[] = {"disk", "network", "graphics", "hostdev", "cpu",
                                              "boot", "memory",  "vcpus",    "rng",     "tpm"};

        for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
                for (const SubOption *sub = grammar_find(options[i])->subs; sub->name; sub++)
                        assert_true(sub->path || sub->kind == SUB_OWN || sub->kind == SUB_WORD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_and_names_find_their_places),
                cmocka_unit_test(the_first_word_needs_no_name),
                cmocka_unit_test(numbers_in_names_choose_elements),
                cmocka_unit_test(truths_become_the_words_of_their_place),
                cmocka_unit_test(quotes_keep_commas),
                cmocka_unit_test(an_empty_value_takes_the_place_away),
                cmocka_unit_test(what_is_wrong_is_refused_by_name),
                cmocka_unit_test(what_was_typed_is_taken_once),
                cmocka_unit_test(every_sub_option_has_a_place_or_an_own_reader),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
