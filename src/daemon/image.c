/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/image.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define QCOW2_MAGIC      "QFI\xfb"
#define QCOW2_SIZE_AT    24
#define QCOW2_SIZE_BYTES 8

static int read_qcow2_capacity(int fd, const char *path, uint64_t *ret, Err *err) {
        uint8_t head[QCOW2_SIZE_AT + QCOW2_SIZE_BYTES];

        if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
            memcmp(head, QCOW2_MAGIC, strlen(QCOW2_MAGIC)) != 0)
                return fail(err, VIR_ERR_OPERATION_FAILED, "'%s' is no qcow2 image", path);
        *ret = 0;
        for (size_t i = QCOW2_SIZE_AT; i < sizeof(head); i++)
                *ret = *ret << 8 | head[i];
        return 0;
}

int image_read_info(const char *path, bool is_qcow2, ImageInfo *ret, Err *err) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat status;
        off_t end;

        if (fd < 0 || fstat(fd, &status) < 0)
                return fail_errno(err, neg_errno(), "cannot open the image '%s'", path);
        end = lseek(fd, 0, SEEK_END); /* of a block device too */
        ret->size = ret->capacity = end > 0 ? (uint64_t)end : 0;
        ret->allocated = S_ISBLK(status.st_mode) ? ret->size : (uint64_t)status.st_blocks * 512;
        return is_qcow2 ? read_qcow2_capacity(fd, path, &ret->capacity, err) : 0;
}
