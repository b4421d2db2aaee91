/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file as a client's stream: a child process reads or writes it, so that a file system that takes
 * its time, or hangs, holds up nobody but this stream. The file is opened in the child as well. */

#include <stdbool.h>

#include "daemon/call.h"
#include "daemon/stream.h"

typedef struct FileStream {
        const char *path;
        uint64_t offset, length; /* bytes; length 0: to the end, or whatever comes */
        bool is_upload;          /* from the client into the file, which is there */
        bool is_sparse;          /* holes travel as such; else as zeros */
        bool is_unlinked;        /* the file is a temporary one and goes now */
} FileStream;

/* Opens the stream on the call, which the handler then answers. ended (may be NULL) comes when the
 * stream is over, whoever ended it. */
int file_stream_open(Call *call, const FileStream *file, StreamFunc ended, void *userdata,
                     Err *err);
