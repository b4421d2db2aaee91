/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sound cards (<sound>) and what plays them on the host (<audio>). */

#include "domain/virtio.h"

typedef enum SoundModel {
        SOUND_UNSET,
        SOUND_SB16,
        SOUND_ES1370,
        SOUND_PCSPK, /* the PC's speaker, a part of the machine */
        SOUND_AC97,
        SOUND_ICH6,
        SOUND_ICH9,
        SOUND_USB,
        SOUND_VIRTIO,
        _SOUND_MAX,
} SoundModel;

typedef enum SoundCodec {
        SOUND_CODEC_UNSET,
        SOUND_CODEC_DUPLEX,
        SOUND_CODEC_MICRO,
        SOUND_CODEC_OUTPUT,
} SoundCodec;

typedef struct DomainSoundCodec {
        DomainNode node;
        SoundCodec type;
} DomainSoundCodec;

/* <audio id='N'/> in a device: what it is heard through. */
typedef struct DomainAudioRef {
        DomainNode node;
        DomainNum id;
} DomainAudioRef;

typedef struct DomainSound {
        DomainDevice base;
        SoundModel model;
        DomainSwitch multichannel; /* usb */
        DomainNum streams;         /* virtio */
        GPtrArray *codecs;         /* DomainSoundCodec; ich6 and ich9; NULL: one duplex */
        DomainAudioRef audio;
        DomainVirtio driver;
} DomainSound;

/* ich6 and ich9: it plays through codecs on a bus of its own. */
bool domain_sound_is_hda(const DomainSound *sound);

typedef enum AudioType {
        AUDIO_UNSET,
        AUDIO_NONE,
        AUDIO_ALSA,
        AUDIO_JACK,
        AUDIO_OSS,
        AUDIO_PULSEAUDIO,
        AUDIO_PIPEWIRE,
        AUDIO_SPICE,
        AUDIO_FILE,
        AUDIO_DBUS,
        _AUDIO_MAX,
} AudioType;

typedef enum AudioFormat {
        AUDIO_FORMAT_UNSET,
        AUDIO_S8,
        AUDIO_U8,
        AUDIO_S16,
        AUDIO_U16,
        AUDIO_S32,
        AUDIO_U32,
        AUDIO_F32,
} AudioFormat;

/* One direction: <input> or <output>. */
typedef struct DomainAudioIo {
        DomainNode node;
        AudioType type; /* of the <audio>, which has the fields below */
        DomainSwitch mixing_engine, fixed_settings;
        DomainNum voices;
        DomainNum buffer_length;                         /* µs */
        char *dev;                                       /* alsa, oss */
        DomainNum buffer_count;                          /* oss */
        DomainSwitch try_poll;                           /* oss */
        char *name, *stream_name;                        /* pulseaudio, pipewire */
        DomainNum latency;                               /* pulseaudio, pipewire: µs */
        char *server_name, *client_name, *connect_ports; /* jack */
        DomainSwitch exact_name;                         /* jack */
        struct {
                DomainNode node;
                DomainNum frequency; /* Hz */
                DomainNum channels;
                AudioFormat format;
        } settings; /* with fixed_settings only */
} DomainAudioIo;

typedef struct DomainAudio {
        DomainDevice base;
        DomainNum id; /* from 1 */
        AudioType type;
        DomainNum timer_period;           /* µs */
        char *path;                       /* file: a WAV file */
        DomainSwitch try_mmap, exclusive; /* oss */
        DomainNum dsp_policy;             /* oss */
        char *server_name;                /* pulseaudio */
        DomainAudioIo input, output;
} DomainAudio;

/* QEMU has the same names. */
extern const char *const domain_audio_formats[];

/* NULL: none. */
typedef struct DomainDef DomainDef;
const DomainAudio *domain_def_find_audio(const DomainDef *def, unsigned id);
