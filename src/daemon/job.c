/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/job.h"

#include "daemon/vm.h"

struct Job {
        Vm *vm;
        JobSpec spec;
        Call *call; /* NULL: answered, or nobody waits */
        uint64_t began;
};

static void job_free(Job *job) {
        if (job->spec.free_data)
                job->spec.free_data(job->spec.data);
        vm_unref(job->vm);
        g_free(job);
}

Vm *job_vm(const Job *job) {
        return job->vm;
}

void *job_data(const Job *job) {
        return job->spec.data;
}

Call *job_call(const Job *job) {
        return job->call;
}

const char *job_name(const Job *job) {
        return job->spec.name;
}

uint64_t job_began(const Job *job) {
        return job->began;
}

static void job_begin(Job *job) {
        job->began = (uint64_t)g_get_monotonic_time();
        job->spec.run(job);
}

int job_submit(Vm *vm, const JobSpec *spec, Err *err) {
        Job *job;

        if (vm->jobs.length >= JOBS_MAX) {
                if (spec->free_data)
                        spec->free_data(spec->data);
                return fail(err, VIR_ERR_RESOURCE_BUSY,
                            "guest '%s' has %u operations waiting already", vm_name(vm), JOBS_MAX);
        }
        job = g_new0(Job, 1);
        job->vm = vm_ref(vm);
        job->spec = *spec;
        job->call = spec->call ? call_ref(spec->call) : NULL;
        g_queue_push_tail(&vm->jobs, job);
        if (vm->jobs.length == 1)
                job_begin(job);
        return 0;
}

int job_submit_call(Vm *vm, const JobSpec *spec, Err *err) {
        int r = job_submit(vm, spec, err);

        return r < 0 ? r : CALL_LATER;
}

void job_answer(Job *job, const Err *err) {
        if (!job->call)
                return;
        if (!err && job->spec.done)
                job->spec.done(job);
        call_finish(g_steal_pointer(&job->call), err);
}

void job_finish(Job *job, const Err *err) {
        g_autoptr(Vm) vm = vm_ref(job->vm);
        Job *next;

        g_assert(g_queue_peek_head(&vm->jobs) == job);
        job_answer(job, err);
        g_queue_pop_head(&vm->jobs);
        job_free(job);
        next = g_queue_peek_head(&vm->jobs);
        if (next)
                job_begin(next);
}
