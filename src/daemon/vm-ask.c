/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-ask.h"

#include "domain/device.h"

typedef struct VmAsking VmAsking;

/* One question to one guest; an answer finds its way by this address. */
typedef struct Slot {
        VmAsking *asking;
        size_t answer;
        VmQuestion question;
        bool is_open;
} Slot;

struct VmAsking {
        VmAnswer *answers;
        Slot *slots; /* n * _VM_Q_MAX */
        size_t n, n_open;
        bool is_sending;
        sd_event_source *timer;
        VmAskFunc done;
        void *userdata;
};

static const char *const commands[] = {
        [VM_Q_BALLOON_STATS] = "qom-get",     [VM_Q_BLOCK_STATS] = "query-blockstats",
        [VM_Q_BLOCK] = "query-block",         [VM_Q_CPUS] = "query-cpus-fast",
        [VM_Q_IOTHREADS] = "query-iothreads",
};
G_STATIC_ASSERT(G_N_ELEMENTS(commands) == _VM_Q_MAX);

static void asking_free(VmAsking *asking) {
        sd_event_source_disable_unref(asking->timer);
        for (size_t i = 0; i < asking->n; i++) {
                for (int q = 0; q < _VM_Q_MAX; q++)
                        json_decref(asking->answers[i].results[q]);
                vm_unref(asking->answers[i].vm);
        }
        g_free(asking->answers);
        g_free(asking->slots);
        g_free(asking);
}

static void finish_if_answered(VmAsking *asking) {
        if (asking->n_open > 0 || asking->is_sending)
                return;
        asking->timer = sd_event_source_disable_unref(asking->timer);
        asking->done(asking->answers, asking->n, asking->userdata);
        asking_free(asking);
}

static void on_answer(json_t *result, const Err *err, void *userdata) {
        Slot *slot = userdata;
        VmAsking *asking = slot->asking;

        asking->answers[slot->answer].results[slot->question] = json_incref(result);
        slot->is_open = false;
        asking->n_open--;
        finish_if_answered(asking);
}

/* Who has not answered by now is left out. */
static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        VmAsking *asking = userdata;

        for (size_t i = 0; i < asking->n * _VM_Q_MAX; i++) {
                Slot *slot = &asking->slots[i];
                VmAnswer *answer = &asking->answers[slot->answer];

                if (!slot->is_open)
                        continue;
                if (answer->vm->qmp)
                        qmp_forget(answer->vm->qmp, slot);
                answer->is_late = true;
        }
        asking->n_open = 0;
        finish_if_answered(asking);
        return 0;
}

/* Arguments of a question; false: this guest has nothing that could be asked for it. */
static bool question_arguments(const Vm *vm, VmQuestion question, json_t **ret) {
        *ret = NULL;
        if (question != VM_Q_BALLOON_STATS)
                return true;
        DOMAIN_FOREACH(DomainMemballoon, balloon, vm->live, DOMAIN_MEMBALLOON)
                if (balloon->model == BALLOON_VIRTIO && balloon->base.alias.name)
                        *ret = json_pack(
                                "{s:o, s:s}", "path",
                                json_sprintf("/machine/peripheral/%s", balloon->base.alias.name),
                                "property", "guest-stats");
        return *ret != NULL;
}

static void send_questions(VmAsking *asking, size_t index, unsigned questions) {
        Vm *vm = asking->answers[index].vm;

        if (!vm->qmp || !vm->live || !qmp_is_ready(vm->qmp))
                return;
        for (unsigned q = 0; q < _VM_Q_MAX; q++) {
                Slot *slot = &asking->slots[index * _VM_Q_MAX + q];
                json_t *arguments;

                if (!(questions & (1u << q)) || !question_arguments(vm, q, &arguments))
                        continue;
                slot->is_open = true;
                asking->n_open++;
                qmp_send(vm->qmp, commands[q], arguments, on_answer, slot);
        }
}

static VmAsking *asking_new(Vm *const *vms, size_t n) {
        VmAsking *asking = g_new0(VmAsking, 1);

        asking->answers = g_new0(VmAnswer, n);
        asking->slots = g_new0(Slot, n * _VM_Q_MAX);
        asking->n = n;
        for (size_t i = 0; i < n; i++)
                asking->answers[i].vm = vm_ref(vms[i]);
        for (size_t i = 0; i < n * _VM_Q_MAX; i++)
                asking->slots[i] = (Slot){
                        .asking = asking,
                        .answer = i / _VM_Q_MAX,
                        .question = (VmQuestion)(i % _VM_Q_MAX),
                };
        return asking;
}

void vm_ask(Manager *manager, Vm *const *vms, size_t n, unsigned questions, uint64_t usec,
            VmAskFunc done, void *userdata) {
        VmAsking *asking = asking_new(vms, n);

        asking->done = done;
        asking->userdata = userdata;
        asking->is_sending = true;
        for (size_t i = 0; i < n; i++)
                send_questions(asking, i, questions);
        asking->is_sending = false;
        if (asking->n_open > 0)
                sd_event_add_time_relative(manager->event, &asking->timer, CLOCK_MONOTONIC, usec, 0,
                                           on_late, asking);
        finish_if_answered(asking);
}
