/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every kind of device, in the order of DomainDeviceKind. */

#include "domain/kind.h"

extern const DomainKind domain_disk_kind;
extern const DomainKind domain_controller_kind;
extern const DomainKind domain_filesystem_kind;
extern const DomainKind domain_interface_kind;
extern const DomainKind domain_serial_kind;
extern const DomainKind domain_parallel_kind;
extern const DomainKind domain_console_kind;
extern const DomainKind domain_channel_kind;
extern const DomainKind domain_input_kind;
extern const DomainKind domain_tpm_kind;
extern const DomainKind domain_graphics_kind;
extern const DomainKind domain_sound_kind;
extern const DomainKind domain_audio_kind;
extern const DomainKind domain_video_kind;
extern const DomainKind domain_hostdev_kind;
extern const DomainKind domain_redirdev_kind;
extern const DomainKind domain_hub_kind;
extern const DomainKind domain_watchdog_kind;
extern const DomainKind domain_memballoon_kind;
extern const DomainKind domain_rng_kind;
extern const DomainKind domain_panic_kind;
extern const DomainKind domain_shmem_kind;
extern const DomainKind domain_crypto_kind;
extern const DomainKind domain_iommu_kind;
extern const DomainKind domain_vsock_kind;
extern const DomainKind domain_pstore_kind;
extern const DomainKind domain_memory_kind;

/* What stands among the devices and is none. */
extern const DomainElement domain_redirfilter_element;
