/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-kind.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

/* VNC displays that a guest may get. */
enum { VNC_PORT_FIRST = 5900, VNC_PORT_LAST = 65535 };
#define VNC_ADDRESS "127.0.0.1"

static bool port_is_free(unsigned port) {
        _cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int one = 1;

        return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
               bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static bool port_is_given(Manager *manager, unsigned port) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->vms_by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Vm *vm = value;

                DOMAIN_FOREACH(DomainGraphics, graphics, vm->live, DOMAIN_GRAPHICS)
                        if (domain_num_or(graphics->port, 0) == port)
                                return true;
        }
        return false;
}

static int choose_vnc_port(Vm *vm, DomainGraphics *graphics, Err *err) {
        for (unsigned port = VNC_PORT_FIRST; port <= VNC_PORT_LAST; port++)
                if (!port_is_given(vm->manager, port) && port_is_free(port)) {
                        graphics->port = DOMAIN_NUM(port);
                        return 0;
                }
        return fail(err, VIR_ERR_OPERATION_FAILED,
                    "no TCP port is free for the VNC display of '%s'", vm_name(vm));
}

/* What QEMU does where nothing is said, so that clients know where to connect. */
static void fill_listen(DomainGraphics *graphics) {
        DomainListen *listen = graphics->listens && graphics->listens->len > 0
                                       ? g_ptr_array_index(graphics->listens, 0)
                                       : NULL;

        if (!listen || listen->type != LISTEN_ADDRESS || listen->address)
                return;
        listen->address = g_strdup(VNC_ADDRESS);
        if (!graphics->listen_address)
                graphics->listen_address = g_strdup(VNC_ADDRESS);
}

static int fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        DomainGraphics *graphics = (DomainGraphics *)device;
        bool by_socket = graphics->socket || graphics->listens->len > 0;

        fill_listen(graphics);
        for (guint i = 0; by_socket && i < graphics->listens->len; i++) {
                const DomainListen *listen = g_ptr_array_index(graphics->listens, i);

                if (listen->type == LISTEN_ADDRESS && !graphics->socket)
                        by_socket = false;
        }
        if (by_socket || (graphics->port.is_set && graphics->autoport != DOMAIN_SWITCH_ON))
                return 0;
        return choose_vnc_port(vm, graphics, err);
}

const VmKind vm_graphics_kind = {.fill = fill};
