/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

static void set_switch(json_t *object, const char *key, DomainSwitch value) {
        if (value)
                SET_BOOL(object, key, value == DOMAIN_SWITCH_ON);
}

void qemu_args_set_virtio(json_t *object, const DomainVirtio *virtio) {
        set_switch(object, "iommu_platform", virtio->iommu);
        set_switch(object, "ats", virtio->ats);
        set_switch(object, "packed", virtio->packed);
        set_switch(object, "page-per-vq", virtio->page_per_vq);
}

void qemu_args_set_virtio_driver(json_t *object, const char *name, VirtioForm form) {
        static const char *const endings[_VIRTIO_FORM_MAX] = {"", "", "-transitional",
                                                              "-non-transitional"};

        json_object_set_new(object, "driver", json_sprintf("%s-pci%s", name, endings[form]));
}
