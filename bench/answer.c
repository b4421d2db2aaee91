/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The floor under a call: a server that does nothing but answer.
 *
 *     answer SOCKET PROCEDURE FILE
 *
 * Every call of PROCEDURE gets FILE as the payload of its reply, every other call an empty one.
 * Clients come one after the other. */

#include "wire.h"

static int listen_on(const char *path) {
        struct sockaddr_un address = socket_address(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        unlink(path);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(fd, 8) < 0)
                err(1, "%s", path);
        return fd;
}

static void load(Message *reply, const char *path) {
        FILE *file = fopen(path, "r");

        message_make_room(reply, WIRE_LENGTH_MAX);
        if (!file)
                err(1, "%s", path);
        reply->size = WIRE_HEAD +
                      fread(reply->words + WIRE_HEAD / 4, 1, WIRE_LENGTH_MAX - WIRE_HEAD, file);
        fclose(file);
}

static void serve(int fd, uint32_t procedure, Message *full) {
        Message request = {};

        while (message_read(fd, &request)) {
                size_t size = message_word(&request, WIRE_PROCEDURE) == procedure ? full->size
                                                                                  : WIRE_HEAD;

                memcpy(full->words, request.words, WIRE_HEAD);
                full->words[0] = htonl((uint32_t)size);
                full->words[WIRE_KIND] = htonl(1);
                write_all(fd, full->words, size);
        }
        free(request.words);
}

int main(int argc, char **argv) {
        Message full = {};

        if (argc != 4)
                errx(1, "usage: answer SOCKET PROCEDURE FILE");

        load(&full, argv[3]);
        for (int fd = listen_on(argv[1]);;) {
                int client = accept(fd, NULL, NULL);

                if (client < 0)
                        err(1, "accept");
                serve(client, (uint32_t)strtoul(argv[2], NULL, 10), &full);
                close(client);
        }
}
