/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-kind.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/util.h"
#include "daemon/network.h"
#include "daemon/store.h"

/* Where clients begin to count. */
enum { DISPLAY_PORT = 5900, WEBSOCKET_PORT = 5700, PORT_LAST = 65535 };
#define ADDRESS "127.0.0.1"

#define DRI_DIR     "dev/dri"
#define RENDER_NODE "renderD"

/* ---- ports ---- */

static bool can_bind(const struct sockaddr *address, socklen_t size) {
        _cleanup_(closep) int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int one = 1;

        if (fd < 0)
                return errno == EAFNOSUPPORT; /* a host without IPv6 */
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
            (address->sa_family == AF_INET6 &&
             setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0))
                return false;
        return bind(fd, address, size) == 0 || errno == EADDRNOTAVAIL;
}

/* At every address, whichever the display is to have: people know a guest by its port. */
static bool port_is_free(unsigned port) {
        struct sockaddr_in v4 = {
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_ANY),
        };
        struct sockaddr_in6 v6 = {
                .sin6_family = AF_INET6,
                .sin6_port = htons((uint16_t)port),
                .sin6_addr = in6addr_any,
        };

        return can_bind((const struct sockaddr *)&v4, sizeof(v4)) &&
               can_bind((const struct sockaddr *)&v6, sizeof(v6));
}

static bool has_port(const DomainDef *def, unsigned port) {
        DOMAIN_FOREACH(DomainGraphics, graphics, def, DOMAIN_GRAPHICS)
                if (domain_num_or(graphics->port, 0) == port ||
                    domain_num_or(graphics->websocket, 0) == port)
                        return true;
        return false;
}

static bool port_is_given(Manager *manager, const DomainDef *live, unsigned port) {
        GHashTableIter iter;
        gpointer value;

        if (has_port(live, port))
                return true;
        g_hash_table_iter_init(&iter, manager->vms_by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (has_port(((const Vm *)value)->live, port))
                        return true;
        return false;
}

static int choose_port(Vm *vm, const DomainDef *live, unsigned first, DomainNum *ret, Err *err) {
        for (unsigned port = first; port <= PORT_LAST; port++)
                if (!port_is_given(vm->manager, live, port) && port_is_free(port)) {
                        *ret = DOMAIN_NUM(port);
                        return 0;
                }
        return fail(err, VIR_ERR_OPERATION_FAILED, "no TCP port is free for the display of '%s'",
                    vm_name(vm));
}

static int fill_ports(Vm *vm, const DomainDef *live, DomainGraphics *graphics, Err *err) {
        int r = 0;

        if (domain_listen_is_tcp(domain_graphics_listen(graphics)) && !graphics->port.is_set &&
            graphics->autoport == DOMAIN_SWITCH_ON)
                r = choose_port(vm, live, DISPLAY_PORT, &graphics->port, err);
        if (r == 0 && graphics->websocket.is_set && graphics->websocket.value == DOMAIN_PORT_AUTO)
                r = choose_port(vm, live, WEBSOCKET_PORT, &graphics->websocket, err);
        return r;
}

/* ---- addresses ---- */

/* Where the host is to be found in the network, of which the guests in it know. */
static int find_address(Vm *vm, const char *name, const char **ret, Err *err) {
        const Network *network = network_find_by_name(vm->manager, name);
        const GPtrArray *ips;

        if (!network)
                return fail(err, VIR_ERR_NO_NETWORK,
                            "the graphics of guest '%s' listen in network '%s', which there is not",
                            vm_name(vm), name);
        if (!network->live)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "network '%s', in which the graphics of guest '%s' listen, "
                                      "is not active",
                                      name, vm_name(vm)),
                                 "start it first: airlock net-start %s", name);
        ips = network->live->ips;
        if (!ips || ips->len == 0)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "the host has no address in network '%s', in which the graphics of "
                            "guest '%s' listen",
                            name, vm_name(vm));
        *ret = ((const NetworkIp *)ips->pdata[0])->address;
        return 0;
}

static int fill_network(Vm *vm, DomainGraphics *graphics, Err *err) {
        DomainListen *listen = graphics->listens->pdata[0];
        const char *address = NULL;
        int r;

        if (listen->type != LISTEN_NETWORK)
                return 0;
        r = find_address(vm, listen->network, &address, err);
        if (r < 0)
                return r;
        g_free(listen->address);
        listen->address = g_strdup(address);
        g_free(graphics->listen_address);
        graphics->listen_address = g_strdup(address);
        return 0;
}

/* What QEMU does where nothing is said, so that clients know where to connect. */
static void fill_listen(Vm *vm, DomainGraphics *graphics) {
        DomainListen *listen = graphics->listens->pdata[0];
        bool is_vnc = graphics->type == GRAPHICS_VNC;

        if (listen->type == LISTEN_ADDRESS && !listen->address) {
                listen->address = g_strdup(ADDRESS);
                if (!graphics->listen_address)
                        graphics->listen_address = g_strdup(ADDRESS);
        }
        if (listen->type != LISTEN_SOCKET || listen->socket)
                return;
        listen->socket = store_run_path(&vm->manager->paths, vm_name(vm),
                                        is_vnc ? GRAPHICS_VNC_SOCKET : GRAPHICS_SPICE_SOCKET);
        if (is_vnc && !graphics->socket)
                graphics->socket = g_strdup(listen->socket);
}

/* ---- the GPU ---- */

static int fill_render_node(Vm *vm, DomainGraphics *graphics, Err *err) {
        g_auto(GStrv) names = NULL;

        if (!domain_graphics_uses_gl(graphics) || graphics->gl.rendernode)
                return 0;
        sys_list(vm->manager->sys, DRI_DIR, &names);
        STRV_FOREACH(name, names) {
                if (!g_str_has_prefix(name, RENDER_NODE))
                        continue;
                graphics->gl.node.is_present = true;
                graphics->gl.rendernode = g_strdup_printf("/" DRI_DIR "/%s", name);
                return 0;
        }
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "the %s graphics of guest '%s' render on a GPU, and the host has none: there "
                    "is no '/" DRI_DIR "/" RENDER_NODE "…'",
                    domain_graphics_type_to_string(graphics->type), vm_name(vm));
}

static int fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        DomainGraphics *graphics = (DomainGraphics *)device;
        int r;

        if (graphics->listens) {
                fill_listen(vm, graphics);
                r = fill_network(vm, graphics, err);
                if (r == 0)
                        r = fill_ports(vm, live, graphics, err);
                if (r < 0)
                        return r;
        }
        return fill_render_node(vm, graphics, err);
}

const VmKind vm_graphics_kind = {.fill = fill};
