/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest is called and described by; its screen and its keys. */
#include "cli/groups.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/cli.h"
#include "cli/keys.h"
#include "cli/options.h"
#include "client/guest-save.h"
#include "client/guest-tune.h"

static int cmd_domrename(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_NAME | GUEST_BY_UUID, &guest, err);
        if (r >= 0)
                r = guest_rename(cli->conn, guest, args_text(args, "new-name"), err);
        if (r < 0)
                return r;
        cli_say(cli, "Domain successfully renamed\n");
        return 0;
}

/* A text that the guest has none of is an empty one. */
static int read_metadata(Cli *cli, const Guest *guest, const GuestMetadata *which, char **ret,
                         Err *err) {
        g_auto(Err) reason = ERR_INIT;
        int r;

        r = guest_metadata(cli->conn, guest, which, ret, &reason);
        if (r >= 0)
                return 0;
        if (reason.code != VIR_ERR_NO_DOMAIN_METADATA) {
                err_move(err, &reason);
                return r;
        }
        *ret = g_strdup("");
        return 0;
}

static int print_description(Cli *cli, const Guest *guest, const GuestMetadata *which, Err *err) {
        g_autofree char *text = NULL;
        int r;

        r = read_metadata(cli, guest, which, &text, err);
        if (r < 0)
                return r;
        if (*text)
                fputs(text, stdout);
        else
                cli_say(cli, "No %s for domain: %s",
                        which->type == GUEST_TITLE ? "title" : "description", guest->name);
        return 0;
}

static int set_description(Cli *cli, const Args *args, const Guest *guest, GuestMetadata *metadata,
                           Err *err) {
        const char *what = metadata->type == GUEST_TITLE ? "title" : "description";
        g_autofree char *text = g_strjoinv(" ", (char **)(uintptr_t)args_rest(args));
        int r;

        metadata->value = *text ? text : NULL;
        r = guest_set_metadata(cli->conn, guest, metadata, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to set new domain %s", what);
        cli_say(cli, "Domain %s updated successfully", what);
        return 0;
}

static int cmd_desc(Cli *cli, const Args *args, Err *err) {
        GuestMetadata metadata = {
                .type = args_flag(args, "title") ? GUEST_TITLE : GUEST_DESCRIPTION,
        };
        g_autoptr(Guest) guest = NULL;
        int r;

        r = args_affect(args, &metadata.flags, err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        if (args_rest(args)[0])
                return set_description(cli, args, guest, &metadata, err);
        return print_description(cli, guest, &metadata, err);
}

static int change_metadata(Cli *cli, const Guest *guest, const GuestMetadata *metadata, Err *err) {
        int r;

        if (metadata->value && !metadata->key)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "namespace key is required when modifying metadata");
        r = guest_set_metadata(cli->conn, guest, metadata, err);
        if (r < 0)
                return r;
        cli_say(cli, metadata->value ? "Metadata modified\n" : "Metadata removed\n");
        return 0;
}

static int cmd_metadata(Cli *cli, const Args *args, Err *err) {
        GuestMetadata metadata = {
                .type = GUEST_ELEMENT,
                .uri = args_text(args, "uri"),
                .key = args_text(args, "key"),
                .value = args_text(args, "set"),
        };
        g_autoptr(Guest) guest = NULL;
        g_autofree char *xml = NULL;
        int r;

        r = args_affect(args, &metadata.flags, err);
        if (r >= 0)
                r = args_exclusive(args, "remove", "set", err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        if (metadata.value || args_flag(args, "remove"))
                return change_metadata(cli, guest, &metadata, err);
        r = read_metadata(cli, guest, &metadata, &xml, err);
        if (r >= 0)
                puts(xml);
        return r;
}

/* Writes the connection's stream to a file, until it ends. */
static int receive_file(Conn *conn, int fd, const char *path, Err *err) {
        for (;;) {
                g_autoptr(GByteArray) data = conn_stream_take(conn);
                bool ended = conn_stream_is_ended(conn);
                struct pollfd p = {.fd = conn_fd(conn), .events = POLLIN};
                int r;

                for (size_t done = 0; done < data->len;) {
                        ssize_t n = write(fd, data->data + done, data->len - done);

                        if (n < 0)
                                return fail_errno(err, neg_errno(), "unable to write file %s",
                                                  path);
                        done += (size_t)n;
                }
                if (ended)
                        return 0;
                if (poll(&p, 1, -1) < 0 && errno != EINTR)
                        return fail_errno(err, neg_errno(), "cannot poll the daemon");
                r = conn_process(conn, err);
                if (r < 0)
                        return r;
        }
}

/* A name of its own for a picture that none was given for: "guest-2026-01-31-12:00:00.png". */
static char *picture_path(const Guest *guest, const char *mime) {
        g_autoptr(GDateTime) now = g_date_time_new_now_local();
        g_autofree char *time = g_date_time_format(now, "%Y-%m-%d-%H:%M:%S");
        const char *end = g_strcmp0(mime, "image/png") == 0                 ? ".png"
                          : g_strcmp0(mime, "image/x-portable-pixmap") == 0 ? ".ppm"
                                                                            : "";

        return g_strconcat(guest->name, "-", time, end, NULL);
}

static int save_picture(Conn *conn, const char *path, Err *err) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        int r, closed;

        r = fd < 0 ? fail(err, VIR_ERR_INVALID_ARG, "cannot create file %s", path)
                   : receive_file(conn, fd, path, err);
        closed = conn_stream_close(conn, r < 0 ? NULL : err);
        return r < 0 ? r : closed;
}

static int cmd_screenshot(Cli *cli, const Args *args, Err *err) {
        const char *path = args_text(args, "file");
        g_autoptr(Guest) guest = NULL;
        g_autofree char *mime = NULL;
        g_autofree char *own = NULL;
        uint64_t screen = 0;
        int r;

        r = args_count(args, "screen", UINT_MAX, &screen, err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_screenshot(cli->conn, guest, (unsigned)screen, &mime, err);
        if (r < 0)
                return cli_failed(cli, r, "could not take a screenshot of %s", guest->name);
        own = picture_path(guest, mime);
        r = save_picture(cli->conn, path ?: own, err);
        if (r < 0)
                return r;
        cli_say(cli, "Screenshot saved to %s, with type of %s", path ?: own, mime ?: "-");
        return 0;
}

/* In the order of libvirt's numbers. */
static const char *const codesets[] = {"linux",  "xt",  "atset1", "atset2", "atset3", "os_x",
                                       "xt_kbd", "usb", "win32",  "qnum",   NULL};

static int read_codes(const Args *args, GuestKeys *keys, Err *err) {
        for (char *const *word = args_rest(args); *word; word++) {
                uint64_t number = 0;
                int code = keys->codeset == 0 ? key_code(*word) : -ENOENT;
                bool hex = g_ascii_strncasecmp(*word, "0x", 2) == 0;

                if (keys->n_codes == GUEST_KEYS_MAX)
                        return fail(err, VIR_ERR_INVALID_ARG, "too many keycodes");
                if (code < 0 &&
                    str_to_uint(hex ? *word + 2 : *word, hex ? 16 : 10, UINT16_MAX, &number) < 0)
                        return fail(err, VIR_ERR_INVALID_ARG, "invalid keycode: '%s'", *word);
                keys->codes[keys->n_codes++] = code < 0 ? (unsigned)number : (unsigned)code;
        }
        return 0;
}

static int cmd_send_key(Cli *cli, const Args *args, Err *err) {
        const char *codeset = args_text(args, "codeset") ?: "linux";
        g_autoptr(Guest) guest = NULL;
        GuestKeys keys = {};
        uint64_t hold = 0;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = args_count(args, "holdtime", UINT_MAX, &hold, err);
        if (r < 0)
                return r;
        keys.hold = (unsigned)hold;
        while (codesets[keys.codeset] && !g_str_equal(codesets[keys.codeset], codeset))
                keys.codeset++;
        if (!codesets[keys.codeset])
                return fail(err, VIR_ERR_INVALID_ARG, "unknown codeset: '%s'", codeset);
        r = read_codes(args, &keys, err);
        if (r < 0)
                return r;
        return guest_send_keys(cli->conn, guest, &keys, err);
}

static const Option options_domrename[] = {
        OPT_GUEST(CANDIDATES_GUEST_INACTIVE),
        OPT_NEED("new-name", CANDIDATES_NONE, "what it is called from now on"),
        OPT_END,
};
static const Option options_desc[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_AFFECT,
        OPT_FLAG("title", "the title, which is one line, instead of the description"),
        OPT_REST("new-desc", "the new text; shown is the old one where none is given"),
        OPT_END,
};
static const Option options_metadata[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_NEED("uri", CANDIDATES_NONE, "the namespace of the element"),
        OPT_AFFECT,
        OPT_TEXT("key", "the prefix that the namespace gets"),
        OPT_TEXT("set", "the new element, in XML"),
        OPT_FLAG("remove", "remove it"),
        OPT_END,
};
static const Option options_screenshot[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_MAY("file", CANDIDATES_FILE, "where the picture goes"),
        OPT_NUMBER("screen", "number of the screen; 0 is the first"),
        OPT_END,
};
static const Option options_send_key[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        {.name = "codeset",
         .kind = OPTION_TEXT,
         .named_only = true,
         .candidates = CANDIDATES_WORDS,
         .words = codesets,
         .help = "what the numbers of keys mean; linux when none is named"},
        OPT_NAMED_NUMBER("holdtime", "milliseconds that the keys stay down"),
        {.name = "keycode",
         .kind = OPTION_REST,
         .positional = true,
         .required = true,
         .help = "keys that go down together: KEY_LEFTCTRL, 29, 0x1d"},
        OPT_END,
};
static const Option options_guest[] = {OPT_GUEST(CANDIDATES_GUEST_ACTIVE), OPT_END};

const Command commands_describe[] = {
        {"desc", "show or set a guest's description or title", NULL, options_desc, .run = cmd_desc},
        {"domrename", "rename a guest that is off", NULL, options_domrename, .run = cmd_domrename},
        {"inject-nmi", "send a guest an interrupt that it cannot mask", NULL, options_guest,
         .run = cmd_action},
        {"metadata", "show or set what others keep in a guest's definition", NULL, options_metadata,
         .run = cmd_metadata},
        {"screenshot", "take a picture of a guest's screen", NULL, options_screenshot,
         .run = cmd_screenshot},
        {"send-key", "press keys of a guest's keyboard", NULL, options_send_key,
         .run = cmd_send_key},
        {},
};
