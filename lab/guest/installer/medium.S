/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a CD boots (El Torito, no emulation, four sectors): writes disk.S, which follows it, to the first disk and powers
 * off.
 */
#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define CAN_SEND 0x20
#define PM1_CONTROL 0x604 /* where SeaBIOS puts it, on both machine types */
#define POWER_OFF 0x2000
#define FIRST_DISK 0x80
#define WRITE_ONE 0x0301 /* INT 13h: one sector */

        .code16
        .globl _start
_start:
        ljmp $0, $main
main:
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $_start, %sp
        sti
        movw $started, %si
        call say
        movw $WRITE_ONE, %ax
        movw $1, %cx
        movw $FIRST_DISK, %dx
        movw $disk, %bx
        int $0x13
        movw $done, %si
        jnc 1f
        movw $failed, %si
1:      call say
        movw $PM1_CONTROL, %dx
        movw $POWER_OFF, %ax
        outw %ax, %dx
2:      hlt
        jmp 2b

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

started: .asciz "installer: medium\r\n"
done:   .asciz "installer: done\r\n"
failed: .asciz "installer: no disk\r\n"

        .org 512
disk:   .incbin "disk.bin"
        .org 2048
