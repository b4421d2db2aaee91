/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/virtio.h"

typedef struct DomainVsock {
        DomainDevice base;
        VirtioForm model;
        struct {
                DomainNode node;
                DomainSwitch auto_; /* on: chosen at each start */
                DomainNum address;  /* from 3 */
        } cid;
        DomainVirtio driver;
} DomainVsock;
