/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/proto.h"

#include "base/test.h"

#include <glib.h>

static void assert_function(int procedure, const char *want) {
        g_autofree char *got = rpc_proto_function(procedure);

        assert_string_equal(got, want);
}

static void procedures_have_the_names_of_public_functions(void **state) {
        assert_function(REMOTE_PROC_DOMAIN_CREATE, "virDomainCreate");
        assert_function(REMOTE_PROC_DOMAIN_LOOKUP_BY_UUID, "virDomainLookupByUUID");
        assert_function(REMOTE_PROC_DOMAIN_GET_XML_DESC, "virDomainGetXMLDesc");
        assert_function(REMOTE_PROC_CONNECT_LIST_ALL_NWFILTERS, "virConnectListAllNWFilters");
        assert_function(REMOTE_PROC_DOMAIN_BACKUP_BEGIN, "virDomainBackupBegin");
        assert_function(REMOTE_PROC_NODE_GET_CPU_STATS, "virNodeGetCPUStats");
}

static void every_number_up_to_the_last_has_a_name(void **state) {
        assert_null(rpc_proto_name(0));
        assert_null(rpc_proto_name(-1));
        for (int i = 1; i <= REMOTE_PROC_DOMAIN_EVENT_NIC_MAC_CHANGE; i++)
                assert_non_null(rpc_proto_name(i));
        assert_null(rpc_proto_name(REMOTE_PROC_DOMAIN_EVENT_NIC_MAC_CHANGE + 1));
        assert_null(rpc_proto_function(INT32_MAX));
        assert_string_equal(rpc_proto_name(201), "DOMAIN_OPEN_CONSOLE");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(procedures_have_the_names_of_public_functions),
                cmocka_unit_test(every_number_up_to_the_last_has_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
