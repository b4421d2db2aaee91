/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum InputType { INPUT_UNSET, INPUT_TABLET, INPUT_MOUSE, INPUT_KEYBOARD } InputType;
typedef enum InputBus { INPUT_BUS_UNSET, INPUT_BUS_PS2, INPUT_BUS_USB, INPUT_BUS_VIRTIO } InputBus;

typedef struct DomainInput {
        DomainDevice base;
        InputType type;
        InputBus bus;
} DomainInput;
