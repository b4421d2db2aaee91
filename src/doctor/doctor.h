/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Can this host give PCI devices to guests, and if it cannot, why? Each check is one row of a table
 * and tells what it saw, with the file that it saw it in, and the way out. It reads the kernel's
 * tree and the host's configuration and changes nothing; it needs no daemon, and of root only what
 * the kernel shows to root alone. What cannot be known says so: it is skipped, never well.
 *
 *         doctor_new(NULL, &doctor, err);
 *         doctor_run(doctor, (char *[]){NULL}, err);
 *         text = doctor_text(doctor); */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

#include "base/err.h"

typedef struct Doctor Doctor;

typedef enum DoctorVerdict {
        DOCTOR_OK,
        DOCTOR_WARN,    /* it works, at a price that the evidence names */
        DOCTOR_FAIL,    /* devices cannot be assigned, or not all that could be */
        DOCTOR_SKIPPED, /* does not apply, or cannot be known from here */
        _DOCTOR_VERDICT_MAX,
} DoctorVerdict;

const char *doctor_verdict_to_string(DoctorVerdict verdict);

typedef struct DoctorCheck {
        const char *name;  /* stable, for scripts */
        const char *group; /* heading; rows of one group stand together */
        void (*run)(Doctor *doctor);
        const char *title; /* what it looks at */
        bool is_vital;     /* when it fails, no device can be assigned */
} DoctorCheck;

typedef struct DoctorFinding {
        const DoctorCheck *check;
        char *object; /* "0000:01:00.0", "group 9"; NULL: the host */
        DoctorVerdict verdict;
        char *evidence; /* what was seen, and where */
        char *way_out;  /* NULL: none is needed, or there is none */
} DoctorFinding;

/* All checks, in the order of the report. */
const DoctorCheck *doctor_checks(size_t *ret_n);

/* root: of a captured host or an image; NULL: this machine. */
int doctor_new(const char *root, Doctor **ret, Err *err);
void doctor_free(Doctor *doctor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Doctor, doctor_free)

/* VIR_ERR_INVALID_ARG for a name that no check has. */
int doctor_check_names(char *const *names, Err *err);

/* Runs the named checks, all when there are none. VIR_ERR_INVALID_ARG for a name that no check has.
 */
int doctor_run(Doctor *doctor, char *const *names, Err *err);

const DoctorFinding *const *doctor_findings(const Doctor *doctor, size_t *ret_n);

/* The worst verdict; DOCTOR_SKIPPED counts for nothing. */
DoctorVerdict doctor_worst(const Doctor *doctor);

/* The first line of the report: why nothing works, or what does. The caller's. */
char *doctor_summary(const Doctor *doctor);

/* The shape is in docs/doctor.md. The caller's. */
json_t *doctor_to_json(const Doctor *doctor);

/* Of such a report, which can come from another host too: one line a finding, grouped. quiet: only
 * what is not well. The caller's. */
char *doctor_report_text(const json_t *report, bool quiet);
char *doctor_text(const Doctor *doctor, bool quiet);

/* Its worst verdict. -EINVAL: it has none, so it is no report. */
int doctor_report_worst(const json_t *report, DoctorVerdict *ret);

/* The table of checks as text, for --list. */
char *doctor_list(void);
