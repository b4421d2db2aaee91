/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What changes a guest, one at a time: start, stop, attach, detach. Jobs of one guest queue behind
 * each other; reading calls never wait for them. A job works through callbacks and is finished
 * once:
 *
 *         job_submit(vm, &(JobSpec){.name = "attach", .run = attach_run, .call = call, …}, &err);
 *         …
 *         job_finish(job, err_or_null);
 *
 * The call behind it is then answered, unless job_answer() did so earlier. */

#include "base/err.h"
#include "daemon/call.h"

/* Jobs that may wait for one guest. */
#define JOBS_MAX 32

typedef struct Job Job;
typedef struct Vm Vm;

typedef void (*JobFunc)(Job *job);

typedef struct JobSpec {
        const char *name; /* for people: "start" */
        JobFunc run;      /* begins the work; job_finish() may come inside it or later */
        JobFunc done; /* before the answer to a call that succeeded: fills its result; NULL: nothing
                       */
        Call *call;   /* answered at the end; NULL: nobody waits */
        void *data;   /* for run; freed with the job */
        GDestroyNotify free_data;
} JobSpec;

/* Queues the job and begins it when the guest is free; takes over data in any case. Fails with
 * RESOURCE_BUSY over JOBS_MAX; then nothing was begun and the call is not answered. */
int job_submit(Vm *vm, const JobSpec *spec, Err *err);

/* The common end of an RPC handler: submits, and returns CALL_LATER or the failure. */
int job_submit_call(Vm *vm, const JobSpec *spec, Err *err);

Vm *job_vm(const Job *job);
void *job_data(const Job *job);
Call *job_call(const Job *job);
const char *job_name(const Job *job);

/* Usec of CLOCK_MONOTONIC when it began. */
uint64_t job_began(const Job *job);

/* Answers the call now (err NULL: success); the job goes on. */
void job_answer(Job *job, const Err *err);

void job_finish(Job *job, const Err *err);
