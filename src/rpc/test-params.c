/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/params.h"

#include "base/test.h"
#include "rpc/packet.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

static void fill(remote_domain_stats_record *record) {
        g_autoptr(RpcParams) params = rpc_params_new();

        rpc_params_add_int(params, "state.state", -1);
        rpc_params_add_uint(params, "vcpu.current", 4);
        rpc_params_add_i64(params, "clock.offset", INT64_MIN);
        rpc_params_add_u64(params, "cpu.time", UINT64_MAX);
        rpc_params_add_double(params, "load", 0.5);
        rpc_params_add_bool(params, "balloon", true);
        rpc_params_add_string(params, "block.0.name", "vda");
        record->dom = (remote_domain){.name = g_strdup("guest"), .id = 3};
        rpc_params_steal(params, &record->params.params_len, &record->params.params_val);
}

static void all_types_travel(void **state) {
        RpcHeader header = {REMOTE_PROGRAM, 1, REMOTE_PROC_CONNECT_GET_ALL_DOMAIN_STATS, 1, 1, 0};
        xdrproc_t xdr = (xdrproc_t)xdr_remote_connect_get_all_domain_stats_ret;
        remote_connect_get_all_domain_stats_ret ret = {};
        remote_connect_get_all_domain_stats_ret got;
        g_autoptr(GByteArray) bytes = NULL;
        const remote_domain_stats_record *record;
        const remote_typed_param *list;
        RpcPacket packet;

        ret.retStats.retStats_len = 1;
        ret.retStats.retStats_val = g_new0(remote_domain_stats_record, 1);
        fill(ret.retStats.retStats_val);
        assert_int_equal(rpc_packet_encode(&header, 0, xdr, &ret, &bytes, NULL), 0);
        xdr_free(xdr, &ret);
        assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), 0);
        assert_int_equal(rpc_packet_decode(&packet, xdr, &got, sizeof(got), NULL), 0);

        record = &got.retStats.retStats_val[0];
        list = record->params.params_val;
        assert_int_equal(record->params.params_len, 7);
        assert_int_equal(list[0].value.remote_typed_param_value_u.i, -1);
        assert_int_equal(list[1].value.remote_typed_param_value_u.ui, 4);
        assert_true(list[2].value.remote_typed_param_value_u.l == INT64_MIN);
        assert_true(list[3].value.remote_typed_param_value_u.ul == UINT64_MAX);
        assert_true(list[4].value.remote_typed_param_value_u.d == 0.5);
        assert_int_equal(list[5].value.remote_typed_param_value_u.b, 1);
        assert_ptr_equal(rpc_params_find(list, 7, "block.0.name"), &list[6]);
        assert_string_equal(list[6].value.remote_typed_param_value_u.s, "vda");
        assert_null(rpc_params_find(list, 7, "block.0"));
        xdr_free(xdr, &got);
}

static void an_unknown_type_does_not_decode(void **state) {
        static const uint8_t bytes[] = {0, 0, 0, 1, 'x', 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0};
        RpcPacket packet = {.payload = bytes, .payload_size = sizeof(bytes)};
        remote_typed_param param;

        assert_int_equal(rpc_packet_decode(&packet, (xdrproc_t)xdr_remote_typed_param, &param,
                                           sizeof(param), NULL),
                         -EBADMSG);
}

static void an_unused_list_is_freed_with_its_holder(void **state) {
        g_autoptr(RpcParams) params = rpc_params_new();
        remote_typed_param *list = NULL;
        u_int n = 1;

        rpc_params_steal(params, &n, &list);
        assert_int_equal(n, 0);
        g_free(list);
        rpc_params_add_string(params, "left", "behind");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_types_travel),
                cmocka_unit_test(an_unknown_type_does_not_decode),
                cmocka_unit_test(an_unused_list_is_freed_with_its_holder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
