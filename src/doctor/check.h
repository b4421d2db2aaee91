/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of the doctor: how a check tells what it found, and the checks of each file. */

#include "doctor/doctor.h"
#include "doctor/facts.h"

struct Doctor {
        DoctorFacts *facts;
        GPtrArray *findings; /* of DoctorFinding */

        const DoctorCheck *check; /* the one that runs */
        char *object;             /* what its next finding is about; NULL: the host */

        unsigned unread;           /* findings that lack what only root may read */
        unsigned endpoints, ready; /* of check 'device': how many there are, and can be assigned */
        json_t *devices;           /* each function's verdict, in codes; docs/doctor.md */
};

/* The findings that follow are about text ("0000:01:00.0"), until the next call. NULL: the host. */
void doctor_about(Doctor *d, const char *text);

void doctor_ok(Doctor *d, const char *format, ...) G_GNUC_PRINTF(2, 3);
void doctor_skip(Doctor *d, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* way_out may be NULL. */
void doctor_warn(Doctor *d, const char *way_out, const char *format, ...) G_GNUC_PRINTF(3, 4);
void doctor_fail(Doctor *d, const char *way_out, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* A skipped finding: path cannot be read, r says why. */
void doctor_unread(Doctor *d, const char *path, int r);

/* check-cpu.c */
void check_virtualization(Doctor *d);
void check_kvm(Doctor *d);
void check_nested(Doctor *d);

/* check-firmware.c */
void check_iommu_firmware(Doctor *d);
void check_firmware_flags(Doctor *d);
void check_secure_boot(Doctor *d);
void check_lockdown(Doctor *d);

/* check-kernel.c */
void check_cmdline(Doctor *d);
void check_cmdline_next(Doctor *d);
void check_acs_override(Doctor *d);

/* check-iommu.c */
void check_iommu(Doctor *d);
void check_domains(Doctor *d);
void check_remapping(Doctor *d);
void check_unsafe_interrupts(Doctor *d);
void check_reserved(Doctor *d);

/* check-group.c */
void check_groups(Doctor *d);

/* check-vfio.c */
void check_vfio_module(Doctor *d);
void check_vfio_blacklist(Doctor *d);
void check_vfio_ids(Doctor *d);
void check_vfio_early(Doctor *d);
void check_vfio_drivers(Doctor *d);
void check_vfio_nodes(Doctor *d);

/* check-limits.c */
void check_memlock(Doctor *d);
void check_cgroup(Doctor *d);
void check_hugepages(Doctor *d);
void check_lsm(Doctor *d);

/* check-qemu.c */
void check_qemu(Doctor *d);

/* check-device.c */
void check_bars(Doctor *d);
void check_power(Doctor *d);
void check_reset(Doctor *d);
void check_devices(Doctor *d);
