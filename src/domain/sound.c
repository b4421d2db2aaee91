/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

#define CODECS_MAX   15 /* addresses on an HDA bus */
#define STREAMS_MAX  64
#define STREAMS      2 /* one to play and one to record */
#define VOICES_MAX   1024
#define CHANNELS_MAX 255

/* ---- sound ---- */

static const char *const sound_models[] = {"sb16", "es1370", "pcspk",  "ac97", "ich6",
                                           "ich9", "usb",    "virtio", NULL};
static const char *const codec_types[] = {"duplex", "micro", "output", NULL};

static SoundModel model_of(const void *object) {
        return ((const DomainSound *)object)->model;
}

bool domain_sound_is_hda(const DomainSound *sound) {
        return sound->model == SOUND_ICH6 || sound->model == SOUND_ICH9;
}

static bool has_codecs(const void *object) {
        return domain_sound_is_hda(object);
}

static bool is_usb(const void *object) {
        return model_of(object) == SOUND_USB;
}

static bool is_virtio(const void *object) {
        return model_of(object) == SOUND_VIRTIO;
}

static const DomainField codec_fields[] = {
        ATTR_ENUM(DomainSoundCodec, type, "type", codec_types, .is_required = true),
        END,
};
static const DomainElement codec = ELEMENT(DomainSoundCodec, "codec", codec_fields);

static const DomainField audio_ref_fields[] = {
        ATTR_NUM(DomainAudioRef, id, "id", .is_required = true),
        END,
};
const DomainElement domain_audio_ref_element = ELEMENT(DomainAudioRef, "audio", audio_ref_fields);

static const DomainField sound_fields[] = {
        ATTR_ENUM(DomainSound, model, "model", sound_models, .is_required = true),
        ATTR_YES(DomainSound, multichannel, "multichannel", .when = is_usb),
        ATTR_NUM(DomainSound, streams, "streams", .max = STREAMS_MAX, .when = is_virtio),
        LIST(DomainSound, codecs, "codec", codec, .when = has_codecs),
        CHILD(DomainSound, audio, "audio", domain_audio_ref_element),
        CHILD(DomainSound, driver, "driver", domain_virtio_element, .when = is_virtio),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_sound(DomainDef *def, DomainDevice *device, Err *err) {
        DomainSound *sound = (DomainSound *)device;

        if (sound->model == SOUND_VIRTIO)
                fill_num(&sound->streams, STREAMS);
        return 0;
}

int domain_check_audio_ref(const DomainDef *def, const DomainAudioRef *ref, Err *err) {
        if (!ref->node.is_present || domain_def_find_audio(def, (unsigned)ref->id.value))
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "<audio id='%u'> at line %u: there is no such <audio>",
                    (unsigned)ref->id.value, ref->node.line);
}

static int check_sound(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainSound *sound = (const DomainSound *)device;

        if (sound->codecs && sound->codecs->len > CODECS_MAX)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<sound> at line %u has more than %d codecs", device->node.line,
                            CODECS_MAX);
        if (sound->model == SOUND_VIRTIO && sound->streams.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<sound> at line %u has no streams",
                            device->node.line);
        return domain_check_audio_ref(def, &sound->audio, err);
}

/* The machine has one of them. */
static char *sound_key(const DomainDevice *device) {
        return model_of(device) == SOUND_PCSPK ? g_strdup("<sound model='pcspk'>") : NULL;
}

static bool is_same_sound(const DomainDevice *device, const DomainDevice *wanted) {
        return model_of(device) == model_of(wanted);
}

static bool is_pci_sound(const DomainDef *def, const DomainDevice *device) {
        SoundModel model = model_of(device);

        return model != SOUND_SB16 && model != SOUND_PCSPK && model != SOUND_USB;
}

static bool is_usb_sound(const DomainDevice *device) {
        return is_usb(device);
}

const DomainKind domain_sound_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_SOUND, DomainSound, "sound", sound_fields),
        .alias = "sound",
        .fill = fill_sound,
        .check = check_sound,
        .key = sound_key,
        .is_same = is_same_sound,
        .is_pci = is_pci_sound,
        .is_usb = is_usb_sound,
};

/* ---- audio ---- */

static const char *const audio_types[] = {"none",     "alsa",  "jack", "oss",  "pulseaudio",
                                          "pipewire", "spice", "file", "dbus", NULL};
const char *const domain_audio_formats[] = {"s8", "u8", "s16", "u16", "s32", "u32", "f32", NULL};

/* The fields that only some types have: an <audio> is asked, or its <input>, which knows the type
 * while it is formatted; while it is parsed, all are taken, and check_io refuses. */
static bool is_type(AudioType type, AudioType a, AudioType b) {
        return type == AUDIO_UNSET || type == a || type == b;
}

static AudioType audio_type(const void *object) {
        return ((const DomainAudio *)object)->type;
}

static bool is_file(const void *object) {
        return audio_type(object) == AUDIO_FILE;
}

static bool is_oss(const void *object) {
        return audio_type(object) == AUDIO_OSS;
}

static bool is_pulseaudio(const void *object) {
        return audio_type(object) == AUDIO_PULSEAUDIO;
}

static bool has_io(const void *object) {
        return audio_type(object) != AUDIO_NONE;
}

static bool has_dev(const void *object) {
        return is_type(((const DomainAudioIo *)object)->type, AUDIO_ALSA, AUDIO_OSS);
}

static bool has_oss(const void *object) {
        return is_type(((const DomainAudioIo *)object)->type, AUDIO_OSS, AUDIO_OSS);
}

static bool has_stream(const void *object) {
        return is_type(((const DomainAudioIo *)object)->type, AUDIO_PULSEAUDIO, AUDIO_PIPEWIRE);
}

static bool has_jack(const void *object) {
        return is_type(((const DomainAudioIo *)object)->type, AUDIO_JACK, AUDIO_JACK);
}

static const DomainField settings_fields[] = {
        ATTR_NUM(DomainAudioIo, settings.frequency, "frequency"),
        ATTR_NUM(DomainAudioIo, settings.channels, "channels", .max = CHANNELS_MAX),
        ATTR_ENUM(DomainAudioIo, settings.format, "format", domain_audio_formats),
        END,
};
static const DomainElement settings = PART_OF(DomainAudioIo, settings, "settings", settings_fields);

static const DomainField io_fields[] = {
        ATTR_YES(DomainAudioIo, mixing_engine, "mixingEngine"),
        ATTR_YES(DomainAudioIo, fixed_settings, "fixedSettings"),
        ATTR_NUM(DomainAudioIo, voices, "voices", .max = VOICES_MAX),
        ATTR_NUM(DomainAudioIo, buffer_length, "bufferLength"),
        ATTR_STRING(DomainAudioIo, dev, "dev", .when = has_dev),
        ATTR_NUM(DomainAudioIo, buffer_count, "bufferCount", .when = has_oss),
        ATTR_YES(DomainAudioIo, try_poll, "tryPoll", .when = has_oss),
        ATTR_STRING(DomainAudioIo, name, "name", .when = has_stream),
        ATTR_STRING(DomainAudioIo, stream_name, "streamName", .when = has_stream),
        ATTR_NUM(DomainAudioIo, latency, "latency", .when = has_stream),
        ATTR_STRING(DomainAudioIo, server_name, "serverName", .when = has_jack),
        ATTR_STRING(DomainAudioIo, client_name, "clientName", .when = has_jack),
        ATTR_STRING(DomainAudioIo, connect_ports, "connectPorts", .when = has_jack),
        ATTR_YES(DomainAudioIo, exact_name, "exactName", .when = has_jack),
        PART("settings", settings),
        END,
};
static const DomainElement audio_input = ELEMENT(DomainAudioIo, "input", io_fields);
static const DomainElement audio_output = ELEMENT(DomainAudioIo, "output", io_fields);

static const DomainField audio_fields[] = {
        ATTR_NUM(DomainAudio, id, "id", .is_required = true),
        ATTR_ENUM(DomainAudio, type, "type", audio_types, .is_required = true),
        ATTR_NUM(DomainAudio, timer_period, "timerPeriod"),
        ATTR_STRING(DomainAudio, path, "path", .when = is_file),
        ATTR_YES(DomainAudio, try_mmap, "tryMMap", .when = is_oss),
        ATTR_YES(DomainAudio, exclusive, "exclusive", .when = is_oss),
        ATTR_NUM(DomainAudio, dsp_policy, "dspPolicy", .when = is_oss),
        ATTR_STRING(DomainAudio, server_name, "serverName", .when = is_pulseaudio),
        CHILD(DomainAudio, input, "input", audio_input, .when = has_io),
        CHILD(DomainAudio, output, "output", audio_output, .when = has_io),
        END,
};

static int fill_audio(DomainDef *def, DomainDevice *device, Err *err) {
        DomainAudio *audio = (DomainAudio *)device;

        audio->input.type = audio->output.type = audio->type;
        return 0;
}

/* What was given although its type has none of it. */
static int check_io(const DomainAudio *audio, const DomainAudioIo *io, Err *err) {
        bool is_foreign =
                (!has_dev(io) && io->dev) ||
                (!has_oss(io) && (io->buffer_count.is_set || io->try_poll)) ||
                (!has_stream(io) && (io->name || io->stream_name || io->latency.is_set)) ||
                (!has_jack(io) &&
                 (io->server_name || io->client_name || io->connect_ports || io->exact_name));

        if (is_foreign)
                return fail(err, VIR_ERR_XML_ERROR,
                            "line %u says what <audio type='%s'> has none of", io->node.line,
                            audio_types[audio->type - 1]);
        if (io->settings.node.is_present && io->fixed_settings != DOMAIN_SWITCH_ON)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<settings> at line %u count with fixed settings only",
                                      io->settings.node.line),
                                 "add fixedSettings='yes'");
        return 0;
}

static int check_audio(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainAudio *audio = (const DomainAudio *)device;
        int r;

        if (audio->id.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<audio id='0'> at line %u: ids begin at 1",
                            device->node.line);
        r = check_io(audio, &audio->input, err);
        if (r < 0)
                return r;
        r = check_io(audio, &audio->output, err);
        return r < 0 ? r : domain_check_path(audio->path, "audio", device->node.line, err);
}

static char *audio_key(const DomainDevice *device) {
        return g_strdup_printf("<audio id='%u'>",
                               (unsigned)((const DomainAudio *)device)->id.value);
}

static bool is_same_audio(const DomainDevice *device, const DomainDevice *wanted) {
        return ((const DomainAudio *)device)->id.value == ((const DomainAudio *)wanted)->id.value;
}

const DomainAudio *domain_def_find_audio(const DomainDef *def, unsigned id) {
        DOMAIN_FOREACH(DomainAudio, audio, def, DOMAIN_AUDIO) {
                if (audio->id.value == id)
                        return audio;
        }
        return NULL;
}

const DomainKind domain_audio_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_AUDIO, DomainAudio, "audio", audio_fields),
        .fill = fill_audio,
        .check = check_audio,
        .key = audio_key,
        .is_same = is_same_audio,
};
