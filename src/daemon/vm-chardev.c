/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-kind.h"

#include <string.h>

#include "daemon/store.h"

/* The name of the channel is the name of its socket: that is how a generated path is known. */
static int fill_channel(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        DomainChar *channel = (DomainChar *)device;

        if (channel->type != CHAR_TYPE_UNIX || channel->source.path || !channel->target.name ||
            strchr(channel->target.name, '/'))
                return 0;
        channel->source.node.is_present = true;
        channel->source.mode = CHAR_MODE_BIND;
        channel->source.path =
                store_run_path(&vm->manager->paths, vm_name(vm), channel->target.name);
        return 0;
}

static bool is_char(const DomainDevice *device) {
        static const DomainDeviceKind kinds[] = {DOMAIN_SERIAL, DOMAIN_PARALLEL, DOMAIN_CONSOLE,
                                                 DOMAIN_CHANNEL, DOMAIN_REDIRDEV};

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (device->kind == kinds[i])
                        return true;
        return false;
}

void vm_char_set_terminal(DomainDevice *device, const char *path) {
        DomainChar *chardev = (DomainChar *)device;

        if (!is_char(device))
                return;
        chardev->source.node.is_present = true;
        g_free(chardev->source.path);
        chardev->source.path = g_strdup(path);
        if (device->kind != DOMAIN_CONSOLE)
                return;
        g_free(chardev->tty);
        chardev->tty = g_strdup(path);
}

const VmKind vm_channel_kind = {.fill = fill_channel};
