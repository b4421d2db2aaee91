/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changes a disk while the guest has it. */
#include "daemon/vm-stats.h"
#include "daemon/vm-tune.h"

#include <string.h>

static int check_size(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        const DomainDisk *disk = *tune->text ? vm_find_disk(def, tune->text) : NULL;

        if (!disk)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "disk '%.200s' was not found in the domain config", tune->text);
        if (!vm_disk_path(disk) || disk->readonly.node.is_present)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "can't resize empty or readonly disk '%.200s'", tune->text);
        return 0;
}

static int begin_size(VmTune *tune, Err *err) {
        vm_tune_tell(tune, "query-block", NULL);
        return 0;
}

static int size_answered(VmTune *tune, json_t *result, Err *err) {
        const DomainDisk *disk;
        json_t *block;
        const char *node;

        if (json_array_size(tune->commands) > 1 || !tune->vm->live)
                return 0;
        disk = vm_find_disk(tune->vm->live, tune->text);
        block = disk ? vm_find_block(result, disk) : NULL;
        node = json_string_value(json_object_get(json_object_get(block, "inserted"), "node-name"));
        if (!node)
                return fail(err, VIR_ERR_OPERATION_FAILED, "QEMU does not know disk '%.200s'",
                            tune->text);
        vm_tune_tell(tune, "block_resize",
                     json_pack("{s:s, s:I}", "node-name", node, "size", (json_int_t)tune->value));
        return 0;
}

const VmTuneKind vm_tune_disk_size = {
        .name = "resize disk",
        .check = check_size,
        .begin = begin_size,
        .answered = size_answered,
};
