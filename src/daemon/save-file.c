/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/save-file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define MAGIC        "AIRLOCK-SAVE\n\x1a\0"
#define VERSION      1u
#define BLOCK        4096u
#define SPARE        (64u << 10) /* what the XML may grow by */
#define ROOM_MAX     (16u << 20)
#define FLAG_RUNNING 1u

typedef struct Header {
        char magic[16];
        uint32_t version, flags, slot, room, size, zero;
        uint64_t sum;
} Header;
G_STATIC_ASSERT(sizeof(Header) == 48);
G_STATIC_ASSERT(sizeof(MAGIC) == 16);

static uint64_t fnv1a(uint64_t sum, const void *data, size_t size) {
        const uint8_t *bytes = data;

        for (size_t i = 0; i < size; i++)
                sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
        return sum;
}

static uint64_t checksum(const Header *header, const char *xml, size_t size) {
        uint64_t sum = fnv1a(UINT64_C(0xcbf29ce484222325), header, offsetof(Header, sum));

        return fnv1a(sum, xml, size);
}

static off_t slot_offset(uint32_t slot, uint32_t room) {
        return BLOCK + (off_t)slot * room;
}

void save_file_done(SaveFile *file) {
        closep(&file->fd);
        g_free(file->xml);
        *file = (SaveFile)SAVE_FILE_INIT;
}

static int write_at(int fd, const void *data, size_t size, off_t offset) {
        ssize_t n = pwrite(fd, data, size, offset);

        if (n < 0)
                return neg_errno();
        return (size_t)n == size ? 0 : -ENOSPC;
}

static int write_xml(int fd, uint32_t slot, uint32_t room, const char *xml) {
        size_t size = strlen(xml);

        if (size > room)
                return -EFBIG;
        return write_at(fd, xml, size, slot_offset(slot, room));
}

static int write_header(int fd, uint32_t slot, uint32_t room, const char *xml, bool is_running) {
        Header header = {
                .magic = MAGIC,
                .version = htole32(VERSION),
                .flags = htole32(is_running ? FLAG_RUNNING : 0),
                .slot = htole32(slot),
                .room = htole32(room),
                .size = htole32((uint32_t)strlen(xml)),
        };

        header.sum = htole64(checksum(&header, xml, strlen(xml)));
        return write_at(fd, &header, sizeof(header), 0);
}

int save_file_create(const char *path, const char *xml, bool is_running, int *ret_fd, Err *err) {
        _cleanup_(closep) int fd =
                open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        uint32_t room = ((uint32_t)strlen(xml) + SPARE + BLOCK - 1) / BLOCK * BLOCK;
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return fail_errno(err, neg_errno(), "Failed to create file '%s'", path);
        if (!S_ISREG(st.st_mode))
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' is not a regular file", path);
        r = write_xml(fd, 0, room, xml);
        if (r == 0)
                r = write_header(fd, 0, room, xml, is_running);
        if (r == 0 && lseek(fd, slot_offset(2, room), SEEK_SET) < 0)
                r = neg_errno();
        if (r < 0) {
                unlink(path);
                return fail_errno(err, r, "cannot write '%s'", path);
        }
        *ret_fd = steal_fd(&fd);
        return 0;
}

static int no_image(const char *path, const char *why, Err *err) {
        return fail(err, VIR_ERR_OPERATION_FAILED, "'%s' is no image of a saved guest: %s", path,
                    why);
}

/* Leaves the numbers of *ret in the host's order. */
static int read_header(int fd, const char *path, Header *ret, char **ret_xml, Err *err) {
        g_autofree char *xml = NULL;
        Header header;

        if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
                return no_image(path, "failed to read its header", err);
        if (memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0)
                return no_image(path, "image magic is incorrect", err);
        *ret = (Header){
                .version = le32toh(header.version),
                .flags = le32toh(header.flags),
                .slot = le32toh(header.slot),
                .room = le32toh(header.room),
                .size = le32toh(header.size),
        };
        if (ret->version != VERSION)
                return no_image(path, "it was written by a newer Airlock", err);
        if (ret->slot > 1 || ret->room > ROOM_MAX || ret->size > ret->room)
                return no_image(path, "its header is damaged", err);
        xml = g_malloc0(ret->size + 1);
        if (pread(fd, xml, ret->size, slot_offset(ret->slot, ret->room)) != (ssize_t)ret->size ||
            le64toh(header.sum) != checksum(&header, xml, ret->size))
                return no_image(path, "its header or its XML is damaged", err);
        *ret_xml = g_steal_pointer(&xml);
        return 0;
}

int save_file_open(const char *path, SaveFile *ret, Err *err) {
        g_auto(SaveFile) file = SAVE_FILE_INIT;
        Header header = {};
        int r;

        file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file.fd < 0)
                return fail_errno(err, neg_errno(), "Failed to open file '%s'", path);
        r = read_header(file.fd, path, &header, &file.xml, err);
        if (r != 0)
                return r;
        if (lseek(file.fd, slot_offset(2, header.room), SEEK_SET) < 0)
                return fail_errno(err, neg_errno(), "cannot read '%s'", path);
        file.is_running = header.flags & FLAG_RUNNING;
        *ret = (SaveFile){.fd = steal_fd(&file.fd),
                          .is_running = file.is_running,
                          .xml = g_steal_pointer(&file.xml)};
        return 0;
}

int save_file_rewrite(const char *path, const char *xml, bool is_running, Err *err) {
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        g_autofree char *old = NULL;
        Header header = {};
        int r;

        if (fd < 0)
                return fail_errno(err, neg_errno(), "Failed to open file '%s'", path);
        r = read_header(fd, path, &header, &old, err);
        if (r != 0)
                return r;
        r = write_xml(fd, 1 - header.slot, header.room, xml);
        if (r == 0 && fdatasync(fd) < 0)
                r = neg_errno();
        if (r == 0)
                r = write_header(fd, 1 - header.slot, header.room, xml, is_running);
        if (r == 0 && fdatasync(fd) < 0)
                r = neg_errno();
        if (r == -EFBIG)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "the new XML is larger than the %u bytes that '%s' has for it",
                            header.room, path);
        return r < 0 ? fail_errno(err, r, "cannot write '%s'", path) : 0;
}
