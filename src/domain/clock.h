/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What time the guest has, and from which timers. */

#include "domain/node.h"

typedef enum ClockOffset {
        CLOCK_UNSET,
        CLOCK_UTC,
        CLOCK_LOCALTIME,
        CLOCK_TIMEZONE,
        CLOCK_VARIABLE,
        CLOCK_ABSOLUTE,
} ClockOffset;
typedef enum ClockBasis { CLOCK_BASIS_UNSET, CLOCK_BASIS_UTC, CLOCK_BASIS_LOCALTIME } ClockBasis;

typedef enum TimerName {
        TIMER_UNSET,
        TIMER_RTC,
        TIMER_PIT,
        TIMER_HPET,
        TIMER_KVMCLOCK,
        TIMER_HYPERVCLOCK,
        TIMER_TSC,
} TimerName;
typedef enum TimerPolicy {
        TIMER_POLICY_UNSET,
        TIMER_DELAY,
        TIMER_CATCHUP,
        TIMER_MERGE,
        TIMER_DISCARD
} TimerPolicy;
typedef enum TimerTrack { TIMER_TRACK_UNSET, TIMER_GUEST, TIMER_WALL } TimerTrack;
typedef enum TimerMode { TIMER_MODE_UNSET, TIMER_AUTO, TIMER_NATIVE } TimerMode;

typedef struct DomainTimer {
        DomainNode node;
        TimerName name;
        DomainSwitch present;
        TimerTrack track;
        TimerPolicy tickpolicy;
        DomainNum frequency; /* Hz, of the TSC */
        TimerMode mode;      /* of the TSC */
} DomainTimer;

typedef struct DomainClock {
        DomainNode node;
        ClockOffset offset;
        char *adjustment; /* seconds, maybe negative, from the basis; or "reset" */
        ClockBasis basis;
        char *timezone;    /* "Europe/Vienna" */
        DomainNum start;   /* absolute: seconds of the epoch */
        GPtrArray *timers; /* DomainTimer */
} DomainClock;

/* Seconds of an adjustment ("-3600"); -EINVAL for another text. */
int domain_clock_adjustment(const char *text, int64_t *ret);
