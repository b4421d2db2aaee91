/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Input devices, and the hubs that USB devices sit on. */

#include "domain/virtio.h"

typedef enum InputType {
        INPUT_UNSET,
        INPUT_TABLET,
        INPUT_MOUSE,
        INPUT_KEYBOARD,
        INPUT_PASSTHROUGH, /* a virtio device for one of the host's */
        INPUT_EVDEV,       /* one of the host's feeds the guest's devices */
        _INPUT_MAX,
} InputType;
typedef enum InputBus { INPUT_BUS_UNSET, INPUT_BUS_PS2, INPUT_BUS_USB, INPUT_BUS_VIRTIO } InputBus;
typedef enum InputGrab { INPUT_GRAB_UNSET, INPUT_GRAB_ALL } InputGrab;

typedef struct DomainInput {
        DomainDevice base;
        InputType type;
        InputBus bus;
        VirtioForm model; /* passthrough: as the standard has it */
        DomainVirtio driver;
        struct {
                DomainNode node;
                char *evdev; /* passthrough: "/dev/input/event3" */
                char *dev;   /* evdev */
                InputGrab grab;
                int grab_toggle; /* from 1, by domain_input_grab_toggles */
                DomainSwitch repeat;
        } source;
} DomainInput;

/* "ctrl-ctrl" … as QEMU names them, too. */
extern const char *const domain_input_grab_toggles[];

typedef enum HubType { HUB_UNSET, HUB_USB } HubType;

typedef struct DomainHub {
        DomainDevice base;
        HubType type;
} DomainHub;
