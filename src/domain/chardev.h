/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum CharType {
        CHAR_TYPE_UNSET,
        CHAR_TYPE_PTY,
        CHAR_TYPE_FILE,
        CHAR_TYPE_UNIX,
        CHAR_TYPE_TCP,
        CHAR_TYPE_UDP,
        CHAR_TYPE_DEV,
        CHAR_TYPE_PIPE,
        CHAR_TYPE_NULL,
        CHAR_TYPE_VC,
        CHAR_TYPE_SPICEVMC,
        CHAR_TYPE_SPICEPORT,
        CHAR_TYPE_DBUS,
        CHAR_TYPE_VDAGENT,
} CharType;
typedef enum CharMode { CHAR_MODE_UNSET, CHAR_MODE_BIND, CHAR_MODE_CONNECT } CharMode;
typedef enum CharProtocol {
        CHAR_PROTOCOL_UNSET,
        CHAR_PROTOCOL_RAW,
        CHAR_PROTOCOL_TELNET
} CharProtocol;
typedef enum CharTls { CHAR_TLS_UNSET, CHAR_TLS_NO } CharTls;
typedef enum CharMouse { CHAR_MOUSE_UNSET, CHAR_MOUSE_SERVER, CHAR_MOUSE_CLIENT } CharMouse;
typedef enum CharTarget {
        CHAR_TARGET_UNSET,
        CHAR_TARGET_ISA_SERIAL, /* <serial> */
        CHAR_TARGET_USB_SERIAL,
        CHAR_TARGET_PCI_SERIAL,
        CHAR_TARGET_ISA_DEBUG,
        CHAR_TARGET_SERIAL,   /* <console>: the first one mirrors the first <serial> */
        CHAR_TARGET_VIRTIO,   /* <console> and <channel> */
        CHAR_TARGET_GUESTFWD, /* <channel>: an address in the user network of the guest */
} CharTarget;
typedef enum CharState {
        CHAR_STATE_UNSET,
        CHAR_STATE_CONNECTED,
        CHAR_STATE_DISCONNECTED
} CharState;
typedef enum CharBus { CHAR_BUS_UNSET, CHAR_BUS_USB } CharBus;

/* One end of a UDP stream: what is bound here, or what is sent to. */
typedef struct DomainCharEnd {
        DomainNode node;
        CharMode mode;
        char *host, *service;
} DomainCharEnd;

/* <serial>, <parallel>, <console>, <channel> and <redirdev>. */
typedef struct DomainChar {
        DomainDevice base;
        CharBus bus; /* redirdev */
        CharType type;
        char *tty; /* live, console: same as source.path */
        struct {
                DomainNode node;
                CharMode mode; /* unix, tcp */
                char *path;    /* pty: live only */
                DomainSwitch append;
                char *host, *service; /* tcp */
                CharTls tls;
                char *channel; /* spiceport, dbus: name of the stream */
                struct {
                        DomainNode node;
                        DomainSwitch enabled;
                        DomainNum timeout; /* seconds */
                } reconnect;
                struct { /* qemu-vdagent */
                        DomainNode node;
                        DomainSwitch copypaste;
                } clipboard;
                struct {
                        DomainNode node;
                        CharMouse mode;
                } mouse;
        } source;
        GPtrArray *ends; /* udp: DomainCharEnd, instead of source; NULL: none */
        struct {
                DomainNode node;
                CharProtocol type; /* tcp */
        } protocol;
        struct {
                DomainNode node;
                char *file; /* what the guest writes is appended there, too */
                DomainSwitch append;
        } log;
        struct {
                DomainNode node;
                CharTarget type;
                char *name;      /* channel: "org.qemu.guest_agent.0" */
                CharState state; /* live */
                char *address;   /* guestfwd: IPv4 */
                DomainNum port;
                DomainText model; /* <model name='isa-serial'/> */
        } target;
} DomainChar;

/* <redirfilter>: which USB devices of a client the guest takes; the first rule that fits decides.
 */
typedef struct DomainRedirRule {
        DomainNode node;
        DomainNum class, vendor, product; /* not set: any */
        char *version;                    /* "2.56"; NULL: any */
        DomainSwitch allow;
} DomainRedirRule;

typedef struct DomainRedirFilter {
        DomainNode node;
        GPtrArray *rules; /* DomainRedirRule; NULL: none */
} DomainRedirFilter;

/* Whether the XML says where the stream goes. */
static inline bool domain_char_has_stream(const DomainChar *chardev) {
        return chardev->source.node.is_present || chardev->ends;
}

/* Gives to the stream (type, source, protocol, log) that from has. */
void domain_char_copy_stream(DomainChar *to, const DomainChar *from);

/* The device number of a USB version as QEMU's filters want it: "2.56" is 0x0256. -EINVAL. */
int domain_redir_version(const char *text, unsigned *ret);
