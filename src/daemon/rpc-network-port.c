/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xml.h"
#include "daemon/dispatch.h"
#include "daemon/rpc-domain.h"
#include "daemon/vm.h"
#include "rpc/proto.h"
#include "rpc/remote_network.h"

/* A port of a network is what an interface of a running guest has of it: made when the guest starts
 * or the interface is plugged, gone with it. */
typedef struct Port {
        const Vm *vm;
        const DomainInterface *net;
        uint8_t uuid[16];
} Port;

/* ---- which there are ---- */

static int compare_ports(const void *a, const void *b) {
        return memcmp(((const Port *)a)->uuid, ((const Port *)b)->uuid, 16);
}

static GArray *list_ports(const Manager *manager, const Network *network) {
        GArray *ports = g_array_new(FALSE, TRUE, sizeof(Port));
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->vms_by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Vm *vm = value;

                DOMAIN_FOREACH(DomainInterface, net, vm->live, DOMAIN_INTERFACE) {
                        Port port = {vm, net, {}};

                        if (net->type == NET_TYPE_NETWORK && net->source.portid &&
                            g_strcmp0(net->source.network, network_name(network)) == 0 &&
                            domain_uuid_parse(net->source.portid, port.uuid) == 0)
                                g_array_append_val(ports, port);
                }
        }
        g_array_sort(ports, compare_ports);
        return ports;
}

static int find_port(Manager *manager, const remote_network *network, const char *uuid, Port *ret,
                     Err *err) {
        char text[DOMAIN_UUID_TEXT_MAX];
        g_autoptr(GArray) ports = NULL;
        Network *object = NULL;
        int r = rpc_find_network(manager, network, &object, err);

        if (r != 0)
                return r;
        ports = list_ports(manager, object);
        for (guint i = 0; i < ports->len; i++) {
                *ret = g_array_index(ports, Port, i);
                if (memcmp(ret->uuid, uuid, sizeof(ret->uuid)) == 0)
                        return 0;
        }
        fail(err, VIR_ERR_NO_NETWORK_PORT, "Network port with UUID %s does not exist",
             domain_uuid_format((const uint8_t *)uuid, text));
        return -ENOENT;
}

static void fill_port(const Network *network, const uint8_t uuid[16], remote_network_port *ret) {
        rpc_fill_network(network, &ret->net);
        memcpy(ret->uuid, uuid, sizeof(ret->uuid));
}

static int list_all(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_list_all_ports_args *args = data;
        remote_network_list_all_ports_ret *ret = result;
        g_autoptr(GArray) ports = NULL;
        Network *network = NULL;
        int r = flags_check(args->flags, 0, "virNetworkListAllPorts", err);

        if (r == 0)
                r = rpc_find_network(manager, &args->network, &network, err);
        if (r != 0)
                return r;
        ports = list_ports(manager, network);
        ret->ret = ports->len;
        if (!args->need_results)
                return 0;
        ret->ports.ports_val = calloc(ports->len + 1, sizeof(remote_network_port));
        ret->ports.ports_len = ports->len;
        for (guint i = 0; i < ports->len; i++)
                fill_port(network, g_array_index(ports, Port, i).uuid, &ret->ports.ports_val[i]);
        return 0;
}

static int lookup_by_uuid(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_port_lookup_by_uuid_args *args = data;
        remote_network_port_lookup_by_uuid_ret *ret = result;
        Network *network = NULL;
        Port port = {};
        int r = find_port(manager, &args->network, args->uuid, &port, err);

        if (r == 0)
                r = rpc_find_network(manager, &args->network, &network, err);
        if (r == 0)
                fill_port(network, port.uuid, &ret->port);
        return r;
}

/* ---- what they are ---- */

static char *format_port(const Port *port) {
        XmlWriter *xml = xml_writer_new(0);
        char uuid[DOMAIN_UUID_TEXT_MAX];

        xml_writer_open(xml, "networkport");
        xml_writer_leaf(xml, "uuid", port->net->source.portid);
        xml_writer_open(xml, "owner");
        xml_writer_leaf(xml, "name", vm_name(port->vm));
        xml_writer_leaf(xml, "uuid", domain_uuid_format(port->vm->live->uuid, uuid));
        xml_writer_close(xml);
        if (port->net->source.portgroup)
                xml_writer_leaf(xml, "group", port->net->source.portgroup);
        xml_writer_open(xml, "mac");
        xml_writer_attr(xml, "address", port->net->mac.address);
        xml_writer_close(xml);
        xml_writer_open(xml, "plug");
        xml_writer_attr(xml, "type", "network");
        xml_writer_attr(xml, "bridge", port->net->source.bridge);
        xml_writer_close(xml);
        xml_writer_close(xml);
        return xml_writer_finish(xml);
}

static int get_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_port_get_xml_desc_args *args = data;
        remote_network_port_get_xml_desc_ret *ret = result;
        g_autofree char *xml = NULL;
        Port port = {};
        int r = flags_check(args->flags, 0, "virNetworkPortGetXMLDesc", err);

        if (r == 0)
                r = find_port(manager, &args->port.net, args->port.uuid, &port, err);
        if (r != 0)
                return r;
        xml = format_port(&port);
        ret->xml = rpc_text(xml);
        return 0;
}

/* Bandwidth is all that a port could have, and none has one. */
static int get_parameters(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_port_get_parameters_args *args = data;
        Port port = {};
        int r = flags_check(args->flags, 0, "virNetworkPortGetParameters", err);

        return r != 0 ? r : find_port(manager, &args->port.net, args->port.uuid, &port, err);
}

static int set_parameters(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_port_set_parameters_args *args = data;
        Port port = {};
        int r = flags_check(args->flags, 0, "virNetworkPortSetParameters", err);

        if (r == 0)
                r = find_port(manager, &args->port.net, args->port.uuid, &port, err);
        if (r != 0)
                return r;
        return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                    "the port of guest '%s' has no bandwidth to limit", vm_name(port.vm));
}

/* ---- what clients do not do ---- */

static int create_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_port_create_xml_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->network, &network, err);

        if (r != 0)
                return r;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "ports of network '%s' come and go with guests' interfaces",
                              network_name(network)),
                         "attach an interface: attach-interface GUEST network %s",
                         network_name(network));
}

static int delete_port(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_port_delete_args *args = data;
        Port port = {};
        int r = find_port(manager, &args->port.net, args->port.uuid, &port, err);

        if (r != 0)
                return r;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "the port is that of interface %s of guest '%s'",
                              port.net->mac.address, vm_name(port.vm)),
                         "detach the interface: detach-interface %s network %s", vm_name(port.vm),
                         port.net->mac.address);
}

static const Procedure procedures[] = {
        READS(NETWORK_LIST_ALL_PORTS, "virNetworkListAllPorts", remote_network_list_all_ports,
              list_all),
        READS(NETWORK_PORT_LOOKUP_BY_UUID, "virNetworkPortLookupByUUID",
              remote_network_port_lookup_by_uuid, lookup_by_uuid),
        READS(NETWORK_PORT_GET_XML_DESC, "virNetworkPortGetXMLDesc",
              remote_network_port_get_xml_desc, get_xml),
        READS(NETWORK_PORT_GET_PARAMETERS, "virNetworkPortGetParameters",
              remote_network_port_get_parameters, get_parameters),
        DOES(NETWORK_PORT_SET_PARAMETERS, "virNetworkPortSetParameters",
             remote_network_port_set_parameters, set_parameters),
        GIVES(NETWORK_PORT_CREATE_XML, "virNetworkPortCreateXML", remote_network_port_create_xml,
              create_xml),
        DOES(NETWORK_PORT_DELETE, "virNetworkPortDelete", remote_network_port_delete, delete_port),
};

const ProcedureTable rpc_network_port_table = {REMOTE_PROGRAM, procedures,
                                               G_N_ELEMENTS(procedures)};
