/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/packet.h"

#include "base/test.h"
#include "rpc/error.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_domain.h"

/* Hexadecimal words, as the protocol is written about. */
static GByteArray *words(const char *text) {
        GByteArray *bytes = g_byte_array_new();
        g_auto(GStrv) parts = g_strsplit(text, " ", -1);

        for (size_t i = 0; parts[i]; i++) {
                uint32_t word = GUINT32_TO_BE((uint32_t)g_ascii_strtoull(parts[i], NULL, 16));

                g_byte_array_append(bytes, (const uint8_t *)&word, sizeof(word));
        }
        return bytes;
}

static void assert_bytes(const GByteArray *got, const char *want) {
        g_autoptr(GByteArray) bytes = words(want);

        assert_int_equal(got->len, bytes->len);
        assert_memory_equal(got->data, bytes->data, bytes->len);
}

#define AUTH_LIST_CALL "0000001c 20008086 00000001 00000042 00000000 00000000 00000000"
#define AUTH_LIST_REPLY \
        "00000024 20008086 00000001 00000042 00000001 00000000 00000000 00000001 00000000"
#define OPEN_CALL                                                                           \
        "00000038 20008086 00000001 00000001 00000000 00000002 00000000 00000001 0000000e " \
        "71656d75 3a2f2f2f 73797374 656d0000 00000000"
#define PONG "0000001c 6b656570 00000001 00000002 00000002 00000000 00000000"

static void parse_reads_every_header_word(void **state) {
        g_autoptr(GByteArray) bytes = words(AUTH_LIST_CALL);
        RpcPacket packet;
        size_t size;

        assert_int_equal(rpc_packet_size(bytes->data, &size), 0);
        assert_int_equal(size, RPC_PACKET_MIN);
        assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), 0);
        assert_int_equal(packet.header.program, REMOTE_PROGRAM);
        assert_int_equal(packet.header.version, RPC_PROGRAM_VERSION);
        assert_int_equal(packet.header.procedure, REMOTE_PROC_AUTH_LIST);
        assert_int_equal(packet.header.type, RPC_TYPE_CALL);
        assert_int_equal(packet.header.serial, 0);
        assert_int_equal(packet.header.status, RPC_STATUS_OK);
        assert_int_equal(packet.payload_size, 0);
        assert_int_equal(packet.n_fds, 0);
}

static void open_call_decodes_as_libvirts_client_sends_it(void **state) {
        g_autoptr(GByteArray) bytes = words(OPEN_CALL);
        remote_connect_open_args args;
        RpcPacket packet;

        assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), 0);
        assert_int_equal(packet.header.serial, 2);
        assert_int_equal(rpc_packet_decode(&packet, (xdrproc_t)xdr_remote_connect_open_args, &args,
                                           sizeof(args), NULL),
                         0);
        assert_non_null(args.name);
        assert_string_equal(*args.name, "qemu:///system");
        assert_int_equal(args.flags, 0);
        xdr_free((xdrproc_t)xdr_remote_connect_open_args, &args);
}

static void reply_and_pong_encode_to_the_bytes_of_libvirtd(void **state) {
        RpcHeader reply = {REMOTE_PROGRAM, 1, REMOTE_PROC_AUTH_LIST, RPC_TYPE_REPLY, 0, 0};
        RpcHeader pong = {KEEPALIVE_PROGRAM, 1, KEEPALIVE_PROC_PONG, RPC_TYPE_MESSAGE, 0, 0};
        g_autoptr(GByteArray) reply_bytes = NULL;
        g_autoptr(GByteArray) pong_bytes = NULL;
        int none = 0;
        remote_auth_list_ret ret = {.types = {.types_len = 1, .types_val = &none}};

        assert_int_equal(rpc_packet_encode(&reply, 0, (xdrproc_t)xdr_remote_auth_list_ret, &ret,
                                           &reply_bytes, NULL),
                         0);
        assert_bytes(reply_bytes, AUTH_LIST_REPLY);
        assert_int_equal(rpc_packet_encode(&pong, 0, NULL, NULL, &pong_bytes, NULL), 0);
        assert_bytes(pong_bytes, PONG);
}

static void char_arrays_take_a_word_for_each_character(void **state) {
        RpcHeader header = {REMOTE_PROGRAM, 1, REMOTE_PROC_NODE_GET_INFO, RPC_TYPE_REPLY, 7, 0};
        g_autoptr(GByteArray) bytes = NULL;
        remote_node_get_info_ret info = {.model = "x86_64", .cpus = 2};

        assert_int_equal(rpc_packet_encode(&header, 0, (xdrproc_t)xdr_remote_node_get_info_ret,
                                           &info, &bytes, NULL),
                         0);
        assert_int_equal(bytes->len, 188);
}

static void stream_data_is_not_padded(void **state) {
        RpcHeader header = {REMOTE_PROGRAM,  1, REMOTE_PROC_DOMAIN_OPEN_CONSOLE,
                            RPC_TYPE_STREAM, 9, RPC_STATUS_CONTINUE};
        g_autoptr(GByteArray) bytes = rpc_packet_encode_raw(&header, "hello\n", 6);
        RpcPacket packet;

        assert_int_equal(bytes->len, 34);
        assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), 0);
        assert_int_equal(packet.payload_size, 6);
        assert_memory_equal(packet.payload, "hello\n", 6);
}

static void lengths_outside_the_limits_are_refused(void **state) {
        static const char *const bad[] = {"00000000", "00000004", "0000001b", "02000005",
                                          "ffffffff"};
        static const char *const good[] = {"0000001c", "02000004"};
        size_t size;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GByteArray) bytes = words(bad[i]);

                assert_int_equal(rpc_packet_size(bytes->data, &size), -EBADMSG);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
                g_autoptr(GByteArray) bytes = words(good[i]);

                assert_int_equal(rpc_packet_size(bytes->data, &size), 0);
        }
}

static void headers_that_make_no_sense_are_refused(void **state) {
        static const char *const bad[] = {
                /* length of another message */
                "00000020 20008086 00000001 00000042 00000000 00000000 00000000",
                /* type 7, status 3 */
                "0000001c 20008086 00000001 00000042 00000007 00000000 00000000",
                "0000001c 20008086 00000001 00000042 00000000 00000000 00000003",
                "0000001c 20008086 00000001 00000042 ffffffff 00000000 00000000",
                /* descriptors: no count, 33 */
                "0000001c 20008086 00000001 00000136 00000004 00000000 00000000",
                "00000020 20008086 00000001 00000136 00000004 00000000 00000000 00000021",
        };
        RpcPacket packet;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GByteArray) bytes = words(bad[i]);

                assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), -EBADMSG);
        }
}

static void count_of_descriptors_is_taken_off_the_payload(void **state) {
        g_autoptr(GByteArray) bytes =
                words("00000024 20008086 00000001 00000136 00000004 00000005 00000000 00000002 "
                      "12345678");
        RpcPacket packet;

        assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), 0);
        assert_int_equal(packet.n_fds, 2);
        assert_int_equal(packet.payload_size, 4);
}

static void lengths_inside_a_payload_are_bounded(void **state) {
        static const char *const bad[] = {
                "00000020 20008086 00000001 00000017 00000000 00000001 00000000 00000010",
                "00000020 20008086 00000001 00000017 00000000 00000001 00000000 00400001",
                "00000020 20008086 00000001 00000017 00000000 00000001 00000000 ffffffff",
                "0000001c 20008086 00000001 00000017 00000000 00000001 00000000",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GByteArray) bytes = words(bad[i]);
                g_auto(Err) err = ERR_INIT;
                remote_domain_lookup_by_name_args args;
                RpcPacket packet;

                assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), 0);
                assert_int_equal(rpc_packet_decode(&packet,
                                                   (xdrproc_t)xdr_remote_domain_lookup_by_name_args,
                                                   &args, sizeof(args), &err),
                                 -EBADMSG);
                assert_int_equal(err.code, VIR_ERR_RPC);
                assert_null(args.name);
        }
}

static void every_cut_of_a_list_fails_without_a_leak(void **state) {
        RpcHeader header = {REMOTE_PROGRAM, 1, REMOTE_PROC_CONNECT_LIST_ALL_DOMAINS, 1, 3, 0};
        remote_domain list[2] = {{.name = (char *)(uintptr_t) "one", .id = 1},
                                 {.name = (char *)(uintptr_t) "another", .id = -1}};
        remote_connect_list_all_domains_ret ret = {.domains = {2, list}, .ret = 2};
        xdrproc_t xdr = (xdrproc_t)xdr_remote_connect_list_all_domains_ret;
        g_autoptr(GByteArray) bytes = NULL;
        RpcPacket packet;

        assert_int_equal(rpc_packet_encode(&header, 0, xdr, &ret, &bytes, NULL), 0);
        assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), 0);
        while (packet.payload_size > 0) {
                remote_connect_list_all_domains_ret got;

                packet.payload_size--;
                assert_int_equal(rpc_packet_decode(&packet, xdr, &got, sizeof(got), NULL),
                                 -EBADMSG);
                assert_null(got.domains.domains_val);
        }
}

static void a_string_that_is_absent_does_not_encode(void **state) {
#ifdef __SANITIZE_ADDRESS__
        skip(); /* the sanitizer's own xdr_string() measures the string that is not there */
#endif
        RpcHeader header = {REMOTE_PROGRAM, 1, REMOTE_PROC_CONNECT_GET_URI, RPC_TYPE_REPLY, 1, 0};
        g_autoptr(GByteArray) bytes = NULL;
        remote_connect_get_uri_ret ret = {};

        assert_int_equal(rpc_packet_encode(&header, 0, (xdrproc_t)xdr_remote_connect_get_uri_ret,
                                           &ret, &bytes, NULL),
                         -EINVAL);
        assert_null(bytes);
}

static void an_error_comes_back_with_its_hint(void **state) {
        RpcHeader header = {REMOTE_PROGRAM, 1, REMOTE_PROC_DOMAIN_CREATE, RPC_TYPE_CALL, 4, 0};
        g_auto(Err) err = ERR_INIT;
        g_auto(Err) got = ERR_INIT;
        g_autoptr(GByteArray) bytes = NULL;
        RpcPacket packet;

        fail_hint(&err, fail(&err, VIR_ERR_OPERATION_INVALID, "group 12 is held by igb"),
                  "detach 0000:01:00.1 first");
        bytes = rpc_packet_encode_error(&header, &err);
        assert_int_equal(rpc_packet_parse(bytes->data, bytes->len, &packet), 0);
        assert_int_equal(packet.header.type, RPC_TYPE_REPLY);
        assert_int_equal(packet.header.status, RPC_STATUS_ERROR);
        assert_int_equal(packet.header.serial, 4);
        assert_int_equal(rpc_packet_decode_error(&packet, &got), 0);
        assert_int_equal(got.code, VIR_ERR_OPERATION_INVALID);
        assert_int_equal(got.domain, err.domain);
        assert_string_equal(got.message,
                            "Requested operation is not valid: group 12 is held by igb");
        assert_string_equal(got.hint, "detach 0000:01:00.1 first");
}

static void an_error_of_any_length_and_bytes_fits(void **state) {
        RpcHeader header = {REMOTE_PROGRAM, 1, REMOTE_PROC_DOMAIN_CREATE, RPC_TYPE_STREAM, 4, 0};
        g_autofree char *text = g_strnfill(8u << 20, (char)0xff);
        g_auto(Err) err = ERR_INIT;
        g_autoptr(GByteArray) bytes = NULL;

        fail(&err, VIR_ERR_INTERNAL_ERROR, "%s", text);
        bytes = rpc_packet_encode_error(&header, &err);
        assert_true(bytes->len < 3 * RPC_ERROR_TEXT_MAX + 256);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parse_reads_every_header_word),
                cmocka_unit_test(open_call_decodes_as_libvirts_client_sends_it),
                cmocka_unit_test(reply_and_pong_encode_to_the_bytes_of_libvirtd),
                cmocka_unit_test(char_arrays_take_a_word_for_each_character),
                cmocka_unit_test(stream_data_is_not_padded),
                cmocka_unit_test(lengths_outside_the_limits_are_refused),
                cmocka_unit_test(headers_that_make_no_sense_are_refused),
                cmocka_unit_test(count_of_descriptors_is_taken_off_the_payload),
                cmocka_unit_test(lengths_inside_a_payload_are_bounded),
                cmocka_unit_test(every_cut_of_a_list_fails_without_a_leak),
                cmocka_unit_test(a_string_that_is_absent_does_not_encode),
                cmocka_unit_test(an_error_comes_back_with_its_hint),
                cmocka_unit_test(an_error_of_any_length_and_bytes_fits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
