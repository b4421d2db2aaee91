/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "serial.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "port.h"

/* 16550, registers from the first serial port's base. */
enum {
        COM1 = 0x3f8,
        DATA = COM1,
        INTERRUPT_ENABLE = COM1 + 1,
        FIFO_CONTROL = COM1 + 2,
        LINE_CONTROL = COM1 + 3,
        MODEM_CONTROL = COM1 + 4,
        LINE_STATUS = COM1 + 5,
};

#define STATUS_RECEIVED 0x01
#define STATUS_EMPTY    0x20
#define FIFO_SIZE       16
#define LINE_MAX        128

void serial_init(void) {
        port_write8(INTERRUPT_ENABLE, 0);
        port_write8(LINE_CONTROL, 0x80); /* divisor latch */
        port_write8(DATA, 1);            /* 115200 */
        port_write8(INTERRUPT_ENABLE, 0);
        port_write8(LINE_CONTROL, 3); /* 8N1 */
        port_write8(FIFO_CONTROL, 7);
        port_write8(MODEM_CONTROL, 3);
}

static char pending[FIFO_SIZE];
static unsigned pending_length;

/* As many bytes as the FIFO holds in one instruction, which KVM makes one exit of. */
static void flush(void) {
        const char *from = pending;

        while (!(port_read8(LINE_STATUS) & STATUS_EMPTY))
                ;
        __asm__ volatile("rep outsb" : "+S"(from), "+c"(pending_length) : "d"(DATA) : "memory");
}

static void put(char c) {
        pending[pending_length++] = c;
        if (pending_length == FIFO_SIZE)
                flush();
}

static void put_text(const char *text) {
        while (*text)
                put(*text++);
}

static void put_number(uint32_t value, unsigned base, unsigned digits) {
        char text[12];
        unsigned n = 0;

        do {
                text[n++] = "0123456789abcdef"[value % base];
                value /= base;
        } while (value > 0 || n < digits);
        while (n > 0)
                put(text[--n]);
}

static void put_function(uint32_t function) {
        put_number(function >> 8, 16, 2);
        put(':');
        put_number(function >> 3 & 31, 16, 2);
        put('.');
        put_number(function & 7, 16, 1);
}

void say(const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        put_text("tg: ");
        for (; *format; format++) {
                unsigned digits = 1;

                if (*format != '%') {
                        put(*format);
                        continue;
                }
                format++;
                if (*format >= '1' && *format <= '9')
                        digits = (unsigned)(*format++ - '0');
                if (*format == 's')
                        put_text(va_arg(arguments, const char *));
                else if (*format == 'c')
                        put((char)va_arg(arguments, int));
                else if (*format == 'u')
                        put_number(va_arg(arguments, uint32_t), 10, digits);
                else if (*format == 'x')
                        put_number(va_arg(arguments, uint32_t), 16, digits);
                else if (*format == 'b')
                        put_function(va_arg(arguments, uint32_t));
        }
        va_end(arguments);
        put_text("\r\n");
        flush();
}

const char *serial_poll_line(void) {
        static char line[LINE_MAX];
        static unsigned length;

        while (port_read8(LINE_STATUS) & STATUS_RECEIVED) {
                char c = (char)port_read8(DATA);

                if (c == '\r' || c == '\n') {
                        line[length] = '\0';
                        length = 0;
                        if (line[0] != '\0')
                                return line;
                } else if (length < LINE_MAX - 1) {
                        line[length++] = c;
                }
        }
        return NULL;
}
