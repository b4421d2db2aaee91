/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum SoundModel { SOUND_UNSET, SOUND_AC97, SOUND_ICH6, SOUND_ICH9 } SoundModel;

typedef struct DomainSound {
        DomainDevice base;
        SoundModel model;
} DomainSound;

typedef enum AudioType { AUDIO_UNSET, AUDIO_NONE } AudioType;

typedef struct DomainAudio {
        DomainDevice base;
        DomainNum id;
        AudioType type;
} DomainAudio;
