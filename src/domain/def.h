/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest as its XML describes it: plain values, no running state but what the live XML shows.
 *
 *         r = domain_def_parse(text, size, &defaults, 0, &def, &err);     parse, fill, check
 *         r = layout_assign(def, &err);                                   addresses
 * (layout/assign.h) text = domain_def_format(def, DOMAIN_FORMAT_INACTIVE); live =
 * domain_def_copy(def); domain_def_assign_aliases(live);   when the guest starts
 *
 * The structs mirror the XML: an element is a struct that starts with a DomainNode, an attribute is
 * a field. A string is NULL, an enum 0 (…_UNSET), a DomainNum not set where the XML says nothing.
 * Which field is which attribute stands in one set of tables (tables.c); parsing, formatting,
 * copying and freeing all walk these.
 *
 * Three classes of what an XML says: what is served is in the structs; what libvirt's schema has
 * and we do not serve is refused with VIR_ERR_CONFIG_UNSUPPORTED, its name and its line; what no
 * schema has is kept byte for byte where it stood and named in def->warnings. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"
#include "pci/addr.h"

#define DOMAIN_HOSTDEVS_MAX 32   /* assigned PCI functions of a guest, unless configured */
#define DOMAIN_DEVICES_MAX  1024 /* of one kind */
#define DOMAIN_VCPUS_MAX    4096
#define DOMAIN_MEMORY_MAX   (UINT64_C(1) << 34) /* KiB: 16 TiB */

/* Head of every element's struct. */
typedef struct DomainNode {
        bool is_present; /* the XML has the element (or a default put it there) */
        unsigned line;   /* where; 0: it comes from no document */
        GPtrArray *kept; /* char *: unknown children, byte for byte; NULL: none */
        GString *attrs;  /* unknown attributes as " a='b'"; NULL: none */
        /* The same of children that are only a text (<name>): name → attributes; NULL: none. */
        GHashTable *leaf_attrs;
} DomainNode;

typedef struct DomainNum {
        bool is_set;
        uint64_t value;
} DomainNum;

#define DOMAIN_NUM(x) ((DomainNum){.is_set = true, .value = (x)})

static inline uint64_t domain_num_or(DomainNum num, uint64_t other) {
        return num.is_set ? num.value : other;
}

/* on/off and yes/no alike. */
typedef enum DomainSwitch {
        DOMAIN_SWITCH_UNSET,
        DOMAIN_SWITCH_ON,
        DOMAIN_SWITCH_OFF,
} DomainSwitch;

/* An element that is there or not (<acpi/>), and one that holds only text. */
typedef struct DomainFlag {
        DomainNode node;
} DomainFlag;

typedef struct DomainText {
        DomainNode node;
        char *text;
} DomainText;

typedef struct DomainState {
        DomainNode node;
        DomainSwitch state;
} DomainState;

/* ---- devices ---- */

/* In the order of the XML that we write. */
typedef enum DomainDeviceKind {
        DOMAIN_DISK,
        DOMAIN_CONTROLLER,
        DOMAIN_INTERFACE,
        DOMAIN_SERIAL,
        DOMAIN_CONSOLE,
        DOMAIN_CHANNEL,
        DOMAIN_INPUT,
        DOMAIN_GRAPHICS,
        DOMAIN_SOUND,
        DOMAIN_AUDIO,
        DOMAIN_VIDEO,
        DOMAIN_HOSTDEV,
        DOMAIN_WATCHDOG,
        DOMAIN_MEMBALLOON,
        DOMAIN_RNG,
        _DOMAIN_DEVICE_MAX,
} DomainDeviceKind;

/* The element's name: "hostdev". */
const char *domain_device_kind_to_string(DomainDeviceKind kind);

typedef enum DomainAddressType {
        DOMAIN_ADDRESS_UNSET,
        DOMAIN_ADDRESS_PCI,
        DOMAIN_ADDRESS_DRIVE,
        DOMAIN_ADDRESS_VIRTIO_SERIAL,
        DOMAIN_ADDRESS_USB,
} DomainAddressType;

/* The guest's side. PCI: domain 0, bus is the index of a pci controller. */
typedef struct DomainAddress {
        DomainNode node;
        DomainAddressType type;
        DomainNum domain, bus, slot, function;
        DomainSwitch multifunction;
        DomainNum controller, target, unit; /* drive */
        DomainNum port;                     /* virtio-serial */
        char *usb_port;                     /* "1.2" */
} DomainAddress;

typedef struct DomainBoot {
        DomainNode node;
        DomainNum order; /* from 1 */
} DomainBoot;

typedef struct DomainRom {
        DomainNode node;
        DomainSwitch bar;
        DomainSwitch enabled;
        char *file;
} DomainRom;

typedef struct DomainAlias {
        DomainNode node;
        char *name; /* id of the device in QEMU: "hostdev0" */
} DomainAlias;

/* Head of every device's struct. */
typedef struct DomainDevice {
        DomainNode node;
        DomainDeviceKind kind;
        DomainBoot boot;
        DomainRom rom;
        DomainAlias alias;
        DomainAddress address;
} DomainDevice;

typedef enum DiskType { DISK_TYPE_UNSET, DISK_TYPE_FILE } DiskType;
typedef enum DiskDevice { DISK_DEVICE_UNSET, DISK_DEVICE_DISK, DISK_DEVICE_CDROM } DiskDevice;
typedef enum DiskFormat { DISK_FORMAT_UNSET, DISK_FORMAT_RAW, DISK_FORMAT_QCOW2 } DiskFormat;
typedef enum DiskBus { DISK_BUS_UNSET, DISK_BUS_VIRTIO, DISK_BUS_SATA, DISK_BUS_IDE } DiskBus;
typedef enum DiskCache {
        DISK_CACHE_UNSET,
        DISK_CACHE_DEFAULT,
        DISK_CACHE_NONE,
        DISK_CACHE_WRITETHROUGH,
        DISK_CACHE_WRITEBACK,
        DISK_CACHE_DIRECTSYNC,
        DISK_CACHE_UNSAFE,
} DiskCache;
typedef enum DiskDiscard {
        DISK_DISCARD_UNSET,
        DISK_DISCARD_UNMAP,
        DISK_DISCARD_IGNORE
} DiskDiscard;
typedef enum DiskIo { DISK_IO_UNSET, DISK_IO_THREADS, DISK_IO_NATIVE, DISK_IO_URING } DiskIo;
typedef enum DiskZeroes {
        DISK_ZEROES_UNSET,
        DISK_ZEROES_OFF,
        DISK_ZEROES_ON,
        DISK_ZEROES_UNMAP
} DiskZeroes;

typedef struct DomainDisk {
        DomainDevice base;
        DiskType type;
        DiskDevice device;
        struct {
                DomainNode node;
                char *name; /* "qemu" */
                DiskFormat type;
                DiskCache cache;
                DiskIo io;
                DiskDiscard discard;
                DiskZeroes detect_zeroes;
        } driver;
        struct {
                DomainNode node;
                char *file; /* absolute; NULL: an empty drive */
        } source;
        struct {
                DomainNode node;
                char *dev; /* "vda": orders the disks and is their key */
                DiskBus bus;
        } target;
        DomainFlag readonly;
        DomainText serial;
} DomainDisk;

typedef enum ControllerType {
        CONTROLLER_UNSET,
        CONTROLLER_USB,
        CONTROLLER_IDE,
        CONTROLLER_SATA,
        CONTROLLER_VIRTIO_SERIAL,
        CONTROLLER_PCI,
} ControllerType;

typedef enum ControllerModel {
        CONTROLLER_MODEL_UNSET,
        PCI_MODEL_ROOT,             /* pci-root: i440fx's bus 0 */
        PCI_MODEL_BRIDGE,           /* pci-bridge */
        PCI_MODEL_DMI_TO_PCI,       /* dmi-to-pci-bridge */
        PCI_MODEL_PCIE_ROOT,        /* pcie-root: q35's bus 0 */
        PCI_MODEL_PCIE_ROOT_PORT,   /* pcie-root-port */
        PCI_MODEL_PCIE_SWITCH_UP,   /* pcie-switch-upstream-port */
        PCI_MODEL_PCIE_SWITCH_DOWN, /* pcie-switch-downstream-port */
        PCI_MODEL_PCIE_TO_PCI,      /* pcie-to-pci-bridge */
        USB_MODEL_PIIX3_UHCI,
        USB_MODEL_PIIX4_UHCI,
        USB_MODEL_EHCI,
        USB_MODEL_ICH9_EHCI1,
        USB_MODEL_ICH9_UHCI1,
        USB_MODEL_ICH9_UHCI2,
        USB_MODEL_ICH9_UHCI3,
        USB_MODEL_NEC_XHCI,
        USB_MODEL_QEMU_XHCI,
        USB_MODEL_NONE,
} ControllerModel;

typedef struct DomainController {
        DomainDevice base;
        ControllerType type;
        DomainNum index; /* bus number in the addresses of devices behind it */
        ControllerModel model;
        DomainNum ports; /* usb, virtio-serial */
        struct {
                DomainNode node;
                DomainNum startport;
        } master;              /* an ich9 UHCI companion's place */
        DomainText model_name; /* <model name='pcie-root-port'/>: what QEMU calls it */
        struct {
                DomainNode node;
                DomainNum chassis_nr, chassis, port; /* ports and bridges: what the guest reads */
                DomainSwitch hotplug;
        } target;
} DomainController;

typedef enum NetType { NET_TYPE_UNSET, NET_TYPE_USER, NET_TYPE_BRIDGE } NetType;
typedef enum NetModel {
        NET_MODEL_UNSET,
        NET_MODEL_VIRTIO,
        NET_MODEL_E1000,
        NET_MODEL_E1000E,
        NET_MODEL_RTL8139,
} NetModel;
typedef enum NetLink { NET_LINK_UNSET, NET_LINK_UP, NET_LINK_DOWN } NetLink;

typedef struct DomainInterface {
        DomainDevice base;
        NetType type;
        struct {
                DomainNode node;
                char *address; /* "52:54:00:xx:xx:xx", lower case */
        } mac;
        struct {
                DomainNode node;
                char *bridge;
        } source;
        struct {
                DomainNode node;
                char *dev; /* the host's tap device; generated ones are live only */
        } target;
        struct {
                DomainNode node;
                NetModel type;
        } model;
        struct {
                DomainNode node;
                NetLink state;
        } link;
} DomainInterface;

typedef enum CharType {
        CHAR_TYPE_UNSET,
        CHAR_TYPE_PTY,
        CHAR_TYPE_FILE,
        CHAR_TYPE_UNIX,
        CHAR_TYPE_NULL,
} CharType;
typedef enum CharMode { CHAR_MODE_UNSET, CHAR_MODE_BIND, CHAR_MODE_CONNECT } CharMode;
typedef enum CharTarget {
        CHAR_TARGET_UNSET,
        CHAR_TARGET_ISA_SERIAL, /* <serial> */
        CHAR_TARGET_SERIAL,     /* <console>: the first one mirrors the first <serial> */
        CHAR_TARGET_VIRTIO,     /* <console> and <channel> */
} CharTarget;
typedef enum CharState {
        CHAR_STATE_UNSET,
        CHAR_STATE_CONNECTED,
        CHAR_STATE_DISCONNECTED
} CharState;

/* <serial>, <console> and <channel>. */
typedef struct DomainChar {
        DomainDevice base;
        CharType type;
        char *tty; /* live, console: same as source.path */
        struct {
                DomainNode node;
                CharMode mode; /* unix */
                char *path;    /* pty: live only */
                DomainSwitch append;
        } source;
        struct {
                DomainNode node;
                CharTarget type;
                char *name;      /* channel: "org.qemu.guest_agent.0" */
                CharState state; /* live */
                DomainNum port;
                DomainText model; /* <model name='isa-serial'/> */
        } target;
} DomainChar;

typedef enum InputType { INPUT_UNSET, INPUT_TABLET, INPUT_MOUSE, INPUT_KEYBOARD } InputType;
typedef enum InputBus { INPUT_BUS_UNSET, INPUT_BUS_PS2, INPUT_BUS_USB, INPUT_BUS_VIRTIO } InputBus;

typedef struct DomainInput {
        DomainDevice base;
        InputType type;
        InputBus bus;
} DomainInput;

typedef enum GraphicsType { GRAPHICS_UNSET, GRAPHICS_VNC } GraphicsType;
typedef enum ListenType {
        LISTEN_UNSET,
        LISTEN_ADDRESS,
        LISTEN_SOCKET,
        LISTEN_NONE,
} ListenType;

typedef struct DomainListen {
        DomainNode node;
        ListenType type;
        char *address;
        char *socket;
} DomainListen;

typedef struct DomainGraphics {
        DomainDevice base;
        GraphicsType type;
        DomainNum port; /* TCP port, 5900 and up; not set: chosen at start */
        DomainSwitch autoport;
        char *listen_address; /* the old attribute; agrees with the first <listen> */
        char *socket;
        char *keymap;
        char *passwd;       /* formatted with DOMAIN_FORMAT_SECURE only */
        GPtrArray *listens; /* DomainListen; at most one */
} DomainGraphics;

typedef enum SoundModel { SOUND_UNSET, SOUND_AC97, SOUND_ICH6, SOUND_ICH9 } SoundModel;

typedef struct DomainSound {
        DomainDevice base;
        SoundModel model;
} DomainSound;

typedef enum AudioType { AUDIO_UNSET, AUDIO_NONE } AudioType;

typedef struct DomainAudio {
        DomainDevice base;
        DomainNum id;
        AudioType type;
} DomainAudio;

typedef enum VideoModel {
        VIDEO_UNSET,
        VIDEO_VGA,
        VIDEO_VIRTIO,
        VIDEO_BOCHS,
        VIDEO_NONE,
} VideoModel;

typedef struct DomainVideo {
        DomainDevice base;
        struct {
                DomainNode node;
                VideoModel type;
                DomainNum vram; /* KiB */
                DomainNum heads;
                DomainSwitch primary;
        } model;
} DomainVideo;

typedef enum HostdevMode { HOSTDEV_MODE_UNSET, HOSTDEV_SUBSYSTEM } HostdevMode;
typedef enum HostdevType { HOSTDEV_TYPE_UNSET, HOSTDEV_PCI } HostdevType;
typedef enum HostdevDriver { HOSTDEV_DRIVER_UNSET, HOSTDEV_DRIVER_VFIO } HostdevDriver;

typedef struct DomainHostdev {
        DomainDevice base;
        HostdevMode mode;
        HostdevType type;
        DomainSwitch managed; /* not set: no */
        struct {
                DomainNode node;
                HostdevDriver name;
        } driver;
        struct {
                DomainNode node;
                struct {
                        DomainNode node;
                        DomainAddressType type; /* some write it; it says nothing and is dropped */
                        DomainNum domain, bus, slot, function;
                } address;
        } source;
        /* From the host's inventory, set by the caller before layout: a card that has no PCI
         * Express capability belongs on a conventional bus. */
        bool is_conventional;
} DomainHostdev;

typedef enum WatchdogModel { WATCHDOG_UNSET, WATCHDOG_I6300ESB, WATCHDOG_ITCO } WatchdogModel;
typedef enum WatchdogAction {
        WATCHDOG_ACTION_UNSET,
        WATCHDOG_RESET,
        WATCHDOG_SHUTDOWN,
        WATCHDOG_POWEROFF,
        WATCHDOG_PAUSE,
        WATCHDOG_NOTHING,
        WATCHDOG_INJECT_NMI,
} WatchdogAction;

typedef struct DomainWatchdog {
        DomainDevice base;
        WatchdogModel model;
        WatchdogAction action;
} DomainWatchdog;

typedef enum BalloonModel { BALLOON_UNSET, BALLOON_VIRTIO, BALLOON_NONE } BalloonModel;

typedef struct DomainMemballoon {
        DomainDevice base;
        BalloonModel model;
        DomainSwitch autodeflate, free_page_reporting;
        struct {
                DomainNode node;
                DomainNum period; /* seconds */
        } stats;
} DomainMemballoon;

typedef enum RngModel { RNG_UNSET, RNG_VIRTIO } RngModel;
typedef enum RngBackend { RNG_BACKEND_UNSET, RNG_RANDOM } RngBackend;

typedef struct DomainRng {
        DomainDevice base;
        RngModel model;
        struct {
                DomainNode node;
                DomainNum bytes, period; /* period: ms */
        } rate;
        struct {
                DomainNode node;
                RngBackend model;
                char *path; /* "/dev/urandom" */
        } backend;
} DomainRng;

/* ---- the guest ---- */

typedef enum DomainType { DOMAIN_TYPE_UNSET, DOMAIN_TYPE_KVM, DOMAIN_TYPE_QEMU } DomainType;

typedef enum VcpuPlacement { VCPU_PLACEMENT_UNSET, VCPU_STATIC } VcpuPlacement;

typedef enum BootDev { BOOT_UNSET, BOOT_HD, BOOT_CDROM, BOOT_NETWORK } BootDev;
typedef enum LoaderType { LOADER_UNSET, LOADER_ROM, LOADER_PFLASH } LoaderType;
typedef enum FlashFormat { FLASH_FORMAT_UNSET, FLASH_RAW, FLASH_QCOW2 } FlashFormat;

typedef struct DomainBootDev {
        DomainNode node;
        BootDev dev;
} DomainBootDev;

typedef struct DomainOs {
        DomainNode node;
        struct {
                DomainNode node;
                char *arch;    /* "x86_64" */
                char *machine; /* "pc-q35-10.0" */
                char *text;    /* "hvm" */
        } type;
        struct {
                DomainNode node;
                DomainSwitch readonly, secure;
                LoaderType type;
                FlashFormat format;
                char *path;
        } loader;
        struct {
                DomainNode node;
                char *template; /* copied to path at the first start */
                FlashFormat format;
                char *path;
        } nvram;
        DomainText kernel, initrd, cmdline;
        GPtrArray *boot; /* DomainBootDev, first to last */
        struct {
                DomainNode node;
                DomainSwitch enable;
                DomainNum timeout; /* ms */
        } bootmenu;
} DomainOs;

typedef struct DomainFeatures {
        DomainNode node;
        DomainFlag acpi, apic, pae;
        DomainState vmport, smm;
} DomainFeatures;

typedef enum CpuMode {
        CPU_MODE_UNSET,
        CPU_CUSTOM,
        CPU_HOST_MODEL,
        CPU_HOST_PASSTHROUGH,
        CPU_MAXIMUM,
} CpuMode;
typedef enum CpuMatch { CPU_MATCH_UNSET, CPU_EXACT, CPU_MINIMUM, CPU_STRICT } CpuMatch;
typedef enum CpuCheck {
        CPU_CHECK_UNSET,
        CPU_CHECK_NONE,
        CPU_CHECK_PARTIAL,
        CPU_CHECK_FULL
} CpuCheck;
typedef enum CpuFallback {
        CPU_FALLBACK_UNSET,
        CPU_FALLBACK_ALLOW,
        CPU_FALLBACK_FORBID
} CpuFallback;
typedef enum CpuPolicy {
        CPU_POLICY_UNSET,
        CPU_FORCE,
        CPU_REQUIRE,
        CPU_OPTIONAL,
        CPU_DISABLE,
        CPU_FORBID,
} CpuPolicy;

typedef struct DomainCpuFeature {
        DomainNode node;
        CpuPolicy policy;
        char *name;
} DomainCpuFeature;

typedef struct DomainCpu {
        DomainNode node;
        CpuMode mode;
        CpuMatch match;
        CpuCheck check;
        DomainSwitch migratable;
        struct {
                DomainNode node;
                CpuFallback fallback;
                char *name;
        } model;
        struct {
                DomainNode node;
                DomainNum sockets, dies, clusters, cores, threads;
        } topology;
        GPtrArray *features; /* DomainCpuFeature */
} DomainCpu;

typedef enum ClockOffset { CLOCK_UNSET, CLOCK_UTC, CLOCK_LOCALTIME } ClockOffset;
typedef enum TimerName {
        TIMER_UNSET,
        TIMER_RTC,
        TIMER_PIT,
        TIMER_HPET,
        TIMER_KVMCLOCK,
        TIMER_TSC
} TimerName;
typedef enum TimerPolicy {
        TIMER_POLICY_UNSET,
        TIMER_DELAY,
        TIMER_CATCHUP,
        TIMER_DISCARD
} TimerPolicy;
typedef enum TimerTrack { TIMER_TRACK_UNSET, TIMER_GUEST, TIMER_WALL } TimerTrack;

typedef struct DomainTimer {
        DomainNode node;
        TimerName name;
        DomainSwitch present;
        TimerTrack track;
        TimerPolicy tickpolicy;
} DomainTimer;

typedef enum LifecycleAction {
        LIFECYCLE_UNSET,
        LIFECYCLE_DESTROY,
        LIFECYCLE_RESTART,
        LIFECYCLE_PRESERVE,
} LifecycleAction;

typedef enum SeclabelType { SECLABEL_UNSET, SECLABEL_NONE } SeclabelType;

typedef struct DomainSeclabel {
        DomainNode node;
        SeclabelType type;
        char *model;
        DomainSwitch relabel;
} DomainSeclabel;

typedef struct DomainEnabled {
        DomainNode node;
        DomainSwitch enabled;
} DomainEnabled;

typedef struct DomainDef {
        DomainNode node;
        DomainType type;
        DomainNum id; /* live */
        char *name;
        uint8_t uuid[16];
        char *title, *description;
        char *metadata; /* <metadata>…</metadata>, byte for byte; NULL: none */

        uint64_t memory, current_memory; /* KiB */
        struct {
                DomainNode node;
                VcpuPlacement placement;
                DomainNum current;
                DomainNum count;
        } vcpu;

        DomainOs os;
        DomainFeatures features;
        DomainCpu cpu;
        struct {
                DomainNode node;
                ClockOffset offset;
                GPtrArray *timers; /* DomainTimer */
        } clock;
        LifecycleAction on_poweroff, on_reboot, on_crash;
        struct {
                DomainNode node;
                DomainEnabled mem, disk;
        } pm;

        struct {
                DomainNode node;
                char *emulator;
                GPtrArray *list[_DOMAIN_DEVICE_MAX]; /* DomainDevice; never NULL */
        } devices;

        GPtrArray *seclabels; /* DomainSeclabel */
        GPtrArray *warnings;  /* char *: what no schema knows, one sentence each; never NULL */
} DomainDef;

/* Iterates over the guest's devices of one kind; the body must not add or remove any. */
#define DOMAIN_FOREACH(Type, item, def, kind_)                                          \
        for (guint _i_##item = 0, _n_##item = (def)->devices.list[kind_]->len;          \
             _i_##item < _n_##item; _i_##item = _n_##item)                              \
                for (Type * item;                                                       \
                     _i_##item < _n_##item &&                                           \
                     (item = g_ptr_array_index((def)->devices.list[kind_], _i_##item)); \
                     _i_##item++)

/* What a definition that is silent about it gets. */
typedef struct DomainDefaults {
        const char *emulator; /* NULL: "/usr/bin/qemu-system-x86_64" */
        const char *machine;  /* NULL: "pc" */
        /* Pairs of a machine's alias and its name ("q35", "pc-q35-10.0", …, NULL), from QEMU's
         * capabilities, so that a guest keeps its hardware when QEMU is upgraded. NULL: none. */
        const char *const *machine_aliases;
        unsigned max_hostdevs; /* 0: DOMAIN_HOSTDEVS_MAX */
} DomainDefaults;

typedef enum DomainParseFlags {
        DOMAIN_PARSE_VALIDATE = 1 << 0, /* what no schema knows is refused as well */
        DOMAIN_PARSE_LIVE = 1 << 1,     /* our own live XML: keep id, aliases, pty paths, ports */
} DomainParseFlags;

typedef enum DomainFormatFlags {
        DOMAIN_FORMAT_INACTIVE = 1 << 0, /* without what only the running guest has */
        DOMAIN_FORMAT_SECURE = 1 << 1,   /* with passwords */
} DomainFormatFlags;

/* Parses, fills the defaults and checks (validate.h). defaults may be NULL. */
int domain_def_parse(const char *text, size_t size, const DomainDefaults *defaults,
                     DomainParseFlags flags, DomainDef **ret, Err *err);
char *domain_def_format(const DomainDef *def, DomainFormatFlags flags);
DomainDef *domain_def_copy(const DomainDef *def);
void domain_def_free(DomainDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainDef, domain_def_free)

/* Whole-definition checks: unique names, targets and addresses, limits. domain_def_parse and
 * domain_def_add_device have done them. */
int domain_def_validate(const DomainDef *def, const DomainDefaults *defaults, Err *err);

/* Gives every device without one the id that it has in QEMU ("net0", "virtio-disk0", "pci.1"). */
void domain_def_assign_aliases(DomainDef *def);

/* A name for one device that is plugged into the running guest def. */
void domain_def_assign_alias(const DomainDef *def, DomainDevice *device);

/* Text of the UUID: 36 characters and a NUL. */
#define DOMAIN_UUID_TEXT_MAX 37
const char *domain_uuid_format(const uint8_t uuid[16], char text[static DOMAIN_UUID_TEXT_MAX]);
/* Reads 36 characters, or 32 hexadecimal digits with '-' anywhere between. -EINVAL otherwise. */
int domain_uuid_parse(const char *text, uint8_t ret[16]);

static inline bool domain_def_is_q35(const DomainDef *def) {
        return g_str_has_prefix(def->os.type.machine, "pc-q35") ||
               g_str_equal(def->os.type.machine, "q35");
}

/* Airlock's own element in the metadata,
 *         <airlock:handover xmlns:airlock='https://airlock-project.example/xmlns/handover/1'
 *                           companions='park'/>
 * True: companions of the guest's devices are parked with them. */
#define DOMAIN_HANDOVER_NS "https://airlock-project.example/xmlns/handover/1"
bool domain_def_parks_companions(const DomainDef *def);

/* The children of <metadata> in a namespace, as virDomainGetMetadata gives them; NULL: none. */
char *domain_def_metadata(const DomainDef *def, const char *uri);
