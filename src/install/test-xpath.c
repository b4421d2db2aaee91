/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/xpath.h"

#include <string.h>

#include "base/test.h"
#include "install/guest.h"

static const char guest[] = "<domain><name>g</name><cpu mode='custom'><model>x</model></cpu>"
                            "<devices><disk><source file='/x'/></disk><disk/></devices></domain>";

/* The guest after one expression. */
static char *apply(const char *text) {
        char *texts[] = {(char *)(uintptr_t)text, NULL};
        xmlDoc *doc = xmlReadMemory(guest, (int)strlen(guest), NULL, NULL, 0);
        g_auto(Err) err = ERR_INIT;
        int r = xpath_apply(doc, texts, &err);
        char *result = r < 0 ? g_strdup(err.message) : guest_def_text(doc);

        assert_true(r < 0 || !err.message);
        xmlFreeDoc(doc);
        return result;
}

static void assert_has(const char *text, const char *wanted) {
        g_autofree char *result = apply(text);

        if (!strstr(result, wanted))
                print_error("%s: no %s in %s\n", text, wanted, result);
        assert_non_null(strstr(result, wanted));
}

static void assert_lacks(const char *text, const char *unwanted) {
        g_autofree char *result = apply(text);

        assert_non_null(strstr(result, "</domain>"));
        assert_null(strstr(result, unwanted));
}

static void what_is_found_is_set(void **state) {
        assert_has("./cpu/@mode=maximum", "mode=\"maximum\"");
        assert_has("xpath.set=./name,xpath.value=h", "<name>h</name>");
        assert_has("./devices/disk[2]/@device=cdrom", "device=\"cdrom\"");
}

static void a_plain_path_is_made(void **state) {
        assert_has("./memoryBacking/access/@mode=shared", "<access mode=\"shared\"/>");
        assert_has("xpath.create=./devices/panic", "<panic/>");
        assert_has("./devices/disk[2]/driver/@cache=none", "<driver cache=\"none\"/>");
        assert_has("/domain/clock/@offset=utc", "<clock offset=\"utc\"/>\n</domain>");
        assert_has("./a[1]/b=1", "finds nothing");
        assert_has("./no such=1", "no XPath expression");
}

static void an_element_goes_with_all_that_is_in_it(void **state) {
        assert_lacks("xpath.delete=./devices//*", "source");
        assert_lacks("xpath.delete=.//@* | ./cpu | ./cpu/model", "mode");
}

static void what_a_guest_is_made_of_stays(void **state) {
        assert_has("xpath.delete=.", "cannot be without <domain>");
        assert_has("xpath.delete=//*", "cannot be without <domain>");
        assert_has("xpath.delete=./devices", "cannot be without <devices>");
        assert_has("xpath.delete=/", "elements or attributes");
        assert_has("xpath.delete=./name/text()", "elements or attributes");
        assert_has("xpath.delete=./namespace::*", "elements or attributes");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_found_is_set),
                cmocka_unit_test(a_plain_path_is_made),
                cmocka_unit_test(an_element_goes_with_all_that_is_in_it),
                cmocka_unit_test(what_a_guest_is_made_of_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
