/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guest shows (<video>, video.c) and where people see it (<graphics>, graphics.c). */

#include "domain/sound.h"

/* ---- graphics ---- */

typedef enum GraphicsType {
        GRAPHICS_UNSET,
        GRAPHICS_VNC,
        GRAPHICS_SPICE,
        GRAPHICS_EGL_HEADLESS, /* renders on the host's GPU; another one shows it */
        GRAPHICS_DBUS,
        _GRAPHICS_MAX,
} GraphicsType;

typedef enum ListenType {
        LISTEN_UNSET,
        LISTEN_ADDRESS,
        LISTEN_SOCKET,
        LISTEN_NONE,
        LISTEN_NETWORK, /* at the address that this host has in a virtual network */
} ListenType;

/* Last part of a socket's path that is ours to choose: it stands in the live XML only. */
#define GRAPHICS_VNC_SOCKET   "graphics-vnc.sock"
#define GRAPHICS_SPICE_SOCKET "graphics-spice.sock"

typedef struct DomainListen {
        DomainNode node;
        ListenType type;
        char *address; /* LISTEN_NETWORK: chosen at start */
        char *socket;
        char *network; /* its name */
} DomainListen;

typedef enum GraphicsShare {
        GRAPHICS_SHARE_UNSET,
        GRAPHICS_SHARE_ALLOW_EXCLUSIVE,
        GRAPHICS_SHARE_FORCE_SHARED,
        GRAPHICS_SHARE_IGNORE,
} GraphicsShare;

/* What happens to clients that are there when the password changes. */
typedef enum GraphicsConnected {
        GRAPHICS_CONNECTED_UNSET,
        GRAPHICS_CONNECTED_FAIL,
        GRAPHICS_CONNECTED_DISCONNECT,
        GRAPHICS_CONNECTED_KEEP,
} GraphicsConnected;

/* TLS is not served: 'secure' is refused. */
typedef enum SpiceMode {
        SPICE_MODE_UNSET,
        SPICE_MODE_ANY,
        SPICE_MODE_SECURE,
        SPICE_MODE_INSECURE,
} SpiceMode;

typedef enum SpiceChannel {
        SPICE_CHANNEL_UNSET,
        SPICE_CHANNEL_MAIN,
        SPICE_CHANNEL_DISPLAY,
        SPICE_CHANNEL_INPUTS,
        SPICE_CHANNEL_CURSOR,
        SPICE_CHANNEL_PLAYBACK,
        SPICE_CHANNEL_RECORD,
        SPICE_CHANNEL_SMARTCARD,
        SPICE_CHANNEL_USBREDIR,
} SpiceChannel;

typedef struct DomainSpiceChannel {
        DomainNode node;
        SpiceChannel name;
        SpiceMode mode;
} DomainSpiceChannel;

/* <image compression='auto_glz'/> and the like: one value of a list. */
typedef struct DomainSpiceChoice {
        DomainNode node;
        int value; /* from 1, by the list of the element's values */
} DomainSpiceChoice;

typedef struct DomainGraphics {
        DomainDevice base;
        GraphicsType type;
        DomainNum port;     /* TCP port; not set: chosen at start */
        DomainNum tls_port; /* spice: DOMAIN_PORT_AUTO at most */
        DomainSwitch autoport;
        DomainNum websocket;  /* vnc: TCP port, or DOMAIN_PORT_AUTO */
        char *listen_address; /* the old attribute; agrees with the first <listen> */
        char *socket;         /* vnc */
        char *keymap;
        GraphicsShare share_policy;
        DomainSwitch power_control;
        SpiceMode default_mode;
        char *passwd;          /* formatted with DOMAIN_FORMAT_SECURE only */
        char *passwd_valid_to; /* "2030-12-31T23:59:59", UTC */
        GraphicsConnected connected;
        DomainSwitch p2p;   /* dbus */
        char *dbus_address; /* dbus: of the bus */
        GPtrArray *listens; /* DomainListen; vnc and spice: at least one */

        GPtrArray *channels; /* DomainSpiceChannel */
        DomainSpiceChoice image, jpeg, zlib, streaming, mouse;
        struct {
                DomainNode node;
                DomainSwitch value;
        } playback, clipboard, filetransfer;
        struct {
                DomainNode node;
                DomainSwitch enable;
                char *rendernode; /* "/dev/dri/renderD128"; NULL: chosen at start */
        } gl;
        DomainAudioRef audio; /* vnc and dbus */
} DomainGraphics;

/* The lists that QEMU shares. */
extern const char *const domain_spice_images[];
extern const char *const domain_spice_wans[]; /* jpeg and zlib */
extern const char *const domain_spice_streamings[];
extern const char *const domain_spice_channels[];
extern const char *const domain_graphics_shares[];
extern const char *const domain_graphics_connecteds[];

/* Whether its picture is rendered on the host's GPU. */
bool domain_graphics_uses_gl(const DomainGraphics *graphics);

/* The first <listen>: what counts for QEMU; NULL: this type has none. */
const DomainListen *domain_graphics_listen(const DomainGraphics *graphics);

/* Whether clients come over TCP. */
bool domain_listen_is_tcp(const DomainListen *listen);

/* The name of the type: "vnc". */
const char *domain_graphics_type_to_string(GraphicsType type);

/* ---- video ---- */

typedef enum VideoModel {
        VIDEO_UNSET,
        VIDEO_VGA,
        VIDEO_CIRRUS,
        VIDEO_VMVGA,
        VIDEO_QXL,
        VIDEO_VIRTIO,
        VIDEO_BOCHS,
        VIDEO_RAMFB,
        VIDEO_NONE,
        _VIDEO_MAX,
} VideoModel;

typedef enum VideoDriver { VIDEO_DRIVER_UNSET, VIDEO_DRIVER_QEMU } VideoDriver;
typedef enum VgaConf { VGACONF_UNSET, VGACONF_IO, VGACONF_ON, VGACONF_OFF } VgaConf;

typedef struct DomainVideo {
        DomainDevice base;
        struct {
                DomainNode node;
                VideoDriver name;
                VgaConf vgaconf; /* bhyve's; kept */
                DomainSwitch iommu, ats, packed, page_per_vq;
        } driver;
        struct {
                DomainNode node;
                VideoModel type;
                DomainNum ram, vram, vram64, vgamem; /* KiB */
                DomainNum heads;
                DomainSwitch primary;
                DomainSwitch blob;
                struct {
                        DomainNode node;
                        DomainSwitch accel2d, accel3d;
                } acceleration;
                struct {
                        DomainNode node;
                        DomainNum x, y; /* pixels */
                } resolution;
        } model;
} DomainVideo;
