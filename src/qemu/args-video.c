/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

#define KIB 1024

static bool is_none(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainVideo *)device)->model.type == VIDEO_NONE;
}

static void set_mib(json_t *object, const char *key, DomainNum kib) {
        if (kib.is_set)
                SET_INT(object, key, MAX(kib.value / KIB, 1));
}

static void set_qxl(const DomainVideo *video, json_t *object) {
        SET_INT(object, "max_outputs", video->model.heads.value);
        SET_INT(object, "ram_size", video->model.ram.value * KIB);
        SET_INT(object, "vram_size", video->model.vram.value * KIB);
        SET_INT(object, "vram64_size_mb", domain_num_or(video->model.vram64, 0) / KIB);
        set_mib(object, "vgamem_mb", video->model.vgamem);
}

static void set_virtio(const DomainVideo *video, json_t *object) {
        const DomainVirtio virtio = {.iommu = video->driver.iommu,
                                     .ats = video->driver.ats,
                                     .packed = video->driver.packed,
                                     .page_per_vq = video->driver.page_per_vq};

        SET_INT(object, "max_outputs", domain_num_or(video->model.heads, 1));
        if (video->model.blob)
                SET_BOOL(object, "blob", video->model.blob == DOMAIN_SWITCH_ON);
        qemu_args_set_virtio(object, &virtio);
}

static const char *driver_name(const DomainVideo *video, bool is_primary) {
        static const char *const names[_VIDEO_MAX] = {
                [VIDEO_VGA] = "VGA",           [VIDEO_CIRRUS] = "cirrus-vga",
                [VIDEO_VMVGA] = "vmware-svga", [VIDEO_QXL] = "qxl-vga",
                [VIDEO_VIRTIO] = "virtio-vga", [VIDEO_BOCHS] = "bochs-display",
                [VIDEO_RAMFB] = "ramfb",
        };
        bool is_gl = video->model.acceleration.accel3d == DOMAIN_SWITCH_ON;

        if (video->model.type == VIDEO_VIRTIO && is_gl)
                return is_primary ? "virtio-vga-gl" : "virtio-gpu-gl-pci";
        if (is_primary)
                return names[video->model.type];
        return video->model.type == VIDEO_QXL ? "qxl" : "virtio-gpu-pci";
}

static int fill_video(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        const DomainVideo *video = (const DomainVideo *)device;
        const GPtrArray *videos = context->def->devices.list[DOMAIN_VIDEO];

        SET_STRING(object, "driver", driver_name(video, videos->pdata[0] == device));
        switch (video->model.type) {
        case VIDEO_VGA:
        case VIDEO_VMVGA:
                set_mib(object, "vgamem_mb", video->model.vram);
                break;
        case VIDEO_BOCHS:
                SET_INT(object, "vgamem", video->model.vram.value * KIB);
                break;
        case VIDEO_QXL:
                set_qxl(video, object);
                break;
        case VIDEO_VIRTIO:
                set_virtio(video, object);
                break;
        default:
                break;
        }
        if (video->model.resolution.node.is_present) {
                SET_INT(object, "xres", video->model.resolution.x.value);
                SET_INT(object, "yres", video->model.resolution.y.value);
        }
        return 0;
}

const QemuKind qemu_video_kind = {
        .is_built_in = is_none,
        .device = fill_video,
};
