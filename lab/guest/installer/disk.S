/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the installer leaves in a disk's first sector: a system that says on the first serial port who installed it.
 * 'q' there powers off, any other byte has it said again.
 */
#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define HAS_BYTE 0x01
#define CAN_SEND 0x20
#define PM1_CONTROL 0x604 /* where SeaBIOS puts it, on both machine types */
#define POWER_OFF 0x2000
#define BY 0x1a0 /* the installer writes its name here */

        .code16
        .globl _start
_start:
        ljmp $0, $main
main:
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %ss
        movw $_start, %sp
        sti
tell:
        movw $text, %si
        call say
        movw $by, %si
        call say
        movw $end, %si
        call say
listen:
        hlt
        movw $LINE_STATUS, %dx
        inb %dx, %al
        testb $HAS_BYTE, %al
        jz listen
        movw $COM1, %dx
        inb %dx, %al
        cmpb $'q', %al
        jne tell
        movw $PM1_CONTROL, %dx
        movw $POWER_OFF, %ax
        outw %ax, %dx
        jmp listen

say:
        lodsb
        testb %al, %al
        jz said
        movb %al, %ah
        movw $LINE_STATUS, %dx
1:      inb %dx, %al
        testb $CAN_SEND, %al
        jz 1b
        movw $COM1, %dx
        movb %ah, %al
        outb %al, %dx
        jmp say
said:
        ret

text:   .asciz "installed: up, by the "
end:    .asciz "\r\n"

        .org BY
by:     .asciz "medium"

        .org 510
        .word 0xaa55
