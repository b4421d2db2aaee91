/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "prepare/record.h"

#define PID_SIZE 32

struct PrepareLock {
        int fd;
        char *path;
        char *made[2]; /* directories that were not there, the inner one first; NULL: none */
};

/* The file may have been taken away between open() and flock(). */
static bool is_current(int fd, const char *path) {
        struct stat ours, now;

        return fstat(fd, &ours) == 0 && stat(path, &now) == 0 && ours.st_ino == now.st_ino &&
               ours.st_dev == now.st_dev;
}

static int fail_busy(int fd, Err *err) {
        char pid[PID_SIZE] = "";
        ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

        pid[MAX(n, 0)] = '\0';
        g_strdelimit(pid, "\n", '\0');
        return fail_hint(err,
                         fail(err, VIR_ERR_RESOURCE_BUSY,
                              "another airlock prepare is at work here (process %s)",
                              *pid ? pid : "not known"),
                         "wait until it has ended");
}

/* 1: once more. */
static int try_lock(PrepareLock *lock, Err *err) {
        lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock->fd < 0)
                return fail_errno(err, neg_errno(), "cannot open '%s'", lock->path);
        if (flock(lock->fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK
                               ? fail_busy(lock->fd, err)
                               : fail_errno(err, neg_errno(), "cannot lock '%s'", lock->path);
        if (is_current(lock->fd, lock->path))
                return ftruncate(lock->fd, 0) < 0
                               ? fail_errno(err, neg_errno(), "cannot write '%s'", lock->path)
                               : 0;
        closep(&lock->fd);
        lock->fd = -1;
        return 1;
}

static void note_made(PrepareLock *lock, const char *dir) {
        g_autofree char *above = g_path_get_dirname(dir);

        if (!g_file_test(dir, G_FILE_TEST_EXISTS))
                lock->made[0] = g_strdup(dir);
        if (!g_file_test(above, G_FILE_TEST_EXISTS))
                lock->made[1] = g_steal_pointer(&above);
}

static void lock_done(PrepareLock *lock) {
        for (size_t i = 0; i < G_N_ELEMENTS(lock->made); i++)
                g_free(lock->made[i]);
        closep(&lock->fd);
        g_free(lock->path);
        g_free(lock);
}

int prepare_lock_new(const char *root, PrepareLock **ret, Err *err) {
        g_autofree char *dir = g_build_filename(root, RECORD_DIR, NULL);
        PrepareLock *lock = g_new0(PrepareLock, 1);
        int r;

        lock->fd = -1;
        lock->path = g_build_filename(dir, "lock", NULL);
        note_made(lock, dir);
        r = file_mkdir_p(dir, 0700, err);
        if (r == 0)
                do
                        r = try_lock(lock, err);
                while (r > 0);
        if (r < 0) {
                lock_done(lock);
                return r;
        }
        dprintf(lock->fd, "%d\n", (int)getpid()); /* without it the next one is told less */
        *ret = lock;
        return 0;
}

void prepare_lock_free(PrepareLock *lock) {
        if (!lock)
                return;
        unlink(lock->path);
        for (size_t i = 0; i < G_N_ELEMENTS(lock->made); i++)
                if (lock->made[i])
                        rmdir(lock->made[i]);
        lock_done(lock);
}
