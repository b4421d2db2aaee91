/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/file-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

/* ---- the child ---- */

typedef struct Frame {
        uint8_t tag;
        uint8_t data[STREAM_FRAME_MAX];
} Frame;

static int send_frame(int socket, const Frame *frame, size_t size) {
        ssize_t n = send(socket, frame, size + 1, MSG_NOSIGNAL);

        return n < 0 ? neg_errno() : 0;
}

static int send_hole(int socket, Frame *frame, uint64_t length) {
        frame->tag = STREAM_FRAME_HOLE;
        memcpy(frame->data, &length, sizeof(length));
        return send_frame(socket, frame, sizeof(length));
}

static int send_data(int socket, int fd, Frame *frame, off_t from, off_t to) {
        frame->tag = STREAM_FRAME_DATA;
        while (from < to) {
                ssize_t n = pread(fd, frame->data, (size_t)MIN((off_t)STREAM_FRAME_MAX, to - from),
                                  from);
                int r;

                if (n <= 0)
                        return n < 0 ? neg_errno() : 0;
                r = send_frame(socket, frame, (size_t)n);
                if (r < 0)
                        return r;
                from += n;
        }
        return 0;
}

/* The part of the file from an offset on that is data, or all where the file system cannot tell. */
static void find_data(int fd, off_t at, off_t end, off_t *ret_from, off_t *ret_to) {
        off_t from = lseek(fd, at, SEEK_DATA);

        if (from < 0 && errno == ENXIO)
                *ret_from = *ret_to = end;
        else if (from < 0) {
                *ret_from = at;
                *ret_to = end;
        } else {
                off_t to = lseek(fd, from, SEEK_HOLE);

                *ret_from = MIN(from, end);
                *ret_to = to < 0 ? end : MIN(to, end);
        }
}

static int download(int socket, int fd, const FileStream *file, Frame *frame) {
        off_t size = lseek(fd, 0, SEEK_END), at = (off_t)file->offset;
        off_t end = file->length > 0 ? MIN(size, at + (off_t)file->length) : size;
        int r = 0;

        if (size < 0)
                return neg_errno();
        while (at < end && r == 0) {
                off_t from = at, to = end;

                if (file->is_sparse)
                        find_data(fd, at, end, &from, &to);
                if (from > at)
                        r = send_hole(socket, frame, (uint64_t)(from - at));
                if (r == 0)
                        r = send_data(socket, fd, frame, from, to);
                at = to;
        }
        return r;
}

static int write_all(int fd, const uint8_t *data, size_t size, off_t at) {
        while (size > 0) {
                ssize_t n = pwrite(fd, data, size, at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return neg_errno();
                data += n;
                size -= (size_t)n;
                at += n;
        }
        return 0;
}

/* What was there before is no part of a hole. */
static int write_hole(int fd, off_t at, off_t length) {
        struct stat status;

        if (fstat(fd, &status) < 0)
                return neg_errno();
        if (at < status.st_size &&
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length) < 0)
                return neg_errno();
        if (at + length > status.st_size && S_ISREG(status.st_mode) &&
            ftruncate(fd, at + length) < 0)
                return neg_errno();
        return 0;
}

/* Bytes that a message stands for in the file. */
static uint64_t frame_length(const Frame *frame, size_t size) {
        uint64_t length = size;

        if (frame->tag == STREAM_FRAME_HOLE)
                memcpy(&length, frame->data, sizeof(length));
        return length;
}

static int upload(int socket, int fd, const FileStream *file, Frame *frame) {
        uint64_t left = file->length > 0 ? file->length : INT64_MAX - file->offset, n;
        off_t at = (off_t)file->offset;

        for (;;) {
                ssize_t size = recv(socket, frame, sizeof(*frame), 0);
                int r;

                if (size < 0)
                        return neg_errno();
                if (size == 0)
                        return fsync(fd) < 0 ? neg_errno() : 0;
                n = frame_length(frame, (size_t)size - 1);
                if (n > left) /* what lies behind the part that was named is not touched */
                        return -EFBIG;
                r = frame->tag == STREAM_FRAME_HOLE ? write_hole(fd, at, (off_t)n)
                                                    : write_all(fd, frame->data, n, at);
                if (r < 0)
                        return r;
                left -= n;
                at += (off_t)n;
        }
}

static void tell_result(int socket, int r, const FileStream *file, Frame *frame) {
        int32_t result = r;
        int n = 0;

        frame->tag = STREAM_FRAME_RESULT;
        memcpy(frame->data, &result, sizeof(result));
        if (r < 0)
                n = g_snprintf((char *)frame->data + sizeof(result), 4200, "cannot %s '%s'",
                               file->is_upload ? "write" : "read", file->path);
        send_frame(socket, frame, sizeof(result) + (size_t)n);
}

G_NORETURN static void run_child(int socket, const FileStream *file) {
        g_autofree Frame *frame = g_new(Frame, 1);
        /* A temporary file was written by QEMU, whose word for where it lies is not taken. */
        int flags = (file->is_upload ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
                    (file->is_unlinked ? O_NOFOLLOW : 0);
        sigset_t none;
        int fd, r;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        close_all_but(socket, -1);
        fd = open(file->path, flags);
        if (file->is_unlinked)
                unlink(file->path);
        r = fd < 0 ? neg_errno() : 0;
        if (r == 0)
                r = file->is_upload ? upload(socket, fd, file, frame)
                                    : download(socket, fd, file, frame);
        tell_result(socket, r, file, frame);
        _exit(0);
}

/* ---- the daemon's side ---- */

int file_stream_open(Call *call, const FileStream *file, StreamFunc ended, void *userdata,
                     Err *err) {
        _cleanup_(closep) int theirs = -1, ours = -1;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return fail_errno(err, neg_errno(), "cannot make a socket");
        ours = fds[0];
        theirs = fds[1];
        r = fork_detached();
        if (r == 0) /* ends with its socket */
                run_child(theirs, file);
        if (r > 0 && fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
                r = neg_errno();
        if (r < 0)
                return fail_errno(err, r, "cannot start a child process");
        return stream_open_framed_consume(call, steal_fd(&ours), ended, userdata, err);
}
