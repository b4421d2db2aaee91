/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times one call of the remote protocol.
 *
 *     call SOCKET PROCEDURE HEX-ARGUMENTS COUNT [FILE]
 *
 * Opens a connection as a stock client does, makes the call COUNT times, one after the other, and
 * prints the nanoseconds of each, one a line. The payload of the last reply goes to FILE. */

#include "wire.h"

#include <time.h>

enum { AUTH_LIST = 66, CONNECT_OPEN = 1 };

static int connect_to(const char *path) {
        struct sockaddr_un address = socket_address(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                err(1, "%s", path);
        return fd;
}

static void message_fill(Message *message, uint32_t procedure, const void *args, size_t size) {
        const uint32_t head[] = {(uint32_t)(WIRE_HEAD + size), WIRE_REMOTE, 1, procedure, 0, 0, 0};

        message->size = WIRE_HEAD + size;
        message_make_room(message, message->size);
        for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
                message->words[i] = htonl(head[i]);
        if (size > 0)
                memcpy(message->words + WIRE_HEAD / 4, args, size);
}

static void call(int fd, const Message *request, Message *reply) {
        write_all(fd, request->words, request->size);
        if (!message_read(fd, reply))
                errx(1, "the daemon closed the connection");
        if (message_word(reply, WIRE_STATUS) != 0)
                errx(1, "procedure %u failed", message_word(request, WIRE_PROCEDURE));
}

static void open_connection(int fd) {
        /* name: "qemu:///system", flags: 0 */
        static const char args[] = "\0\0\0\1\0\0\0\016qemu:///system\0\0\0\0\0\0";
        Message request = {}, reply = {};

        message_fill(&request, AUTH_LIST, NULL, 0);
        call(fd, &request, &reply);
        message_fill(&request, CONNECT_OPEN, args, sizeof(args) - 1);
        call(fd, &request, &reply);
        free(request.words);
        free(reply.words);
}

static size_t parse_hex(const char *text, unsigned char *ret, size_t room) {
        size_t n = strlen(text) / 2;

        if (n > room)
                errx(1, "the arguments are too long");
        for (size_t i = 0; i < n; i++)
                if (sscanf(text + 2 * i, "%2hhx", &ret[i]) != 1)
                        errx(1, "no hexadecimal digits: %s", text);
        return n;
}

static long long now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void save_payload(const Message *reply, const char *path) {
        FILE *file = fopen(path, "w");

        if (!file)
                err(1, "%s", path);
        fwrite(reply->words + WIRE_HEAD / 4, 1, reply->size - WIRE_HEAD, file);
        if (fclose(file) != 0)
                err(1, "%s", path);
}

int main(int argc, char **argv) {
        unsigned char args[256];
        Message request = {}, reply = {};

        if (argc < 5)
                errx(1, "usage: call SOCKET PROCEDURE HEX-ARGUMENTS COUNT [FILE]");

        int fd = connect_to(argv[1]);
        open_connection(fd);
        message_fill(&request, (uint32_t)strtoul(argv[2], NULL, 10), args,
                     parse_hex(argv[3], args, sizeof(args)));
        for (long n = strtol(argv[4], NULL, 10); n > 0; n--) {
                long long began = now();

                call(fd, &request, &reply);
                printf("%lld\n", now() - began);
        }
        if (argc > 5)
                save_payload(&reply, argv[5]);
        return 0;
}
