/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Interrupts by the local APIC: a clock, and vectors for MSI. No other interrupt is let in. */

#include <stdbool.h>
#include <stdint.h>

#define IRQ_CLOCK_HZ 50
#define IRQ_MSI      0x51

void irq_init(void);

/* Clock ticks since irq_init(). */
uint32_t irq_ticks(void);

/* How often the vector was raised. */
uint32_t irq_count(uint8_t vector);

/* Sleeps until the next interrupt. */
void irq_wait(void);
