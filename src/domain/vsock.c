/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

#define CID_MIN 3 /* the others are the host's (vsock(7)) */

static const DomainField cid_fields[] = {
        ATTR_YES(DomainVsock, cid.auto_, "auto"),
        ATTR_NUM(DomainVsock, cid.address, "address", .max = UINT32_MAX - 1),
        END,
};
static const DomainElement cid = PART_OF(DomainVsock, cid, "cid", cid_fields);

static const DomainField vsock_fields[] = {
        ATTR_ENUM(DomainVsock, model, "model", domain_virtio_forms), PART("cid", cid), DEVICE_ALIAS,
        CHILD(DomainVsock, driver, "driver", domain_virtio_element), DEVICE_ADDRESS,   END,
};

static int fill_vsock(DomainDef *def, DomainDevice *device, Err *err) {
        DomainVsock *vsock = (DomainVsock *)device;

        FILL_ENUM(vsock->model, VIRTIO_FORM_PLAIN);
        vsock->cid.node.is_present = true;
        FILL_ENUM(vsock->cid.auto_,
                  vsock->cid.address.is_set ? DOMAIN_SWITCH_OFF : DOMAIN_SWITCH_ON);
        return 0;
}

static int check_vsock(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainVsock *vsock = (const DomainVsock *)device;
        unsigned line = vsock->cid.node.line;

        if (vsock->cid.address.is_set && vsock->cid.address.value < CID_MIN)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<cid address='%u'> at line %u: a guest's begins at %d",
                            (unsigned)vsock->cid.address.value, line, CID_MIN);
        if (!vsock->cid.address.is_set && vsock->cid.auto_ == DOMAIN_SWITCH_OFF)
                return fail(err, VIR_ERR_XML_ERROR, "<cid auto='no'> at line %u has no address",
                            line);
        return 0;
}

static void strip_vsock(DomainDevice *device) {
        DomainVsock *vsock = (DomainVsock *)device;

        if (vsock->cid.auto_ == DOMAIN_SWITCH_ON)
                vsock->cid.address = (DomainNum){};
}

static char *vsock_key(const DomainDevice *device) {
        return g_strdup("<vsock>");
}

const DomainKind domain_vsock_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_VSOCK, DomainVsock, "vsock", vsock_fields),
        .alias = "vsock",
        .fill = fill_vsock,
        .check = check_vsock,
        .strip = strip_vsock,
        .key = vsock_key,
        .is_pci = domain_kind_always_pci,
};
