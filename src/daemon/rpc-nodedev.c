/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/call.h"
#include "daemon/dispatch.h"
#include "daemon/event.h"
#include "daemon/manager.h"
#include "daemon/nodedev-xml.h"
#include "daemon/nodedev.h"
#include "rpc/proto.h"
#include "rpc/remote_nodedev.h"

/* The host's devices over the wire: reading them, and telling what changes. Handing them over is in
 * rpc-domain-device.c. */

#define XML_INACTIVE 1u /* virNodeDeviceXMLFlags */

typedef struct Filter {
        uint32_t flags;
        const char *capability; /* NULL: any */
} Filter;

/* The names of what the filter lets through, at most max. names NULL: only their number. */
static unsigned collect(Manager *manager, const Filter *filter, unsigned max, char **names) {
        size_t n;
        const Nodedev *const *list = nodedevs_list(manager->nodedevs, &n);
        unsigned found = 0;

        for (size_t i = 0; i < n && found < max; i++) {
                if (!nodedev_matches(list[i], filter->flags))
                        continue;
                if (filter->capability &&
                    !g_str_equal(filter->capability, nodedev_capability(list[i])))
                        continue;
                if (names)
                        names[found] = g_strdup(list[i]->name);
                found++;
        }
        return found;
}

static int lookup(Manager *manager, const char *name, const Nodedev **ret, Err *err) {
        return err_in_domain(err, VIR_FROM_NODEDEV,
                             nodedevs_lookup(manager->nodedevs, name, ret, err));
}

static int check_flags(uint32_t flags, uint32_t allowed, const char *function, Err *err) {
        return err_in_domain(err, VIR_FROM_NODEDEV, flags_check(flags, allowed, function, err));
}

static int num_of_devices(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_num_of_devices_args *a = args;
        remote_node_num_of_devices_ret *answer = ret;
        Filter filter = {.capability = a->cap ? *a->cap : NULL};
        int r = check_flags(a->flags, 0, "nodeNumOfDevices", err);

        if (r < 0)
                return r;
        answer->num = (int)collect(manager, &filter, UINT_MAX, NULL);
        return 0;
}

static int list_devices(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_list_devices_args *a = args;
        remote_node_list_devices_ret *answer = ret;
        Filter filter = {.capability = a->cap ? *a->cap : NULL};
        unsigned n;
        int r = check_flags(a->flags, 0, "nodeListDevices", err);

        if (r < 0)
                return r;
        n = collect(manager, &filter, (unsigned)MAX(a->maxnames, 0), NULL);
        answer->names.names_val = g_new0(char *, n + 1);
        answer->names.names_len = collect(manager, &filter, n, answer->names.names_val);
        return 0;
}

static int list_all(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_list_all_node_devices_args *a = args;
        remote_connect_list_all_node_devices_ret *answer = ret;
        Filter filter = {.flags = a->flags};
        g_autofree char **names = NULL;
        int r = check_flags(a->flags, NODEDEV_LIST_ALL, "nodeConnectListAllNodeDevices", err);

        if (r < 0)
                return r;
        answer->ret = collect(manager, &filter, UINT_MAX, NULL);
        if (!a->need_results)
                return 0;
        names = g_new0(char *, answer->ret + 1);
        collect(manager, &filter, answer->ret, names);
        answer->devices.devices_val = g_new0(remote_node_device, answer->ret + 1);
        answer->devices.devices_len = answer->ret;
        for (unsigned i = 0; i < answer->ret; i++)
                answer->devices.devices_val[i].name = names[i];
        return 0;
}

static int lookup_by_name(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_lookup_by_name_args *a = args;
        remote_node_device_lookup_by_name_ret *answer = ret;
        const Nodedev *dev = NULL;
        int r = lookup(manager, a->name, &dev, err);

        if (r < 0)
                return r;
        answer->dev.name = g_strdup(dev->name);
        return 0;
}

static int get_xml_desc(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_get_xml_desc_args *a = args;
        remote_node_device_get_xml_desc_ret *answer = ret;
        const Nodedev *dev = NULL;
        int r = check_flags(a->flags, XML_INACTIVE, "nodeDeviceGetXMLDesc", err);

        if (r < 0)
                return r;
        r = lookup(manager, a->name, &dev, err);
        if (r < 0)
                return r;
        if (a->flags & XML_INACTIVE && !nodedev_is_persistent(dev)) {
                r = fail(err, VIR_ERR_OPERATION_INVALID, "node device '%s' is not persistent",
                         dev->name);
                return err_in_domain(err, VIR_FROM_NODEDEV, r);
        }
        answer->xml = nodedev_to_xml(manager->nodedevs, dev);
        return 0;
}

static int get_parent(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_get_parent_args *a = args;
        remote_node_device_get_parent_ret *answer = ret;
        const Nodedev *dev = NULL;
        int r = lookup(manager, a->name, &dev, err);

        if (r < 0)
                return r;
        if (dev->parent) {
                answer->parentName = g_new0(char *, 1);
                *answer->parentName = g_strdup(dev->parent);
        }
        return 0;
}

static int num_of_caps(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_num_of_caps_args *a = args;
        remote_node_device_num_of_caps_ret *answer = ret;
        const Nodedev *dev = NULL;
        int r = lookup(manager, a->name, &dev, err);

        if (r == 0)
                answer->num = 1;
        return r;
}

static int list_caps(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_list_caps_args *a = args;
        remote_node_device_list_caps_ret *answer = ret;
        const Nodedev *dev = NULL;
        int r = lookup(manager, a->name, &dev, err);

        if (r < 0)
                return r;
        if (a->maxnames < 1)
                return 0;
        answer->names.names_len = 1;
        answer->names.names_val = g_new0(char *, 1);
        answer->names.names_val[0] = g_strdup(nodedev_capability(dev));
        return 0;
}

static int is_active(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_is_active_args *a = args;
        remote_node_device_is_active_ret *answer = ret;
        const Nodedev *dev = NULL;
        int r = lookup(manager, a->name, &dev, err);

        if (r == 0)
                answer->active = 1;
        return r;
}

static int is_persistent(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_is_persistent_args *a = args;
        remote_node_device_is_persistent_ret *answer = ret;
        const Nodedev *dev = NULL;
        int r = lookup(manager, a->name, &dev, err);

        if (r == 0)
                answer->persistent = nodedev_is_persistent(dev);
        return r;
}

/* What is kept is also there after the next boot. */
static int get_autostart(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_get_autostart_args *a = args;
        remote_node_device_get_autostart_ret *answer = ret;
        const Nodedev *dev = NULL;
        int r = lookup(manager, a->name, &dev, err);

        if (r == 0)
                answer->autostart = nodedev_is_persistent(dev);
        return r;
}

static int set_autostart(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_device_set_autostart_args *a = args;
        const Nodedev *dev = NULL;
        int r = lookup(manager, a->name, &dev, err);

        if (r == 0)
                r = fail(err, VIR_ERR_OPERATION_UNSUPPORTED, "Unsupported device type");
        return err_in_domain(err, VIR_FROM_NODEDEV, r);
}

static void on_change(const char *name, NodedevChange change, void *userdata) {
        Manager *manager = userdata;

        switch (change) {
        case NODEDEV_CREATED:
                event_nodedev_lifecycle(manager, name, EVENT_NODEDEV_CREATED, 0);
                break;
        case NODEDEV_DELETED:
                event_nodedev_lifecycle(manager, name, EVENT_NODEDEV_DELETED, 0);
                break;
        case NODEDEV_UPDATED:
                event_nodedev_update(manager, name);
                break;
        }
}

void nodedevs_set_manager(Nodedevs *nodedevs, Manager *manager) {
        nodedevs_set_callback(nodedevs, on_change, manager);
        pci_monitor_set_net_callback(manager->monitor, nodedevs_refresh_net, nodedevs);
}

#define READS(procedure, function, type, handler)                                         \
        {                                                                                 \
                .number = REMOTE_PROC_##procedure, .name = (function), .read_only = true, \
                PROC_ARGS(type##_args), PROC_RET(type##_ret), .run = (handler),           \
        }

static const Procedure procedures[] = {
        READS(NODE_NUM_OF_DEVICES, "virNodeNumOfDevices", remote_node_num_of_devices,
              num_of_devices),
        READS(NODE_LIST_DEVICES, "virNodeListDevices", remote_node_list_devices, list_devices),
        READS(CONNECT_LIST_ALL_NODE_DEVICES, "virConnectListAllNodeDevices",
              remote_connect_list_all_node_devices, list_all),
        READS(NODE_DEVICE_LOOKUP_BY_NAME, "virNodeDeviceLookupByName",
              remote_node_device_lookup_by_name, lookup_by_name),
        READS(NODE_DEVICE_GET_XML_DESC, "virNodeDeviceGetXMLDesc", remote_node_device_get_xml_desc,
              get_xml_desc),
        READS(NODE_DEVICE_GET_PARENT, "virNodeDeviceGetParent", remote_node_device_get_parent,
              get_parent),
        READS(NODE_DEVICE_NUM_OF_CAPS, "virNodeDeviceNumOfCaps", remote_node_device_num_of_caps,
              num_of_caps),
        READS(NODE_DEVICE_LIST_CAPS, "virNodeDeviceListCaps", remote_node_device_list_caps,
              list_caps),
        READS(NODE_DEVICE_IS_ACTIVE, "virNodeDeviceIsActive", remote_node_device_is_active,
              is_active),
        READS(NODE_DEVICE_IS_PERSISTENT, "virNodeDeviceIsPersistent",
              remote_node_device_is_persistent, is_persistent),
        READS(NODE_DEVICE_GET_AUTOSTART, "virNodeDeviceGetAutostart",
              remote_node_device_get_autostart, get_autostart),
        {
                .number = REMOTE_PROC_NODE_DEVICE_SET_AUTOSTART,
                .name = "virNodeDeviceSetAutostart",
                PROC_ARGS(remote_node_device_set_autostart_args),
                .run = set_autostart,
        },
};

const ProcedureTable rpc_nodedev_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
