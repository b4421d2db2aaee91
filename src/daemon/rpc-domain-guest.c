/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/guest-info.h"
#include "daemon/network.h"
#include "daemon/rpc-agent.h"
#include "domain/interface.h"
#include "rpc/proto.h"
#include "rpc/remote_domain.h"
#include "rpc/remote_domain_agent.h"

/* Limits of the wire. */
enum { FSINFO_MAX = 256, INTERFACES_MAX = 2048, CPUS_MAX = 16384 };

/* virDomainInterfaceAddressesSource, and the type of an address. */
enum { SOURCE_LEASE, SOURCE_AGENT, SOURCE_ARP };
enum { ADDRESS_IPV4, ADDRESS_IPV6 };

static AgentCommand command_of(const char *name, json_t *arguments) {
        return (AgentCommand){.name = name, .arguments = arguments, .timeout = AGENT_WAIT_FOREVER};
}

/* ---- file systems ---- */

static void fill_fs(const DomainDef *def, json_t *fs, remote_domain_fsinfo *ret) {
        json_t *disks = json_object_get(fs, "disk"), *disk;
        size_t i;

        ret->mountpoint = rpc_text(json_string_value(json_object_get(fs, "mountpoint")));
        ret->name = rpc_text(json_string_value(json_object_get(fs, "name")));
        ret->fstype = rpc_text(json_string_value(json_object_get(fs, "type")));
        ret->dev_aliases.dev_aliases_val =
                g_new0(remote_string, MIN(json_array_size(disks), FSINFO_MAX));
        json_array_foreach(disks, i, disk) {
                const char *target = guest_info_disk_target(def, disk);

                if (target && ret->dev_aliases.dev_aliases_len < FSINFO_MAX)
                        ret->dev_aliases.dev_aliases_val[ret->dev_aliases.dev_aliases_len++] =
                                rpc_text(target);
        }
}

static int fill_fsinfo(const Vm *vm, json_t *result, void *data, Err *err) {
        remote_domain_get_fsinfo_ret *ret = data;
        size_t n = MIN(json_array_size(result), FSINFO_MAX);

        if (!json_is_array(result) || !vm->live)
                return rpc_agent_nonsense("guest-get-fsinfo", err);
        ret->info.info_val = g_new0(remote_domain_fsinfo, n);
        ret->info.info_len = ret->ret = (u_int)n;
        for (size_t i = 0; i < n; i++)
                fill_fs(vm->live, json_array_get(result, i), &ret->info.info_val[i]);
        return 0;
}

static int get_fsinfo(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_fsinfo_args *args = data;
        AgentCommand command = command_of("guest-get-fsinfo", NULL);
        int r = flags_check(args->flags, 0, "virDomainGetFSInfo", err);

        return r < 0 ? r : rpc_ask_agent(manager, call, &args->dom, &command, fill_fsinfo, err);
}

/* ---- addresses ---- */

static int address_type(const char *text) {
        return strchr(text, ':') ? ADDRESS_IPV6 : ADDRESS_IPV4;
}

static void fill_addresses(json_t *list, remote_domain_interface *ret) {
        size_t i;
        json_t *item;

        ret->addrs.addrs_val =
                g_new0(remote_domain_ip_addr, MIN(json_array_size(list), INTERFACES_MAX));
        json_array_foreach(list, i, item) {
                const char *text = json_string_value(json_object_get(item, "ip-address"));
                json_t *prefix = json_object_get(item, "prefix");

                if (!text || ret->addrs.addrs_len >= INTERFACES_MAX)
                        continue;
                ret->addrs.addrs_val[ret->addrs.addrs_len++] = (remote_domain_ip_addr){
                        address_type(text), rpc_text(text), (u_int)json_integer_value(prefix)};
        }
}

static char **optional_text(const char *text) {
        char **ret = text ? g_new0(char *, 1) : NULL;

        if (ret)
                *ret = rpc_text(text);
        return ret;
}

static int fill_interfaces(const Vm *vm, json_t *result, void *data, Err *err) {
        remote_domain_interface_addresses_ret *ret = data;
        size_t n = MIN(json_array_size(result), INTERFACES_MAX);

        if (!json_is_array(result))
                return rpc_agent_nonsense("guest-network-get-interfaces", err);
        ret->ifaces.ifaces_val = g_new0(remote_domain_interface, n);
        ret->ifaces.ifaces_len = (u_int)n;
        for (size_t i = 0; i < n; i++) {
                json_t *item = json_array_get(result, i);
                remote_domain_interface *interface = &ret->ifaces.ifaces_val[i];

                interface->name = rpc_text(json_string_value(json_object_get(item, "name")));
                interface->hwaddr =
                        optional_text(json_string_value(json_object_get(item, "hardware-address")));
                fill_addresses(json_object_get(item, "ip-addresses"), interface);
        }
        return 0;
}

/* The host's table of neighbours (proc_net(5), arp): address, type, flags, MAC address, … */
static char *find_arp(char *const *lines, const char *mac) {
        STRV_FOREACH(line, (char **)(uintptr_t)lines) {
                g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
                GPtrArray *fields = g_ptr_array_new();
                char *found = NULL;

                STRV_FOREACH(word, words)
                        if (*word)
                                g_ptr_array_add(fields, word);
                if (fields->len >= 4 && g_ascii_strcasecmp(fields->pdata[3], mac) == 0)
                        found = g_strdup(fields->pdata[0]);
                g_ptr_array_unref(fields);
                if (found)
                        return found;
        }
        return NULL;
}

/* One interface with its one address (NULL: it has none, and is not told). */
static void add_interface(const DomainInterface *net, const char *address, unsigned prefix,
                          remote_domain_interface_addresses_ret *ret) {
        remote_domain_interface *interface;

        if (!address)
                return;
        interface = &ret->ifaces.ifaces_val[ret->ifaces.ifaces_len++];
        interface->name = rpc_text(net->target.dev);
        interface->hwaddr = optional_text(net->mac.address);
        interface->addrs.addrs_val = g_new0(remote_domain_ip_addr, 1);
        interface->addrs.addrs_len = 1;
        interface->addrs.addrs_val[0] =
                (remote_domain_ip_addr){ADDRESS_IPV4, rpc_text(address), prefix};
}

static void make_room(const Vm *vm, remote_domain_interface_addresses_ret *ret) {
        ret->ifaces.ifaces_val =
                g_new0(remote_domain_interface, vm->live->devices.list[DOMAIN_INTERFACE]->len);
}

static int addresses_by_arp(const Vm *vm, remote_domain_interface_addresses_ret *ret, Err *err) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (!g_file_get_contents("/proc/net/arp", &text, NULL, NULL))
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "cannot read the host's table of neighbours, /proc/net/arp");
        lines = g_strsplit(text, "\n", -1);
        make_room(vm, ret);
        DOMAIN_FOREACH(DomainInterface, net, vm->live, DOMAIN_INTERFACE) {
                g_autofree char *address =
                        net->mac.address ? find_arp(lines, net->mac.address) : NULL;

                add_interface(net, address, 0, ret);
        }
        return 0;
}

/* What the DHCP servers of our networks gave. */
static int addresses_by_lease(const Vm *vm, remote_domain_interface_addresses_ret *ret) {
        make_room(vm, ret);
        DOMAIN_FOREACH(DomainInterface, net, vm->live, DOMAIN_INTERFACE) {
                unsigned prefix = 0;
                g_autofree char *address =
                        net->type == NET_TYPE_NETWORK
                                ? network_lease_address(vm->manager, net->source.network,
                                                        net->mac.address, &prefix)
                                : NULL;

                add_interface(net, address, prefix, ret);
        }
        return 0;
}

static int interface_addresses(Manager *manager, Call *call, const void *data, void *result,
                               Err *err) {
        const remote_domain_interface_addresses_args *args = data;
        AgentCommand command = command_of("guest-network-get-interfaces", NULL);
        Vm *vm = NULL;
        int r = flags_check(args->flags, 0, "virDomainInterfaceAddresses", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r != 0)
                return r;
        switch (args->source) {
        case SOURCE_LEASE:
                return addresses_by_lease(vm, result);
        case SOURCE_AGENT:
                if (call_is_read_only(call))
                        return fail(err, VIR_ERR_OPERATION_DENIED,
                                    "read only access prevents virDomainInterfaceAddresses");
                return rpc_ask_agent(manager, call, &args->dom, &command, fill_interfaces, err);
        case SOURCE_ARP:
                return addresses_by_arp(vm, result, err);
        default:
                return fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "Unknown IP address data source %u",
                            args->source);
        }
}

/* ---- processors ---- */

static void add_range(GString *text, int first, int last) {
        if (text->len > 0)
                g_string_append_c(text, ',');
        if (first == last)
                g_string_append_printf(text, "%d", first);
        else
                g_string_append_printf(text, "%d-%d", first, last);
}

/* "0-3,5": the processors of which test says so; in the order of their numbers. */
static char *format_cpus(const bool *set, int n) {
        GString *text = g_string_new(NULL);
        int first = -1;

        for (int i = 0; i <= n; i++) {
                bool is_in = i < n && set[i];

                if (is_in && first < 0)
                        first = i;
                if (!is_in && first >= 0) {
                        add_range(text, first, i - 1);
                        first = -1;
                }
        }
        return g_string_free(text, FALSE);
}

static int fill_vcpus(const Vm *vm, json_t *result, void *data, Err *err) {
        static const char *const fields[] = {"vcpus", "online", "offlinable"};
        remote_domain_get_guest_vcpus_ret *ret = data;
        g_autoptr(RpcParams) params = rpc_params_new();

        if (!json_is_array(result) || json_array_size(result) == 0)
                return rpc_agent_nonsense("guest-get-vcpus", err);
        for (size_t field = 0; field < G_N_ELEMENTS(fields); field++) {
                g_autofree bool *set = g_new0(bool, CPUS_MAX);
                g_autofree char *text = NULL;
                size_t i;
                json_t *cpu;

                json_array_foreach(result, i, cpu) {
                        json_int_t id = json_integer_value(json_object_get(cpu, "logical-id"));
                        json_t *value =
                                json_object_get(cpu, field == 2 ? "can-offline" : fields[field]);

                        if (id < 0 || id >= CPUS_MAX)
                                return rpc_agent_nonsense("guest-get-vcpus", err);
                        set[id] = field == 0 || json_is_true(value);
                }
                text = format_cpus(set, CPUS_MAX);
                rpc_params_add_string(params, fields[field], text);
        }
        rpc_params_steal(params, &ret->params.params_len, &ret->params.params_val);
        return 0;
}

static int get_guest_vcpus(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_guest_vcpus_args *args = data;
        AgentCommand command = command_of("guest-get-vcpus", NULL);
        int r = flags_check(args->flags, 0, "virDomainGetGuestVcpus", err);

        return r < 0 ? r : rpc_ask_agent(manager, call, &args->dom, &command, fill_vcpus, err);
}

/* One of "3", "0-2", "^1". */
static int read_range(const char *word, bool *set, Err *err) {
        bool wanted = *word != '^';
        g_auto(GStrv) ends = g_strsplit(wanted ? word : word + 1, "-", 2);
        uint64_t first = 0, last;

        if (!ends[0] || str_to_uint(ends[0], 10, CPUS_MAX - 1, &first) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "Invalid cpumap: '%.80s'", word);
        last = first;
        if (ends[1] && (str_to_uint(ends[1], 10, CPUS_MAX - 1, &last) < 0 || last < first))
                return fail(err, VIR_ERR_INVALID_ARG, "Invalid cpumap: '%.80s'", word);
        for (uint64_t i = first; i <= last; i++)
                set[i] = wanted;
        return 0;
}

static int read_cpumap(const char *text, bool *set, Err *err) {
        g_auto(GStrv) words = g_strsplit(text, ",", -1);

        STRV_FOREACH(word, words) {
                int r = read_range(g_strstrip(word), set, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* How many of the processors the agent has set. */
static int check_set_vcpus(const Vm *vm, json_t *result, void *data, Err *err) {
        if (json_integer_value(result) > 0)
                return 0;
        return fail(err, VIR_ERR_OPERATION_FAILED,
                    "the guest agent did not change the state of a processor");
}

static int set_guest_vcpus(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_guest_vcpus_args *args = data;
        AgentCommand command = command_of("guest-set-vcpus", NULL);
        g_autofree bool *set = g_new0(bool, CPUS_MAX);
        json_t *list;
        int r = flags_check(args->flags, 0, "virDomainSetGuestVcpus", err);

        if (r == 0 && args->state != 0 && args->state != 1)
                r = fail(err, VIR_ERR_INVALID_ARG, "unsupported state value");
        if (r == 0)
                r = read_cpumap(args->cpumap, set, err);
        if (r < 0)
                return r;
        list = json_array();
        for (int i = 0; i < CPUS_MAX; i++)
                if (set[i])
                        json_array_append_new(list, json_pack("{s:i, s:b}", "logical-id", i,
                                                              "online", args->state));
        command.arguments = json_pack("{s:o}", "vcpus", list);
        return rpc_ask_agent(manager, call, &args->dom, &command, check_set_vcpus, err);
}

/* ---- all that the agent knows ---- */

typedef struct Survey {
        Vm *vm;
        Call *call;
        RpcParams *params;
        unsigned wanted; /* bits by GuestInfoKind that are still to be asked */
        bool is_strict;  /* asked for by name: what the agent cannot tell is a failure */
        GuestInfoKind current;
} Survey;

static void survey_next(Survey *survey);

static void survey_finish(Survey *survey, const Err *err) {
        remote_domain_get_guest_info_ret *ret = call_ret(survey->call);

        if (!err)
                rpc_params_steal(survey->params, &ret->params.params_len, &ret->params.params_val);
        if (ret->params.params_len > GUEST_INFO_PARAMS_MAX) {
                g_auto(Err) much = ERR_INIT;

                fail(&much, VIR_ERR_OPERATION_FAILED, "the guest agent tells more than %u facts",
                     GUEST_INFO_PARAMS_MAX);
                call_fail(survey->call, &much);
        } else {
                call_finish(survey->call, err);
        }
        rpc_params_free(survey->params);
        vm_unref(survey->vm);
        g_free(survey);
}

static void on_survey(json_t *result, const Err *err, void *userdata) {
        Survey *survey = userdata;

        if (err && (survey->is_strict || err->code != VIR_ERR_AGENT_COMMAND_FAILED)) {
                survey_finish(survey, err);
                return;
        }
        if (!err && survey->vm->live)
                guest_info_add(survey->params, survey->current, survey->vm->live, result);
        survey_next(survey);
}

static void survey_next(Survey *survey) {
        g_auto(Err) err = ERR_INIT;
        AgentCommand command;

        if (!survey->wanted) {
                survey_finish(survey, NULL);
                return;
        }
        survey->current = (GuestInfoKind)__builtin_ctz(survey->wanted);
        survey->wanted &= survey->wanted - 1;
        command = command_of(guest_info_command(survey->current), NULL);
        if (vm_agent_send(survey->vm, &command, on_survey, survey, &err) < 0)
                survey_finish(survey, &err);
}

static int get_guest_info(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_guest_info_args *args = data;
        unsigned all = (1u << _GUEST_INFO_MAX) - 1;
        Survey *survey;
        Vm *vm = NULL;
        int r = flags_check(args->flags, 0, "virDomainGetGuestInfo", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r == 0 && (args->types & ~all))
                r = fail(err, VIR_ERR_INVALID_ARG, "unsupported guest information types '0x%x'",
                         args->types & ~all);
        if (r == 0)
                r = vm_agent_check(vm, err);
        if (r < 0)
                return r;
        survey = g_new0(Survey, 1);
        *survey = (Survey){
                .vm = vm_ref(vm),
                .call = call_ref(call),
                .params = rpc_params_new(),
                .wanted = args->types ? args->types : all,
                .is_strict = args->types != 0,
        };
        survey_next(survey);
        return CALL_LATER;
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        GIVES(DOMAIN_GET_FSINFO, "virDomainGetFSInfo", remote_domain_get_fsinfo, get_fsinfo),
        READS(DOMAIN_INTERFACE_ADDRESSES, "virDomainInterfaceAddresses",
              remote_domain_interface_addresses, interface_addresses),
        GIVES(DOMAIN_GET_GUEST_VCPUS, "virDomainGetGuestVcpus", remote_domain_get_guest_vcpus,
              get_guest_vcpus),
        DOES(DOMAIN_SET_GUEST_VCPUS, "virDomainSetGuestVcpus", remote_domain_set_guest_vcpus,
             set_guest_vcpus),
        GIVES(DOMAIN_GET_GUEST_INFO, "virDomainGetGuestInfo", remote_domain_get_guest_info,
              get_guest_info),
};

const ProcedureTable rpc_domain_guest_table = {REMOTE_PROGRAM, procedures,
                                               G_N_ELEMENTS(procedures)};
