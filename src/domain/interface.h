/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

/* Pairs of queues of one interface. The kernel has 256 for a tap device; each costs descriptors. */
#define NET_QUEUES_MAX 64

typedef enum NetType {
        NET_TYPE_UNSET,
        NET_TYPE_USER,
        NET_TYPE_BRIDGE,
        NET_TYPE_NETWORK,
        NET_TYPE_DIRECT,
        NET_TYPE_ETHERNET,
        NET_TYPE_HOSTDEV,
        NET_TYPE_SERVER,
        NET_TYPE_CLIENT,
        NET_TYPE_MCAST,
        NET_TYPE_UDP,
        NET_TYPE_VHOSTUSER,
} NetType;
typedef enum NetModel {
        NET_MODEL_UNSET,
        NET_MODEL_VIRTIO,
        NET_MODEL_E1000,
        NET_MODEL_E1000E,
        NET_MODEL_RTL8139,
        NET_MODEL_VIRTIO_TRANSITIONAL,
        NET_MODEL_VIRTIO_NON_TRANSITIONAL,
        NET_MODEL_IGB,
        NET_MODEL_NE2K_PCI,
        NET_MODEL_PCNET,
        NET_MODEL_VMXNET3,
} NetModel;
typedef enum NetLink { NET_LINK_UNSET, NET_LINK_UP, NET_LINK_DOWN } NetLink;
typedef enum NetMacType { NET_MAC_UNSET, NET_MAC_GENERATED, NET_MAC_STATIC } NetMacType;
typedef enum NetDirect {
        NET_DIRECT_UNSET,
        NET_DIRECT_VEPA,
        NET_DIRECT_BRIDGE,
        NET_DIRECT_PRIVATE,
        NET_DIRECT_PASSTHROUGH,
} NetDirect;
typedef enum NetSocket { NET_SOCKET_UNSET, NET_SOCKET_SERVER, NET_SOCKET_CLIENT } NetSocket;
typedef enum NetSourceType { NET_SOURCE_UNSET, NET_SOURCE_UNIX } NetSourceType;
typedef enum NetBackend { NET_BACKEND_UNSET, NET_BACKEND_DEFAULT, NET_BACKEND_PASST } NetBackend;
typedef enum NetDriver { NET_DRIVER_UNSET, NET_DRIVER_QEMU, NET_DRIVER_VHOST } NetDriver;
typedef enum NetHostDriver { NET_HOST_DRIVER_UNSET, NET_HOST_DRIVER_VFIO } NetHostDriver;
typedef enum NetTxMode { NET_TX_UNSET, NET_TX_IOTHREAD, NET_TX_TIMER } NetTxMode;
typedef enum NetProto { NET_PROTO_UNSET, NET_PROTO_TCP, NET_PROTO_UDP } NetProto;
typedef enum NetFamily { NET_FAMILY_UNSET, NET_FAMILY_IPV4, NET_FAMILY_IPV6 } NetFamily;
typedef enum NetTeaming {
        NET_TEAMING_UNSET,
        NET_TEAMING_PERSISTENT,
        NET_TEAMING_TRANSIENT
} NetTeaming;

/* Addresses of a user network. */
typedef struct DomainNetIp {
        DomainNode node;
        NetFamily family; /* filled from the address */
        char *address;
        DomainNum prefix;
} DomainNetIp;

typedef struct DomainNetRange {
        DomainNode node;
        DomainNum start, end, to; /* ports; end: one port, to: the same */
        DomainSwitch exclude;
} DomainNetRange;

typedef struct DomainNetForward {
        DomainNode node;
        NetProto proto;
        char *address, *dev; /* of the host; NULL: all */
        GPtrArray *ranges;   /* DomainNetRange; NULL: all ports */
} DomainNetForward;

typedef struct DomainVlanTag {
        DomainNode node;
        DomainNum id;
} DomainVlanTag;

typedef struct DomainInterface {
        DomainDevice base;
        NetType type;
        DomainSwitch managed; /* hostdev */
        struct {
                DomainNode node;
                char *address; /* "52:54:00:xx:xx:xx", lower case */
                NetMacType type;
                DomainSwitch check;
        } mac;
        struct {
                DomainNode node;
                char *network, *portgroup, *portid;
                char *bridge; /* network: live only */
                char *dev;    /* direct: the host's device; user: where passt takes addresses */
                NetDirect direct;
                char *address; /* server, client, mcast, udp: IPv4 */
                DomainNum port;
                struct { /* udp */
                        DomainNode node;
                        char *address;
                        DomainNum port;
                } local;
                NetSourceType type; /* vhostuser */
                char *path;         /* vhostuser; passt: where it serves, live and not in the XML */
                NetSocket socket;
                struct { /* hostdev */
                        DomainNode node;
                        DomainAddressType type; /* pci */
                        DomainNum domain, bus, slot, function;
                } function;
        } source;
        struct { /* hostdev: what the virtual function's port carries */
                DomainNode node;
                GPtrArray *tags; /* DomainVlanTag, one */
        } vlan;
        struct {
                DomainNode node;
                DomainSwitch isolated;
        } port;
        GPtrArray *ips;      /* DomainNetIp; NULL: none */
        GPtrArray *forwards; /* DomainNetForward; NULL: none */
        struct {
                DomainNode node;
                char *dev;            /* the host's tap device; generated ones are live only */
                DomainSwitch managed; /* off: the device is there already (ethernet) */
        } target;
        struct {
                DomainNode node;
                char *dev;
        } guest;
        struct {
                DomainNode node;
                NetModel type;
        } model;
        struct {
                DomainNode node;
                NetDriver name;
                NetHostDriver host_name; /* hostdev */
                NetTxMode txmode;
                DomainSwitch ioeventfd, event_idx;
                DomainNum queues, rx_queue_size, tx_queue_size;
                DomainSwitch rss, rss_hash_report, iommu, ats, packed, page_per_vq;
                struct { /* offloads; not set: on */
                        DomainNode node;
                        DomainSwitch csum, gso, tso4, tso6, ecn, ufo, mrg_rxbuf;
                } host;
                struct {
                        DomainNode node;
                        DomainSwitch csum, tso4, tso6, ecn, ufo;
                } guest;
        } driver;
        struct {
                DomainNode node;
                NetBackend type;
                char *tap, *vhost;
                char *log_file; /* passt */
        } backend;
        struct {
                DomainNode node;
                char *sndbuf; /* bytes, a number */
        } tune;
        struct {
                DomainNode node;
                NetLink state;
        } link;
        struct {
                DomainNode node;
                DomainNum size; /* bytes */
        } mtu;
        struct {
                DomainNode node;
                struct {
                        DomainNode node;
                        struct {
                                DomainNode node;
                                DomainNum max;
                        } frames;
                } rx;
        } coalesce;
        struct {
                DomainNode node;
                NetTeaming type;
                char *persistent; /* alias of the interface that stays */
        } teaming;
        /* hostdev: see DomainHostdev.is_conventional */
        bool is_conventional;
} DomainInterface;

/* True for the three names of virtio. */
bool domain_interface_is_virtio(const DomainInterface *net);

/* True where the guest's frames go through a tap device that joins the host by its name. */
bool domain_interface_has_tap(const DomainInterface *net);

/* The host function of type 'hostdev'. */
PciAddr domain_interface_function(const DomainInterface *net);

static inline bool domain_interface_is_passt(const DomainInterface *net) {
        return net->type == NET_TYPE_USER && net->backend.type == NET_BACKEND_PASST;
}
