/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

/* ---- sound ---- */

/* What the device is heard through: the one that it names, else the first. */
static json_t *audiodev(const DomainDef *def, const DomainSound *sound) {
        const GPtrArray *audios = def->devices.list[DOMAIN_AUDIO];
        const DomainAudio *audio = audios->len > 0 ? audios->pdata[0] : NULL;

        if (sound->audio.node.is_present)
                audio = domain_def_find_audio(def, (unsigned)sound->audio.id.value);
        return audio ? json_sprintf("audio%u", (unsigned)audio->id.value) : NULL;
}

static bool is_pcspk(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainSound *)device)->model == SOUND_PCSPK;
}

static int set_virtio(const QemuContext *context, const DomainSound *sound, json_t *object,
                      Err *err) {
        if (context->runtime->version < QEMU_VERSION(8, 2, 0))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "%s: this QEMU has no virtio sound, 8.2 and later have",
                            sound->base.alias.name);
        SET_INT(object, "streams", sound->streams.value);
        qemu_args_set_virtio(object, &sound->driver);
        return 0;
}

static int fill_sound(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        static const char *const drivers[_SOUND_MAX] = {
                [SOUND_SB16] = "sb16",
                [SOUND_ES1370] = "ES1370",
                [SOUND_AC97] = "AC97",
                [SOUND_ICH6] = "intel-hda",
                [SOUND_USB] = "usb-audio",
                [SOUND_ICH9] = "ich9-intel-hda",
                [SOUND_VIRTIO] = "virtio-sound-pci",
        };
        const DomainSound *sound = (const DomainSound *)device;

        SET_STRING(object, "driver", drivers[sound->model]);
        if (!domain_sound_is_hda(sound))
                qemu_args_set_optional(object, "audiodev", audiodev(context->def, sound));
        if (sound->multichannel)
                SET_BOOL(object, "multi", sound->multichannel == DOMAIN_SWITCH_ON);
        if (sound->model == SOUND_VIRTIO)
                return set_virtio(context, sound, object, err);
        return sound->model == SOUND_USB
                       ? qemu_args_set_usb_address(object, context->def, device, err)
                       : 0;
}

static void append_codec(const DomainDef *def, const DomainSound *sound, json_t *objects) {
        static const char *const drivers[] = {"hda-duplex", "hda-duplex", "hda-micro",
                                              "hda-output"};
        const char *alias = sound->base.alias.name;
        unsigned n = (unsigned)json_array_size(objects) - 1;
        const DomainSoundCodec *given = sound->codecs ? sound->codecs->pdata[n] : NULL;
        json_t *codec =
                json_pack("{s:s, s:o, s:o, s:i}", "driver", drivers[given ? given->type : 0], "id",
                          json_sprintf("%s-codec%u", alias, n), "bus", json_sprintf("%s.0", alias),
                          "cad", (int)n);

        qemu_args_set_optional(codec, "audiodev", audiodev(def, sound));
        json_array_append_new(objects, codec);
}

/* An HDA controller plays through codecs on its own bus; the controller is the first object. */
static void sound_parts(const QemuContext *context, const DomainDevice *device, json_t *objects) {
        const DomainSound *sound = (const DomainSound *)device;
        unsigned n = sound->codecs ? sound->codecs->len : 1;

        for (unsigned i = 0; domain_sound_is_hda(sound) && i < n; i++)
                append_codec(context->def, sound, objects);
}

/* The speaker is a part of the machine, which only has to be told where it is heard. */
static int sound_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                         Err *err) {
        json_t *name;

        if (!is_pcspk(context->def, device))
                return 0;
        name = audiodev(context->def, (const DomainSound *)device);
        if (name)
                qemu_args_add_format(args, "-machine", "pcspk-audiodev=%s",
                                     json_string_value(name));
        json_decref(name);
        return 0;
}

static bool can_plug_sound(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainSound *)device)->model == SOUND_USB;
}

const QemuKind qemu_sound_kind = {
        .is_built_in = is_pcspk,
        .device = fill_sound,
        .parts = sound_parts,
        .options = sound_options,
        .can_plug = can_plug_sound,
};

/* ---- audio ---- */

static void set_num(json_t *object, const char *key, DomainNum value) {
        if (value.is_set)
                SET_INT(object, key, value.value);
}

static void set_switch(json_t *object, const char *key, DomainSwitch value) {
        if (value)
                SET_BOOL(object, key, value == DOMAIN_SWITCH_ON);
}

static void set_text(json_t *object, const char *key, const char *value) {
        if (value)
                SET_STRING(object, key, value);
}

static void set_settings(json_t *object, const DomainAudioIo *io) {
        set_num(object, "frequency", io->settings.frequency);
        set_num(object, "channels", io->settings.channels);
        if (io->settings.format)
                SET_STRING(object, "format", domain_audio_formats[io->settings.format - 1]);
}

/* One direction; NULL: nothing is said of it. */
static json_t *direction(const DomainAudioIo *io) {
        json_t *object;

        if (!io->node.is_present)
                return NULL;
        object = json_object();
        set_switch(object, "mixing-engine", io->mixing_engine);
        set_switch(object, "fixed-settings", io->fixed_settings);
        set_num(object, "voices", io->voices);
        set_num(object, "buffer-length", io->buffer_length);
        set_settings(object, io);
        set_text(object, "dev", io->dev);
        set_num(object, "buffer-count", io->buffer_count);
        set_switch(object, "try-poll", io->try_poll);
        set_text(object, "name", io->name);
        set_text(object, "stream-name", io->stream_name);
        set_num(object, "latency", io->latency);
        set_text(object, "server-name", io->server_name);
        set_text(object, "client-name", io->client_name);
        set_text(object, "connect-ports", io->connect_ports);
        set_switch(object, "exact-name", io->exact_name);
        return object;
}

static int check_audio(const QemuContext *context, const DomainAudio *audio, Err *err) {
        bool has_spice = false;

        DOMAIN_FOREACH(DomainGraphics, graphics, context->def, DOMAIN_GRAPHICS)
                has_spice |= graphics->type == GRAPHICS_SPICE;
        if (audio->type == AUDIO_SPICE && !has_spice)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<audio type='spice'> is heard through <graphics type='spice'>, which "
                            "the guest has not");
        if (audio->type == AUDIO_PIPEWIRE && context->runtime->version < QEMU_VERSION(8, 1, 0))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<audio type='pipewire'>: QEMU has it from 8.1");
        return 0;
}

static int audio_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                         Err *err) {
        static const char *const drivers[_AUDIO_MAX] = {
                [AUDIO_NONE] = "none",   [AUDIO_ALSA] = "alsa",         [AUDIO_JACK] = "jack",
                [AUDIO_OSS] = "oss",     [AUDIO_PULSEAUDIO] = "pa",     [AUDIO_FILE] = "wav",
                [AUDIO_SPICE] = "spice", [AUDIO_PIPEWIRE] = "pipewire", [AUDIO_DBUS] = "dbus",
        };
        const DomainAudio *audio = (const DomainAudio *)device;
        int r = check_audio(context, audio, err);
        json_t *object;

        if (r < 0)
                return r;
        object = json_pack("{s:o, s:s}", "id", json_sprintf("audio%u", (unsigned)audio->id.value),
                           "driver", drivers[audio->type]);
        set_num(object, "timer-period", audio->timer_period);
        set_text(object, "path", audio->path);
        set_switch(object, "try-mmap", audio->try_mmap);
        set_switch(object, "exclusive", audio->exclusive);
        set_num(object, "dsp-policy", audio->dsp_policy);
        set_text(object, "server", audio->server_name);
        qemu_args_set_optional(object, "in", direction(&audio->input));
        qemu_args_set_optional(object, "out", direction(&audio->output));
        qemu_args_add_json(args, "-audiodev", object);
        return 0;
}

const QemuKind qemu_audio_kind = {
        .options = audio_options,
};
