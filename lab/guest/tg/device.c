/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device.h"

#include <stddef.h>

#include "irq.h"
#include "serial.h"

#define PATIENCE (3 * IRQ_CLOCK_HZ) /* ticks */

/* QEMU's teaching device: docs/specs/edu.rst of QEMU has its registers. */
enum {
        EDU_ID = 0x00,
        EDU_LIVENESS = 0x04,
        EDU_INTERRUPT_STATUS = 0x24,
        EDU_INTERRUPT_RAISE = 0x60,
        EDU_INTERRUPT_ACKNOWLEDGE = 0x64,
        EDU_DMA_SOURCE = 0x80,
        EDU_DMA_DESTINATION = 0x88,
        EDU_DMA_COUNT = 0x90,
        EDU_DMA_COMMAND = 0x98,
};

#define EDU_ID_VALUE      0x010000edu
#define EDU_BUFFER        0x40000u
#define EDU_DMA_START     0x1u
#define EDU_DMA_TO_MEMORY 0x2u
#define EDU_PATTERN       0x5a17u
#define DMA_SIZE          4096

/* Intel 82574 and 82576 data sheets, "Receive Address". */
enum {
        NIC_ADDRESS_LOW = 0x5400,
        NIC_ADDRESS_HIGH = 0x5404,
};
#define NIC_ADDRESS_VALID 0x80000000u

static uint8_t sent[DMA_SIZE] __attribute__((aligned(DMA_SIZE)));
static uint8_t received[DMA_SIZE] __attribute__((aligned(DMA_SIZE)));

static volatile uint32_t *reg(volatile uint32_t *base, unsigned offset) {
        return base + offset / sizeof *base;
}

static void tell(PciFunction f, const char *fact, bool holds) {
        say("edu %b %s %s", f, fact, holds ? "ok" : "FAILED");
}

static bool edu_transfer(volatile uint32_t *edu, uint32_t from, uint32_t to, uint32_t direction) {
        uint32_t start = irq_ticks();

        *reg(edu, EDU_DMA_SOURCE) = from;
        *reg(edu, EDU_DMA_SOURCE + 4) = 0;
        *reg(edu, EDU_DMA_DESTINATION) = to;
        *reg(edu, EDU_DMA_DESTINATION + 4) = 0;
        *reg(edu, EDU_DMA_COUNT) = DMA_SIZE;
        *reg(edu, EDU_DMA_COUNT + 4) = 0;
        *reg(edu, EDU_DMA_COMMAND) = EDU_DMA_START | direction;
        while (*reg(edu, EDU_DMA_COMMAND) & EDU_DMA_START) {
                if (irq_ticks() - start > PATIENCE)
                        return false;
                irq_wait();
        }
        return true;
}

/* Through the device and back: the bytes agree only if both ways reached this guest's memory. */
static void prove_dma(PciFunction f, volatile uint32_t *edu) {
        unsigned wrong = 0;

        for (unsigned i = 0; i < DMA_SIZE; i++) {
                sent[i] = (uint8_t)(i * 7 + 3);
                received[i] = 0;
        }
        __asm__ volatile("" : : : "memory");
        tell(f, "dma-from-memory", edu_transfer(edu, (uint32_t)sent, EDU_BUFFER, 0));

        bool ended = edu_transfer(edu, EDU_BUFFER, (uint32_t)received, EDU_DMA_TO_MEMORY);

        __asm__ volatile("" : : : "memory");
        for (unsigned i = 0; i < DMA_SIZE; i++)
                wrong += received[i] != sent[i];
        tell(f, "dma-to-memory", ended && wrong == 0);
}

static void prove_msi(PciFunction f, volatile uint32_t *edu) {
        uint32_t before = irq_count(IRQ_MSI), start = irq_ticks();

        if (!pci_enable_msi(f, IRQ_MSI)) {
                tell(f, "msi", false);
                return;
        }
        *reg(edu, EDU_INTERRUPT_RAISE) = EDU_PATTERN;
        while (irq_count(IRQ_MSI) == before && irq_ticks() - start < PATIENCE)
                irq_wait();
        tell(f, "msi",
             irq_count(IRQ_MSI) != before && *reg(edu, EDU_INTERRUPT_STATUS) == EDU_PATTERN);
        *reg(edu, EDU_INTERRUPT_ACKNOWLEDGE) = EDU_PATTERN;
}

static void prove_edu(PciFunction f) {
        volatile uint32_t *edu = pci_map(f);

        if (!edu) {
                say("edu %b no-registers", f);
                return;
        }
        *reg(edu, EDU_LIVENESS) = EDU_PATTERN;
        tell(f, "registers",
             *reg(edu, EDU_ID) == EDU_ID_VALUE && *reg(edu, EDU_LIVENESS) == ~EDU_PATTERN);
        prove_msi(f, edu);
        prove_dma(f, edu);
}

static void prove_nic(PciFunction f) {
        volatile uint32_t *nic = pci_map(f);

        if (!nic) {
                say("nic %b no-registers", f);
                return;
        }

        uint32_t low = *reg(nic, NIC_ADDRESS_LOW), high = *reg(nic, NIC_ADDRESS_HIGH);

        if (!(high & NIC_ADDRESS_VALID)) {
                say("nic %b no-address", f);
                return;
        }
        say("nic %b mac=%2x:%2x:%2x:%2x:%2x:%2x", f, low & 0xff, low >> 8 & 0xff, low >> 16 & 0xff,
            low >> 24, high & 0xff, high >> 8 & 0xff);
}

static const struct {
        uint32_t id; /* device << 16 | vendor */
        void (*prove)(PciFunction f);
} known[] = {
        {0x11e81234, prove_edu},
        {0x10c98086, prove_nic}, /* 82576, igb */
        {0x10d38086, prove_nic}, /* 82574, e1000e */
        {0x100e8086, prove_nic}, /* 82540, e1000 */
};

void device_prove(PciFunction f) {
        uint32_t id = pci_read32(f, PCI_ID);

        for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
                if (known[i].id == id)
                        known[i].prove(f);
}
