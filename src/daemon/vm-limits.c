/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-limits.h"

#include <string.h>

#include "daemon/vm-stats.h"
#include "qemu/args.h"

/* A number's name on the wire and its places. */
typedef struct Limit {
        const char *name;
        size_t given; /* in VmLimits */
        size_t kept;  /* in DomainDisk */
} Limit;

#define LIMIT(text, field) \
        { text, offsetof(VmLimits, field), offsetof(DomainDisk, iotune.field) }
#define WAYS(unit, field, part, end)                                   \
        LIMIT("total_" unit "_sec" end, field.part[DISK_TOTAL]),       \
                LIMIT("read_" unit "_sec" end, field.part[DISK_READ]), \
                LIMIT("write_" unit "_sec" end, field.part[DISK_WRITE])

/* In the order of the getter; those of a line are given together. */
static const Limit limits[] = {
        /* clang-format off */
        WAYS("bytes", bytes, rate, ""),
        WAYS("iops", iops, rate, ""),
        WAYS("bytes", bytes, max, "_max"),
        WAYS("iops", iops, max, "_max"),
        LIMIT("size_iops_sec", size_iops),
        WAYS("bytes", bytes, length, "_max_length"),
        WAYS("iops", iops, length, "_max_length"),
        /* clang-format on */
};
#define SIZE_AT 12 /* size_iops_sec: the group's name stands behind it */

static const DomainNum *given_at(const VmLimits *given, const Limit *limit) {
        return (const DomainNum *)(const void *)((const char *)given + limit->given);
}

static DomainNum *kept_at(const DomainDisk *disk, const Limit *limit) {
        return (DomainNum *)(void *)((char *)(uintptr_t)disk + limit->kept);
}

/* ---- on the wire ---- */

static int read_one(const remote_typed_param *param, VmLimits *ret, Err *err) {
        if (strcmp(param->field, "group_name") == 0 && param->value.type == RPC_PARAM_STRING) {
                const char *name = param->value.remote_typed_param_value_u.s;

                if (g_strlcpy(ret->group, name, sizeof(ret->group)) >= sizeof(ret->group))
                        return fail(err, VIR_ERR_INVALID_ARG, "the group's name is too long");
                return 0;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
                if (strcmp(limits[i].name, param->field) != 0)
                        continue;
                if (param->value.type != RPC_PARAM_U64 ||
                    param->value.remote_typed_param_value_u.ul > INT64_MAX)
                        break;
                *(DomainNum *)(uintptr_t)given_at(ret, &limits[i]) =
                        DOMAIN_NUM(param->value.remote_typed_param_value_u.ul);
                return 0;
        }
        return fail(err, VIR_ERR_INVALID_ARG, "'%.80s' is no limit of a disk", param->field);
}

int vm_limits_read(const remote_typed_param *params, size_t n, VmLimits *ret, Err *err) {
        *ret = (VmLimits){};
        for (size_t i = 0; i < n; i++) {
                int r = read_one(&params[i], ret, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

void vm_limits_add(RpcParams *params, const DomainDisk *disk, bool with_texts) {
        const char *group =
                disk->iotune.group_name ? disk->iotune.group_name : disk->base.alias.name;

        for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
                rpc_params_add_u64(params, limits[i].name,
                                   domain_num_or(*kept_at(disk, &limits[i]), 0));
                if (i == SIZE_AT && with_texts)
                        rpc_params_add_string(params, "group_name", group ? group : "");
        }
}

/* ---- changing them ---- */

/* Where one of three ways is given, the other two are given as none. */
static bool is_given(const VmLimits *given, size_t i) {
        size_t first = i < SIZE_AT ? i - i % 3 : i > SIZE_AT ? i - (i - SIZE_AT - 1) % 3 : i;
        size_t n = i == SIZE_AT ? 1 : 3;

        for (size_t k = first; k < first + n; k++)
                if (given_at(given, &limits[k])->is_set)
                        return true;
        return false;
}

static void merge(DomainDisk *disk, const VmLimits *given) {
        for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
                const DomainNum *number = given_at(given, &limits[i]);

                if (is_given(given, i))
                        *kept_at(disk, &limits[i]) =
                                number->is_set && number->value ? *number : (DomainNum){};
        }
        if (*given->group) {
                g_free(disk->iotune.group_name);
                disk->iotune.group_name = g_strdup(given->group);
        }
        disk->iotune.node.is_present = disk->iotune.group_name != NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
                if (kept_at(disk, &limits[i])->is_set)
                        disk->iotune.node.is_present = true;
}

static int check_ways(const DomainNum of[_DISK_WAYS], const char *what, Err *err) {
        if (!of[DISK_TOTAL].is_set || (!of[DISK_READ].is_set && !of[DISK_WRITE].is_set))
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG,
                    "total and read/write of %s cannot be set at the same time", what);
}

static int check_bursts(const DiskLimits *of, const char *unit, Err *err) {
        static const char *const ways[] = {"total", "read", "write"};

        for (int way = 0; way < _DISK_WAYS; way++)
                if (of->max[way].is_set && !of->rate[way].is_set)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "cannot reset '%s_%s_sec' when '%s_%s_sec_max' is set",
                                    ways[way], unit, ways[way], unit);
        return 0;
}

static int check_merged(const DomainDisk *disk, Err *err) {
        int r = check_ways(disk->iotune.bytes.rate, "bytes_sec", err);

        if (r == 0)
                r = check_ways(disk->iotune.iops.rate, "iops_sec", err);
        if (r == 0)
                r = check_ways(disk->iotune.bytes.max, "bytes_sec_max", err);
        if (r == 0)
                r = check_ways(disk->iotune.iops.max, "iops_sec_max", err);
        if (r == 0)
                r = check_bursts(&disk->iotune.bytes, "bytes", err);
        return r == 0 ? check_bursts(&disk->iotune.iops, "iops", err) : r;
}

/* A copy of the disk with its next limits. */
static DomainDevice *merged(const VmTune *tune, const DomainDef *def) {
        const DomainDisk *disk = vm_find_disk(def, tune->text);
        DomainDevice *copy = disk ? domain_device_copy(&disk->base) : NULL;

        if (copy)
                merge((DomainDisk *)copy, tune->data);
        return copy;
}

static int check_limits(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        g_autoptr(DomainDevice) copy = *tune->text ? merged(tune, def) : NULL;

        if (!copy)
                return fail(err, VIR_ERR_INVALID_ARG, "disk '%.200s' not found in domain",
                            tune->text);
        return check_merged((DomainDisk *)copy, err);
}

static int begin_limits(VmTune *tune, Err *err) {
        g_autoptr(DomainDevice) copy = merged(tune, tune->vm->live);
        json_t *command = qemu_args_disk_throttle((DomainDisk *)copy);

        vm_tune_tell(tune, json_string_value(json_object_get(command, "execute")),
                     json_incref(json_object_get(command, "arguments")));
        json_decref(command);
        return 0;
}

static void apply_limits(const VmTune *tune, DomainDef *def, bool is_live) {
        DomainDisk *disk = vm_find_disk(def, tune->text);

        if (disk)
                merge(disk, tune->data);
}

const VmTuneKind vm_tune_disk_limits = {
        .name = "limit disk",
        .check = check_limits,
        .begin = begin_limits,
        .apply = apply_limits,
};
