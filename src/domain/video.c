/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

/* KiB. QXL's are those that its drivers in Windows and X count on. */
#define VRAM       16384
#define VRAM_MIN   1024
#define VRAM_MAX   (4u << 20)
#define QXL_RAM    65536
#define QXL_VRAM   65536
#define QXL_VGAMEM 16384
#define HEADS_MAX  16
#define PIXELS_MAX 32768

static const char *const video_models[] = {"vga",   "cirrus", "vmvga", "qxl", "virtio",
                                           "bochs", "ramfb",  "none",  NULL};
static const char *const video_drivers[] = {"qemu", NULL};
static const char *const vgaconfs[] = {"io", "on", "off", NULL};

/* What a model has. */
static const struct {
        bool is_secondary; /* can stand beside another one */
        bool has_vram, has_heads, has_resolution;
} traits[_VIDEO_MAX] = {
        [VIDEO_VGA] = {.has_vram = true, .has_resolution = true},
        [VIDEO_CIRRUS] = {.has_vram = true},
        [VIDEO_VMVGA] = {.has_vram = true},
        [VIDEO_QXL] = {true, true, true, true},
        [VIDEO_VIRTIO] = {.is_secondary = true, .has_heads = true, .has_resolution = true},
        [VIDEO_BOCHS] = {.has_vram = true, .has_resolution = true},
        [VIDEO_RAMFB] = {},
        [VIDEO_NONE] = {},
};

static const DomainField video_driver_fields[] = {
        ATTR_ENUM(DomainVideo, driver.name, "name", video_drivers),
        ATTR_ENUM(DomainVideo, driver.vgaconf, "vgaconf", vgaconfs),
        ATTR_ON(DomainVideo, driver.iommu, "iommu"),
        ATTR_ON(DomainVideo, driver.ats, "ats"),
        ATTR_ON(DomainVideo, driver.packed, "packed"),
        ATTR_ON(DomainVideo, driver.page_per_vq, "page_per_vq"),
        END,
};
static const DomainElement video_driver =
        PART_OF(DomainVideo, driver, "driver", video_driver_fields);

static const DomainField acceleration_fields[] = {
        ATTR_YES(DomainVideo, model.acceleration.accel2d, "accel2d"),
        ATTR_YES(DomainVideo, model.acceleration.accel3d, "accel3d"),
        END,
};
static const DomainElement acceleration =
        PART_OF(DomainVideo, model.acceleration, "acceleration", acceleration_fields);

static const DomainField resolution_fields[] = {
        ATTR_NUM(DomainVideo, model.resolution.x, "x", .is_required = true, .max = PIXELS_MAX),
        ATTR_NUM(DomainVideo, model.resolution.y, "y", .is_required = true, .max = PIXELS_MAX),
        END,
};
static const DomainElement resolution =
        PART_OF(DomainVideo, model.resolution, "resolution", resolution_fields);

static const DomainField video_model_fields[] = {
        ATTR_ENUM(DomainVideo, model.type, "type", video_models, .is_required = true),
        ATTR_NUM(DomainVideo, model.ram, "ram", .max = VRAM_MAX),
        ATTR_NUM(DomainVideo, model.vram, "vram", .max = VRAM_MAX),
        ATTR_NUM(DomainVideo, model.vram64, "vram64", .max = VRAM_MAX),
        ATTR_NUM(DomainVideo, model.vgamem, "vgamem", .max = VRAM_MAX),
        ATTR_NUM(DomainVideo, model.heads, "heads", .max = HEADS_MAX),
        ATTR_YES(DomainVideo, model.primary, "primary"),
        ATTR_ON(DomainVideo, model.blob, "blob"),
        PART("acceleration", acceleration),
        PART("resolution", resolution),
        END,
};
static const DomainElement video_model = PART_OF(DomainVideo, model, "model", video_model_fields);

static const DomainField video_fields[] = {
        PART("driver", video_driver), PART("model", video_model), DEVICE_ALIAS, DEVICE_ADDRESS, END,
};

/* ---- defaults ---- */

/* QXL's memory comes in powers of two. */
static void round_up(DomainNum *kib) {
        uint64_t value = 1;

        while (value < kib->value)
                value <<= 1;
        if (kib->is_set && kib->value > 0)
                kib->value = value;
}

static void fill_qxl(DomainVideo *video) {
        fill_num(&video->model.ram, QXL_RAM);
        fill_num(&video->model.vram, QXL_VRAM);
        fill_num(&video->model.vgamem, QXL_VGAMEM);
        round_up(&video->model.ram);
        round_up(&video->model.vram);
        round_up(&video->model.vram64);
        if (video->model.vram64.value == 0)
                video->model.vram64 = (DomainNum){};
}

/* The primary one, which firmware uses, is the first of the list: put it there, once all are known.
 */
static void settle_primary(GPtrArray *videos) {
        DomainVideo *first;
        guint primary = 0;

        for (guint i = 0; i < videos->len; i++) {
                if (((DomainVideo *)videos->pdata[i])->model.primary == DOMAIN_SWITCH_ON) {
                        primary = i;
                        break;
                }
        }
        first = g_ptr_array_remove_index(videos, primary);
        g_ptr_array_insert(videos, 0, first);
        if (first->model.type != VIDEO_NONE)
                FILL_ENUM(first->model.primary, DOMAIN_SWITCH_ON);
}

static int fill_video(DomainDef *def, DomainDevice *device, Err *err) {
        DomainVideo *video = (DomainVideo *)device;
        GPtrArray *videos = def->devices.list[DOMAIN_VIDEO];

        video->model.node.is_present = true;
        FILL_ENUM(video->model.type, VIDEO_VGA);
        if (video->model.type == VIDEO_NONE) {
                video->model.vram = video->model.heads = (DomainNum){};
                video->model.primary = DOMAIN_SWITCH_UNSET;
        } else {
                if (video->model.type == VIDEO_QXL)
                        fill_qxl(video);
                else if (traits[video->model.type].has_vram)
                        fill_num(&video->model.vram, VRAM);
                fill_num(&video->model.heads, 1);
        }
        if (videos->len > 0 && videos->pdata[videos->len - 1] == device)
                settle_primary(videos);
        return 0;
}

/* ---- checks ---- */

static int fail_model(const DomainVideo *video, const char *what, Err *err) {
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<video> at line %u: model '%s' %s",
                    video->base.node.line, video_models[video->model.type - 1], what);
}

static int check_place(const DomainDef *def, const DomainVideo *video, Err *err) {
        const GPtrArray *videos = def->devices.list[DOMAIN_VIDEO];
        guint primaries = 0;

        if (video->model.type == VIDEO_NONE && videos->len > 1)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<video> at line %u: model 'none' stands beside another video device",
                            video->base.node.line);
        if (!traits[video->model.type].is_secondary && videos->len > 0 && videos->pdata[0] != video)
                return fail_model(video, "can only be the primary device", err);
        for (guint i = 0; i < videos->len; i++)
                primaries +=
                        ((const DomainVideo *)videos->pdata[i])->model.primary == DOMAIN_SWITCH_ON;
        if (primaries > 1 && video->model.primary == DOMAIN_SWITCH_ON && videos->pdata[0] != video)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<video> at line %u is a second primary device", video->base.node.line);
        return 0;
}

static bool is_power_of_two(DomainNum kib) {
        return (kib.value & (kib.value - 1)) == 0;
}

static int check_memory(const DomainVideo *video, Err *err) {
        if (video->model.type != VIDEO_QXL &&
            (video->model.ram.is_set || video->model.vram64.is_set || video->model.vgamem.is_set))
                return fail_model(video, "has none of ram, vram64 and vgamem: these are qxl's",
                                  err);
        if (video->model.type == VIDEO_QXL &&
            (video->model.vgamem.value < VRAM_MIN || !is_power_of_two(video->model.vgamem)))
                return fail_model(video, "has a vgamem that is a power of two, from 1024 KiB", err);
        if (traits[video->model.type].has_vram && video->model.vram.value < VRAM_MIN)
                return fail_model(video, "has a vram of at least 1024 KiB", err);
        return 0;
}

/* The guest's pages are shown as they are: they have to be in a file that a display can share. */
static int check_blob(const DomainDef *def, const DomainVideo *video, Err *err) {
        if (video->model.blob != DOMAIN_SWITCH_ON)
                return 0;
        if (video->model.type != VIDEO_VIRTIO)
                return fail_model(video, "has no blob resources: 'virtio' has", err);
        if (def->memory_backing.source.type != MEMORY_MEMFD)
                return fail_hint(err,
                                 fail_model(video, "with blob='on' needs memory from memfd", err),
                                 "add <memoryBacking><source type='memfd'/></memoryBacking>");
        return 0;
}

static int check_features(const DomainVideo *video, Err *err) {
        bool is_virtio = video->model.type == VIDEO_VIRTIO;

        if (video->model.acceleration.accel2d == DOMAIN_SWITCH_ON)
                return fail_model(video, "has no 2D acceleration in QEMU", err);
        if (video->model.acceleration.accel3d == DOMAIN_SWITCH_ON && !is_virtio)
                return fail_model(video, "has no 3D acceleration: 'virtio' has", err);
        if (!is_virtio && (video->driver.iommu || video->driver.ats || video->driver.packed ||
                           video->driver.page_per_vq))
                return fail_model(video, "takes no switches of virtio in <driver>", err);
        if (domain_num_or(video->model.heads, 1) > 1 && !traits[video->model.type].has_heads)
                return fail_model(video, "has one head", err);
        if (video->model.resolution.node.is_present && !traits[video->model.type].has_resolution)
                return fail_model(video, "takes no resolution", err);
        return 0;
}

static int check_video(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainVideo *video = (const DomainVideo *)device;
        int r = check_place(def, video, err);

        if (r < 0)
                return r;
        r = check_memory(video, err);
        if (r < 0)
                return r;
        r = check_blob(def, video, err);
        return r < 0 ? r : check_features(video, err);
}

static bool is_same_video(const DomainDevice *device, const DomainDevice *wanted) {
        return ((const DomainVideo *)device)->model.type ==
               ((const DomainVideo *)wanted)->model.type;
}

static bool is_pci_video(const DomainDef *def, const DomainDevice *device) {
        VideoModel model = ((const DomainVideo *)device)->model.type;

        return model != VIDEO_NONE && model != VIDEO_RAMFB;
}

const DomainKind domain_video_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_VIDEO, DomainVideo, "video", video_fields),
        .alias = "video",
        .fill = fill_video,
        .check = check_video,
        .is_same = is_same_video,
        .is_pci = is_pci_video,
};
