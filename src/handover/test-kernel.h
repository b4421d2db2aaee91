/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For tests: a captured host (pci/test-host.h) on which the kernel's part of a hand-over works:
 * driver_override, unbind and drivers_probe move the links of the tree as a kernel would. It runs
 * in the worker process, as the real one does. */

#include <systemd/sd-event.h>

#include "handover/handover.h"
#include "pci/test-host.h"

typedef struct TestKernel {
        TestHost *host;
        PciTree *tree;
        sd_event *event;
        char *state_dir;
        Handover *handover;
        bool is_over; /* a plan or a recovery has ended */
        Err err;      /* how */

        /* What is to go wrong; copied into a worker when it is forked. */
        const char *refusing_driver; /* never takes a function */
        const char *sticky_driver;   /* unbind from it waits until release_sticky() */
        const char *living;          /* uuid of the guest that lives; NULL: none does */
} TestKernel;

/* On tests/hosts/guide.capture, with an empty journal. For cmocka's set-up and tear-down. */
int test_kernel_setup(void **state);
int test_kernel_teardown(void **state);

/* As kill -9 and a new start of the daemon: all that was in memory is gone. */
void test_kernel_restart(TestKernel *kernel);
void test_kernel_recover(TestKernel *kernel);

/* Runs a plan to its end; what it ended with is in kernel->err. */
void test_kernel_run(TestKernel *kernel, Plan *plan);
void test_kernel_start(TestKernel *kernel, Plan *plan);
void test_kernel_wait(TestKernel *kernel);
void test_kernel_release_sticky(TestKernel *kernel);

void test_kernel_assert_driver(const TestKernel *kernel, const char *addr, const char *driver,
                               const char *override);
size_t test_kernel_journal_length(const TestKernel *kernel); /* records */
