/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

/* The one audio backend, which does nothing. */
static char *audiodev_name(const DomainDef *def) {
        const GPtrArray *audios = def->devices.list[DOMAIN_AUDIO];
        const DomainAudio *audio = audios->len > 0 ? audios->pdata[0] : NULL;

        return audio ? g_strdup_printf("audio%u", (unsigned)audio->id.value) : NULL;
}

static int fill_sound(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        static const char *const drivers[] = {NULL, "AC97", "intel-hda", "ich9-intel-hda"};
        const DomainSound *sound = (const DomainSound *)device;
        g_autofree char *audiodev = audiodev_name(context->def);

        SET_STRING(object, "driver", drivers[sound->model]);
        if (sound->model == SOUND_AC97 && audiodev)
                SET_STRING(object, "audiodev", audiodev);
        return 0;
}

/* An HDA controller plays through a codec on its own bus. */
static void sound_parts(const QemuContext *context, const DomainDevice *device, json_t *objects) {
        g_autofree char *audiodev = audiodev_name(context->def);
        const char *alias = device->alias.name;
        json_t *codec;

        if (((const DomainSound *)device)->model == SOUND_AC97)
                return;
        codec = json_pack("{s:s, s:o, s:o, s:i}", "driver", "hda-duplex", "id",
                          json_sprintf("%s-codec0", alias), "bus", json_sprintf("%s.0", alias),
                          "cad", 0);
        if (audiodev)
                SET_STRING(codec, "audiodev", audiodev);
        json_array_append_new(objects, codec);
}

const QemuKind qemu_sound_kind = {
        .device = fill_sound,
        .parts = sound_parts,
};

static int audio_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                         Err *err) {
        const DomainAudio *audio = (const DomainAudio *)device;

        qemu_args_add_json(args, "-audiodev",
                           json_pack("{s:o, s:s}", "id",
                                     json_sprintf("audio%u", (unsigned)audio->id.value), "driver",
                                     "none"));
        return 0;
}

const QemuKind qemu_audio_kind = {
        .options = audio_options,
};
