/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/guest-save.h"

#include "client/conn.h"
#include "client/guest-call.h"
#include "rpc/remote_domain_save.h"

int guest_save(Conn *conn, const Guest *guest, const GuestImage *image, Err *err) {
        remote_string xml = wire_text(image->xml);
        remote_domain_save_flags_args args = {
                .dom = guest_handle(guest),
                .to = wire_text(image->path),
                .dxml = xml ? &xml : NULL,
                .flags = image->flags,
        };
        remote_domain_save_args plain = {.dom = args.dom, .to = args.to};

        if (!xml && image->flags == 0)
                return conn_call(
                        conn, &CONN_REMOTE(DOMAIN_SAVE, CONN_ARGS(remote_domain_save_args, &plain)),
                        err);
        return conn_call(
                conn,
                &CONN_REMOTE(DOMAIN_SAVE_FLAGS, CONN_ARGS(remote_domain_save_flags_args, &args)),
                err);
}

int guest_restore(Conn *conn, const GuestImage *image, Err *err) {
        remote_string xml = wire_text(image->xml);
        remote_domain_restore_flags_args args = {
                .from = wire_text(image->path),
                .dxml = xml ? &xml : NULL,
                .flags = image->flags,
        };

        if (!xml && image->flags == 0)
                return conn_call(conn,
                                 &CONN_REMOTE(DOMAIN_RESTORE, CONN_ARGS(remote_string, &args.from)),
                                 err);
        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_RESTORE_FLAGS,
                                      CONN_ARGS(remote_domain_restore_flags_args, &args)),
                         err);
}

int guest_image_xml(Conn *conn, const char *path, unsigned flags, char **ret, Err *err) {
        remote_domain_save_image_get_xml_desc_args args = {wire_text(path), flags};

        return conn_call_text(
                conn,
                CONN_REMOTE(DOMAIN_SAVE_IMAGE_GET_XML_DESC,
                            CONN_ARGS(remote_domain_save_image_get_xml_desc_args, &args)),
                ret, err);
}

int guest_managed_save_xml(Conn *conn, const Guest *guest, unsigned flags, char **ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest), .flags = flags};

        return conn_call_text(
                conn,
                CONN_REMOTE(DOMAIN_MANAGED_SAVE_GET_XML_DESC, CONN_ARGS(GuestFlagsArgs, &args)),
                ret, err);
}

int guest_dump(Conn *conn, const Guest *guest, const GuestDump *dump, Err *err) {
        remote_domain_core_dump_with_format_args args = {
                .dom = guest_handle(guest),
                .to = wire_text(dump->path),
                .dumpformat = dump->format,
                .flags = dump->flags,
        };
        remote_domain_core_dump_args plain = {args.dom, args.to, args.flags};

        if (dump->format == 0)
                return conn_call(conn,
                                 &CONN_REMOTE(DOMAIN_CORE_DUMP,
                                              CONN_ARGS(remote_domain_core_dump_args, &plain)),
                                 err);
        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_CORE_DUMP_WITH_FORMAT,
                                      CONN_ARGS(remote_domain_core_dump_with_format_args, &args)),
                         err);
}

int guest_rename(Conn *conn, const Guest *guest, const char *name, Err *err) {
        remote_string text = wire_text(name);
        remote_domain_rename_args args = {.dom = guest_handle(guest), .new_name = &text};
        remote_domain_rename_ret answer;

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_RENAME, CONN_ARGS(remote_domain_rename_args, &args),
                                      CONN_RET(remote_domain_rename_ret, &answer)),
                         err);
}

int guest_metadata(Conn *conn, const Guest *guest, const GuestMetadata *which, char **ret,
                   Err *err) {
        remote_string uri = wire_text(which->uri);
        remote_domain_get_metadata_args args = {
                .dom = guest_handle(guest),
                .type = which->type,
                .uri = uri ? &uri : NULL,
                .flags = which->flags,
        };

        return conn_call_text(
                conn,
                CONN_REMOTE(DOMAIN_GET_METADATA, CONN_ARGS(remote_domain_get_metadata_args, &args)),
                ret, err);
}

int guest_set_metadata(Conn *conn, const Guest *guest, const GuestMetadata *metadata, Err *err) {
        remote_string value = wire_text(metadata->value);
        remote_string key = wire_text(metadata->key), uri = wire_text(metadata->uri);
        remote_domain_set_metadata_args args = {
                .dom = guest_handle(guest),
                .type = metadata->type,
                .metadata = value ? &value : NULL,
                .key = key ? &key : NULL,
                .uri = uri ? &uri : NULL,
                .flags = metadata->flags,
        };

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_SET_METADATA,
                                      CONN_ARGS(remote_domain_set_metadata_args, &args)),
                         err);
}

int guest_set_lifecycle(Conn *conn, const Guest *guest, const GuestLifecycle *what, Err *err) {
        remote_domain_set_lifecycle_action_args args = {
                .dom = guest_handle(guest),
                .type = what->type,
                .action = what->action,
                .flags = what->flags,
        };

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_SET_LIFECYCLE_ACTION,
                                      CONN_ARGS(remote_domain_set_lifecycle_action_args, &args)),
                         err);
}
