/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "irq.h"

#include "machine.h"
#include "port.h"
#include "serial.h"

#define VECTORS        256
#define EXCEPTIONS     32
#define STUB_SIZE      16
#define CLOCK_VECTOR   0x30
#define CODE_SEGMENT   0x08
#define INTERRUPT_GATE 0x8e00

/* Intel SDM volume 3, table 11-1 "Local APIC Register Address Map". */
enum {
        APIC_TASK_PRIORITY = 0x080,
        APIC_END = 0x0b0,
        APIC_SPURIOUS = 0x0f0,
        APIC_TIMER = 0x320,
        APIC_TIMER_START = 0x380,
        APIC_TIMER_DIVIDE = 0x3e0,
};

#define APIC_BASE      0xfee00000u
#define APIC_ON        0x1ff
#define TIMER_PERIODIC 0x20000
#define TIMER_BY_16    3
#define BUS_HZ         1000000000u /* of QEMU's and KVM's local APIC */

typedef struct {
        uint16_t offset_low;
        uint16_t segment;
        uint16_t kind;
        uint16_t offset_high;
} __attribute__((packed)) Gate;

typedef struct {
        uint16_t limit;
        uint32_t base;
} __attribute__((packed)) TablePointer;

extern const char irq_stubs[];
void irq_handle(uint32_t vector);

static Gate gates[VECTORS];
static volatile uint32_t counts[VECTORS];

static void apic_write(unsigned reg, uint32_t value) {
        *(volatile uint32_t *)(APIC_BASE + reg) = value;
}

void irq_handle(uint32_t vector) {
        if (vector < EXCEPTIONS) {
                say("exception %u", vector);
                machine_exit(MACHINE_EXIT_BROKEN);
        }
        counts[vector]++;
        apic_write(APIC_END, 0);
}

static void mask_legacy_controllers(void) {
        port_write8(0x21, 0xff);
        port_write8(0xa1, 0xff);
}

void irq_init(void) {
        TablePointer table = {sizeof gates - 1, (uint32_t)gates};

        for (unsigned v = 0; v < VECTORS; v++) {
                uint32_t stub = (uint32_t)irq_stubs + v * STUB_SIZE;

                gates[v] = (Gate){(uint16_t)stub, CODE_SEGMENT, INTERRUPT_GATE,
                                  (uint16_t)(stub >> 16)};
        }
        __asm__ volatile("lidt %0" : : "m"(table));
        mask_legacy_controllers();
        apic_write(APIC_SPURIOUS, APIC_ON);
        apic_write(APIC_TASK_PRIORITY, 0);
        apic_write(APIC_TIMER_DIVIDE, TIMER_BY_16);
        apic_write(APIC_TIMER, TIMER_PERIODIC | CLOCK_VECTOR);
        apic_write(APIC_TIMER_START, BUS_HZ / 16 / IRQ_CLOCK_HZ);
        __asm__ volatile("sti");
}

uint32_t irq_ticks(void) {
        return counts[CLOCK_VECTOR];
}

uint32_t irq_count(uint8_t vector) {
        return counts[vector];
}

void irq_wait(void) {
        __asm__ volatile("hlt" : : : "memory");
}
