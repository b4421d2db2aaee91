/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes of an image, as a guest can write them: the header that is read before it starts. */

#include "fuzz.h"
#include "storage/qcow2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_auto(Qcow2Head) head = {};
        g_autofree char *path = NULL;
        g_auto(Err) err = ERR_INIT;

        if (qcow2_parse("image", data, size, &head, &err) == 0 && head.backing)
                qcow2_backing_path("/images/image", head.backing, &path);
        return 0;
}
