/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum NetType { NET_TYPE_UNSET, NET_TYPE_USER, NET_TYPE_BRIDGE } NetType;
typedef enum NetModel {
        NET_MODEL_UNSET,
        NET_MODEL_VIRTIO,
        NET_MODEL_E1000,
        NET_MODEL_E1000E,
        NET_MODEL_RTL8139,
} NetModel;
typedef enum NetLink { NET_LINK_UNSET, NET_LINK_UP, NET_LINK_DOWN } NetLink;

typedef struct DomainInterface {
        DomainDevice base;
        NetType type;
        struct {
                DomainNode node;
                char *address; /* "52:54:00:xx:xx:xx", lower case */
        } mac;
        struct {
                DomainNode node;
                char *bridge;
        } source;
        struct {
                DomainNode node;
                char *dev; /* the host's tap device; generated ones are live only */
        } target;
        struct {
                DomainNode node;
                NetModel type;
        } model;
        struct {
                DomainNode node;
                NetLink state;
        } link;
} DomainInterface;
