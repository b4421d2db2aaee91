/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For tests: a captured machine (tests/hosts/NAME.capture, written by tools/capture-host, which
 * describes the format) as a temporary tree under a Sys. */

#include "base/sys.h"

typedef struct TestHost {
        char *root; /* the directory */
        Sys *sys;
} TestHost;

/* Both end the test when they cannot do their work. host_path names a file of tests/hosts:
 * "guide.capture". */
TestHost *test_host_new(const char *name);
char *test_host_path(const char *name);
void test_host_free(TestHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestHost, test_host_free)

/* An empty tree to be filled by the next two, which make the directories above path as well. */
TestHost *test_host_new_empty(void);
void test_host_put(const TestHost *host, const char *path, const void *data, size_t size);
void test_host_link(const TestHost *host, const char *path, const char *target);
void test_host_remove(const TestHost *host, const char *path);

/* Names of all captures, "guide", …; sorted. */
char **test_host_list(void);

/* Asserts that text is what the file tests/hosts/NAME says, and shows the first line that differs.
 * With AIRLOCK_UPDATE=1 in the environment the file is written instead. */
void test_host_assert_golden(const char *name, const char *text);
