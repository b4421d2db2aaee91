/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line of airlockd and its configuration file, which has the same keys without the
 * dashes in a group [airlockd]. What the command line says wins. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "daemon/manager.h"

/* Who gets in over the UNIX sockets. */
typedef enum UnixAuth {
        UNIX_AUTH_MODE,   /* whom the file's mode lets connect */
        UNIX_AUTH_POLKIT, /* whom polkit allows it */
} UnixAuth;

typedef struct Options {
        Paths paths;
        char *libvirt_socket_dir; /* "/run/libvirt" */
        bool libvirt_sockets;     /* false: stay away from libvirt's names */
        char *socket_group;       /* may use the read-write sockets; NULL: only root may */
        UnixAuth unix_auth;
        Limits limits;

        bool listen_tls;
        unsigned tls_port;
        char *listen_addr;                    /* NULL: every address of this machine */
        char *ca_file, *cert_file, *key_file; /* once loaded: never NULL */
        char *crl_file;                       /* NULL: none */
        char *tls_priority;
        bool tls_no_verify_certificate;
        GStrv tls_allowed_dns; /* NULL: whoever has a certificate */

        bool verbose;
        bool version; /* print it and end */
} Options;

#define OPTIONS_INIT \
        {}

/* Fails for an option, key or value that is not known, naming it and where it stands. */
int options_load(int argc, char **argv, Options *ret, Err *err);
/* From options to fresh (the same command line, read again): takes over what may change while the
 * daemon runs, and returns the names of what differs and may not; NULL: nothing. */
GStrv options_take(Options *options, Options *fresh);

/* One option, for what tells people about it. */
typedef struct OptionFacts {
        const char *name; /* NULL: there is no option of this number */
        bool takes_value;
        char *preset; /* as the file has it; NULL: there is none, or it depends on others */
} OptionFacts;

/* number: from 0. The caller frees the preset. */
OptionFacts options_facts(size_t number);

void options_done(Options *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_done)
