/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kinds of device that have little to say: watchdog, balloon, random numbers. */

#include "domain/node.h"

typedef enum WatchdogModel { WATCHDOG_UNSET, WATCHDOG_I6300ESB, WATCHDOG_ITCO } WatchdogModel;
typedef enum WatchdogAction {
        WATCHDOG_ACTION_UNSET,
        WATCHDOG_RESET,
        WATCHDOG_SHUTDOWN,
        WATCHDOG_POWEROFF,
        WATCHDOG_PAUSE,
        WATCHDOG_NOTHING,
        WATCHDOG_INJECT_NMI,
} WatchdogAction;

typedef struct DomainWatchdog {
        DomainDevice base;
        WatchdogModel model;
        WatchdogAction action;
} DomainWatchdog;

typedef enum BalloonModel { BALLOON_UNSET, BALLOON_VIRTIO, BALLOON_NONE } BalloonModel;

typedef struct DomainMemballoon {
        DomainDevice base;
        BalloonModel model;
        DomainSwitch autodeflate, free_page_reporting;
        struct {
                DomainNode node;
                DomainNum period; /* seconds */
        } stats;
} DomainMemballoon;

typedef enum RngModel { RNG_UNSET, RNG_VIRTIO } RngModel;
typedef enum RngBackend { RNG_BACKEND_UNSET, RNG_RANDOM } RngBackend;

typedef struct DomainRng {
        DomainDevice base;
        RngModel model;
        struct {
                DomainNode node;
                DomainNum bytes, period; /* period: ms */
        } rate;
        struct {
                DomainNode node;
                RngBackend model;
                char *path; /* "/dev/urandom" */
        } backend;
} DomainRng;
