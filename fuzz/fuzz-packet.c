/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes of a peer: a message, decoded as the payload of one procedure, encoded again and decoded
 * once more. The header's procedure picks the type, so that the fuzzer finds them all. */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "rpc/airlock.h"
#include "rpc/packet.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_domain.h"
#include "rpc/remote_event.h"
#include "rpc/remote_nodedev.h"

#define CODEC(type) \
        { (xdrproc_t) xdr_##type, sizeof(type) }

/* Each shape that a payload can have: handles, options, lists, unions, nested lists, char arrays.
 */
static const struct Codec {
        xdrproc_t xdr;
        size_t size;
} codecs[] = {
        CODEC(remote_error),
        CODEC(remote_connect_open_args),
        CODEC(remote_connect_supports_feature_args),
        CODEC(remote_connect_get_domain_capabilities_args),
        CODEC(remote_connect_list_all_domains_args),
        CODEC(remote_connect_list_all_domains_ret),
        CODEC(remote_connect_list_domains_ret),
        CODEC(remote_connect_list_defined_domains_ret),
        CODEC(remote_connect_get_all_domain_stats_args),
        CODEC(remote_connect_get_all_domain_stats_ret),
        CODEC(remote_connect_domain_event_callback_register_any_args),
        CODEC(remote_connect_node_device_event_register_any_args),
        CODEC(remote_connect_network_event_register_any_args),
        CODEC(remote_connect_storage_pool_event_register_any_args),
        CODEC(remote_connect_secret_event_register_any_args),
        CODEC(remote_auth_list_ret),
        CODEC(remote_node_get_info_ret),
        CODEC(remote_node_get_security_model_ret),
        CODEC(remote_node_get_cpu_map_ret),
        CODEC(remote_node_get_cpu_stats_ret),
        CODEC(remote_node_list_devices_args),
        CODEC(remote_node_list_devices_ret),
        CODEC(remote_node_device_detach_flags_args),
        CODEC(remote_node_device_get_parent_ret),
        CODEC(remote_storage_vol_lookup_by_name_args),
        CODEC(remote_secret_lookup_by_uuid_ret),
        CODEC(remote_domain_create_xml_args),
        CODEC(remote_domain_attach_device_flags_args),
        CODEC(remote_domain_get_info_ret),
        CODEC(remote_domain_get_vcpus_ret),
        CODEC(remote_domain_get_metadata_args),
        CODEC(remote_domain_set_metadata_args),
        CODEC(remote_domain_open_console_args),
        CODEC(remote_domain_memory_stats_ret),
        CODEC(remote_domain_get_job_stats_ret),
        CODEC(remote_domain_get_fsinfo_ret),
        CODEC(remote_domain_interface_addresses_ret),
        CODEC(remote_domain_get_security_label_ret),
        CODEC(remote_domain_event_callback_lifecycle_msg),
        CODEC(remote_domain_event_callback_graphics_msg),
        CODEC(remote_domain_event_callback_tunable_msg),
        CODEC(remote_domain_event_callback_disk_change_msg),
        CODEC(airlock_verdict_args),
        CODEC(airlock_plan_args),
};

static void check(bool condition) {
        if (!condition)
                abort();
}

/* What was decoded from bytes encodes, and decodes to what encodes to the same bytes. */
static void round_trip(const RpcPacket *packet, const struct Codec *codec) {
        g_autofree void *value = g_malloc0(codec->size);
        g_autofree void *again = g_malloc0(codec->size);
        g_autoptr(GByteArray) first = NULL;
        g_autoptr(GByteArray) second = NULL;
        RpcPacket copy;

        if (rpc_packet_decode(packet, codec->xdr, value, codec->size, NULL) < 0)
                return;
        check(rpc_packet_encode(&packet->header, packet->n_fds, codec->xdr, value, &first, NULL) ==
              0);
        check(rpc_packet_parse(first->data, first->len, &copy) == 0);
        check(rpc_packet_decode(&copy, codec->xdr, again, codec->size, NULL) == 0);
        check(rpc_packet_encode(&copy.header, copy.n_fds, codec->xdr, again, &second, NULL) == 0);
        check(first->len == second->len && memcmp(first->data, second->data, first->len) == 0);
        xdr_free(codec->xdr, value);
        xdr_free(codec->xdr, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_auto(Err) err = ERR_INIT;
        size_t announced;
        RpcPacket packet;

        if (size < RPC_PACKET_LENGTH_SIZE || rpc_packet_size(data, &announced) < 0)
                return 0;
        if (rpc_packet_parse(data, size, &packet) < 0)
                return 0;
        check(announced == size);
        check(packet.payload_size <= size - RPC_PACKET_MIN);
        if (packet.header.status == RPC_STATUS_ERROR)
                rpc_packet_decode_error(&packet, &err);
        round_trip(&packet, &codecs[(uint32_t)packet.header.procedure % G_N_ELEMENTS(codecs)]);
        return 0;
}
