/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the client and the floor server of the benchmark share: one message of the remote protocol
 * over a UNIX socket, with blocking calls. See docs/protocol.md for the layout. */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WIRE_LENGTH_MAX 33554436U /* bytes, with the length word */
#define WIRE_HEAD       28U       /* bytes: the length word and six words of header */
#define WIRE_REMOTE     0x20008086U

enum { WIRE_PROGRAM = 1, WIRE_VERSION, WIRE_PROCEDURE, WIRE_KIND, WIRE_SERIAL, WIRE_STATUS };

typedef struct Message {
        uint32_t *words; /* big endian, the length word first */
        size_t size;     /* bytes that are used */
        size_t room;     /* bytes that are there */
} Message;

static inline void message_make_room(Message *message, size_t size) {
        if (message->room >= size)
                return;
        message->words = realloc(message->words, size);
        if (!message->words)
                err(1, "memory");
        message->room = size;
}

static inline uint32_t message_word(const Message *message, size_t index) {
        return ntohl(message->words[index]);
}

static inline void write_all(int fd, const void *data, size_t size) {
        for (const char *at = data; size > 0;) {
                ssize_t n = write(fd, at, size);

                if (n < 0)
                        err(1, "write");
                at += n;
                size -= (size_t)n;
        }
}

/* True when all of it came, false at a clean end of the stream. */
static inline int read_all(int fd, void *data, size_t size) {
        for (char *at = data; size > 0;) {
                ssize_t n = read(fd, at, size);

                if (n < 0)
                        err(1, "read");
                if (n == 0)
                        return 0;
                at += n;
                size -= (size_t)n;
        }
        return 1;
}

static inline int message_read(int fd, Message *message) {
        uint32_t length;

        if (!read_all(fd, &length, sizeof(length)))
                return 0;
        if (ntohl(length) < WIRE_HEAD || ntohl(length) > WIRE_LENGTH_MAX)
                errx(1, "a message of %u bytes", ntohl(length));
        message->size = ntohl(length);
        message_make_room(message, message->size);
        message->words[0] = length;
        return read_all(fd, message->words + 1, message->size - sizeof(length));
}

static inline struct sockaddr_un socket_address(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        if (strlen(path) >= sizeof(address.sun_path))
                errx(1, "the path is too long: %s", path);
        strcpy(address.sun_path, path);
        return address;
}
