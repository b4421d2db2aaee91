/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that stand between the guest and a part of the host: TPM, vsock, IOMMU. */
#include "qemu/args-part.h"

/* ---- tpm ---- */

static int add_emulator(const QemuContext *context, const DomainTpm *tpm, GPtrArray *args,
                        Err *err) {
        const char *alias = tpm->base.alias.name;
        g_autofree char *ours = NULL;
        g_autofree char *path = NULL;

        if (tpm->backend.type == TPM_EMULATOR && !context->runtime->run_dir)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "%s has no socket yet", alias);
        ours = g_strdup_printf("%s/%s.sock", context->runtime->run_dir, alias);
        path = qemu_args_escape(tpm->backend.type == TPM_EMULATOR ? ours
                                                                  : tpm->backend.source.path);
        qemu_args_add_format(args, "-chardev", "socket,id=char%s,path=%s", alias, path);
        qemu_args_add_format(args, "-tpmdev", "emulator,id=dev%s,chardev=char%s", alias, alias);
        return 0;
}

static int tpm_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                       Err *err) {
        const DomainTpm *tpm = (const DomainTpm *)device;
        g_autofree char *path = NULL;

        if (tpm->backend.type != TPM_PASSTHROUGH)
                return add_emulator(context, tpm, args, err);
        path = qemu_args_escape(tpm->backend.device.path);
        qemu_args_add_format(args, "-tpmdev", "passthrough,id=dev%s,path=%s", device->alias.name,
                             path);
        return 0;
}

static int fill_tpm(const QemuContext *context, const DomainDevice *device, json_t *object,
                    Err *err) {
        g_autofree char *backend = qemu_args_backend_name("dev", device);

        SET_STRING(object, "driver",
                   ((const DomainTpm *)device)->model == TPM_CRB ? "tpm-crb" : "tpm-tis");
        SET_STRING(object, "tpmdev", backend);
        return 0;
}

const QemuKind qemu_tpm_kind = {
        .device = fill_tpm,
        .options = tpm_options,
};

/* ---- vsock ---- */

static int fill_vsock(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        const DomainVsock *vsock = (const DomainVsock *)device;
        g_autofree char *name = g_strdup_printf("%s-vhost", device->alias.name);
        g_autofree char *fd = qemu_args_fd(context->runtime, name);

        if (!vsock->cid.address.is_set)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "%s has no address yet",
                            device->alias.name);
        qemu_args_set_virtio_driver(object, "vhost-vsock", vsock->model);
        SET_INT(object, "guest-cid", vsock->cid.address.value);
        SET_STRING(object, "vhostfd", fd);
        qemu_args_set_virtio(object, &vsock->driver);
        return 0;
}

const QemuKind qemu_vsock_kind = {
        .device = fill_vsock,
        .can_plug = qemu_kind_always,
};

/* ---- iommu ---- */

static void set_switch(json_t *object, const char *key, DomainSwitch value) {
        if (value)
                SET_BOOL(object, key, value == DOMAIN_SWITCH_ON);
}

/* These two have "auto", too, and are no booleans. */
static void set_on_off(json_t *object, const char *key, DomainSwitch value) {
        if (value)
                SET_STRING(object, key, value == DOMAIN_SWITCH_ON ? "on" : "off");
}

static int fill_iommu(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        const DomainIommu *iommu = (const DomainIommu *)device;

        if (iommu->model == IOMMU_VIRTIO) {
                SET_STRING(object, "driver", "virtio-iommu-pci");
                return 0;
        }
        SET_STRING(object, "driver", "intel-iommu");
        set_on_off(object, "intremap", iommu->driver.intremap);
        set_switch(object, "caching-mode", iommu->driver.caching_mode);
        set_on_off(object, "eim", iommu->driver.eim);
        set_switch(object, "device-iotlb", iommu->driver.iotlb);
        if (iommu->driver.aw_bits.is_set)
                SET_INT(object, "aw-bits", iommu->driver.aw_bits.value);
        set_switch(object, "dma-translation", iommu->driver.dma_translation);
        return 0;
}

const QemuKind qemu_iommu_kind = {
        .device = fill_iommu,
};
