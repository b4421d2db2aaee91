/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

#include "domain/kinds.h"

const DomainKind *const domain_kinds[_DOMAIN_DEVICE_MAX] = {
        [DOMAIN_DISK] = &domain_disk_kind,
        [DOMAIN_CONTROLLER] = &domain_controller_kind,
        [DOMAIN_FILESYSTEM] = &domain_filesystem_kind,
        [DOMAIN_INTERFACE] = &domain_interface_kind,
        [DOMAIN_SERIAL] = &domain_serial_kind,
        [DOMAIN_PARALLEL] = &domain_parallel_kind,
        [DOMAIN_CONSOLE] = &domain_console_kind,
        [DOMAIN_CHANNEL] = &domain_channel_kind,
        [DOMAIN_INPUT] = &domain_input_kind,
        [DOMAIN_TPM] = &domain_tpm_kind,
        [DOMAIN_GRAPHICS] = &domain_graphics_kind,
        [DOMAIN_SOUND] = &domain_sound_kind,
        [DOMAIN_AUDIO] = &domain_audio_kind,
        [DOMAIN_VIDEO] = &domain_video_kind,
        [DOMAIN_HOSTDEV] = &domain_hostdev_kind,
        [DOMAIN_REDIRDEV] = &domain_redirdev_kind,
        [DOMAIN_HUB] = &domain_hub_kind,
        [DOMAIN_WATCHDOG] = &domain_watchdog_kind,
        [DOMAIN_MEMBALLOON] = &domain_memballoon_kind,
        [DOMAIN_RNG] = &domain_rng_kind,
        [DOMAIN_PANIC] = &domain_panic_kind,
        [DOMAIN_SHMEM] = &domain_shmem_kind,
        [DOMAIN_CRYPTO] = &domain_crypto_kind,
        [DOMAIN_IOMMU] = &domain_iommu_kind,
        [DOMAIN_VSOCK] = &domain_vsock_kind,
        [DOMAIN_PSTORE] = &domain_pstore_kind,
        [DOMAIN_MEMORY] = &domain_memory_kind,
};

const char *domain_device_kind_to_string(DomainDeviceKind kind) {
        return domain_kinds[kind]->element.name;
}

bool domain_kind_always_pci(const DomainDef *def, const DomainDevice *device) {
        return true;
}
