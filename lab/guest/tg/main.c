/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * tg, the test guest: an operating system that looks at the PCI devices it was given, proves that
 * they work, and lets them come and go. It tells one fact a line on the first serial port:
 *
 *   tg: up                                    the guest runs
 *   tg: pci BB:DD.F id=… class=… subsystem=…  a function (a bridge: bridge=SECONDARY-SUBORDINATE)
 *   tg: bar BB:DD.F index=… kind=… size=… address=…
 *   tg: rom BB:DD.F size=…                    its ROM BAR ("none": it has none)
 *   tg: edu BB:DD.F registers|msi|dma-from-memory|dma-to-memory ok|FAILED
 *   tg: nic BB:DD.F mac=…                     read out of the card's registers
 *   tg: ready                                 all is told, requests are served
 *   tg: request way=acpi|native … granted|ignored   the host asks for a device
 *   tg: removed BB:DD.F by=acpi|native id=…
 *   tg: added BB:DD.F by=acpi|native id=…     (its own lines follow)
 *   tg: button                                the power button was pressed
 *   tg: off                                   the last line
 *
 * Words of the kernel command line, and lines on the serial port:
 *
 *   brief             tell only which functions there are: sizing takes
 *                     minutes where hundreds of them decode
 *   noack, ack        ignore requests for devices (until told otherwise),
 *                     or grant them (the default)
 *   nobutton, button  ignore the power button, or obey it (the default)
 *   report            tell everything again
 *   off               power off; on the command line: after the report
 *   exit              end QEMU by isa-debug-exit (its status is then 1)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "hotplug.h"
#include "irq.h"
#include "machine.h"
#include "pci.h"
#include "serial.h"

#define LOADER_MAGIC       0x2badb002u
#define LOADER_HAS_CMDLINE 0x4u
#define LOADER_FLAGS       0
#define LOADER_CMDLINE     4

void guest_main(uint32_t magic, const uint32_t *loader);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

static bool obey_button = true;
static bool is_brief;

/* The compiler calls these two for assignments of structures. */
void *memcpy(void *to, const void *from, size_t n) {
        for (size_t i = 0; i < n; i++)
                ((char *)to)[i] = ((const char *)from)[i];
        return to;
}

void *memset(void *to, int value, size_t n) {
        for (size_t i = 0; i < n; i++)
                ((char *)to)[i] = (char)value;
        return to;
}

static void report(void) {
        pci_walk(is_brief ? pci_report_function : pci_report);
        if (!is_brief)
                pci_walk(device_prove);
        say("ready");
}

static void be_brief(void) {
        is_brief = true;
}

static void ignore_requests(void) {
        hotplug_set_acknowledge(false);
}

static void grant_requests(void) {
        hotplug_set_acknowledge(true);
}

static void ignore_button(void) {
        obey_button = false;
}

static void heed_button(void) {
        obey_button = true;
}

static void leave(void) {
        machine_exit(MACHINE_EXIT_DONE);
}

static const struct {
        const char *word;
        void (*run)(void);
        bool after_report; /* when on the command line */
} commands[] = {
        {"brief", be_brief, false},       {"noack", ignore_requests, false},
        {"ack", grant_requests, false},   {"nobutton", ignore_button, false},
        {"button", heed_button, false},   {"report", report, true},
        {"off", machine_power_off, true}, {"exit", leave, true},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

/* Is the word at text, which ends at a space or with the text? */
static bool is_word(const char *text, const char *word) {
        while (*word && *text == *word) {
                text++;
                word++;
        }
        return *word == '\0' && (*text == '\0' || *text == ' ');
}

static void run_words(const char *text, bool after_report) {
        while (*text) {
                for (unsigned i = 0; i < COMMANDS; i++)
                        if (commands[i].after_report == after_report &&
                            is_word(text, commands[i].word))
                                commands[i].run();
                while (*text && *text != ' ')
                        text++;
                while (*text == ' ')
                        text++;
        }
}

static void run_line(const char *line) {
        for (unsigned i = 0; i < COMMANDS; i++)
                if (is_word(line, commands[i].word)) {
                        commands[i].run();
                        return;
                }
        say("unknown '%s'", line);
}

static void serve(void) {
        for (;;) {
                const char *line = serial_poll_line();

                if (line)
                        run_line(line);
                hotplug_poll();
                if (machine_poll_button()) {
                        say("button");
                        if (obey_button)
                                machine_power_off();
                }
                irq_wait();
        }
}

void guest_main(uint32_t magic, const uint32_t *loader) {
        const char *cmdline = "";

        if (magic == LOADER_MAGIC && loader[LOADER_FLAGS] & LOADER_HAS_CMDLINE)
                cmdline = (const char *)loader[LOADER_CMDLINE];
        serial_init();
        irq_init();
        machine_init();
        say("up");
        hotplug_init();
        run_words(cmdline, false);
        report();
        run_words(cmdline, true);
        serve();
}
