/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/util.h"

#define LINKS_MAX 4096

/* A request as it grows; the kernel takes no longer ones from us. */
typedef struct Request {
        struct nlmsghdr header;
        char data[1024];
} Request;

static void *reserve(Request *request, size_t size) {
        void *place = (char *)request + NLMSG_ALIGN(request->header.nlmsg_len);

        g_assert(NLMSG_ALIGN(request->header.nlmsg_len) + NLMSG_ALIGN(size) <= sizeof(*request));
        request->header.nlmsg_len =
                (uint32_t)(NLMSG_ALIGN(request->header.nlmsg_len) + NLMSG_ALIGN(size));
        memset(place, 0, NLMSG_ALIGN(size));
        return place;
}

static void *begin(Request *request, uint16_t type, uint16_t flags, size_t body) {
        request->header = (struct nlmsghdr){
                .nlmsg_len = sizeof(request->header),
                .nlmsg_type = type,
                .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
        };
        return reserve(request, body);
}

static struct rtattr *add_attr(Request *request, uint16_t type, const void *data, size_t size) {
        struct rtattr *attr = reserve(request, RTA_LENGTH(size));

        attr->rta_type = type;
        attr->rta_len = (unsigned short)RTA_LENGTH(size);
        if (size > 0)
                memcpy(RTA_DATA(attr), data, size);
        return attr;
}

/* What is added until the end lies inside. */
static struct rtattr *open_attr(Request *request, uint16_t type) {
        return add_attr(request, type, NULL, 0);
}

static void close_attr(Request *request, struct rtattr *attr) {
        attr->rta_len =
                (unsigned short)((char *)request + request->header.nlmsg_len - (char *)attr);
}

static void add_u32(Request *request, uint16_t type, uint32_t value) {
        add_attr(request, type, &value, sizeof(value));
}

static void add_text(Request *request, uint16_t type, const char *text) {
        add_attr(request, type, text, strlen(text) + 1);
}

/* Sends it and reads the kernel's answer: 0 or a negative errno. */
static int exchange(Request *request) {
        _cleanup_(closep) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        union {
                struct nlmsghdr header;
                char bytes[4096];
        } answer;
        const struct nlmsgerr *result;
        ssize_t n;

        if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0)
                return neg_errno();
        n = recv(fd, &answer, sizeof(answer), 0);
        if (n < 0)
                return neg_errno();
        if (!NLMSG_OK(&answer.header, (size_t)n) || answer.header.nlmsg_type != NLMSG_ERROR ||
            answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(*result)))
                return -EPROTO;
        result = NLMSG_DATA(&answer.header);
        return result->error;
}

bool link_exists(const char *name) {
        return if_nametoindex(name) > 0;
}

char *link_free_name(const char *prefix) {
        for (unsigned i = 0; i < LINKS_MAX; i++) {
                g_autofree char *name = g_strdup_printf("%s%u", prefix, i);

                if (!link_exists(name))
                        return g_steal_pointer(&name);
        }
        return g_strdup_printf("%s-none", prefix);
}

static int check_name(const char *name, Err *err) {
        if (*name && strlen(name) < IFNAMSIZ)
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "'%s' is no name of a network device", name);
}

static bool read_mac(const char *text, uint8_t ret[static 6]) {
        unsigned bytes[6];
        g_auto(GStrv) parts = g_strsplit(text, ":", -1);

        if (g_strv_length(parts) != 6)
                return false;
        for (int i = 0; i < 6; i++) {
                uint64_t byte;

                if (str_to_uint(parts[i], 16, UINT8_MAX, &byte) < 0)
                        return false;
                bytes[i] = (unsigned)byte;
        }
        for (int i = 0; i < 6; i++)
                ret[i] = (uint8_t)bytes[i];
        return true;
}

bool link_has_mac(const char *name, const char *mac) {
        _cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = {};
        uint8_t wanted[6];

        if (strlen(name) >= IFNAMSIZ || !read_mac(mac, wanted))
                return false;
        g_strlcpy(request.ifr_name, name, IFNAMSIZ);
        return ioctl(fd, SIOCGIFHWADDR, &request) == 0 &&
               memcmp(request.ifr_hwaddr.sa_data, wanted, sizeof(wanted)) == 0;
}

static void add_bridge_info(Request *request, const LinkBridge *bridge) {
        struct rtattr *info = open_attr(request, IFLA_LINKINFO), *data;

        add_text(request, IFLA_INFO_KIND, "bridge");
        data = open_attr(request, IFLA_INFO_DATA);
        /* In hundredths of a second; the kernel takes no less than two seconds with STP on. */
        add_u32(request, IFLA_BR_FORWARD_DELAY, MAX(bridge->forward_delay, 2) * 100);
        add_u32(request, IFLA_BR_STP_STATE, bridge->stp);
        close_attr(request, data);
        close_attr(request, info);
}

int link_make_bridge(const char *name, const LinkBridge *bridge, Err *err) {
        Request request;
        struct ifinfomsg *info;
        uint8_t mac[6];
        int r = check_name(name, err);

        if (r < 0)
                return r;
        info = begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
        info->ifi_family = AF_UNSPEC;
        add_text(&request, IFLA_IFNAME, name);
        if (bridge->mac && !read_mac(bridge->mac, mac))
                return fail(err, VIR_ERR_XML_ERROR, "'%s' is no MAC address", bridge->mac);
        if (bridge->mac)
                add_attr(&request, IFLA_ADDRESS, mac, sizeof(mac));
        if (bridge->mtu > 0)
                add_u32(&request, IFLA_MTU, bridge->mtu);
        add_bridge_info(&request, bridge);
        r = exchange(&request);
        return r < 0 ? fail_errno(err, r, "cannot make the bridge '%s'", name) : 0;
}

int link_make_macvtap(const char *name, const LinkMacvtap *macvtap, Err *err) {
        unsigned lower = if_nametoindex(macvtap->lower);
        struct rtattr *linkinfo, *data;
        struct ifinfomsg *info;
        Request request;
        uint8_t mac[6];
        int r = check_name(name, err);

        if (r < 0)
                return r;
        if (lower == 0)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "the host has no network device '%s'",
                            macvtap->lower);
        if (!read_mac(macvtap->mac, mac))
                return fail(err, VIR_ERR_XML_ERROR, "'%s' is no MAC address", macvtap->mac);
        info = begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
        info->ifi_family = AF_UNSPEC;
        add_u32(&request, IFLA_LINK, lower);
        add_text(&request, IFLA_IFNAME, name);
        add_attr(&request, IFLA_ADDRESS, mac, sizeof(mac));
        linkinfo = open_attr(&request, IFLA_LINKINFO);
        add_text(&request, IFLA_INFO_KIND, "macvtap");
        data = open_attr(&request, IFLA_INFO_DATA);
        add_u32(&request, IFLA_MACVLAN_MODE, macvtap->mode);
        close_attr(&request, data);
        close_attr(&request, linkinfo);
        r = exchange(&request);
        return r < 0 ? fail_errno(err, r, "cannot make the macvtap device '%s' on '%s'", name,
                                  macvtap->lower)
                     : 0;
}

int link_remove(const char *name, Err *err) {
        Request request;
        struct ifinfomsg *info = begin(&request, RTM_DELLINK, 0, sizeof(*info));
        unsigned index = if_nametoindex(name);
        int r;

        if (index == 0)
                return 0;
        info->ifi_index = (int)index;
        r = exchange(&request);
        return r < 0 && r != -ENODEV
                       ? fail_errno(err, r, "cannot remove the network device '%s'", name)
                       : 0;
}

int link_set_up(const char *name, bool up, Err *err) {
        Request request;
        struct ifinfomsg *info = begin(&request, RTM_NEWLINK, 0, sizeof(*info));
        int r;

        info->ifi_index = (int)if_nametoindex(name);
        info->ifi_change = IFF_UP;
        info->ifi_flags = up ? IFF_UP : 0;
        r = exchange(&request);
        return r < 0 ? fail_errno(err, r, "cannot bring %s '%s'", up ? "up" : "down", name) : 0;
}

int link_set_mtu(const char *name, unsigned mtu, Err *err) {
        Request request;
        struct ifinfomsg *info = begin(&request, RTM_NEWLINK, 0, sizeof(*info));
        int r;

        info->ifi_index = (int)if_nametoindex(name);
        add_u32(&request, IFLA_MTU, mtu);
        r = exchange(&request);
        return r < 0 ? fail_errno(err, r, "cannot give '%s' the MTU %u", name, mtu) : 0;
}

int link_set_isolated(const char *name, Err *err) {
        Request request;
        struct ifinfomsg *info = begin(&request, RTM_SETLINK, 0, sizeof(*info));
        struct rtattr *port;
        uint8_t on = 1;
        int r;

        info->ifi_family = AF_BRIDGE;
        info->ifi_index = (int)if_nametoindex(name);
        port = open_attr(&request, IFLA_PROTINFO | NLA_F_NESTED);
        add_attr(&request, IFLA_BRPORT_ISOLATED, &on, sizeof(on));
        close_attr(&request, port);
        r = exchange(&request);
        return r < 0 ? fail_errno(err, r, "cannot isolate the bridge port '%s'", name) : 0;
}

int link_set_function(const char *name, const LinkFunction *function, Err *err) {
        struct ifla_vf_mac address = {.vf = function->number};
        struct ifla_vf_vlan vlan = {.vf = function->number, .vlan = function->vlan};
        struct rtattr *list, *entry;
        struct ifinfomsg *info;
        Request request;
        int r;

        if (!read_mac(function->mac, address.mac))
                return fail(err, VIR_ERR_XML_ERROR, "'%s' is no MAC address", function->mac);
        info = begin(&request, RTM_SETLINK, 0, sizeof(*info));
        info->ifi_index = (int)if_nametoindex(name);
        list = open_attr(&request, IFLA_VFINFO_LIST);
        entry = open_attr(&request, IFLA_VF_INFO);
        add_attr(&request, IFLA_VF_MAC, &address, sizeof(address));
        add_attr(&request, IFLA_VF_VLAN, &vlan, sizeof(vlan));
        close_attr(&request, entry);
        close_attr(&request, list);
        r = exchange(&request);
        return r < 0 ? fail_errno(err, r, "cannot set up virtual function %u of '%s'",
                                  function->number, name)
                     : 0;
}

int link_add_address(const char *name, bool is_v6, const char *address, unsigned prefix, Err *err) {
        Request request;
        struct ifaddrmsg *info =
                begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
        uint8_t bytes[16];
        size_t size = is_v6 ? 16 : 4;
        uint32_t all, host = prefix >= 32 ? 0 : UINT32_MAX >> prefix;
        int r;

        if (inet_pton(is_v6 ? AF_INET6 : AF_INET, address, bytes) != 1)
                return fail(err, VIR_ERR_XML_ERROR, "'%s' is no address", address);
        info->ifa_family = is_v6 ? AF_INET6 : AF_INET;
        info->ifa_prefixlen = (uint8_t)prefix;
        info->ifa_index = if_nametoindex(name);
        add_attr(&request, IFA_LOCAL, bytes, size);
        add_attr(&request, IFA_ADDRESS, bytes, size);
        if (!is_v6) {
                memcpy(&all, bytes, sizeof(all));
                all |= htonl(host);
                add_u32(&request, IFA_BROADCAST, all);
        }
        r = exchange(&request);
        return r < 0 && r != -EEXIST ? fail_errno(err, r, "cannot give '%s' the address %s/%u",
                                                  name, address, prefix)
                                     : 0;
}

int link_add_route(const char *name, const LinkRoute *route, Err *err) {
        Request request;
        struct rtmsg *info =
                begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
        int family = route->is_v6 ? AF_INET6 : AF_INET, r;
        uint8_t target[16], gateway[16];
        size_t size = route->is_v6 ? 16 : 4;

        if (inet_pton(family, route->address, target) != 1 ||
            inet_pton(family, route->gateway, gateway) != 1)
                return fail(err, VIR_ERR_XML_ERROR, "'%s' or '%s' is no address", route->address,
                            route->gateway);
        *info = (struct rtmsg){.rtm_family = (uint8_t)family,
                               .rtm_dst_len = (uint8_t)route->prefix,
                               .rtm_table = RT_TABLE_MAIN,
                               .rtm_protocol = RTPROT_STATIC,
                               .rtm_scope = RT_SCOPE_UNIVERSE,
                               .rtm_type = RTN_UNICAST};
        add_attr(&request, RTA_DST, target, size);
        add_attr(&request, RTA_GATEWAY, gateway, size);
        add_u32(&request, RTA_OIF, if_nametoindex(name));
        add_u32(&request, RTA_PRIORITY, route->metric);
        r = exchange(&request);
        return r < 0 ? fail_errno(err, r, "cannot add the route to %s/%u by %s of '%s'",
                                  route->address, route->prefix, route->gateway, name)
                     : 0;
}
